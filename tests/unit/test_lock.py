"""The locked requirements install as they are, today and later.

An installer takes a requirement with an extra, such as ``coverage[toml]``, for a
requirement of its own. Where the lock pins only ``coverage``, it looks for the newest
version of the other, and refuses it for having no hash as soon as there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LOCKS = Path(__file__).parents[2] / "requirements"
PINNED = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[([^\]]+)\])?==", re.MULTILINE)


def pinned(text: str) -> Mapping[str, frozenset[str]]:
    """Return the extras that the lock names, by package."""
    return {
        canonicalize_name(name): frozenset(filter(None, extras.split(",")))
        for name, extras in PINNED.findall(text)
    }


def unlocked(lock: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Yield what installed packages ask for with extras that the lock does not name."""
    for name, extras in lock.items():
        try:
            wanted = requires(name) or ()
        except PackageNotFoundError:  # of another platform
            continue
        for each in map(Requirement, wanted):
            needed = each.marker is None or any(
                each.marker.evaluate({"extra": extra}) for extra in (*extras, "")
            )
            missing = each.extras - lock.get(canonicalize_name(each.name), frozenset())
            if needed and missing:
                yield f"{name} asks for {each.name}[{','.join(sorted(missing))}]"


@pytest.mark.parametrize("name", ["verify.txt", "dev.txt"])
def test_names_every_extra_that_is_asked_for(name):
    lock = pinned((LOCKS / name).read_text(encoding="utf-8"))

    assert lock
    assert not list(unlocked(lock))


def test_a_lock_without_its_extras_is_found_out():
    text = (LOCKS / "dev.txt").read_text(encoding="utf-8")

    found = list(unlocked(pinned(text.replace("coverage[toml]==", "coverage=="))))

    assert found == ["pytest-cov asks for coverage[toml]"]
