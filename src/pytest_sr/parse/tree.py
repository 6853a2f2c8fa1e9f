"""A YAML document as plain nodes, each of which knows where it stands.

Under a key that is named like a secret nothing is shown, neither values nor keys:
a refused file often ends in a log that many can read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pytest_sr.parse.problems import clipped
from pytest_sr.scenario import Place, Scalar

NOT_SHOWN: Final = "a value that is not shown"

_SECRET: Final = re.compile(
    r"passw|passphrase|token|secret|credential"
    r"|(api|private|access|signing|encryption|master)[_.-]?key|key[_. -]?material",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalarNode:
    """One value, and the text that it was written as."""

    value: Scalar
    text: str
    place: Place
    secret: bool

    @property
    def shown(self) -> str:
        """The value, as a message may repeat it."""
        if self.secret:
            return NOT_SHOWN
        return (
            f"{_kind_word(self.value)} `{clipped(self.text)}`"
            if self.text
            else (_kind_word(self.value))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListNode:
    """A list; `shown` never shows what is in it."""

    items: tuple[Node, ...]
    place: Place
    secret: bool

    @property
    def shown(self) -> str:
        """What it is."""
        return "a list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key of a map, and what it holds."""

    key: str
    place: Place
    """The key's."""
    value: Node
    secret: bool

    @property
    def shown(self) -> str:
        """The key, as a message may repeat it."""
        return "a key that is not shown" if self.secret else f"`{clipped(self.key)}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapNode:
    """A map, in the order of the file; `shown` never shows what is in it."""

    entries: Mapping[str, Entry]
    place: Place
    secret: bool

    @property
    def shown(self) -> str:
        """What it is."""
        return "a map"


Node: TypeAlias = ScalarNode | ListNode | MapNode


def is_secret(key: str) -> bool:
    """Return whether what stands under `key` must not be repeated."""
    return bool(_SECRET.search(key))


def _kind_word(value: Scalar) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "the flag"
        case str():
            return "the text" if value else "an empty text"
        case _:
            return "the number"
