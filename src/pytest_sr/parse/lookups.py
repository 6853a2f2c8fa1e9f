"""`${name.field}` in a text: taken apart here, given a meaning in `resolve`."""

from __future__ import annotations

import re
from typing import Final

from pytest_sr.parse.problems import Code, Problems, clipped
from pytest_sr.parse.tree import ScalarNode
from pytest_sr.scenario import Lookup, Text

_OPENING: Final = "${"
_LOOKUP: Final = re.compile(r"\$\{([^{}]*)\}")
_PATH: Final = re.compile(
    r"[a-z0-9][a-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*", re.ASCII
)


def split(node: ScalarNode, problems: Problems) -> str | Lookup | Text | None:
    """Return what a text says: words, one lookup, or words with lookups in them.

    None where a lookup is ill formed, which is noted.
    """
    assert isinstance(node.value, str), "only text has lookups"
    if _OPENING not in node.value:
        return node.value
    pieces = _LOOKUP.split(node.value)
    words, paths = pieces[::2], pieces[1::2]
    bad = [each for each in paths if not _PATH.fullmatch(each)]
    if bad or any(_OPENING in each for each in words):
        _note(node, bad, problems)
        return None
    return _joined(node, words, paths)


def _joined(node: ScalarNode, words: list[str], paths: list[str]) -> Lookup | Text:
    lookups = [Lookup(path=tuple(each.split(".")), place=node.place) for each in paths]
    if len(lookups) == 1 and not any(words):
        return lookups[0]
    parts: list[str | Lookup] = []
    for at, word in enumerate(words):
        parts += [word] if word else []
        parts += lookups[at : at + 1]
    return Text(parts=tuple(parts))


def _note(node: ScalarNode, bad: list[str], problems: Problems) -> None:
    shown = f"`${{{clipped(bad[0])}}}`" if bad else "a `${` without its `}`"
    problems.add(
        Code.BAD_LOOKUP,
        node.place,
        f"{'a `${…}`' if node.secret else shown} is no lookup",
        "Write a name and its fields between `${` and `}`, such as `${run.evidence}`",
    )
