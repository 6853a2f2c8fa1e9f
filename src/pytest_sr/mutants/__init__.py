"""Faulty variants of the platform; importing this registers every mutant."""

from pytest_sr.mutants import platform

__all__ = ["platform"]
