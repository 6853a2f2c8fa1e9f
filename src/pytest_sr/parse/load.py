"""YAML text to nodes, by the events of the YAML library and nothing above them.

Its composer follows aliases, its constructor keeps the last of two equal keys, and the
C composer ends the process on deep nesting. Events are safe, so the tree is built
here, within bounds, and what a scenario has no use for is refused at first sight.
"""

from __future__ import annotations

from typing import Final, NoReturn

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

from pytest_sr.parse import characters
from pytest_sr.parse.problems import Code, Problems
from pytest_sr.parse.scalars import OutOfRange, plain_scalar
from pytest_sr.parse.tree import (
    Entry,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    is_secret,
)
from pytest_sr.scenario import Place, Scalar

DEPTH_MAX: Final = 64
EVENTS_MAX: Final = 20_000
SCALAR_CHARS_MAX: Final = 16_384

_INDENT_OR_QUOTE: Final = "Indent the line, or quote a value that has a `: ` in it"
_ALIGN_OR_CLOSE: Final = (
    "Begin the line under the keys before it, or close a quote above"
)
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_SYNTAX: Final = (
    (Code.TOO_DEEP, "maximum nesting depth", "Write it flatter"),
    (Code.TAG, "tag", "Remove the tag, or quote the !"),
    (Code.NOT_YAML, "mapping values are not allowed", _INDENT_OR_QUOTE),
    (Code.NOT_YAML, "could not find expected ':'", "End the key with `: `"),
    (Code.NOT_YAML, "cannot start any token", "Put the value in quotes"),
    (Code.NOT_YAML, "escape", "Double the \\, or use single quotes"),
    (Code.NOT_YAML, "while scanning a quoted", "Close the quotes"),
    (Code.NOT_YAML, "flow mapping", "Close the `{`, and part the keys with `,`"),
    (Code.NOT_YAML, "flow sequence", "Close the `[`, and part the items with `,`"),
    (Code.NOT_YAML, "block mapping", _ALIGN_OR_CLOSE),
    (Code.NOT_YAML, "block collection", "Begin the line under the - before it"),
)
_SHOWN_AT_BEGINNING: Final = ("end of stream", "simple key", "flow mapping", "flow seq")


def load(text: str, file: str, problems: Problems) -> Node | None:
    """Return the one document of `text`; None if it says nothing.

    Raises:
        ScenarioRefused: `text` is not YAML, or goes beyond what is allowed.

    """
    loading = _Loading(text, file, problems)
    try:
        return loading.document()
    except yaml.MarkedYAMLError as error:
        loading.refuse_syntax(error)
    except (yaml.YAMLError, ValueError, OverflowError):  # an escape beyond Unicode
        place = Place(file=file, line=1, column=1)
        problems.refuse(Code.NOT_YAML, place, "this is not YAML", "Mend the file")


class _Loading:
    """One pass over the events of one text."""

    def __init__(self, text: str, file: str, problems: Problems) -> None:
        self._events = yaml.parse(text, Loader=_LOADER)
        self._lines = characters.lines_of(text)
        self._file = file
        self._problems = problems
        self._count = 0
        self._depth = 0

    def document(self) -> Node | None:
        self._next()  # the stream begins
        if isinstance(self._next(), StreamEndEvent):
            return None
        root = self._node(self._next(), secret=False)
        self._next()  # the document ends
        after = self._next()
        if isinstance(after, DocumentStartEvent):
            self._refuse(
                Code.MANY_DOCUMENTS,
                after,
                "a second document begins here",
                "Remove the `---`; one scenario is one file",
            )
        return root

    def refuse_syntax(self, error: yaml.MarkedYAMLError) -> NoReturn:
        """Say in our words where the YAML breaks off, and why."""
        why = f"{error.context or ''} {error.problem or ''}".strip()
        mark = error.problem_mark
        if error.context_mark and any(part in why for part in _SHOWN_AT_BEGINNING):
            mark = error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        self._refuse_tab(line, column, self._line(line)[column : column + 1])
        code, remedy = next(
            ((code, remedy) for code, part, remedy in _SYNTAX if part in why),
            (Code.NOT_YAML, "Mend the line"),
        )
        found = f"this is not YAML: {why}"
        self._problems.refuse(code, self._at(line, column), found, remedy)

    def _next(self) -> Event:
        event: Event = next(self._events)
        self._count += 1
        if self._count > EVENTS_MAX:
            self._refuse(
                Code.TOO_MANY,
                event,
                f"the file has more than {EVENTS_MAX} values",
                "Split it: one failure mode is one file",
            )
        if isinstance(event, NodeEvent):
            self._check_node(event)
        return event

    def _check_node(self, event: NodeEvent) -> None:
        place = self._place(event)
        self._refuse_tab(place.line - 1, place.column - 1)
        if isinstance(event, AliasEvent):
            found = "`*` takes a value from elsewhere in the file"
            self._refuse(
                Code.ALIAS, event, found, "Write the value out, or quote the *"
            )
        if event.anchor is not None:
            found = "`&` gives the value a name"
            self._refuse(Code.ANCHOR, event, found, "Remove it, or quote the &")
        if getattr(event, "tag", None) is not None:
            found = "`!` gives the value a type"
            self._refuse(Code.TAG, event, found, "Remove it, or quote the !")

    def _node(self, event: Event, *, secret: bool) -> Node:
        match event:
            case ScalarEvent():
                return self._scalar(event, secret=secret)
            case SequenceStartEvent():
                return self._list(event, secret=secret)
            case _:
                assert isinstance(event, MappingStartEvent), "a node is one of three"
                return self._map(event, secret=secret)

    def _scalar(self, event: ScalarEvent, *, secret: bool) -> ScalarNode:
        if len(event.value) > SCALAR_CHARS_MAX:
            found = f"the value has more than {SCALAR_CHARS_MAX} characters"
            self._refuse(Code.TOO_LARGE, event, found, "Shorten it")
        if not characters.is_storable(event.value):
            found = "the value has a character that is no text"
            self._refuse(Code.BAD_CHARACTER, event, found, "Remove the escape")
        return ScalarNode(
            value=self._value(event),
            text=event.value,
            place=self._place(event),
            secret=secret,
        )

    def _value(self, event: ScalarEvent) -> Scalar:
        text: str = event.value
        is_plain = event.implicit[0]
        try:
            return plain_scalar(text) if is_plain else text
        except OutOfRange:
            self._problems.add(
                Code.BAD_NUMBER,
                self._place(event),
                "the number is not finite, or has more than 64 bits",
                "Write a smaller one, or quote it if it is a name",
            )
            return text

    def _list(self, event: SequenceStartEvent, *, secret: bool) -> ListNode:
        self._enter(event)
        items: list[Node] = []
        while not isinstance(inner := self._next(), CollectionEndEvent):
            items.append(self._node(inner, secret=secret))
        self._depth -= 1
        return ListNode(items=tuple(items), place=self._place(event), secret=secret)

    def _map(self, event: MappingStartEvent, *, secret: bool) -> MapNode:
        self._enter(event)
        entries: dict[str, Entry] = {}
        while not isinstance(inner := self._next(), CollectionEndEvent):
            entry = self._entry(inner, secret=secret)
            if entry.key in entries:
                self._problems.add(
                    Code.DOUBLED_KEY,
                    entry.place,
                    f"{entry.shown} stands here already, at line "
                    f"{entries[entry.key].place.line}",
                    "Remove one of the two, or rename it",
                )
            entries.setdefault(entry.key, entry)
        self._depth -= 1
        return MapNode(entries=entries, place=self._place(event), secret=secret)

    def _entry(self, event: Event, *, secret: bool) -> Entry:
        if not isinstance(event, ScalarEvent):
            found = "the key is a list or a map"
            self._refuse(Code.KEY_NOT_TEXT, event, found, "Write a word as the key")
        key = self._scalar(event, secret=secret)
        if event.implicit[0] and key.text == "<<":
            found = "`<<` merges another map into this one"
            self._refuse(Code.MERGE_KEY, event, found, "Write the keys out")
        if not isinstance(key.value, str):
            found = f"the key is {key.shown}, which is not text"
            remedy = "Put the key in quotes" if key.text else "Write a key before the :"
            self._problems.add(Code.KEY_NOT_TEXT, key.place, found, remedy)
        return Entry(
            key=key.text,
            place=key.place,
            value=self._node(self._next(), secret=secret or is_secret(key.text)),
            secret=secret,
        )

    def _enter(self, event: Event) -> None:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            found = f"lists and maps stand in one another more than {DEPTH_MAX} deep"
            self._refuse(Code.TOO_DEEP, event, found, "Write it flatter")

    def _refuse_tab(self, line: int, column: int, at: str = "") -> None:
        """Refuse a tab among what stands before `column`, if that is only space."""
        indent = self._line(line)[:column] + at
        if "\t" in indent and not indent.strip():
            self._problems.refuse(
                Code.TAB,
                self._at(line, indent.index("\t")),
                "the line is indented with a tab, whose width YAML does not know",
                "Indent with spaces",
            )

    def _refuse(self, code: Code, event: Event, found: str, remedy: str) -> NoReturn:
        self._problems.refuse(code, self._place(event), found, remedy)

    def _line(self, line: int) -> str:
        return self._lines[line] if line < len(self._lines) else ""

    def _place(self, event: Event) -> Place:
        mark = event.start_mark
        assert mark is not None, "the parser marks every event"
        return self._at(mark.line, mark.column)

    def _at(self, line: int, column: int) -> Place:
        return Place(file=self._file, line=line + 1, column=column + 1)
