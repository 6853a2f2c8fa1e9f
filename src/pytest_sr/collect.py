"""Scenario files, cases and controls as pytest's own collectors and items.

    ScenarioFile ── ScenarioItem   one case: run in `setup`, judged in `runtest`
               └─── ControlItem    one control over the file's cases

A case is run in `setup`, so that an experiment that did not take place is a pytest error
and one that came out badly is a failure. Only public names of pytest are used.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Protocol

import pytest

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.history import History
from pytest_sr.judge import judge
from pytest_sr.options import ROW, is_proving
from pytest_sr.parse import ScenarioRefused, parse_file
from pytest_sr.prove import Proof, prove
from pytest_sr.report.folder import keep
from pytest_sr.report.terminal import held_of, tell
from pytest_sr.report.transcript import Transcript
from pytest_sr.run import Variant, run_case
from pytest_sr.scenario import Case, Control, Scenario, Verdict, bind
from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.world.accounts import Accounts
from pytest_sr.world.world import SystemKind, Template, why_unsandboxed, world

BEHIND_DOOR: Final = "s3.answers"
"""The fault that needs a door between the system and the object store."""


class NotHeld(Exception):  # noqa: N818 - the report is the message
    """A case or a control that is not PASS; its text says why."""


class Stack(Protocol):
    """Whoever knows the addresses of the session's stack."""

    @property
    def addresses(self) -> StackAddresses:
        """The addresses; the stack is started if it was not."""
        ...


class Bench:
    """What cases are run with: the stack, a template of its database, accounts."""

    def __init__(
        self,
        stack: Stack,
        system: SystemKind,
        report: Path | None,
        progress: Callable[[str], None],
    ) -> None:
        self.system: SystemKind = system
        self.addresses = stack.addresses
        self._template = Template(self.addresses)
        self._accounts = Accounts(self.addresses.issuer)
        self._report = report
        self._sandbox = "bubblewrap"
        if why := asyncio.run(why_unsandboxed(self.addresses)):
            self._sandbox = "plain"
            progress(f"oracles run in no sandbox, which their evidence says: {why}")

    def run(self, scenario: Scenario, variant: Variant) -> tuple[History, float]:
        """Run `scenario`, bound to a case; return what was seen and the seconds taken."""
        began = perf_counter()
        made = world(
            self.addresses,
            self._template,
            self._accounts,
            system=self.system,
            sandbox=self._sandbox,
            store_behind_door=any(each.kind == BEHIND_DOOR for each in scenario.faults),
        )
        history = asyncio.run(
            run_case(
                scenario,
                variant,
                made,
                CATALOGUE,
                system=self.system,
                versions=self.addresses.versions,
                is_settled=lambda seen: (
                    judge(scenario, seen, CATALOGUE.checks).verdict is Verdict.PASS
                ),
            )
        )
        return history, perf_counter() - began

    def keep(self, transcript: Transcript, name: str) -> None:
        """Write the transcript where the report is made from, if one is wanted."""
        if self._report is not None:
            keep(self._report, name, transcript)


class ScenarioFile(pytest.File):
    """One ``*.scenario.yaml`` file."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield an item for each case, and for each control if those are wanted."""
        shown_as = os.path.relpath(self.path, self.config.rootpath)
        try:
            scenario = parse_file(self.path, CATALOGUE, shown_as=shown_as)
        except ScenarioRefused as refused:
            raise self.CollectError(str(refused)) from None
        for case in scenario.cases:
            name = f"{scenario.name}[{case.name}]" if case.name else scenario.name
            yield ScenarioItem.from_parent(
                self, name=name, callobj=_judged, scenario=scenario, case=case
            )
        if is_proving(self.config):
            for control in scenario.controls:
                yield ControlItem.from_parent(
                    self,
                    name=f"{scenario.name}.control.{control.name}",
                    callobj=_judged,
                    scenario=scenario,
                    control=control,
                )


class _Item(pytest.Function):
    """What cases and controls have in common."""

    scenario: Scenario

    def reportinfo(self) -> tuple[os.PathLike[str], int, str]:
        """Point editors and reports at the scenario's own line."""
        return self.path, self.scenario.place.line - 1, self.name

    def repr_failure(  # type: ignore[override]  # a plain text is what pytest prints
        self, excinfo: pytest.ExceptionInfo[BaseException]
    ) -> object:
        """Show the scenario's own lines in place of this plugin's frames."""
        if isinstance(excinfo.value, NotHeld):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def _mark(self, scenario: Scenario) -> None:
        self.scenario = scenario
        for each in scenario.proves:
            self.add_marker(pytest.mark.sr_proves(each))
        for each in scenario.tags:
            self.add_marker(pytest.mark.sr_tag(each))
            self.keywords[each] = True

    def _bench(self) -> Bench:
        """Return what the fixture gave; it is there once `setup` has been called."""
        bench = self.funcargs["sr_bench"]
        assert isinstance(bench, Bench), "the fixture gives a bench"
        return bench

    def _row(self, verdict: Verdict, claims: str, seconds: float) -> None:
        row = {
            "node_id": self.nodeid,
            "verdict": str(verdict),
            "claims": claims,
            "seconds": f"{seconds:.1f}",
        }
        self.user_properties.append((ROW, row))


class ScenarioItem(_Item):
    """One case of a scenario, in a world of its own."""

    def __init__(self, *, scenario: Scenario, case: Case, **kwargs: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**kwargs)
        self._mark(bind(scenario, case))

    def setup(self) -> None:
        """Run the case; raise `NotHeld` if the experiment did not take place."""
        super().setup()
        bench = self._bench()
        history, seconds = bench.run(self.scenario, Variant())
        self.transcript = Transcript(
            node_id=self.nodeid,
            scenario=self.scenario,
            history=history,
            judgement=judge(self.scenario, history, CATALOGUE.checks),
            duration_s=seconds,
        )
        bench.keep(self.transcript, self.name)
        self._row(self.transcript.verdict, held_of(self.transcript), seconds)
        if self.transcript.verdict is Verdict.INVALID:
            raise NotHeld(tell(self.transcript))

    def runtest(self) -> None:
        """Raise `NotHeld` unless every claim holds."""
        super().runtest()
        if self.transcript.verdict is not Verdict.PASS:
            raise NotHeld(tell(self.transcript))


class ControlItem(_Item):
    """One control of a scenario: it passes when it turned red what it was to."""

    def __init__(self, *, scenario: Scenario, control: Control, **kwargs: Any) -> None:  # noqa: ANN401 - pytest's own
        super().__init__(**kwargs)
        self._mark(scenario)
        self._control = control

    def setup(self) -> None:
        """Run the control; raise `NotHeld` if no experiment took place."""
        super().setup()
        bench = self._bench()
        if self._control.mutant and bench.system != "in-process":
            why = f"{self._control.name}: a mutant needs --sr-system=in-process"
            raise NotHeld(why)
        cases = [bind(self.scenario, each) for each in self.scenario.cases]
        self.proof = prove(
            self._control, cases, bench.run, CATALOGUE, node_id=self.nodeid
        )
        for number, each in enumerate(self.proof.transcripts):
            bench.keep(each, f"{self.name}.{number}")
        seconds = sum(each.duration_s for each in self.proof.transcripts)
        self._row(self.proof.verdict, _red_of(self.proof), seconds)
        if self.proof.verdict is Verdict.INVALID:
            raise NotHeld(tell(self.proof.transcripts[-1]))

    def runtest(self) -> None:
        """Raise `NotHeld` unless every claim that it names turned red."""
        super().runtest()
        if self.proof.verdict is not Verdict.PASS:
            raise NotHeld(_unproven(self.proof))


def _judged(sr_bench: Bench) -> None:
    """Ask for what a case runs with; the item itself does the rest."""
    assert sr_bench is not None, "the fixture gives a bench"


def _red_of(proof: Proof) -> str:
    wanted = len(proof.control.turns_red)
    return f"{wanted - len(proof.unproven)}/{wanted} red"


def _unproven(proof: Proof) -> str:
    tried = f"over {len(proof.transcripts)} cases"
    lines = [
        f"FAIL: {proof.control.place}: control {proof.control.name} {tried} left green:",
    ]
    for name in proof.unproven:
        why = [
            f"{each.scenario.cases[0].name or 'the case'}: {judged.why}"
            for each in proof.transcripts
            for judged in each.judgement.claims
            if judged.claim == name
        ]
        lines += [f"  {name}", *(f"      {each}" for each in why)]
    lines.append("  A claim that nothing turns red proves nothing.")
    return "\n".join(lines)
