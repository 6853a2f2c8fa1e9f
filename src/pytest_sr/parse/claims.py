"""`then`, `always` and `controls`: what must hold, and what must break it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pytest_sr.parse.arguments import Argued
from pytest_sr.parse.calls import Calls
from pytest_sr.parse.problems import Code, Problems, clipped, did_you_mean
from pytest_sr.parse.resolve import Scope
from pytest_sr.parse.shape import Shape
from pytest_sr.parse.tree import Entry, MapNode, ScalarNode
from pytest_sr.registry import Registries
from pytest_sr.scenario import Claim, Control, Place

HEAL: Final = "heal"
"""The moment at which a fault ends, as `after:` names it."""

_MODIFIERS: Final = ("within", "after", "while")
_CONTROL_KEYS: Final = ("without", "mutant", "turns_red")


@dataclass(slots=True, kw_only=True)
class Claims:
    """Reads what is judged, once the whole story is known."""

    shape: Shape
    scope: Scope
    registries: Registries
    fault_names: Mapping[str, Place]
    heals: bool
    """Whether `when` heals anything."""
    claim_places: dict[str, Place]
    """Filled as the claims are read, and what `after:` may name by then."""

    def read(
        self, section: Entry | None, name: Literal["then", "always"]
    ) -> tuple[Claim, ...]:
        """Return the claims of one section, in order."""
        node = self.shape.mapping(section.value, f"`{name}`") if section else None
        before: list[str] = list(self.claim_places)
        claims: list[Claim] = []
        for entry in self.shape.named(node) if node else ():
            self._check_name(entry)
            claim = self._claim(entry, name, before)
            claims += [claim] if claim else []
            before += [entry.key] if name == "then" else []
            self.claim_places.setdefault(entry.key, entry.place)
        return tuple(claims)

    def controls(self, section: Entry | None) -> tuple[Control, ...]:
        """Return the controls, which together name every claim."""
        node = self.shape.mapping(section.value, "`controls`") if section else None
        if node is None:
            return ()
        controls: list[Control] = []
        named: set[str] = set()
        for entry in self.shape.named(node):
            control = self._control(entry)
            controls += [control] if control else []
            named |= set(control.turns_red) if control else set()
        self._check_proven(named)
        return tuple(controls)

    def _claim(
        self, entry: Entry, section: Literal["then", "always"], before: Collection[str]
    ) -> Claim | None:
        what = f"the claim {entry.shown}"
        node = self.shape.mapping(entry.value, what)
        if node is None:
            return None
        calls = Calls(
            registry=self.registries.checks,
            modifiers=_MODIFIERS,
            shape=self.shape,
            argued=Argued(scope=self.scope, problems=self._problems),
        )
        call = calls.read(node, what)
        within = node.entries.get("within")
        within_s = self.shape.duration(within.value, "`within`") if within else None
        if within is not None and section == "always":
            self._problems.add(
                Code.UNKNOWN_KEY,
                within.place,
                f"`within` of {entry.shown} stands in `always`, which holds at once or not",
                "Remove it, or move the claim to `then`",
            )
        after = self._after(node, entry.shown, before)
        during = self._during(node)
        if call is None:
            return None
        return Claim(
            name=entry.key,
            check=call.spec.name,
            arguments=call.arguments,
            within_s=within_s,
            after=after,
            during=during,
            section=section,
            place=entry.place,
        )

    def _check_name(self, entry: Entry) -> None:
        if entry.key in self.claim_places:
            self._problems.add(
                Code.DOUBLED_NAME,
                entry.place,
                f"the claim {entry.shown} stands in `then` already",
                "Take another name",
            )
        if entry.key == HEAL:
            self._problems.add(
                Code.DOUBLED_NAME,
                entry.place,
                "`heal` is the moment at which a fault ends",
                "Take another name for the claim",
            )

    def _after(self, node: MapNode, name: str, before: Collection[str]) -> str | None:
        entry = node.entries.get("after")
        word = self.shape.text(entry.value, "`after`") if entry else None
        if entry is None or word is None or word in before:
            return word
        if word == HEAL:
            self._check_healed(entry)
            return word
        self._problems.add(
            Code.UNKNOWN_CLAIM,
            entry.value.place,
            f"`after` of {name} names no claim of `then` that stands before it",
            did_you_mean(word, [*before, HEAL]),
        )
        return None

    def _check_healed(self, entry: Entry) -> None:
        if not self.heals:
            self._problems.add(
                Code.UNKNOWN_CLAIM,
                entry.value.place,
                "`after: heal`, and `when` heals nothing",
                "Add `- heal: …` to `when`",
            )

    def _during(self, node: MapNode) -> str | None:
        entry = node.entries.get("while")
        word = self.shape.text(entry.value, "`while`") if entry else None
        if entry and word and word not in self.fault_names:
            self._problems.add(
                Code.UNKNOWN_NAME,
                entry.value.place,
                f"`while` takes a fault, and this is {entry.value.shown}",
                did_you_mean(word, list(self.fault_names)),
            )
        return word

    def _control(self, entry: Entry) -> Control | None:
        what = f"the control {entry.shown}"
        node = self.shape.mapping(entry.value, what)
        if node is None:
            return None
        self.shape.closed(node, what, allowed=_CONTROL_KEYS, needed=("turns_red",))
        change = self.shape.exactly_one(node, what, ("without", "mutant"))
        if change:
            self._check_change(change)
        red = node.entries.get("turns_red")
        return Control(
            name=entry.key,
            removes_fault=bool(change and change.key == "without"),
            mutant=_word(change) if change and change.key == "mutant" else None,
            turns_red=tuple(self._turned_red(red)) if red else (),
            place=entry.place,
        )

    def _check_change(self, change: Entry) -> None:
        word = self.shape.text(change.value, change.shown)
        if word is None:
            return
        if change.key == "mutant":
            self._check_mutant(word, change)
        elif word != "fault":
            self._problems.add(
                Code.UNKNOWN_KEY,
                change.value.place,
                "`without` can only take the fault away",
                "Write `without: fault`",
            )
        elif not self.fault_names:
            self._problems.add(
                Code.CONFLICT,
                change.place,
                "`without: fault`, and the file has no `fault`",
                "Write a `fault`, or name a `mutant`",
            )

    def _check_mutant(self, word: str, change: Entry) -> None:
        if word not in self.registries.mutants:
            self._problems.add(
                Code.UNKNOWN_MUTANT,
                change.value.place,
                f"`mutant` takes a mutant, and this is {change.value.shown}",
                did_you_mean(word, list(self.registries.mutants)),
            )

    def _turned_red(self, entry: Entry) -> Iterator[str]:
        for word, node in self.shape.texts(entry.value, "`turns_red`"):
            if word in self.claim_places:
                yield word
                continue
            self._problems.add(
                Code.UNKNOWN_CLAIM,
                node.place,
                f"`turns_red` names {node.shown}, which is no claim",
                did_you_mean(word, list(self.claim_places)),
            )

    def _check_proven(self, named: Collection[str]) -> None:
        for name, place in self.claim_places.items():
            if name not in named:
                self._problems.add(
                    Code.UNPROVEN_CLAIM,
                    place,
                    f"nothing is said to turn `{clipped(name)}` red",
                    "Name it in the `turns_red` of a control",
                )

    @property
    def _problems(self) -> Problems:
        return self.shape.problems


def _word(entry: Entry) -> str | None:
    value = entry.value
    return value.text if isinstance(value, ScalarNode) else None
