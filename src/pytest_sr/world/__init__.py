"""A system under test in a world of its own, and the channel that looks past it."""
