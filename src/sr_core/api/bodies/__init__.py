"""What requests may hold; anything else in them is refused."""
