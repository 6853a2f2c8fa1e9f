"""What the platform asks of the world, as protocols."""
