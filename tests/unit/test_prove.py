"""What a control has proven, over cases that took place and cases that did not."""

from collections.abc import Iterator

import pytest

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.history import Answered, History, Logged, Stop
from pytest_sr.mutants.base import Patch
from pytest_sr.prove import Proof, prove, variant_of
from pytest_sr.registry import Registries, Registry
from pytest_sr.run import Variant
from pytest_sr.scenario import (
    Action,
    Case,
    Claim,
    Control,
    Place,
    Scenario,
    Verdict,
)

HERE = Place(file="a.scenario.yaml", line=1, column=1)


class Platform:
    is_sound = True


MUTANTS = Registry("mutant")


@MUTANTS.register("platform.unsound")
def platform_unsound() -> tuple[Patch, ...]:
    """The platform is not sound."""
    return (Patch(owner=Platform, name="is_sound", value=False),)


REGISTRIES = Registries(
    steps=CATALOGUE.steps,
    faults=CATALOGUE.faults,
    checks=CATALOGUE.checks,
    mutants=MUTANTS,
)


def claimed(name: str) -> Claim:
    """A claim that holds where an event of that name is in the log."""
    return Claim(
        name=name,
        check="event",
        arguments={"event": name},
        within_s=None,
        after=None,
        during=None,
        section="then",
        place=HERE,
    )


def untold(name: str) -> Claim:
    """A claim that cannot be told unless an event of that name is in the log."""
    return Claim(
        name=name,
        check="every_event",
        arguments={"every_event": name, "by": "HUMAN"},
        within_s=None,
        after=None,
        during=None,
        section="then",
        place=HERE,
    )


def case(name: str, *claims: Claim) -> Scenario:
    return Scenario(
        name="a",
        title="A story",
        proves=("C-1",),
        tags=(),
        timeout_s=1,
        axis="case",
        cases=(Case(name=name, values={}),),
        given=(),
        faults=(),
        when=(Action(step="any", arguments={}, name=None, place=HERE),),
        then=claims or (claimed("A"), claimed("B")),
        always=(),
        controls=(),
        place=HERE,
        source="",
    )


def control(*turns_red: str, mutant: str | None = "platform.unsound") -> Control:
    return Control(
        name="blind",
        removes_fault=mutant is None,
        mutant=mutant,
        turns_red=turns_red,
        place=HERE,
    )


def history(*held: str, stop: Stop | None = None) -> History:
    """A history in which these claims hold."""
    return History(
        scenario="a",
        case=None,
        system="in-process",
        mutant=None,
        faultless=False,
        answers=(
            Answered(
                tick=1,
                part="when",
                step="any",
                name=None,
                place=str(HERE),
                arguments={},
                result={},
                position=0,
            ),
        ),
        moments=(),
        samples=(),
        events=tuple(
            Logged(
                position=number,
                event_id=f"evt_{number}",
                event_type=name,
                stream_id="loop:1",
                stream_seq=number,
                actor_kind="SYSTEM",
                actor_id="somebody",
                occurred_at="2026-01-02T03:04:05Z",
                payload={},
                refs=(),
                is_sound=True,
            )
            for number, name in enumerate(held, start=1)
        ),
        replayed=None,
        stop=stop,
        versions={},
    )


STOPPED = history(stop=Stop(place=str(HERE), why="it was answered with 503"))


class Bench:
    """Gives the histories it was made with, in order, and notes how it was asked."""

    def __init__(self, *seen: History) -> None:
        self._seen: Iterator[History] = iter(seen)
        self.asked: list[tuple[str | None, Variant, bool]] = []

    def run(self, scenario: Scenario, variant: Variant) -> tuple[History, float]:
        self.asked.append((scenario.cases[0].name, variant, Platform.is_sound))
        return next(self._seen), 0.5


def proven(what: Control, *seen: History, claims: tuple[Claim, ...] = ()) -> Proof:
    cases = [case(f"case-{number}", *claims) for number in range(len(seen))]
    return prove(what, cases, Bench(*seen).run, REGISTRIES, node_id="a.control.blind")


class TestProof:
    """A control passes when each claim that it names was red in a case that took place."""

    def test_all_are_red_in_one_case(self):
        proof = proven(control("A", "B"), history())

        assert (proof.verdict, proof.unproven) == (Verdict.PASS, ())

    def test_each_is_red_in_another_case(self):
        proof = proven(control("A", "B"), history("A"), history("B"))

        assert proof.verdict is Verdict.PASS

    def test_one_is_red_in_no_case(self):
        proof = proven(control("A", "B"), history("A"), history("A"))

        assert (proof.verdict, proof.unproven) == (Verdict.FAIL, ("A",))

    def test_what_it_does_not_name_need_not_be_red(self):
        proof = proven(control("B"), history("A"))

        assert proof.verdict is Verdict.PASS

    def test_what_is_red_in_a_case_that_did_not_take_place_does_not_count(self):
        proof = proven(control("A", "B"), history("A"), STOPPED)

        assert (proof.verdict, proof.unproven) == (Verdict.FAIL, ("A",))

    def test_nothing_is_told_where_no_case_took_place(self):
        proof = proven(control("A"), STOPPED, STOPPED)

        assert proof.verdict is Verdict.INVALID
        assert len(proof.transcripts) == 2

    def test_nothing_is_told_where_there_is_no_case(self):
        assert proven(control("A")).verdict is Verdict.INVALID

    def test_a_claim_that_cannot_be_told_is_not_red(self):
        proof = proven(control("A"), history("B"), claims=(untold("A"), claimed("B")))

        assert (proof.verdict, proof.unproven) == (Verdict.FAIL, ("A",))

    def test_a_claim_that_was_invalid_once_may_be_red_later(self):
        proof = proven(
            control("A"), history("B"), history("A"), claims=(untold("A"), claimed("B"))
        )

        assert proof.verdict is Verdict.PASS


class TestRunning:
    """Cases are run in order, against the control's variant, and no more than needed."""

    def test_it_stops_when_all_are_red(self):
        bench = Bench(history("A"), history("B"), history())
        cases = [case(name) for name in ("one", "two", "three")]

        proof = prove(control("A", "B"), cases, bench.run, REGISTRIES, node_id="a")

        assert [name for name, _, _ in bench.asked] == ["one", "two"]
        assert [each.scenario.cases[0].name for each in proof.transcripts] == [
            "one",
            "two",
        ]

    def test_a_case_that_did_not_take_place_does_not_stop_it(self):
        bench = Bench(STOPPED, history())

        prove(
            control("A"), [case("one"), case("two")], bench.run, REGISTRIES, node_id="a"
        )

        assert [name for name, _, _ in bench.asked] == ["one", "two"]

    def test_the_mutant_is_there_while_a_case_runs_and_gone_after(self):
        bench = Bench(history())

        prove(control("A"), [case("one")], bench.run, REGISTRIES, node_id="a")

        assert bench.asked == [("one", Variant(mutant="platform.unsound"), False)]
        assert Platform.is_sound

    def test_the_mutant_is_gone_after_a_case_that_broke(self):
        def breaks(*_: object) -> tuple[History, float]:
            raise LookupError

        with pytest.raises(LookupError):
            prove(control("A"), [case("one")], breaks, REGISTRIES, node_id="a")

        assert Platform.is_sound

    def test_without_its_faults_nothing_is_replaced(self):
        bench = Bench(history())

        prove(
            control("A", mutant=None), [case("one")], bench.run, REGISTRIES, node_id="a"
        )

        assert bench.asked == [("one", Variant(faultless=True), True)]

    def test_a_transcript_says_which_control_it_was(self):
        (transcript,) = proven(control("A"), history()).transcripts

        assert (transcript.control, transcript.node_id, transcript.duration_s) == (
            "blind",
            "a.control.blind",
            0.5,
        )

    def test_the_variant_is_the_control_s(self):
        assert variant_of(control("A", mutant=None)) == Variant(faultless=True)
        assert variant_of(control("A")) == Variant(mutant="platform.unsound")
