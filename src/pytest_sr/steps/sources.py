"""Small Python projects that scenarios hand over as candidates, in base64."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

_CODE: Final = '''"""Adds."""


def add(one: int, other: int) -> int:
    """Return the sum."""
    return one + other
'''
_TESTS: Final = """import unittest

from adder import add


class Adds(unittest.TestCase):
    def test_two_and_two(self) -> None:
        self.assertEqual(add(2, 2), 4)
"""


def _encoded(files: Mapping[str, str]) -> Mapping[str, str]:
    return {
        path: base64.b64encode(text.encode()).decode() for path, text in files.items()
    }


SOURCES: Final[Mapping[str, Mapping[str, str]]] = {
    "sound": _encoded({"adder.py": _CODE, "test_adder.py": _TESTS}),
    "failing": _encoded({"adder.py": _CODE.replace("+", "-"), "test_adder.py": _TESTS}),
    "untested": _encoded({"adder.py": _CODE}),
    "unbuildable": _encoded({"adder.py": "def add(:\n", "test_adder.py": _TESTS}),
}
