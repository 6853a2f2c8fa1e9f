"""Prove that claims can fail: run a control, and see which of them turn red.

A control is the same scenario without its faults, or against a mutant of the platform.
It names the claims that it must turn red; it has done so when each of them was red in at
least one case whose experiment took place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pytest_sr.history import History
from pytest_sr.judge import judge
from pytest_sr.mutants.base import mutated
from pytest_sr.registry import Registries
from pytest_sr.report.transcript import Transcript
from pytest_sr.run import Variant
from pytest_sr.scenario import Control, Scenario, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a control turned red, over the cases that it was run on."""

    control: Control
    transcripts: tuple[Transcript, ...]

    @property
    def unproven(self) -> tuple[str, ...]:
        """The claims that it was to turn red, and did not."""
        red = frozenset[str]().union(
            *(each.judgement.red() for each in self.transcripts if is_sound(each))
        )
        return tuple(each for each in self.control.turns_red if each not in red)

    @property
    def verdict(self) -> Verdict:
        """PASS if every claim turned red; INVALID if no case could be run at all."""
        if not any(is_sound(each) for each in self.transcripts):
            return Verdict.INVALID
        return Verdict.FAIL if self.unproven else Verdict.PASS


def is_sound(transcript: Transcript) -> bool:
    """Whether the experiment took place, so that what is red in it counts."""
    return transcript.judgement.invalid is None


def variant_of(control: Control) -> Variant:
    """Return how a case is run as `control`."""
    return Variant(mutant=control.mutant, faultless=control.removes_fault)


def prove(
    control: Control,
    cases: Iterable[Scenario],
    run: Callable[[Scenario, Variant], tuple[History, float]],
    registries: Registries,
    *,
    node_id: str,
) -> Proof:
    """Run the control over `cases`, each bound, until all its claims turned red."""
    spec = registries.mutants[control.mutant] if control.mutant else None
    proof = Proof(control=control, transcripts=())
    for case in cases:
        with mutated(spec):
            history, duration_s = run(case, variant_of(control))
        transcript = Transcript(
            node_id=node_id,
            scenario=case,
            history=history,
            judgement=judge(case, history, registries.checks),
            duration_s=duration_s,
            control=control.name,
        )
        proof = Proof(control=control, transcripts=(*proof.transcripts, transcript))
        if not proof.unproven:
            break
    return proof
