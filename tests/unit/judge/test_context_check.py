"""The check `context`: what an iteration started from, read from the log alone."""

import pytest
from tests.unit.judge.conftest import claim, did, last_judged, logged, tale

from pytest_sr.scenario import Verdict

HASH = f"sha256:{'1' * 64}"
SPEC = {
    "kind": "GovernedArtifact",
    "id": "SR-SPEC",
    "rel": "depends_on",
    "meta": {"content_hash": HASH, "version": "1.0.0"},
}
POLICY = {**SPEC, "id": "SR-POLICY", "rel": "supported_by"}
LOOP = {"kind": "Loop", "id": "loop_1", "rel": "in_scope_of", "meta": {}}


def started(*refs, iteration="iter_1"):
    return logged("IterationStarted", iteration_id=iteration, refs=refs)


def judged(*parts, **arguments):
    asked = {"iteration": "iter_1", "kind": "GovernedArtifact", "ids": ("SR-SPEC",)}
    given = claim("context", **{**asked, **arguments})
    return last_judged(tale(*parts, did("start")), given).verdict


class TestHolds:
    @pytest.mark.parametrize(
        "arguments",
        [
            {},
            {"meta": ("content_hash", "version")},
            {"content_hash": HASH},
            {"ids": ("SR-POLICY",), "rel": "supported_by"},
            {"kind": "Loop", "rel": "in_scope_of", "ids": ("loop_1",)},
            {"kind": "Waiver", "ids": ()},
        ],
    )
    def test_it_started_from_exactly_these(self, arguments):
        assert judged(started(LOOP, POLICY, SPEC), **arguments) is Verdict.PASS


class TestFails:
    @pytest.mark.parametrize(
        "arguments",
        [
            {"ids": ()},
            {"ids": ("SR-TYPES",)},
            {"ids": ("SR-SPEC", "SR-TYPES")},
            {"ids": ("SR-SPEC", "SR-SPEC")},
            {"rel": "supported_by"},
            {"kind": "Loop", "ids": ("loop_1",)},
            {"meta": ("type_key",)},
            {"content_hash": f"sha256:{'2' * 64}"},
        ],
    )
    def test_it_started_from_others(self, arguments):
        assert judged(started(LOOP, POLICY, SPEC), **arguments) is Verdict.FAIL

    @pytest.mark.parametrize("said", [None, "", "sha256:short", 7])
    def test_a_hash_is_one(self, said):
        ref = {**SPEC, "meta": {"content_hash": said}}

        assert judged(started(ref), meta=("content_hash",)) is Verdict.FAIL

    def test_a_version_says_something(self):
        ref = {**SPEC, "meta": {"version": ""}}

        assert judged(started(ref), meta=("version",)) is Verdict.FAIL

    def test_a_ref_without_meta_says_nothing(self):
        assert (
            judged(started({**SPEC, "meta": None}), meta=("version",)) is Verdict.FAIL
        )


class TestUndecided:
    """Absence is never green: what did not start has no context, not an empty one."""

    @pytest.mark.parametrize("ids", [(), ("SR-SPEC",)])
    def test_it_never_started(self, ids):
        assert judged(ids=ids) is Verdict.INVALID

    def test_only_another_started(self):
        assert judged(started(SPEC, iteration="iter_2")) is Verdict.INVALID

    def test_it_started_twice(self):
        assert judged(started(SPEC), started(SPEC)) is Verdict.INVALID
