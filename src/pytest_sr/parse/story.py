"""`given`, `fault` and `when`: what is done, by us and to us, in order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_sr.parse import lookups
from pytest_sr.parse.arguments import Argued
from pytest_sr.parse.calls import Call, Calls
from pytest_sr.parse.problems import Code, Problems, clipped, did_you_mean
from pytest_sr.parse.resolve import AXES, CaseValues, Scope, is_event
from pytest_sr.parse.shape import Shape
from pytest_sr.parse.tree import Entry, ListNode, MapNode, Node, ScalarNode
from pytest_sr.registry import Registries
from pytest_sr.scenario import (
    Action,
    FaultPlan,
    Heal,
    Lookup,
    Moment,
    Place,
    Scalar,
    Text,
    as_text,
)

_OPERATION: Final = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)+", re.ASCII)


@dataclass(slots=True, kw_only=True)
class Story:
    """Reads the sections in the order in which they come to pass."""

    shape: Shape
    scope: Scope
    registries: Registries
    fault_names: Mapping[str, Place]

    def given(self, section: Entry | None) -> tuple[Action, ...]:
        """Return the actions that bring the state about; faults come later."""
        acts = self._acts(section)
        for each in acts:
            if isinstance(each, Heal):
                self._problems.add(
                    Code.CONFLICT,
                    each.place,
                    "`given` heals a fault, and faults begin after it",
                    "Move it to `when`",
                )
        return tuple(each for each in acts if isinstance(each, Action))

    def when(self, section: Entry | None) -> tuple[Action | Heal, ...]:
        """Return what is tried; each fault may be healed once."""
        acts = self._acts(section)
        healed: set[str] = set()
        for each in acts:
            if isinstance(each, Heal):
                self._check_heal(each, healed)
                healed.add(each.fault)
        return acts

    def faults(self, section: Entry | None) -> tuple[FaultPlan, ...]:
        """Return the faults, whose arguments know what `given` made."""
        node = self.shape.mapping(section.value, "`fault`") if section else None
        entries = self.shape.named(node) if node else ()
        return tuple(plan for each in entries if (plan := self._fault(each)))

    def _acts(self, section: Entry | None) -> tuple[Action | Heal, ...]:
        if section is None:
            return ()
        what = f"`{section.key}`"
        items = self.shape.items(section.value, what)
        return tuple(act for each in items if (act := self._act(each, what)))

    def _act(self, item: Node, section: str) -> Action | Heal | None:
        node = self._step_map(item, section)
        if node is None:
            return None
        if "heal" in node.entries:
            return self._heal(node, node.entries["heal"])
        calls = Calls(
            registry=self.registries.steps,
            modifiers=("as",),
            shape=self.shape,
            argued=self._argued,
        )
        call = calls.read(node, "the step")
        name = self._made(node, call)
        if call is None:
            return None
        return Action(
            step=call.spec.name,
            arguments=call.arguments,
            name=name,
            place=call.entry.place,
        )

    def _step_map(self, item: Node, section: str) -> MapNode | None:
        word = item.value if isinstance(item, ScalarNode) else None
        if isinstance(word, str) and word in self.registries.steps:
            self._problems.add(
                Code.WRONG_TYPE,
                item.place,
                f"the step `{word}` stands without its arguments",
                f"Write `{word}: {{}}` if it has none",
            )
            return None
        return self.shape.mapping(item, f"an item of {section}")

    def _heal(self, node: MapNode, entry: Entry) -> Heal | None:
        for other in node.entries.values():
            if other is not entry:
                self.shape.unknown_key(other, "`heal`", ())
        fault = self.shape.text(entry.value, "`heal`")
        return Heal(fault=fault, place=entry.place) if fault else None

    def _check_heal(self, heal: Heal, healed: set[str]) -> None:
        if heal.fault not in self.fault_names:
            self._problems.add(
                Code.UNKNOWN_NAME,
                heal.place,
                "`heal` names no fault of this file",
                did_you_mean(heal.fault, list(self.fault_names)),
            )
        elif heal.fault in healed:
            self._problems.add(
                Code.DOUBLED_NAME,
                heal.place,
                f"`{clipped(heal.fault)}` is healed already",
                "Remove one of the two",
            )

    def _made(self, node: MapNode, call: Call | None) -> str | None:
        """Make the name after `as:` known, even where the step is not."""
        entry = node.entries.get("as")
        name = self.shape.text(entry.value, "`as`") if entry else None
        if entry is None or name is None:
            return None
        assert isinstance(entry.value, ScalarNode), "only a scalar is text"
        self.shape.check_id(name, entry.value)
        gives = call.spec.returns if call else None
        if call and gives is None:
            self._problems.add(
                Code.NOTHING_TO_NAME,
                entry.place,
                f"`{call.spec.name}` gives nothing that `as` could name",
                "Remove the `as:`",
            )
        if name in self.scope.names or name in AXES:
            self._problems.add(
                Code.DOUBLED_NAME,
                entry.value.place,
                f"`{clipped(name)}` is taken already",
                "Take another name",
            )
        else:
            self.scope.define(name, gives)
        return name

    def _fault(self, entry: Entry) -> FaultPlan | None:
        node = self.shape.mapping(entry.value, f"the fault {entry.shown}")
        if node is None:
            return None
        if "landed" in node.entries:
            self._problems.add(
                Code.UNKNOWN_KEY,
                node.entries["landed"].place,
                "`landed` cannot be written yet",
                "Leave it out; each kind of fault proves by itself that it landed",
            )
        calls = Calls(
            registry=self.registries.faults,
            modifiers=("at", "landed"),
            shape=self.shape,
            argued=self._argued,
        )
        call = calls.read(node, f"the fault {entry.shown}")
        at = self._moment(node.entries["at"]) if "at" in node.entries else None
        if call is None:
            return None
        return FaultPlan(
            name=entry.key,
            kind=call.spec.name,
            arguments=call.arguments,
            at=at,
            place=entry.place,
        )

    def _moment(self, entry: Entry) -> Moment | None:
        node = self.shape.mapping(entry.value, "`at`")
        if node is None:
            return None
        self.shape.closed(node, "`at`", allowed=("before", "after"), needed=())
        chosen = self.shape.exactly_one(node, "`at`", ("before", "after"))
        if chosen is None:
            return None
        if not isinstance(chosen.value, ScalarNode) or chosen.value.value is None:
            self.shape.text(chosen.value, chosen.shown)
            return None
        return self._point(chosen, chosen.value)

    def _point(self, entry: Entry, node: ScalarNode) -> Moment | None:
        if not isinstance(node.value, str):
            self._note_point(node, entry.shown)
            return None
        said = lookups.split(node, self._problems)
        match said:
            case Lookup():
                self._check_looked_up(said, node, entry.shown)
            case Text():
                self._note_point(node, entry.shown)
            case None:
                pass
            case str() if not _is_point(said):
                self._note_point(node, entry.shown)
            case str():
                self._check_point(said, entry, node)
        return Moment(
            relation="before" if entry.key == "before" else "after",
            what=node.value,
            place=entry.place,
            lookup=said if isinstance(said, Lookup) else None,
        )

    def _check_point(self, point: str, entry: Entry, node: ScalarNode) -> None:
        """Note a point that the story never comes to."""
        if is_event(point) and entry.key == "before":
            self._problems.add(
                Code.BAD_EVENT,
                node.place,
                f"`before` names the event `{point}`, which nobody sees coming",
                "Write the step that leads to it, or `after` the event",
            )
        elif not is_event(point) and point not in self.registries.steps:
            self._problems.add(
                Code.UNKNOWN_STEP,
                node.place,
                f"there is no step `{clipped(point)}`",
                did_you_mean(point, [*self.registries.steps]),
            )

    def _check_looked_up(self, lookup: Lookup, node: ScalarNode, what: str) -> None:
        meaning = self.scope.meaning(lookup, secret=node.secret)
        if meaning is None:
            return
        if not isinstance(meaning, CaseValues) or not all(
            _is_point(each) for each in meaning.values.values()
        ):
            self._note_point(node, what)

    def _note_point(self, node: ScalarNode, what: str) -> None:
        self._problems.add(
            Code.BAD_EVENT,
            node.place,
            f"{what} is {node.shown}, which is no point of the story",
            "Write an event in CamelCase, such as `RunCompleted`, "
            "or a step, such as `run.start`",
        )

    @property
    def _argued(self) -> Argued:
        return Argued(scope=self.scope, problems=self._problems)

    @property
    def _problems(self) -> Problems:
        return self.shape.problems


def names_made(top: MapNode) -> Iterator[tuple[str, Place]]:
    """Yield every name that an `as:` of the file makes, and where."""
    for section in ("given", "when"):
        entry = top.entries.get(section)
        items = entry.value.items if entry and isinstance(entry.value, ListNode) else ()
        for item in items:
            made = item.entries.get("as") if isinstance(item, MapNode) else None
            if made and isinstance(made.value, ScalarNode):
                yield made.value.text, made.place


def _is_point(word: Scalar) -> bool:
    text = as_text(word)
    return is_event(text) or bool(_OPERATION.fullmatch(text))
