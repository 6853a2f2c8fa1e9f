"""What every part of the file is read with: closed maps, lists, words, durations.

Each reader returns None, or nothing, where it has noted a problem; whoever asked goes
on without the value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_sr.parse.problems import Code, Problems, did_you_mean, one_of
from pytest_sr.parse.tree import Entry, ListNode, MapNode, Node, ScalarNode
from pytest_sr.scenario import seconds

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_ID_CHARS_MAX: Final = 80


@dataclass(frozen=True, slots=True)
class Shape:
    """Reads nodes of an expected shape, and notes what is of another."""

    problems: Problems

    def mapping(self, node: Node, what: str) -> MapNode | None:
        """Return `node` if it is a map with something in it."""
        if isinstance(node, MapNode) and node.entries:
            return node
        self._wrong(node, what, "a map", "Write it as `key: value`")
        return None

    def items(self, node: Node, what: str) -> tuple[Node, ...]:
        """Return the items of `node` if it is a list with something in it."""
        if isinstance(node, ListNode) and node.items:
            return node.items
        self._wrong(node, what, "a list", "Write it as `[a, b]`, or a line `- a` each")
        return ()

    def text(self, node: Node, what: str) -> str | None:
        """Return the words of `node`; there is nothing to look up in them."""
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
            remedy = "Put it in quotes" if _has_text(node) else "Write words"
            self._wrong(node, what, "text", remedy)
            return None
        if not node.value.strip():
            self._wrong(node, what, "text", "Write something, or leave it out")
            return None
        if "${" in node.value:
            self.problems.add(
                Code.BAD_LOOKUP,
                node.place,
                f"{what} cannot look anything up",
                "Write the words out; `${…}` is for arguments",
            )
            return None
        return node.value

    def texts(self, node: Node, what: str) -> Iterator[tuple[str, ScalarNode]]:
        """Yield the distinct words of a list, each with its node."""
        seen: set[str] = set()
        for item in self.items(node, what):
            word = self.text(item, f"an item of {what}")
            if word is None:
                continue
            assert isinstance(item, ScalarNode), "only a scalar is text"
            if word in seen:
                self.problems.add(
                    Code.DOUBLED_NAME,
                    item.place,
                    f"{item.shown} stands in {what} already",
                    "Remove one of the two",
                )
                continue
            seen.add(word)
            yield word, item

    def duration(self, node: Node, what: str) -> float | None:
        """Return the seconds of `node`, more than none."""
        written = node.value if isinstance(node, ScalarNode) else None
        lasts = seconds(written) if isinstance(written, str) else None
        if lasts:
            return lasts
        self.problems.add(
            Code.BAD_DURATION,
            node.place,
            f"{what} is {node.shown}, which is no duration",
            "Write a number and ms, s or m, such as `10s`",
        )
        return None

    def named(self, node: MapNode) -> Iterator[Entry]:
        """Yield the entries of `node`, whose keys are names that the author chose."""
        for entry in node.entries.values():
            self.check_id(entry.key, entry)
            yield entry

    def check_id(self, word: str, at: Entry | ScalarNode) -> None:
        """Note a name that is not of the form that node ids and reports can carry."""
        if _ID.fullmatch(word) and len(word) <= _ID_CHARS_MAX:
            return
        self.problems.add(
            Code.BAD_ID,
            at.place,
            f"{at.shown} is no name",
            f"Write it in lower case, with digits and dashes, up to {_ID_CHARS_MAX}",
        )

    def closed(
        self,
        node: MapNode,
        what: str,
        allowed: Collection[str],
        needed: Collection[str],
    ) -> None:
        """Note each key that does not belong into `node`, and each that is missing."""
        for entry in node.entries.values():
            if entry.key not in allowed:
                self.unknown_key(entry, what, allowed)
        for key in needed:
            if key not in node.entries:
                self.problems.add(
                    Code.MISSING_KEY,
                    node.place,
                    f"{what} has no `{key}`",
                    f"Give it `{key}:`",
                )

    def unknown_key(self, entry: Entry, what: str, allowed: Collection[str]) -> None:
        """Note that `entry` does not belong into `what`."""
        self.problems.add(
            Code.UNKNOWN_KEY,
            entry.place,
            f"{what} has no key {entry.shown}",
            did_you_mean(entry.key, allowed),
        )

    def exactly_one(
        self, node: MapNode, what: str, keys: Collection[str]
    ) -> Entry | None:
        """Return the one entry of `keys`; note it if there are none, or several."""
        found = [node.entries[key] for key in keys if key in node.entries]
        if len(found) == 1:
            return found[0]
        self.problems.add(
            Code.CONFLICT if found else Code.MISSING_KEY,
            found[1].place if found else node.place,
            f"{what} has {len(found)} of the keys {one_of(keys)}",
            "Write exactly one of them",
        )
        return None

    def _wrong(self, node: Node, what: str, wanted: str, remedy: str) -> None:
        shown = f"{node.shown} with nothing in it" if _is_empty(node) else node.shown
        self.problems.add(
            Code.EMPTY if _is_empty(node) else Code.WRONG_TYPE,
            node.place,
            f"{what} takes {wanted}, and this is {shown}",
            "Put something in it, or leave it out" if _is_empty(node) else remedy,
        )


def _has_text(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.text != ""


def _is_empty(node: Node) -> bool:
    match node:
        case ListNode(items=items):
            return not items
        case MapNode(entries=entries):
            return not entries
        case _:
            return False
