"""What the verdict of a case is made of, and what comes before what."""

import pytest
from tests.unit.judge.conftest import (
    HERE,
    Part,
    always,
    claim,
    did,
    healed,
    judgement,
    landed,
    logged,
    moment,
    read,
    tale,
)

from pytest_sr.history import History, Stop
from pytest_sr.judge import Judgement
from pytest_sr.scenario import Claim, Verdict

HOLDS = claim("event", event="RunCompleted")
FAILS = claim("event", event="LoopPaused", name="failing")
UNTOLD = claim("every_event", every_event="LoopPaused", by="HUMAN", name="untold")
NEVER_STOPPED = always("no_event", no_event="StopTriggered")

WELL: tuple[Part, ...] = (did("ask"), logged("RunCompleted"), read())
BADLY: tuple[Part, ...] = (did("ask"), logged("StopTriggered"), read())
STOP = Stop(place="a.scenario.yaml:7:5", why="it was answered with 503")

MISSED = {
    "not landed": (moment("gone", "not landed"), healed("gone")),
    "never done": (),
    "never asked, another was": (landed("other"), healed("other")),
    "never healed": (landed("gone"),),
    "not healed": (landed("gone"), moment("gone", "not healed")),
}


def judged_over(
    *parts: Part,
    claims: tuple[Claim, ...] = (HOLDS, NEVER_STOPPED),
    stop: Stop | None = None,
    faultless: bool = False,
) -> Judgement:
    history: History = tale(*parts, stop=stop, faultless=faultless)
    return judgement(history, *claims, faults=("gone",))


class TestTheExperimentTookPlace:
    """Where it did, the worst claim decides."""

    def test_all_hold(self):
        found = judged_over(landed("gone"), *WELL, healed("gone"))

        assert (found.verdict, found.invalid) == (Verdict.PASS, None)

    @pytest.mark.parametrize(
        ("claims", "verdict"),
        [
            ((HOLDS, FAILS), Verdict.FAIL),
            ((HOLDS, UNTOLD), Verdict.INVALID),
            ((UNTOLD, FAILS, HOLDS), Verdict.FAIL),
            ((), Verdict.INVALID),
        ],
        ids=["one fails", "one cannot be told", "both", "nothing is claimed"],
    )
    def test_the_worst_decides(self, claims, verdict):
        found = judged_over(landed("gone"), *WELL, healed("gone"), claims=claims)

        assert (found.verdict, found.invalid) == (verdict, None)

    def test_only_what_failed_is_red(self):
        claims = (HOLDS, UNTOLD, FAILS)

        found = judged_over(landed("gone"), *WELL, healed("gone"), claims=claims)

        assert found.red() == {"failing"}


class TestTheExperimentDidNotTakePlace:
    """Nothing that was seen in it is green, and only a broken `always` is red."""

    @pytest.mark.parametrize("how", MISSED)
    def test_a_missed_fault_is_invalid_though_all_claims_hold(self, how):
        found = judged_over(*WELL, *MISSED[how])

        assert found.verdict is Verdict.INVALID
        assert {each.verdict for each in found.claims} == {Verdict.PASS}

    @pytest.mark.parametrize("how", MISSED)
    def test_a_missed_fault_is_invalid_though_a_claim_fails(self, how):
        found = judged_over(*WELL, *MISSED[how], claims=(HOLDS, FAILS, NEVER_STOPPED))

        assert found.verdict is Verdict.INVALID

    @pytest.mark.parametrize("how", MISSED)
    def test_a_broken_always_is_red_nevertheless(self, how):
        found = judged_over(*BADLY, *MISSED[how], claims=(NEVER_STOPPED,))

        assert found.verdict is Verdict.FAIL

    @pytest.mark.parametrize(
        ("how", "words"),
        [
            ("not landed", "did not land: as it was seen"),
            ("never done", "was never done"),
            ("never asked, another was", "was never done"),
            ("never healed", "was not healed"),
            ("not healed", "was not healed"),
        ],
    )
    def test_it_is_said_why_and_where(self, how, words):
        found = judged_over(*WELL, *MISSED[how])

        assert found.invalid == f"{HERE}: gone {words}"

    def test_a_case_that_stopped_is_invalid_though_all_claims_hold(self):
        found = judged_over(landed("gone"), *WELL, healed("gone"), stop=STOP)

        assert found.verdict is Verdict.INVALID
        assert found.invalid == f"{STOP.place}: {STOP.why}"

    def test_a_case_that_stopped_is_red_where_an_always_broke_before(self):
        found = judged_over(*BADLY, stop=STOP, claims=(NEVER_STOPPED,))

        assert found.verdict is Verdict.FAIL

    def test_one_of_two_faults_is_not_enough(self):
        history = tale(landed("gone"), *WELL, healed("gone"))

        found = judgement(history, HOLDS, faults=("gone", "slow"))

        assert found.verdict is Verdict.INVALID


class TestWithoutTheFault:
    """A control without its faults is one whole story, from which nothing is missing."""

    @pytest.mark.parametrize(
        "named",
        [
            claim("event", event="RunCompleted", during="gone"),
            claim("event", event="RunCompleted", after="heal"),
            claim("event", event="RunCompleted", within_s=5, after="heal"),
            claim("event", event="RunCompleted", within_s=5, during="gone"),
            always("no_event", no_event="StopTriggered", during="gone"),
        ],
        ids=[
            "while",
            "after heal",
            "within after heal",
            "within while",
            "always while",
        ],
    )
    def test_a_claim_is_about_all_of_it(self, named):
        found = judged_over(*WELL, faultless=True, claims=(named,))

        assert (found.verdict, found.invalid) == (Verdict.PASS, None)

    def test_what_the_fault_brought_about_is_red(self):
        stops = claim("event", event="StopTriggered", during="gone", name="stops")

        found = judged_over(*WELL, faultless=True, claims=(stops,))

        assert found.red() == {"stops"}

    def test_a_case_that_stopped_is_invalid_here_too(self):
        found = judged_over(*WELL, faultless=True, stop=STOP)

        assert found.verdict is Verdict.INVALID
