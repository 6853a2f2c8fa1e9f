"""What scenarios can claim."""
