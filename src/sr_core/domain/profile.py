"""Verification profiles: which suites are required, and which failures may be waived.

A work unit has the profile that is assigned to it, or the default. A request may name a
stronger one and no weaker one (SPEC 6.1, step 1). Whatever a profile says, no integrity
condition can be waived (C-OR-7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sr_core.domain.errors import NotFound
from sr_core.domain.ids import OracleId, SuiteId
from sr_core.domain.judging_errors import ProfileTooWeak


class FailureClass(StrEnum):
    """What the failure of an oracle is a failure of (SPEC 7.3)."""

    BUILD_FAIL = "BUILD_FAIL"
    E2E_FAIL = "E2E_FAIL"
    INTEGRATION_FAIL = "INTEGRATION_FAIL"
    LINT_FAIL = "LINT_FAIL"
    SCHEMA_FAIL = "SCHEMA_FAIL"
    UNIT_FAIL = "UNIT_FAIL"


CLASS_OF: Final[Mapping[OracleId, FailureClass]] = MappingProxyType(
    {
        OracleId("oracle:build"): FailureClass.BUILD_FAIL,
        OracleId("oracle:e2e"): FailureClass.E2E_FAIL,
        OracleId("oracle:integration"): FailureClass.INTEGRATION_FAIL,
        OracleId("oracle:lint"): FailureClass.LINT_FAIL,
        OracleId("oracle:schema_validate"): FailureClass.SCHEMA_FAIL,
        OracleId("oracle:unit_tests"): FailureClass.UNIT_FAIL,
    }
)
"""What a failure of each oracle is a failure of; of any other it is none of these."""
assert set(CLASS_OF.values()) == set(FailureClass), "every class is of some oracle"

_CORE_FAILURES: Final = frozenset(
    {
        FailureClass.BUILD_FAIL,
        FailureClass.LINT_FAIL,
        FailureClass.SCHEMA_FAIL,
        FailureClass.UNIT_FAIL,
    }
)
_PREFIX: Final = "profile:"


def failure_class(oracle_id: OracleId) -> FailureClass | None:
    """Return what a failure of the oracle is a failure of; None can never be waived."""
    return CLASS_OF.get(oracle_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile; `above` names those that it may stand in for (SPEC 7.3)."""

    profile_id: str
    name: str
    profile_version: str = "1.0.0"
    description: str = ""
    required_suites: tuple[SuiteId, ...]
    advisory_suites: tuple[SuiteId, ...] = ()
    waivable: frozenset[FailureClass] = frozenset()
    deliverables: frozenset[str] = frozenset()
    above: frozenset[str] = frozenset()

    def allows_waiving(self, oracle_id: OracleId) -> bool:
        """Whether the oracle's failure is of a class that may be waived."""
        return failure_class(oracle_id) in self.waivable

    def is_at_least(self, other: Profile) -> bool:
        """Whether it asks for no less than `other`, by decree or by what it asks."""
        if self.profile_id == other.profile_id or other.profile_id in self.above:
            return True
        asks_as_much = set(self.required_suites) >= set(other.required_suites)
        return asks_as_much and self.waivable <= other.waivable


GOV_CORE: Final = Profile(
    profile_id="profile:GOV-CORE",
    name="Governance core",
    description="Governed documents are well formed and refer to what exists.",
    required_suites=(SuiteId("suite:SR-SUITE-GOV"),),
    deliverables=frozenset({"D-01"}),
)
STRICT_CORE: Final = Profile(
    profile_id="profile:STRICT-CORE",
    name="Strict core",
    description="Built, tested and linted: what is asked where nothing else is assigned.",
    required_suites=(SuiteId("suite:SR-SUITE-CORE"),),
    waivable=_CORE_FAILURES,
    deliverables=frozenset(
        {f"D-{number:02}" for number in (*range(2, 26), *range(27, 31), 33)}
    ),
    above=frozenset({GOV_CORE.profile_id}),
)
STRICT_FULL: Final = Profile(
    profile_id="profile:STRICT-FULL",
    name="Strict full",
    description="The core, and the whole system: integration, end to end, replay.",
    required_suites=(SuiteId("suite:SR-SUITE-FULL"),),
    waivable=_CORE_FAILURES | {FailureClass.INTEGRATION_FAIL, FailureClass.E2E_FAIL},
    deliverables=frozenset({"D-26", "D-31", "D-32", "D-34", "D-35", "D-36"}),
    above=frozenset({GOV_CORE.profile_id, STRICT_CORE.profile_id}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """The profiles that are known, and the one that holds where none is assigned."""

    known: Mapping[str, Profile] = field(
        default_factory=lambda: {
            each.profile_id: each for each in (GOV_CORE, STRICT_CORE, STRICT_FULL)
        }
    )
    default: Profile = STRICT_CORE

    def named(self, name: str) -> Profile:
        """Return the profile, with ``profile:`` before its name or not.

        Raises:
            NotFound: no profile has that name.

        """
        profile_id = name if name.startswith(_PREFIX) else f"{_PREFIX}{name}"
        if profile_id in self.known:
            return self.known[profile_id]
        raise NotFound(kind="verification profile", identifier=profile_id)

    def assigned_to(self, work_unit_id: str) -> Profile:
        """Return the profile of the work unit; a deliverable has one of its own."""
        deliverable = work_unit_id.removeprefix("WU-")
        for each in self.known.values():
            if deliverable in each.deliverables:
                return each
        return self.default

    def resolved(self, requested: str | None, *, work_unit_id: str) -> Profile:
        """Return the profile to verify by (SPEC 6.1, step 1).

        Raises:
            NotFound: the requested one is not known.
            ProfileTooWeak: it asks for less than the one assigned.

        """
        if requested is None:
            return self.assigned_to(work_unit_id)
        return self.allowed(self.named(requested), work_unit_id=work_unit_id)

    def knows(self, name: str) -> bool:
        """Whether it is one of these, with its prefix or without."""
        return name.removeprefix(_PREFIX) in {
            each.removeprefix(_PREFIX) for each in self.known
        }

    def allowed(self, profile: Profile, *, work_unit_id: str) -> Profile:
        """Return `profile`, whoever laid it down, if it asks for no less than is due.

        Raises:
            ProfileTooWeak: it asks for less than the one assigned.

        """
        assigned = self.assigned_to(work_unit_id)
        if not profile.is_at_least(assigned):
            raise ProfileTooWeak(
                requested=profile.profile_id, assigned=assigned.profile_id
            )
        return profile
