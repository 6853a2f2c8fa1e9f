"""Faulty variants of the platform, patched in from outside."""
