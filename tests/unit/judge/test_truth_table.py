"""What each check, and each modifier, makes of the smallest histories that tell."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

import pytest
from tests.unit.judge.conftest import (
    BLOB,
    always,
    bundle_of,
    claim,
    did,
    healed,
    judgement,
    landed,
    last_judged,
    logged,
    lookup,
    moment,
    read,
    tale,
    tried,
    waited,
)

from pytest_sr.history import History, Row
from pytest_sr.scenario import Claim, Text, Verdict

PASS, FAIL, INVALID = Verdict.PASS, Verdict.FAIL, Verdict.INVALID

BUNDLE, OBJECTS = bundle_of()
MANIFEST_AT, BLOB_AT = OBJECTS
LOST_MANIFEST = {BLOB_AT: OBJECTS[BLOB_AT]}
LOST_BLOB = {MANIFEST_AT: OBJECTS[MANIFEST_AT]}
BAD = f"sha256:{'0' * 64}"
BAD_MANIFEST = {**OBJECTS, MANIFEST_AT: replace(OBJECTS[MANIFEST_AT], sha256=BAD)}
BAD_BLOB = {**OBJECTS, BLOB_AT: replace(OBJECTS[BLOB_AT], sha256=BAD)}
SHORT_BLOB = {**OBJECTS, BLOB_AT: replace(OBJECTS[BLOB_AT], size=len(BLOB) - 1)}

PAUSED = {"loop_1": {"state": "PAUSED", "position": 1}}
ACTIVE = {"loop_1": {"state": "ACTIVE", "position": 1}}
APPROVAL_REF = {"kind": "Approval", "rel": "approved_by", "id": "apr_1"}
OTHER_REF = {**APPROVAL_REF, "id": "apr_2"}

STOPPED = claim("event", event="StopTriggered")
NO_STOP = claim("no_event", no_event="StopTriggered")
RAN = claim("event", event="RunCompleted", name="ran")
IS_PAUSED = claim(
    "projection", projection="loops", id="loop_1", has={"state": "PAUSED"}
)
NEVER_PAUSED = claim("no_row", no_row="loops", where={"state": "PAUSED"})
SOUND = claim("invariant", invariant="log-sound")
EQUAL = claim("invariant", invariant="projections-equal-replay")
REFS = claim("refs", refs="RunCompleted", hold={"rel": "approved_by", "id": "apr_1"})


def event(**more: object) -> Claim:
    return claim("event", event="StopTriggered", **more)  # type: ignore[arg-type]  # a test's shorthand


def answer(status: int, **more: object) -> Claim:
    return claim("answer", answer=lookup("ask"), status=status, **more)  # type: ignore[arg-type]  # a test's shorthand


def attempts(status: int, at_least: int = 1) -> Claim:
    return claim(
        "attempts", attempts=lookup("all"), each={"status": status}, at_least=at_least
    )


def kept(**more: object) -> Claim:
    asked: dict[str, object] = {
        "bundle": BUNDLE,
        "verdict": "PASS",
        "results": {"oracle:build": "PASS"},
        **more,
    }
    return claim("bundle", **asked)  # type: ignore[arg-type]  # a test's shorthand


def stored(as_: str) -> Claim:
    return claim("stored", stored=BUNDLE, as_=as_)


def during(history_claim: Claim) -> Claim:
    return replace(history_claim, during="gone")


def after(history_claim: Claim, what: str) -> Claim:
    return replace(history_claim, after=what)


def within(history_claim: Claim, seconds: float) -> Claim:
    return replace(history_claim, within_s=seconds)


stop = logged("StopTriggered", trigger="ORACLE_GAP")
ran = logged("RunCompleted", outcome="SUCCESS")
ask = did("ask")
on, off = landed("gone"), healed("gone")

Entry = tuple[Verdict, History, tuple[Claim, ...]]


def entry(verdict: Verdict, history: History, *claims: Claim) -> Entry:
    return verdict, history, claims


EVENTS: Final[dict[str, Entry]] = {
    "event: there": entry(PASS, tale(ask, stop), STOPPED),
    "event: not there": entry(FAIL, tale(ask, ran), STOPPED),
    "event: empty log": entry(FAIL, tale(), STOPPED),
    "event: unheard of": entry(
        INVALID, tale(ask, stop), claim("event", event="StopTrigered")
    ),
    "event where: fits": entry(
        PASS, tale(stop), event(where={"trigger": "ORACLE_GAP"})
    ),
    "event where: differs": entry(FAIL, tale(stop), event(where={"trigger": "OTHER"})),
    "event where: another type in place of it": entry(
        FAIL, tale(logged("StopTriggered", n=1)), event(where={"n": True})
    ),
    "event where: unknown field": entry(
        INVALID, tale(stop), event(where={"trigr": "ORACLE_GAP"})
    ),
    "event where: unknown field, none counted": entry(
        INVALID, tale(stop), event(where={"trigr": "ORACLE_GAP"}, count=0)
    ),
    "event where: missing lookup as a whole": entry(
        INVALID, tale(stop), event(where=lookup("run.fields"))
    ),
    "event by: fits": entry(PASS, tale(stop), event(by="SYSTEM")),
    "event by: differs": entry(FAIL, tale(stop), event(by="HUMAN")),
    "event count: as said": entry(PASS, tale(stop, stop), event(count=2)),
    "event count: too few": entry(FAIL, tale(stop), event(count=2)),
    "event count: too many": entry(FAIL, tale(stop, stop), event(count=1)),
    "event count: none, and there is none": entry(PASS, tale(ask, ran), event(count=0)),
    "event count: none, and there is one": entry(FAIL, tale(ask, stop), event(count=0)),
    "no_event: none": entry(PASS, tale(ask, ran), NO_STOP),
    "no_event: one": entry(FAIL, tale(ask, stop), NO_STOP),
    "no_event: nothing was tried": entry(INVALID, tale(ran), NO_STOP),
    "no_event: empty": entry(INVALID, tale(), NO_STOP),
    "no_event: unheard of": entry(
        INVALID, tale(ask, stop), claim("no_event", no_event="Stopped")
    ),
    "no_event where: another": entry(
        PASS,
        tale(ask, stop),
        claim("no_event", no_event="StopTriggered", where={"trigger": "OTHER"}),
    ),
    "no_event where: that one": entry(
        FAIL,
        tale(ask, stop),
        claim("no_event", no_event="StopTriggered", where={"trigger": "ORACLE_GAP"}),
    ),
    "no_event where: unknown field": entry(
        INVALID,
        tale(ask, stop),
        claim("no_event", no_event="StopTriggered", where={"trigr": "ORACLE_GAP"}),
    ),
    "every_event: all": entry(
        PASS,
        tale(stop, stop),
        claim("every_event", every_event="StopTriggered", by="SYSTEM"),
    ),
    "every_event: all but one": entry(
        FAIL,
        tale(stop, logged("StopTriggered", by="HUMAN"), stop),
        claim("every_event", every_event="StopTriggered", by="SYSTEM"),
    ),
    "every_event: none to look at": entry(
        INVALID,
        tale(ask, ran),
        claim("every_event", every_event="StopTriggered", by="SYSTEM"),
    ),
    "refs: carried": entry(
        PASS, tale(logged("RunCompleted", refs=(OTHER_REF, APPROVAL_REF))), REFS
    ),
    "refs: another": entry(FAIL, tale(logged("RunCompleted", refs=(OTHER_REF,))), REFS),
    "refs: none": entry(FAIL, tale(ran), REFS),
    "refs: the last counts": entry(
        FAIL, tale(logged("RunCompleted", refs=(APPROVAL_REF,)), ran), REFS
    ),
    "refs: no event to look at": entry(INVALID, tale(ask, stop), REFS),
    "log-sound: gapless": entry(PASS, tale(stop, ran), SOUND),
    "log-sound: a position is missing": entry(
        FAIL, tale(stop, logged("RunCompleted", skips=1)), SOUND
    ),
    "log-sound: a hash does not hold": entry(
        FAIL, tale(stop, logged("RunCompleted", sound=False)), SOUND
    ),
    "log-sound: a stream has a gap": entry(
        FAIL, tale(stop, logged("RunCompleted", seq=3)), SOUND
    ),
    "log-sound: empty log": entry(INVALID, tale(ask), SOUND),
}

STATE: Final[dict[str, Entry]] = {
    "replay: equal": entry(
        PASS, tale(stop, read(loops=PAUSED), replayed={"loops": PAUSED}), EQUAL
    ),
    "replay: a column differs": entry(
        FAIL, tale(stop, read(loops=ACTIVE), replayed={"loops": PAUSED}), EQUAL
    ),
    "replay: a row is lost": entry(
        FAIL, tale(stop, read(loops={}), replayed={"loops": PAUSED}), EQUAL
    ),
    "replay: a row is made up": entry(
        FAIL, tale(stop, read(loops=PAUSED), replayed={"loops": {}}), EQUAL
    ),
    "replay: no rows": entry(
        INVALID, tale(stop, read(loops={}), replayed={"loops": {}}), EQUAL
    ),
    "replay: not made anew": entry(INVALID, tale(stop, read(loops=PAUSED)), EQUAL),
    "replay: never read": entry(INVALID, tale(stop, replayed={"loops": PAUSED}), EQUAL),
    "replay: empty log": entry(
        INVALID, tale(read(loops=PAUSED), replayed={"loops": PAUSED}), EQUAL
    ),
    "answer: as said": entry(PASS, tale(ask), answer(200)),
    "answer: another status": entry(FAIL, tale(ask), answer(409)),
    "answer: another code": entry(
        FAIL, tale(did("ask", status=409, code="A")), answer(409, code="B")
    ),
    "answer: the code too": entry(
        PASS, tale(did("ask", status=409, code="A")), answer(409, code="A")
    ),
    "answer: the body holds it": entry(
        PASS, tale(did("ask", body={"a": [1], "b": 2})), answer(200, body={"a": [1]})
    ),
    "answer: the body differs": entry(
        FAIL, tale(did("ask", body={"a": [1, 2]})), answer(200, body={"a": [1]})
    ),
    "answer: the body lacks it": entry(FAIL, tale(ask), answer(200, body={"a": None})),
    "answer: never asked": entry(INVALID, tale(did("other")), answer(200)),
    "answer: no step": entry(
        INVALID, tale(ask), claim("answer", answer="ask", status=200)
    ),
    "attempts: all": entry(PASS, tale(tried("all", a=403, b=403)), attempts(403, 2)),
    "attempts: all but one": entry(
        FAIL, tale(tried("all", a=403, b=200)), attempts(403, 2)
    ),
    "attempts: too few": entry(INVALID, tale(tried("all", a=403)), attempts(403, 2)),
    "attempts: none": entry(INVALID, tale(tried("all")), attempts(403)),
    "attempts: never made": entry(INVALID, tale(ask), attempts(403)),
    "attempts: no attempts": entry(INVALID, tale(did("all")), attempts(403)),
    "projection: holds": entry(PASS, tale(read(loops=PAUSED)), IS_PAUSED),
    "projection: differs": entry(FAIL, tale(read(loops=ACTIVE)), IS_PAUSED),
    "projection: the last look counts": entry(
        FAIL, tale(read(loops=PAUSED), read(loops=ACTIVE)), IS_PAUSED
    ),
    "projection: no such row": entry(FAIL, tale(read(loops={})), IS_PAUSED),
    "projection: unknown column": entry(
        FAIL,
        tale(read(loops=PAUSED)),
        claim("projection", projection="loops", id="loop_1", has={"phase": None}),
    ),
    "projection: unknown table": entry(INVALID, tale(read(runs=PAUSED)), IS_PAUSED),
    "projection: never read": entry(INVALID, tale(ask, stop), IS_PAUSED),
    "projection: missing lookup": entry(
        INVALID,
        tale(ask, read(loops=PAUSED)),
        claim("projection", projection="loops", id=lookup("ask.loop"), has={}),
    ),
    "no_row: none": entry(PASS, tale(ask, read(loops=ACTIVE)), NEVER_PAUSED),
    "no_row: one": entry(FAIL, tale(ask, read(loops=PAUSED)), NEVER_PAUSED),
    "no_row: unknown table": entry(INVALID, tale(ask, read(runs={})), NEVER_PAUSED),
    "no_row: nothing was tried": entry(INVALID, tale(read(loops={})), NEVER_PAUSED),
    "no_row: never read": entry(INVALID, tale(ask), NEVER_PAUSED),
    "bundle: whole": entry(PASS, tale(read(OBJECTS)), kept(measured=("sandbox",))),
    "bundle: no manifest": entry(FAIL, tale(read(LOST_MANIFEST)), kept()),
    "bundle: another manifest": entry(FAIL, tale(read(BAD_MANIFEST)), kept()),
    "bundle: no blob": entry(FAIL, tale(read(LOST_BLOB)), kept()),
    "bundle: another blob": entry(FAIL, tale(read(BAD_BLOB)), kept()),
    "bundle: a shorter blob": entry(FAIL, tale(read(SHORT_BLOB)), kept()),
    "bundle: another verdict": entry(FAIL, tale(read(OBJECTS)), kept(verdict="ERROR")),
    "bundle: another result": entry(
        FAIL, tale(read(OBJECTS)), kept(results={"oracle:build": "FAIL"})
    ),
    "bundle: more results": entry(FAIL, tale(read(OBJECTS)), kept(results={})),
    "bundle: fewer results": entry(
        FAIL,
        tale(read(OBJECTS)),
        kept(results={"oracle:build": "PASS", "oracle:lint": "PASS"}),
    ),
    "bundle: not measured": entry(
        FAIL, tale(read(OBJECTS)), kept(measured=("sandbox", "network"))
    ),
    "bundle: never read": entry(INVALID, tale(ask), kept()),
    "bundle: missing lookup": entry(
        INVALID, tale(ask, read(OBJECTS)), kept(bundle=lookup("run.evidence"))
    ),
    "stored intact: intact": entry(PASS, tale(read(OBJECTS)), stored("intact")),
    "stored intact: missing": entry(FAIL, tale(read({})), stored("intact")),
    "stored intact: corrupted": entry(FAIL, tale(read(BAD_MANIFEST)), stored("intact")),
    "stored corrupted: so": entry(PASS, tale(read(BAD_MANIFEST)), stored("corrupted")),
    "stored corrupted: intact": entry(FAIL, tale(read(OBJECTS)), stored("corrupted")),
    "stored missing: it was there before": entry(
        PASS, tale(read(OBJECTS), read(LOST_MANIFEST)), stored("missing")
    ),
    "stored missing: intact": entry(FAIL, tale(read(OBJECTS)), stored("missing")),
    "stored: never read": entry(INVALID, tale(ask), stored("missing")),
}

MODIFIERS: Final[dict[str, Entry]] = {
    "while: in it": entry(PASS, tale(on, stop, off), during(STOPPED)),
    "while: before it": entry(FAIL, tale(stop, on, off), during(STOPPED)),
    "while: after it": entry(FAIL, tale(on, off, stop), during(STOPPED)),
    "while: never on": entry(INVALID, tale(stop), during(STOPPED)),
    "while: never off": entry(INVALID, tale(on, stop), during(STOPPED)),
    "while: off, but not healed": entry(
        PASS, tale(on, stop, moment("gone", "not healed")), during(STOPPED)
    ),
    "while no_event: tried in it": entry(PASS, tale(on, ask, off), during(NO_STOP)),
    "while no_event: tried outside of it": entry(
        INVALID, tale(ask, on, off, did("later")), during(NO_STOP)
    ),
    "while answer: in it": entry(PASS, tale(on, ask, off), during(answer(200))),
    "while answer: outside of it": entry(
        INVALID, tale(ask, on, off), during(answer(200))
    ),
    "while attempts: outside of it": entry(
        INVALID, tale(tried("all", a=403), on, off), during(attempts(403))
    ),
    "while projection: at its end": entry(
        PASS,
        tale(on, read(loops=PAUSED), off, read(loops=ACTIVE)),
        during(IS_PAUSED),
    ),
    "while projection: not read in it": entry(
        INVALID,
        tale(read(loops=PAUSED), on, off, read(loops=PAUSED)),
        during(IS_PAUSED),
    ),
    "after a claim: after it": entry(PASS, tale(ran, stop), RAN, after(STOPPED, "ran")),
    "after a claim: before it": entry(
        FAIL, tale(stop, ran), RAN, after(STOPPED, "ran")
    ),
    "after a claim: that does not hold": entry(
        FAIL, tale(ask, stop), RAN, after(STOPPED, "ran")
    ),
    "after a claim: that cannot be told": entry(
        INVALID,
        tale(stop),
        replace(REFS, name="ran"),
        after(STOPPED, "ran"),
    ),
    "after a claim: that rests on no event": entry(
        INVALID,
        tale(read(loops=PAUSED), stop),
        replace(IS_PAUSED, name="ran"),
        after(STOPPED, "ran"),
    ),
    "after a claim, no_event: nothing was tried since": entry(
        INVALID, tale(ask, ran, read()), RAN, after(NO_STOP, "ran")
    ),
    "after a claim, no_event: tried since": entry(
        PASS, tale(ran, ask), RAN, after(NO_STOP, "ran")
    ),
    "after heal: after it": entry(PASS, tale(on, off, stop), after(STOPPED, "heal")),
    "after heal: before it": entry(FAIL, tale(on, stop, off), after(STOPPED, "heal")),
    "after heal: of two, before the last": entry(
        FAIL,
        tale(on, landed("slow"), off, stop, healed("slow")),
        after(STOPPED, "heal"),
    ),
    "after heal: nothing was healed": entry(
        INVALID, tale(on, stop), after(STOPPED, "heal")
    ),
    "after heal, projection: not read since": entry(
        INVALID, tale(on, read(loops=PAUSED), off), after(IS_PAUSED, "heal")
    ),
    "within: in time": entry(PASS, tale(ask, stop), within(STOPPED, 5)),
    "within: too late": entry(FAIL, tale(ask, waited(5), stop), within(STOPPED, 5)),
    "within: just in time": entry(PASS, tale(ask, waited(4), stop), within(STOPPED, 5)),
    "within: never": entry(FAIL, tale(ask, ran), within(STOPPED, 5)),
    "within: no moment to count from": entry(INVALID, tale(stop), within(STOPPED, 5)),
    "within after heal: in time": entry(
        PASS, tale(ask, waited(9), on, off, stop), after(within(STOPPED, 5), "heal")
    ),
    "within after heal: too late": entry(
        FAIL, tale(ask, on, off, waited(5), stop), after(within(STOPPED, 5), "heal")
    ),
    "within after a claim: in time": entry(
        PASS, tale(ask, waited(9), ran, stop), RAN, after(within(STOPPED, 5), "ran")
    ),
    "within after a claim: too late": entry(
        FAIL, tale(ask, ran, waited(5), stop), RAN, after(within(STOPPED, 5), "ran")
    ),
    "within while: in time": entry(
        PASS, tale(ask, waited(9), on, stop, off), during(within(STOPPED, 5))
    ),
    "within while: too late": entry(
        FAIL, tale(ask, on, waited(5), stop, off), during(within(STOPPED, 5))
    ),
    "always: at every look": entry(
        PASS,
        tale(ask, read(), ran, read()),
        always("no_event", no_event="StopTriggered"),
    ),
    "always: no longer at the last": entry(
        FAIL,
        tale(ask, read(), stop, read()),
        always("no_event", no_event="StopTriggered"),
    ),
    "always: not at one in the middle": entry(
        FAIL,
        tale(ask, read(loops=ACTIVE), read(loops=PAUSED), read(loops=ACTIVE)),
        always("no_row", no_row="loops", where={"state": "PAUSED"}),
    ),
    "always: never looked": entry(
        INVALID, tale(ask, ran), always("no_event", no_event="StopTriggered")
    ),
    "always while: it happened outside of it": entry(
        PASS,
        tale(stop, on, ask, read(), off, stop, read()),
        always("no_event", no_event="StopTriggered", during="gone"),
    ),
    "always while: never looked in it": entry(
        INVALID,
        tale(ask, read(), on, off, read()),
        always("no_event", no_event="StopTriggered", during="gone"),
    ),
    "always while: nothing tried in it": entry(
        INVALID,
        tale(ask, on, read(), off, read()),
        always("no_event", no_event="StopTriggered", during="gone"),
    ),
}

EDGES = {
    "e1": {"src_id": "Run/r", "edge_type": "depends_on", "dst_id": "OracleSuite/s"},
    "e2": {"src_id": "Run/r", "edge_type": "about", "dst_id": "Candidate/c"},
}
MARKER = {
    "root_kind": "OracleSuite",
    "root_id": "s",
    "dependent_kind": "Run",
    "dependent_id": "r",
    "reason_code": "MANUAL_MARK",
    "resolved_at": None,
}
DEPENDS = claim("edge", edge="depends_on", source="Run/r", target="OracleSuite/s")
IS_STALE = claim("stale", stale="Run/r", root="OracleSuite/s", reason="MANUAL_MARK")


def graph(table: str, rows: Mapping[str, Row]) -> History:
    tables: dict[str, Any] = {f"graph.{table}": rows}
    return tale(read(**tables))


def marked(**changes: object) -> History:
    return graph("stale_nodes", {"m1": {**MARKER, **changes}})


GRAPH: Final = {
    "edge: is there": entry(PASS, graph("edges", EDGES), DEPENDS),
    "edge: of another relation": entry(
        FAIL, graph("edges", {"e2": EDGES["e2"]}), DEPENDS
    ),
    "edge: there are none": entry(FAIL, graph("edges", {}), DEPENDS),
    "edge: twice": entry(
        FAIL, graph("edges", {"e1": EDGES["e1"], "e9": EDGES["e1"]}), DEPENDS
    ),
    "edge: unknown table": entry(INVALID, tale(read(loops=PAUSED)), DEPENDS),
    "edge: never read": entry(INVALID, tale(ask, stop), DEPENDS),
    "stale: has the marker": entry(PASS, marked(), IS_STALE),
    "stale: resolved": entry(FAIL, marked(resolved_at="2026-01-01"), IS_STALE),
    "stale: of another root": entry(FAIL, marked(root_id="t"), IS_STALE),
    "stale: for another reason": entry(
        FAIL, marked(reason_code="DEPENDENCY_STALE"), IS_STALE
    ),
    "stale: another node": entry(FAIL, marked(dependent_id="q"), IS_STALE),
    "stale: is resolved, as claimed": entry(
        PASS,
        marked(resolved_at="2026-01-01"),
        claim(
            "stale",
            stale="Run/r",
            root="OracleSuite/s",
            reason="MANUAL_MARK",
            open=False,
        ),
    ),
    "stale: never read": entry(INVALID, tale(ask, stop), IS_STALE),
}

TABLE: Final = {**EVENTS, **STATE, **GRAPH, **MODIFIERS}
NOTHING: Final = tale()


class TestTruthTable:
    """Each verdict is what the history supports, and absence is never green."""

    @pytest.mark.parametrize("name", TABLE)
    def test_the_claim_comes_out_as_the_table_says(self, name):
        verdict, history, claims = TABLE[name]

        judged = last_judged(history, *claims)

        assert (judged.verdict, bool(judged.why)) == (verdict, True), judged.why

    def test_every_kind_of_check_comes_out_in_every_way(self):
        seen = {(claims[-1].check, verdict) for verdict, _, claims in TABLE.values()}

        for each in {check for check, _ in seen}:
            assert {verdict for check, verdict in seen if check == each} == set(Verdict)

    @pytest.mark.parametrize("name", [each for each in TABLE if TABLE[each][0] is PASS])
    def test_what_holds_is_not_green_over_nothing(self, name):
        claims = [each for each in TABLE[name][2] if "count" not in each.arguments]

        for judged in judgement(NOTHING, *claims).claims:
            assert judged.verdict is not PASS

    @pytest.mark.parametrize("name", TABLE)
    def test_judging_is_pure(self, name):
        _, history, claims = TABLE[name]
        before = deepcopy(history)

        first = judgement(history, *claims)

        assert judgement(history, *claims) == first
        assert judgement(before, *claims) == first
        assert history == before


class TestLookups:
    """What a claim names is what its step gave, whole and of the same type."""

    def test_a_field_is_put_in(self):
        named = claim("projection", projection="loops", id=lookup("made.loop"), has={})
        history = tale(did("made", loop="loop_1"), read(loops=PAUSED))

        assert last_judged(history, named).verdict is PASS

    def test_a_field_inside_of_a_map_is_put_in(self):
        where = {"trigger": lookup("made.trigger")}
        history = tale(did("made", trigger="ORACLE_GAP"), stop)

        assert last_judged(history, event(where=where)).verdict is PASS

    def test_a_field_inside_of_a_text_is_put_in(self):
        text = Text(parts=("loop_", lookup("made.number")))
        named = claim("projection", projection="loops", id=text, has={})

        history = tale(did("made", number=1), read(loops=PAUSED))

        assert last_judged(history, named).verdict is PASS

    def test_a_number_is_no_text(self):
        where = {"trigger": lookup("made.trigger")}
        history = tale(did("made", trigger=1), logged("StopTriggered", trigger="1"))

        assert last_judged(history, event(where=where)).verdict is FAIL

    def test_what_was_never_made_is_named(self):
        named = claim("projection", projection="loops", id=lookup("made.loop"), has={})

        judged = last_judged(tale(ask, read(loops=PAUSED)), named)

        assert judged.why == "${made.loop} was never made"
