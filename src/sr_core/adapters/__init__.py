"""The world, one package for each kind of it."""
