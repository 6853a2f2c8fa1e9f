"""What scenarios can do."""
