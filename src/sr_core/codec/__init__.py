"""Domain values to and from their recorded form."""
