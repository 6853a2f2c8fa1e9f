"""Everything that scenarios may name, registered: importing this loads all of it."""

from __future__ import annotations

from typing import Final

from pytest_sr import checks, faults, mutants, steps
from pytest_sr.registry import REGISTRIES, Registries

LOADED: Final = (steps, faults, checks, mutants)
CATALOGUE: Final[Registries] = REGISTRIES
