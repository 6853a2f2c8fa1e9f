"""YAML to plain values, strictly: what a governed document may say, and nothing else.

It is read from the events of the YAML library, within bounds. Anchors, aliases, tags,
merge keys, repeated keys and second documents are refused where they stand, for each of
them makes a text mean something else than it shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from sr_core.domain.errors import DocumentInvalid

DEPTH_MAX: Final = 32
EVENTS_MAX: Final = 10_000
SIZE_CHARS_MAX: Final = 256 * 1024

Plain: TypeAlias = bool | int | float | str | list["Plain"] | dict[str, "Plain"] | None
At: TypeAlias = tuple[str | int, ...]
"""Where a value stands: the keys and numbers that lead to it."""

_WORDS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?")
_HIDDEN: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff"
    "\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yaml:
    """One document: its value, and the line on which each part of it begins."""

    file: str
    value: Plain
    lines: Mapping[At, int]

    def refuse(self, at: At, found: str, remedy: str) -> NoReturn:
        """Raise `DocumentInvalid` for what stands at `at`, or for its nearest holder."""
        while at not in self.lines:
            at = at[:-1]
        raise DocumentInvalid(
            file=self.file, line=self.lines[at], found=found, remedy=remedy
        )


def load_yaml(text: str, *, file: str, first_line: int = 1) -> Yaml:
    """Return the one document of `text`, which begins at `first_line` of `file`.

    Raises:
        DocumentInvalid: it is no such YAML; the message has the line.

    """
    _check_characters(text, file, first_line)
    reading = _Reading(text, file, first_line)
    try:
        return reading.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line if mark else 0
        reading.refuse(line, f"this is not YAML: {error.problem}", "Mend the line")
    except (yaml.YAMLError, ValueError, OverflowError):
        reading.refuse(0, "this is not YAML", "Mend the document")


def _check_characters(text: str, file: str, first_line: int) -> None:
    hidden = _HIDDEN.search(text)
    if hidden:
        raise DocumentInvalid(
            file=file,
            line=first_line + text.count("\n", 0, hidden.start()),
            found=f"the character U+{ord(hidden.group()):04X} does not show",
            remedy="Remove it",
        )
    if len(text) > SIZE_CHARS_MAX:
        raise DocumentInvalid(
            file=file,
            line=first_line,
            found=f"the YAML has more than {SIZE_CHARS_MAX} characters",
            remedy="Shorten it",
        )


class _Reading:
    """One pass over the events of one text."""

    def __init__(self, text: str, file: str, first_line: int) -> None:
        self._events = yaml.parse(text, Loader=yaml.SafeLoader)
        self._file = file
        self._first_line = first_line
        self._lines: dict[At, int] = {(): first_line}
        self._count = 0

    def document(self) -> Yaml:
        self._next()  # the stream begins
        if isinstance(self._next(), StreamEndEvent):
            return self._told(None)
        value = self._value(self._next(), ())
        self._next()  # the document ends
        if isinstance(after := self._next(), DocumentStartEvent):
            self._refuse(after, "a second document begins", "Remove what follows")
        return self._told(value)

    def refuse(self, line: int, found: str, remedy: str) -> NoReturn:
        raise DocumentInvalid(
            file=self._file, line=self._first_line + line, found=found, remedy=remedy
        )

    def _told(self, value: Plain) -> Yaml:
        return Yaml(file=self._file, value=value, lines=self._lines)

    def _next(self) -> Event:
        event: Event = next(self._events)
        self._count += 1
        if self._count > EVENTS_MAX:
            self._refuse(event, f"more than {EVENTS_MAX} values", "Shorten it")
        if isinstance(event, AliasEvent):
            self._refuse(event, "`*` takes a value from elsewhere", "Write it out")
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self._refuse(event, "`&` gives the value a name", "Remove it, or quote it")
        if getattr(event, "tag", None) is not None:
            self._refuse(event, "`!` gives the value a type", "Remove it, or quote it")
        return event

    def _value(self, event: Event, at: At) -> Plain:
        self._lines[at] = self._line(event)
        if len(at) > DEPTH_MAX:
            self._refuse(event, f"it nests more than {DEPTH_MAX} deep", "Flatten it")
        match event:
            case ScalarEvent():
                return self._scalar(event)
            case SequenceStartEvent():
                return self._list(at)
            case _:
                assert isinstance(event, MappingStartEvent), "a node is one of three"
                return self._map(at)

    def _scalar(self, event: ScalarEvent) -> Plain:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if not _FLOAT.fullmatch(text):
            return text
        if not math.isfinite(number := float(text)):
            self._refuse(event, "the number is not finite", "Write a smaller one")
        return number

    def _list(self, at: At) -> list[Plain]:
        items: list[Plain] = []
        while not isinstance(inner := self._next(), CollectionEndEvent):
            items.append(self._value(inner, (*at, len(items))))
        return items

    def _map(self, at: At) -> dict[str, Plain]:
        made: dict[str, Plain] = {}
        while not isinstance(inner := self._next(), CollectionEndEvent):
            key = self._key(inner)
            if key in made:
                self._refuse(inner, f"{key!r} stands here already", "Remove one")
            made[key] = self._value(self._next(), (*at, key))
            self._lines[(*at, key)] = self._line(inner)
        return made

    def _key(self, event: Event) -> str:
        if not isinstance(event, ScalarEvent):
            self._refuse(event, "the key is a list or a map", "Write a word as the key")
        if event.implicit[0] and event.value == "<<":
            self._refuse(event, "`<<` merges another map in", "Write the keys out")
        key = self._scalar(event)
        if not isinstance(key, str):
            self._refuse(event, f"the key {event.value!r} is not text", "Quote it")
        return key

    def _line(self, event: Event) -> int:
        assert event.start_mark is not None, "the parser marks every event"
        return self._first_line + event.start_mark.line

    def _refuse(self, event: Event, found: str, remedy: str) -> NoReturn:
        self.refuse(self._line(event) - self._first_line, found, remedy)
