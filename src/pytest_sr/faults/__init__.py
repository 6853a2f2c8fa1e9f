"""What breaks things on purpose, proves that it did, and heals."""
