"""Verification profiles, as they are laid down (SPEC 7.3)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sr_core.codec.definitions import document, hash_definition, typed
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import ProfileId, SuiteId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.profile import FailureClass, Profiles
from sr_core.domain.profile_definition import (
    BUILT_IN,
    ProfileDefinition,
    canonical_profile_id,
)

GOV_CORE, STRICT_CORE, STRICT_FULL = (
    BUILT_IN[ProfileId(f"profile:{name}")]
    for name in ("GOV-CORE", "STRICT-CORE", "STRICT-FULL")
)
CORE_ORACLES = {
    "oracle:build",
    "oracle:unit_tests",
    "oracle:lint",
    "oracle:schema_validate",
}


class TestBuiltIn:
    """SPEC 7.3: the three profiles that are shipped."""

    @pytest.mark.parametrize(
        ("profile", "suite", "waivable", "deliverables"),
        [
            (GOV_CORE, "suite:SR-SUITE-GOV", set(), 1),
            (STRICT_CORE, "suite:SR-SUITE-CORE", CORE_ORACLES, 29),
            (
                STRICT_FULL,
                "suite:SR-SUITE-FULL",
                CORE_ORACLES | {"oracle:integration", "oracle:e2e"},
                6,
            ),
        ],
        ids=lambda each: getattr(each, "profile_id", ""),
    )
    def test_what_each_asks_for(self, profile, suite, waivable, deliverables):
        assert profile.required_suites == (suite,)
        assert profile.suites == (suite,)
        assert profile.waivable == waivable
        assert len(profile.applicable_deliverables) == deliverables

    def test_each_is_the_one_that_candidates_are_verified_by(self):
        assert BUILT_IN.keys() == Profiles().known.keys()
        for name, each in Profiles().known.items():
            written = BUILT_IN[ProfileId(name)]
            unassigned = replace(each, deliverables=frozenset(), above=frozenset())
            assert written.profile == unassigned
            assert set(written.applicable_deliverables) == each.deliverables

    def test_no_deliverable_has_two(self):
        named = [
            each for some in BUILT_IN.values() for each in some.applicable_deliverables
        ]

        assert len(set(named)) == len(named)

    @pytest.mark.parametrize("profile", BUILT_IN.values(), ids=lambda p: p.profile_id)
    def test_no_condition_is_ever_waivable(self, profile):
        """C-OR-7."""
        assert profile.non_waivable == set(IntegrityCondition)

    @pytest.mark.parametrize(
        "oracle", ["meta_validate", "refs_validate", "integrity_smoke", "replay_verify"]
    )
    def test_what_no_profile_lets_be_waived(self, oracle):
        assert not any(
            f"oracle:{oracle}" in each.waivable for each in BUILT_IN.values()
        )


class TestDefinition:
    """SPEC 7.3: every field has its form."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"profile_id": ProfileId("STRICT")},
            {"name": ""},
            {"description": ""},
            {"required_suites": ()},
            {"required_suites": (SuiteId("CORE"),)},
            {"required_suites": (SuiteId("suite:A"),) * 2},
            {
                "required_suites": (SuiteId("suite:A"),),
                "advisory_suites": (SuiteId("suite:A"),),
            },
            {"waivable_failures": (FailureClass.LINT_FAIL,) * 2},
            {"allow_with_exceptions": False},
            {"applicable_deliverables": ("5",)},
            {"profile_version": "1"},
        ],
        ids="-".join,
    )
    def test_what_is_none_is_refused(self, changes):
        with pytest.raises(MalformedInput):
            replace(STRICT_CORE, **changes)

    def test_where_no_exception_is_allowed_nothing_is_waivable(self):
        strict = replace(STRICT_CORE, allow_with_exceptions=False, waivable_failures=())

        assert strict.waivable == frozenset()
        assert strict.profile.waivable == frozenset()

    def test_what_is_recorded_reads_back_the_same(self):
        assert typed(ProfileDefinition, document(STRICT_FULL), what="it") == STRICT_FULL

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "x"},
            {"description": "x"},
            {"required_suites": (SuiteId("suite:A"),)},
            {"advisory_suites": (SuiteId("suite:A"),)},
            {"waivable_failures": ()},
            {"applicable_deliverables": ()},
            {"profile_version": "1.0.1"},
            {"metadata": {"a": "b"}},
        ],
        ids="-".join,
    )
    def test_each_field_counts_in_its_hash(self, changes):
        changed = replace(STRICT_CORE, **changes)

        assert hash_definition(changed) != hash_definition(STRICT_CORE)

    def test_it_is_assigned_to_nothing_whatever_it_applies_to(self):
        assert STRICT_CORE.applicable_deliverables
        assert STRICT_CORE.profile.deliverables == frozenset()


class TestName:
    """SPEC 1.1: written with its prefix or without, and kept with it."""

    @pytest.mark.parametrize("text", ["STRICT-CORE", "profile:STRICT-CORE"])
    def test_both_name_the_same(self, text):
        assert canonical_profile_id(text) == "profile:STRICT-CORE"

    def test_what_is_no_name_is_refused(self):
        with pytest.raises(MalformedInput):
            canonical_profile_id("strict core")
