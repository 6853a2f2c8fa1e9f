"""Scenarios as tests that are shown to be able to fail."""
