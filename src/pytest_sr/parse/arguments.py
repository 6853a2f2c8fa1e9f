"""What is written for an argument, held against what the parameter takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pytest_sr.parse import lookups
from pytest_sr.parse.problems import Code, Problems, clipped, one_of
from pytest_sr.parse.resolve import (
    CaseValues,
    Scope,
    fits,
    in_text,
    remedy_for,
    takes,
)
from pytest_sr.parse.tree import ListNode, MapNode, Node, ScalarNode
from pytest_sr.registry import Form, Kind
from pytest_sr.scenario import Lookup, Text, Value, seconds

_TEXT: Final = Kind(form=Form.TEXT)
_ANY: Final = Kind(form=Form.ANY)
_ITEMS: Final = {Form.TEXTS: _TEXT, Form.ANY: _ANY}
_VALUES: Final = {Form.TEXT_MAP: _TEXT, Form.MAP: _ANY, Form.ANY: _ANY}
_WORDED: Final = frozenset({Form.TEXT, Form.ANY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Argued:
    """Reads values at one point of the file, where `scope` says what is known."""

    scope: Scope
    problems: Problems

    def value(self, node: Node, kind: Kind, what: str) -> Value:
        """Return what `node` says; None where it does not fit, which is noted."""
        match node:
            case ScalarNode():
                return self._scalar(node, kind, what)
            case ListNode() if kind.form in _ITEMS:
                inner = _ITEMS[kind.form]
                return tuple(
                    self.value(each, inner, f"an item of {what}") for each in node.items
                )
            case MapNode() if kind.form in _VALUES:
                return self._map(node, _VALUES[kind.form], what)
            case _:
                self._wrong(node, kind, what, f"Write {told(kind)}")
                return None

    def _map(self, node: MapNode, inner: Kind, what: str) -> Value:
        values: dict[str, Value] = {}
        for entry in node.entries.values():
            if "${" in entry.key:
                self.problems.add(
                    Code.BAD_LOOKUP,
                    entry.place,
                    f"a key of {what} cannot look anything up",
                    "Write the key out; `${…}` is for values",
                )
            about = f"{entry.shown} in {what}"
            values[entry.key] = self.value(entry.value, inner, about)
        return values

    def _scalar(self, node: ScalarNode, kind: Kind, what: str) -> Value:
        if not isinstance(node.value, str):
            return self._plain(node, kind, what)
        match lookups.split(node, self.problems):
            case Lookup() as lookup:
                return self._lookup(lookup, node, kind, what)
            case Text() as text:
                return self._text(text, node, kind, what)
            case None:
                return None
            case _:
                return self._plain(node, kind, what)

    def _plain(self, node: ScalarNode, kind: Kind, what: str) -> Value:
        value = node.value
        if not fits(kind, value):
            self._wrong(node, kind, what, remedy_for(kind, value))
            return None
        if kind.form is Form.DURATION and isinstance(value, str):
            return seconds(value)
        if kind.form is Form.NUMBER and isinstance(value, int):
            return float(value)
        return value

    def _lookup(
        self, lookup: Lookup, node: ScalarNode, kind: Kind, what: str
    ) -> Lookup:
        meaning = self.scope.meaning(lookup, secret=node.secret)
        if isinstance(meaning, CaseValues):
            self._check_cases(meaning, node, kind, what)
        elif meaning is not None and not takes(kind, meaning):
            given = meaning.form if isinstance(meaning, Kind) else "a whole result"
            self._note(node, kind, what, f"{_shown(lookup, node)} is {given}")
        return replace(lookup, in_seconds=kind.form is Form.DURATION)

    def _check_cases(
        self, meaning: CaseValues, node: ScalarNode, kind: Kind, what: str
    ) -> None:
        wrong = [
            case for case, value in meaning.values.items() if not fits(kind, value)
        ]
        if wrong:
            self.problems.add(
                Code.WRONG_TYPE,
                node.place,
                f"{what} takes {told(kind)}, and in the case `{clipped(wrong[0])}` "
                "the value is no such",
                "Mend the case, or look up another of its values",
            )

    def _text(self, text: Text, node: ScalarNode, kind: Kind, what: str) -> Text:
        if kind.form not in _WORDED:
            self._note(node, kind, what, "this is a text put together from lookups")
        for part in text.parts:
            if isinstance(part, str):
                continue
            meaning = self.scope.meaning(part, secret=node.secret)
            if meaning is None or isinstance(meaning, CaseValues) or in_text(meaning):
                continue
            self.problems.add(
                Code.WRONG_TYPE,
                node.place,
                f"{_shown(part, node)} has parts, and cannot stand inside a text",
                "Look up one of its fields",
            )
        return text

    def _wrong(self, node: Node, kind: Kind, what: str, remedy: str) -> None:
        self.problems.add(
            Code.BAD_DURATION if kind.form is Form.DURATION else Code.WRONG_TYPE,
            node.place,
            f"{what} takes {told(kind)}, and this is {node.shown}",
            remedy,
        )

    def _note(self, node: ScalarNode, kind: Kind, what: str, found: str) -> None:
        self.problems.add(
            Code.WRONG_TYPE,
            node.place,
            f"{what} takes {told(kind)}, and {found}",
            f"Write {told(kind)}, or look up what is that",
        )


def told(kind: Kind) -> str:
    """Return what a parameter of `kind` takes, in words."""
    if kind.form is Form.CHOICE:
        return one_of(kind.choices)
    return str(kind.form)


def _shown(lookup: Lookup, node: ScalarNode) -> str:
    told = f"`{clipped(str(lookup))}`"
    return "a lookup that is not shown" if node.secret else told
