"""One registered word and its arguments, as steps, faults and claims are written.

    candidate.verify: {candidate: "${run.candidate}"}       all arguments in a map
    event: StopTriggered                                    or the first one here,
    count: 1                                                and the others beside it

What else may stand beside it, such as `as:` or `within:`, are its modifiers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pytest_sr.parse.arguments import Argued, told
from pytest_sr.parse.problems import Code, Problems, did_you_mean
from pytest_sr.parse.shape import Shape
from pytest_sr.parse.tree import Entry, ListNode, MapNode, ScalarNode
from pytest_sr.registry import Parameter, Registry, Spec
from pytest_sr.scenario import Arguments, Value

_UNKNOWN: Final = {
    "step": Code.UNKNOWN_STEP,
    "fault": Code.UNKNOWN_FAULT,
    "check": Code.UNKNOWN_CHECK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is called, and with what."""

    spec: Spec
    arguments: Arguments
    entry: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Reads calls of what one registry holds."""

    registry: Registry
    modifiers: Collection[str]
    shape: Shape
    argued: Argued

    def read(self, node: MapNode, what: str) -> Call | None:
        """Return the one call in `node`, whose keys are all accounted for."""
        head = self._head(node, what)
        if head is None:
            return None
        spec = self.registry[head.key]
        beside = [
            entry
            for entry in node.entries.values()
            if entry is not head and entry.key not in self.modifiers
        ]
        arguments = self._arguments(spec, head, beside)
        return Call(spec=spec, arguments=arguments, entry=head)

    def _head(self, node: MapNode, what: str) -> Entry | None:
        """Return the entry whose key is what is called."""
        words = [
            each for each in node.entries.values() if each.key not in self.modifiers
        ]
        known = [each for each in words if each.key in self.registry]
        if len(known) > 1:
            known = [each for each in known if self._accounts_for(each, words)] or known
        if len(known) == 1:
            return known[0]
        self._note_head(known, words, node, what)
        return None

    def _accounts_for(self, head: Entry, words: Iterable[Entry]) -> bool:
        keys = {each.key for each in self.registry[head.key].parameters}
        return all(each is head or each.key in keys for each in words)

    def _note_head(
        self, known: list[Entry], words: list[Entry], node: MapNode, what: str
    ) -> None:
        role = self.registry.role
        if known:
            self._problems.add(
                Code.CONFLICT,
                known[1].place,
                f"{what} has `{known[0].key}` and also `{known[1].key}`",
                f"Write one {role} each",
            )
        elif words:
            self._problems.add(
                _UNKNOWN[role],
                words[0].place,
                f"there is no {role} {words[0].shown}",
                did_you_mean(words[0].key, list(self.registry)),
            )
        else:
            found = f"{what} has no {role}"
            remedy = did_you_mean("", list(self.registry))
            self._problems.add(_UNKNOWN[role], node.place, found, remedy)

    def _arguments(self, spec: Spec, head: Entry, beside: list[Entry]) -> Arguments:
        match head.value:
            case MapNode(entries=inside):
                for entry in beside:
                    self._note_beside(spec, entry)
                return self._given(spec, head, list(inside.values()))
            case ScalarNode() if spec.parameters:
                first = Entry(
                    key=spec.parameters[0].key,
                    place=head.place,
                    value=head.value,
                    secret=head.secret,
                )
                return self._given(spec, head, [first, *beside])
            case ScalarNode() | ListNode():
                self._problems.add(
                    Code.WRONG_TYPE,
                    head.value.place,
                    f"`{spec.name}` takes a map of arguments, "
                    f"and this is {head.value.shown}",
                    f"Write `{spec.name}: {{}}` with its arguments between the braces",
                )
                return {}

    def _note_beside(self, spec: Spec, entry: Entry) -> None:
        keys = [each.key for each in spec.parameters]
        if entry.key in keys:
            remedy = f"Move it between the braces of `{spec.name}`"
        else:
            remedy = did_you_mean(entry.key, self.modifiers)
        self._problems.add(
            Code.UNKNOWN_KEY,
            entry.place,
            f"{entry.shown} cannot stand beside `{spec.name}`",
            remedy,
        )

    def _given(self, spec: Spec, head: Entry, entries: list[Entry]) -> Arguments:
        parameters = {each.key: each for each in spec.parameters}
        written: dict[str, Entry] = {}
        for entry in entries:
            if entry.key not in parameters:
                self._note_unknown(spec, entry, parameters)
            elif entry.key in written:
                self._note_doubled(spec, entry)
            else:
                written[entry.key] = entry
        self._note_missing(spec, head, written)
        arguments: dict[str, Value] = {}
        for key, entry in written.items():
            parameter = parameters[key]
            what = f"`{key}` of `{spec.name}`"
            arguments[parameter.name] = self.argued.value(
                entry.value, parameter.kind, what
            )
        return arguments

    def _note_unknown(
        self, spec: Spec, entry: Entry, parameters: Mapping[str, Parameter]
    ) -> None:
        self._problems.add(
            Code.UNKNOWN_ARGUMENT,
            entry.place,
            f"`{spec.name}` has no argument {entry.shown}",
            did_you_mean(entry.key, [*parameters, *self.modifiers]),
        )

    def _note_doubled(self, spec: Spec, entry: Entry) -> None:
        self._problems.add(
            Code.DOUBLED_KEY,
            entry.place,
            f"{entry.shown} of `{spec.name}` is given already, by what stands "
            f"right after `{spec.name}:`",
            "Remove one of the two",
        )

    def _note_missing(self, spec: Spec, head: Entry, written: Collection[str]) -> None:
        for each in spec.parameters:
            if each.required and each.key not in written:
                hint = f" ({each.doc})" if each.doc else ""
                self._problems.add(
                    Code.MISSING_ARGUMENT,
                    head.place,
                    f"`{spec.name}` lacks its argument `{each.key}`",
                    f"Give it `{each.key}: …`, {told(each.kind)}{hint}",
                )

    @property
    def _problems(self) -> Problems:
        return self.shape.problems
