"""The checks `every_ref` and `dereferenced`: forms, and what is pointed at."""

import hashlib
import json

import pytest
from tests.unit.judge.conftest import claim, did, last_judged, logged, read, tale

from pytest_sr.checks.refs import FORMS
from pytest_sr.scenario import Verdict

PASS, FAIL, INVALID = Verdict.PASS, Verdict.FAIL, Verdict.INVALID
HASH = f"sha256:{'1' * 64}"
OTHER = f"sha256:{'2' * 64}"
ITER = "iter_1"


def ref(kind, name, **meta):
    return {"kind": kind, "id": name, "rel": "depends_on", "meta": meta}


def started(*refs, iteration=ITER):
    return logged("IterationStarted", iteration_id=iteration, refs=refs)


def said(*parts, **arguments):
    return last_judged(tale(*parts), claim("every_ref", **arguments)).verdict


class TestEveryRef:
    """SPEC 3: what a kind has to say, it says in one form."""

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("applies_to", "ORACLE_FAIL:lint"),
            ("content_hash", HASH),
            ("current_stage_id", "stage:FRAME"),
            ("expires_at", "2099-01-01T00:00:00Z"),
            ("expires_at", "2099-01-01T00:00:00.250Z"),
            ("scope", "per-loop"),
            ("suite_hash", HASH),
            ("type_key", "governance.technical_spec"),
            ("version", "1.0.0"),
            ("version", "1.0.0-rc.1+b5"),
        ],
    )
    def test_the_right_form_passes(self, name, value):
        one = started(ref("Record", "rec_1", **{name: value}))

        assert said(one, every_ref="Record", says=(name,)) is PASS

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("applies_to", "lint"),
            ("content_hash", "1" * 64),
            ("content_hash", f"sha256:{HASH}"),
            ("content_hash", f"sha256:{'A' * 64}"),
            ("content_hash", f"{HASH}\n"),
            ("current_stage_id", "FRAME"),
            ("expires_at", "2099-01-01"),
            ("expires_at", "2099-01-01T00:00:00+00:00"),
            ("scope", "PER-LOOP"),
            ("suite_hash", ""),
            ("type_key", "technical_spec"),
            ("version", "1.0"),
            ("version", "01.0.0"),
            ("version", "v1.0.0"),
            ("version", 1),
        ],
    )
    def test_a_form_that_is_near_fails(self, name, value):
        one = started(ref("Record", "rec_1", **{name: value}))

        assert said(one, every_ref="Record", says=(name,)) is FAIL

    def test_one_ref_of_many_is_enough_to_fail(self):
        good, bad = (
            ref("Intake", "intake:1", content_hash=HASH),
            ref("Intake", "intake:2"),
        )

        assert (
            said(
                started(good), started(bad), every_ref="Intake", says=("content_hash",)
            )
            is FAIL
        )

    def test_only_the_events_that_are_named_are_looked_at(self):
        bad = ref("Intake", "intake:1")
        good = ref("Intake", "intake:1", content_hash=HASH)
        parts = (logged("IntakeActivated", refs=(bad,)), started(good))
        asked = {"every_ref": "Intake", "says": ("content_hash",)}

        assert said(*parts, **asked) is FAIL
        assert said(*parts, **asked, of="IterationStarted") is PASS

    def test_a_ref_without_meta_says_nothing(self):
        bad = {**ref("Intake", "intake:1"), "meta": None}

        assert said(started(bad), every_ref="Intake", says=("content_hash",)) is FAIL

    @pytest.mark.parametrize(
        ("refs", "says"),
        [
            ((), ("content_hash",)),
            ((ref("Loop", "loop_1"),), ("content_hash",)),
            ((ref("Intake", "intake:1"),), ()),
            ((ref("Intake", "intake:1", flavour="good"),), ("flavour",)),
        ],
        ids=["no ref", "of another kind", "says nothing", "no known form"],
    )
    def test_with_nothing_to_look_at_it_is_open(self, refs, says):
        assert said(started(*refs), every_ref="Intake", says=says) is INVALID

    def test_every_form_refuses_nothing_at_all(self):
        assert not any(form.fullmatch("") for form in FORMS.values())


ENDED = {"state": "COMPLETED", "outcome": "SUCCESS", "summary": {"intent": "é"}}
ENDED_HASH = (
    "sha256:"
    + hashlib.sha256(
        json.dumps(
            ENDED, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
    ).hexdigest()
)
CANDIDATE = f"{HASH}|cand_1"
EXCEPTION = {
    "kind": "DEVIATION",
    "scope_kind": "per-loop",
    "expires_at": "2099-01-01T00:00:00+00:00",
}
BOUNDS = {"scope": "per-loop", "expires_at": "2099-01-01T00:00:00Z"}
ROWS = {
    "candidates": {CANDIDATE: {"content_hash": HASH}},
    "config_definitions": {
        "cfg_1": {
            "name": "proc:A",
            "content_hash": HASH,
            "definition": {"stages": [{"stage_id": "stage:ONE"}]},
        }
    },
    "exceptions": {"exc_1": EXCEPTION, "exc_2": {**EXCEPTION, "kind": "DEFERRAL"}},
    "governed_artifacts": {
        f"SR-SPEC,{HASH}": {
            "content_hash": HASH,
            "version": "1.0.0",
            "artifact_type": "governance.technical_spec",
        }
    },
    "human_judgment_records": {"rec_1": {"content_hash": HASH}},
    "intakes": {"intake:1": {"content_hash": HASH}},
    "iterations": {"iter_0": {**ENDED, "sequence": 1}},
    "loops": {"loop_1": {}},
    "oracle_suites": {"suite:A": {"suite_hash": HASH}},
}
SPEC = {
    "content_hash": HASH,
    "version": "1.0.0",
    "type_key": "governance.technical_spec",
}
STAGE = {"content_hash": HASH, "current_stage_id": "stage:ONE"}
TRUE = {
    "Candidate": ref("Candidate", CANDIDATE, content_hash=HASH),
    "Deferral": ref("Deferral", "exc_2", **BOUNDS),
    "Deviation": ref("Deviation", "exc_1", **BOUNDS),
    "GovernedArtifact": ref("GovernedArtifact", "SR-SPEC", **SPEC),
    "Intake": ref("Intake", "intake:1", content_hash=HASH),
    "Iteration": ref("Iteration", "iter_0", content_hash=ENDED_HASH),
    "Loop": ref("Loop", "loop_1"),
    "OracleSuite": ref("OracleSuite", "suite:A", content_hash=HASH, suite_hash=HASH),
    "ProcedureTemplate": ref("ProcedureTemplate", "proc:A", **STAGE),
    "Record": ref("Record", "rec_1", content_hash=HASH),
}
UNTRUE = [
    ref("Candidate", CANDIDATE, content_hash=OTHER),
    ref("Candidate", f"{HASH}|cand_2", content_hash=HASH),
    ref("Deferral", "exc_1", **BOUNDS),
    ref("Deviation", "exc_9", **BOUNDS),
    ref("Deviation", "exc_1", **{**BOUNDS, "scope": "per-candidate"}),
    ref("Deviation", "exc_1", **{**BOUNDS, "expires_at": "2098-01-01T00:00:00Z"}),
    ref("GovernedArtifact", "SR-SPEC", **{**SPEC, "content_hash": OTHER}),
    ref("GovernedArtifact", "SR-SPEC", **{**SPEC, "version": "1.0.1"}),
    ref("GovernedArtifact", "SR-SPEC", **{**SPEC, "type_key": "governance.types"}),
    ref("Intake", "intake:1", content_hash=OTHER),
    ref("Intake", "intake:2", content_hash=HASH),
    ref("Iteration", "iter_0", content_hash=HASH),
    ref("Iteration", "iter_9", content_hash=ENDED_HASH),
    ref("Loop", "loop_2"),
    ref("OracleSuite", "suite:A", content_hash=HASH, suite_hash=OTHER),
    ref("OracleSuite", "suite:A", content_hash=OTHER, suite_hash=HASH),
    ref("ProcedureTemplate", "proc:A", **{**STAGE, "content_hash": OTHER}),
    ref("ProcedureTemplate", "proc:A", **{**STAGE, "current_stage_id": "stage:TWO"}),
    ref("ProcedureTemplate", "proc:B", **STAGE),
    ref("Record", "rec_1", content_hash=OTHER),
    {**ref("Intake", "intake:1"), "meta": None},
]


def there(*refs, kind, rows=ROWS, iteration=ITER, **more):
    history = tale(did("start"), started(*refs), read(**rows))
    asked = claim("dereferenced", iteration=iteration, kind=kind, **more)
    return last_judged(history, asked).verdict


class TestDereferenced:
    """C-CTX-1: what an iteration starts from is there, and is what is said of it."""

    @pytest.mark.parametrize("kind", TRUE)
    def test_what_is_so_passes(self, kind):
        assert there(*TRUE.values(), kind=kind) is PASS

    @pytest.mark.parametrize("untrue", UNTRUE, ids=str)
    def test_what_is_not_so_fails(self, untrue):
        assert there(untrue, kind=untrue["kind"]) is FAIL

    @pytest.mark.parametrize("untrue", UNTRUE, ids=str)
    def test_one_that_is_not_so_is_enough(self, untrue):
        kind = untrue["kind"]

        assert there(TRUE[kind], untrue, kind=kind) is FAIL

    def test_a_kind_that_it_does_not_start_from_is_missing(self):
        assert there(TRUE["Loop"], kind="Intake") is FAIL
        assert there(TRUE["Intake"], kind="Intake", at_least=2) is FAIL

    def test_nothing_can_be_asked_for_by_asking_for_none(self):
        assert there(TRUE["Loop"], kind="Intake", at_least=0) is FAIL

    @pytest.mark.parametrize("kind", TRUE)
    def test_without_its_table_nothing_is_there(self, kind):
        assert there(TRUE[kind], kind=kind, rows={"other": {}}) is FAIL

    def test_of_what_did_not_start_nothing_is_told(self):
        assert there(TRUE["Loop"], kind="Loop", iteration="iter_9") is INVALID

    def test_without_a_look_at_the_rows_nothing_is_told(self):
        history = tale(did("start"), started(TRUE["Loop"]))
        asked = claim("dereferenced", iteration=ITER, kind="Loop")

        assert last_judged(history, asked).verdict is INVALID

    def test_a_kind_that_no_iteration_starts_from_is_open(self):
        bundle = ref("EvidenceBundle", HASH, content_hash=HASH)

        assert there(bundle, kind="EvidenceBundle") is INVALID


def from_something(hold, *parts):
    history = tale(did("start"), *parts)
    asked = claim("started_from", started_from=ITER, hold=hold)
    return last_judged(history, asked).verdict


class TestStartedFrom:
    """One iteration is meant, whatever started before it or since."""

    @pytest.mark.parametrize(
        "hold",
        [{"id": "intake:1"}, {"kind": "Intake", "meta": {"content_hash": HASH}}],
    )
    def test_what_it_holds_passes(self, hold):
        parts = (started(TRUE["Intake"]), started(iteration="iter_2"))

        assert from_something(hold, *parts) is PASS

    @pytest.mark.parametrize(
        "hold", [{"rel": "supported_by"}, {"kind": "Intake", "meta": {"a": HASH}}]
    )
    def test_what_only_another_holds_fails(self, hold):
        other = {**TRUE["Intake"], "rel": "supported_by", "meta": {"a": HASH}}
        parts = (started(TRUE["Intake"]), started(other, iteration="iter_2"))

        assert from_something(hold, *parts) is FAIL

    def test_of_what_did_not_start_nothing_is_told(self):
        assert from_something({}, started(iteration="iter_2")) is INVALID
