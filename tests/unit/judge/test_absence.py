"""What is not there is never green, however the claim is put (D1, finding 9)."""

from __future__ import annotations

from typing import Final

import pytest
from tests.unit.judge.conftest import (
    bundle_of,
    claim,
    did,
    last_judged,
    logged,
    lookup,
    read,
    tale,
    tried,
)

from pytest_sr.history import History
from pytest_sr.scenario import Claim, Text, Verdict

ASK: Final = did("ask")
STOP: Final = logged("StopTriggered", trigger="ORACLE_GAP")
LOOPS: Final = {"loop_1": {"state": "ACTIVE", "position": 1}}
NEVER: Final = lookup("run.run")
BUNDLE, OBJECTS = bundle_of()

UNTOLD: Final[dict[str, tuple[History, Claim]]] = {
    "a lookup inside a map, of a step that never was": (
        tale(ASK, STOP),
        claim("no_event", no_event="StopTriggered", where={"trigger": NEVER}),
    ),
    "a lookup inside a text inside a map": (
        tale(ASK, read(loops=LOOPS)),
        claim("no_row", no_row="loops", where={"state": Text(parts=("a ", NEVER))}),
    ),
    "no such event, where nothing was tried": (
        tale(),
        claim("event", event="StopTriggered", count=0),
    ),
    "none of no attempts": (
        tale(tried("try")),
        claim("attempts", attempts=lookup("try"), each={"status": 403}, at_least=0),
    ),
    "no row, by a column that there is not": (
        tale(ASK, read(loops=LOOPS)),
        claim("no_row", no_row="loops", where={"stat": "PAUSED"}),
    ),
    "missing, of a bundle that never was": (
        tale(ASK, read()),
        claim("stored", stored=BUNDLE, as_="missing"),
    ),
    "missing, of no bundle at all": (
        tale(ASK, read(OBJECTS)),
        claim("stored", stored="", as_="missing"),
    ),
}


@pytest.mark.parametrize("name", UNTOLD)
def test_it_is_not_to_be_told(name: str) -> None:
    history, claimed = UNTOLD[name]

    judged = last_judged(history, claimed)

    assert (judged.verdict, bool(judged.why)) == (Verdict.INVALID, True)


def test_a_bundle_that_was_there_and_went_is_missing() -> None:
    history = tale(ASK, read(OBJECTS), read())

    judged = last_judged(history, claim("stored", stored=BUNDLE, as_="missing"))

    assert judged.verdict is Verdict.PASS


def test_a_table_that_the_log_does_not_give_is_found_out() -> None:
    history = tale(ASK, STOP, read(loops=LOOPS, spare=LOOPS), replayed={"loops": LOOPS})

    judged = last_judged(
        history, claim("invariant", invariant="projections-equal-replay")
    )

    assert judged.verdict is Verdict.FAIL
    assert "spare" in judged.why
