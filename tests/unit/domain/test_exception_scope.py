"""Bounds of exceptions (C-EXC-5, SPEC 6.5): never everywhere."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.exception_scope import (
    ExceptionKind,
    ExceptionScope,
    Place,
    ScopeKind,
    guess_kind,
)
from sr_core.domain.ids import CandidateId, LoopId
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.testing import DIRECTIVE, LOOP_1, SOME_HASH, ulid

CANDIDATE = CandidateId(f"{SOME_HASH}|cand_{ulid(1)}")
OTHER = CandidateId(f"{SOME_HASH}|cand_{ulid(2)}")
PLACE = Place(
    loop_id=LOOP_1,
    work_unit_id="WU-1",
    candidate_id=CANDIDATE,
    artifact_ids=frozenset({DIRECTIVE.id}),
)
BOUNDS: dict[str, Any] = {
    "candidate_id": CANDIDATE,
    "loop_id": LOOP_1,
    "work_unit_id": "WU-1",
    "artifact_refs": (DIRECTIVE,),
    "baseline_id": "baseline:1",
}
ELSEWHERE = {
    "candidate_id": replace(PLACE, candidate_id=OTHER),
    "loop_id": replace(PLACE, loop_id=LoopId(f"loop_{ulid(9)}")),
    "work_unit_id": replace(PLACE, work_unit_id="WU-2"),
    "artifact_refs": replace(PLACE, artifact_ids=frozenset({"SR-SPEC"})),
    "baseline_id": replace(PLACE, baseline_id="baseline:2"),
}


def boxed(**bounds):
    return ExceptionScope(scope_kind=ScopeKind.TIME_BOXED, **bounds)


class TestBounds:
    """What claims a bound names it."""

    @pytest.mark.parametrize("kind", ScopeKind)
    def test_nothing_is_no_bound(self, kind):
        with pytest.raises(MalformedInput, match=f"scope: found '{kind} without"):
            ExceptionScope(scope_kind=kind)

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            (ScopeKind.PER_CANDIDATE, "candidate_id"),
            (ScopeKind.PER_LOOP, "loop_id"),
            (ScopeKind.PER_BASELINE, "baseline_id"),
        ],
    )
    def test_each_kind_has_its_own(self, kind, name):
        others = {key: value for key, value in BOUNDS.items() if key != name}

        made = ExceptionScope(scope_kind=kind, **{name: BOUNDS[name]})

        assert made.scope_kind is kind
        with pytest.raises(MalformedInput):
            ExceptionScope(scope_kind=kind, **others)

    @pytest.mark.parametrize("name", BOUNDS)
    def test_time_alone_is_none(self, name):
        assert boxed(**{name: BOUNDS[name]})

    @pytest.mark.parametrize(
        ("names", "kind"),
        [
            (("candidate_id", "loop_id", "baseline_id"), ScopeKind.PER_CANDIDATE),
            (("loop_id", "baseline_id"), ScopeKind.PER_LOOP),
            (("baseline_id",), ScopeKind.PER_BASELINE),
            ((), ScopeKind.TIME_BOXED),
        ],
        ids=str,
    )
    def test_a_kind_that_is_not_said_is_the_narrowest(self, names, kind):
        given = {
            name: BOUNDS[name] if name in names else None
            for name in ("candidate_id", "loop_id", "baseline_id")
        }

        assert guess_kind(**given) is kind


class TestReach:
    """What it names most narrowly decides where it counts."""

    @pytest.mark.parametrize("name", BOUNDS)
    def test_it_reaches_what_it_names_and_nothing_else(self, name):
        scope = boxed(**{name: BOUNDS[name]})

        assert scope.reaches(replace(PLACE, baseline_id="baseline:1"))
        assert not scope.reaches(ELSEWHERE[name])

    def test_a_candidates_is_not_its_loops(self):
        scope = boxed(candidate_id=CANDIDATE, loop_id=LOOP_1)

        assert not scope.reaches(replace(PLACE, candidate_id=OTHER))

    def test_of_another_baseline_it_is_not(self):
        scope = boxed(candidate_id=CANDIDATE, baseline_id="baseline:1")

        assert scope.reaches(PLACE)
        assert not scope.reaches(replace(PLACE, baseline_id="baseline:2"))

    def test_a_baselines_reaches_nothing_before_there_is_one(self):
        assert not boxed(baseline_id="baseline:1").reaches(PLACE)


class TestRefs:
    """SPEC 2.3, 8.3: what it affects; and its own kind."""

    def test_it_affects_what_it_names(self):
        refs = boxed(**BOUNDS).refs

        assert [each.kind for each in refs] == [
            RefKind.LOOP,
            RefKind.CANDIDATE,
            RefKind.GOVERNED_ARTIFACT,
        ]
        assert {each.rel for each in refs} == {RefRelation.AFFECTS}

    def test_a_scope_of_names_alone_affects_no_node(self):
        assert boxed(work_unit_id="WU-1").refs == ()

    def test_each_kind_has_its_ref(self):
        assert [each.ref_kind for each in ExceptionKind] == [
            RefKind.DEVIATION,
            RefKind.DEFERRAL,
            RefKind.WAIVER,
        ]
