"""Profiles (SPEC 6.1.1, 7.3): what is required of whom, and that nobody asks for less."""

from dataclasses import replace

import pytest

from sr_core.domain.errors import NotFound
from sr_core.domain.ids import OracleId, SuiteId
from sr_core.domain.judging_errors import ProfileTooWeak
from sr_core.domain.profile import (
    GOV_CORE,
    STRICT_CORE,
    STRICT_FULL,
    FailureClass,
    Profiles,
    failure_class,
)

PROFILES = Profiles()


class TestWhatIsKnown:
    """SPEC 7.3: three profiles, each with its suites and what may be waived."""

    @pytest.mark.parametrize(
        ("profile", "suite", "waivable"),
        [
            (GOV_CORE, "suite:SR-SUITE-GOV", 0),
            (STRICT_CORE, "suite:SR-SUITE-CORE", 4),
            (STRICT_FULL, "suite:SR-SUITE-FULL", 6),
        ],
    )
    def test_table(self, profile, suite, waivable):
        assert profile.required_suites == (suite,)
        assert len(profile.waivable) == waivable

    def test_every_deliverable_has_one_profile(self):
        sets = [each.deliverables for each in PROFILES.known.values()]

        assert sum(len(each) for each in sets) == len(frozenset().union(*sets)) == 36

    @pytest.mark.parametrize("name", ["STRICT-CORE", "profile:STRICT-CORE"])
    def test_the_prefix_is_no_matter(self, name):
        assert PROFILES.named(name) is STRICT_CORE

    def test_another_is_not_found(self):
        with pytest.raises(NotFound, match="No verification profile profile:LAX"):
            PROFILES.named("LAX")


class TestFailureClasses:
    """SPEC 7.3: an oracle that is a failure of nothing listed can never be waived."""

    @pytest.mark.parametrize(
        ("oracle", "kind"),
        [
            ("oracle:build", FailureClass.BUILD_FAIL),
            ("oracle:unit_tests", FailureClass.UNIT_FAIL),
            ("oracle:lint", FailureClass.LINT_FAIL),
            ("oracle:schema_validate", FailureClass.SCHEMA_FAIL),
            ("oracle:integration", FailureClass.INTEGRATION_FAIL),
            ("oracle:e2e", FailureClass.E2E_FAIL),
            ("oracle:meta_validate", None),
            ("oracle:refs_validate", None),
            ("oracle:integrity_smoke", None),
            ("oracle:replay_verify", None),
        ],
    )
    def test_table(self, oracle, kind):
        identifier = OracleId(oracle)

        assert failure_class(identifier) is kind
        assert STRICT_FULL.allows_waiving(identifier) is (kind is not None)
        assert not GOV_CORE.allows_waiving(identifier)


class TestResolving:
    """SPEC 6.1.1: the assigned one, or one that stands above it."""

    @pytest.mark.parametrize(
        ("work_unit", "profile"),
        [
            ("D-01", GOV_CORE),
            ("WU-D-26", STRICT_FULL),
            ("D-05", STRICT_CORE),
            ("WU-something", STRICT_CORE),
            ("loop_1", STRICT_CORE),
        ],
    )
    def test_a_work_unit_has_its_own(self, work_unit, profile):
        assert PROFILES.resolved(None, work_unit_id=work_unit) is profile

    @pytest.mark.parametrize(
        ("work_unit", "requested", "granted"),
        [
            ("D-05", "STRICT-CORE", True),
            ("D-05", "STRICT-FULL", True),
            ("D-05", "GOV-CORE", False),
            ("D-26", "STRICT-CORE", False),
            ("D-26", "STRICT-FULL", True),
            ("D-01", "STRICT-CORE", True),
        ],
    )
    def test_a_weaker_one_is_refused(self, work_unit, requested, granted):
        if granted:
            found = PROFILES.resolved(requested, work_unit_id=work_unit)
            assert found.profile_id == f"profile:{requested}"
            return
        with pytest.raises(ProfileTooWeak, match="asks for less than"):
            PROFILES.resolved(requested, work_unit_id=work_unit)

    @pytest.mark.parametrize(
        ("change", "enough"),
        [
            ({}, True),
            ({"required_suites": ()}, False),
            (
                {
                    "required_suites": (
                        SuiteId("suite:SR-SUITE-CORE"),
                        SuiteId("suite:X"),
                    )
                },
                True,
            ),
            ({"waivable": frozenset()}, True),
            ({"waivable": frozenset(FailureClass)}, False),
        ],
        ids=["the same", "no suite", "a suite more", "nothing waivable", "all"],
    )
    def test_one_of_your_own_is_weighed_by_what_it_asks(self, change, enough):
        own = replace(
            STRICT_CORE, profile_id="profile:OWN", above=frozenset(), **change
        )

        assert own.is_at_least(STRICT_CORE) is enough

    @pytest.mark.parametrize("name", ["STRICT-CORE", "profile:STRICT-CORE"])
    def test_which_are_known(self, name):
        assert PROFILES.knows(name)
        assert not PROFILES.knows("OWN")

    def test_one_of_your_own_is_allowed_where_it_asks_for_as_much(self):
        own = replace(STRICT_CORE, profile_id="profile:OWN", above=frozenset())

        assert PROFILES.allowed(own, work_unit_id="D-05") is own
        with pytest.raises(ProfileTooWeak, match="profile:OWN asks for less than"):
            PROFILES.allowed(own, work_unit_id="D-26")
