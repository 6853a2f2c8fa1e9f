"""How a verification profile is laid down: what it requires, what it lets be waived.

A definition says what has to pass before a candidate counts as verified. It never lets
anyone waive an integrity condition, and a failure that it does not name stays one
(SPEC 7.3, C-EXC-3). Who verifies reads it as a `sr_core.domain.profile.Profile`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sr_core.domain.bounds import (
    require_count,
    require_distinct,
    require_line,
    require_prose,
)
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import (
    OracleId,
    ProfileId,
    SuiteId,
    parse_profile_id,
    parse_suite_id,
)
from sr_core.domain.integrity import IntegrityCondition

SUITES_MAX: Final = 32
_DELIVERABLE: Final = re.compile(r"D-\d{2}")
_VERSION: Final = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")


class FailureClass(StrEnum):
    """What a failure that may be waived is a failure of (SPEC 7.3)."""

    BUILD_FAIL = "BUILD_FAIL"
    E2E_FAIL = "E2E_FAIL"
    INTEGRATION_FAIL = "INTEGRATION_FAIL"
    LINT_FAIL = "LINT_FAIL"
    SCHEMA_FAIL = "SCHEMA_FAIL"
    UNIT_FAIL = "UNIT_FAIL"


ORACLE_OF: Final[Mapping[FailureClass, OracleId]] = MappingProxyType(
    {
        FailureClass.BUILD_FAIL: OracleId("oracle:build"),
        FailureClass.E2E_FAIL: OracleId("oracle:e2e"),
        FailureClass.INTEGRATION_FAIL: OracleId("oracle:integration"),
        FailureClass.LINT_FAIL: OracleId("oracle:lint"),
        FailureClass.SCHEMA_FAIL: OracleId("oracle:schema_validate"),
        FailureClass.UNIT_FAIL: OracleId("oracle:unit_tests"),
    }
)
"""The oracle whose failure each code means."""
assert ORACLE_OF.keys() == set(FailureClass), "every code names its oracle"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDefinition:
    """One profile; its hash covers every field."""

    profile_id: ProfileId
    name: str
    description: str
    required_suites: tuple[SuiteId, ...]
    advisory_suites: tuple[SuiteId, ...] = ()
    allow_with_exceptions: bool = False
    waivable_failures: tuple[FailureClass, ...] = ()
    applicable_deliverables: tuple[str, ...] = ()
    profile_version: str = "1.0.0"
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parse_profile_id(self.profile_id)
        require_line(self.name, field="name")
        require_prose(self.description, field="description")
        require_count(
            self.required_suites, field="required_suites", most=SUITES_MAX, least=1
        )
        require_count(self.advisory_suites, field="advisory_suites", most=SUITES_MAX)
        suites = (*self.required_suites, *self.advisory_suites)
        require_distinct(suites, field="required_suites and advisory_suites")
        for each in suites:
            parse_suite_id(each)
        require_distinct(self.waivable_failures, field="waivable_failures")
        _require_forms(self)

    @property
    def waivable(self) -> frozenset[OracleId]:
        """The oracles whose failure may be waived; none where no exception is allowed."""
        if not self.allow_with_exceptions:
            return frozenset()
        return frozenset(ORACLE_OF[each] for each in self.waivable_failures)

    @property
    def non_waivable(self) -> frozenset[IntegrityCondition]:
        """The conditions that no waiver lifts: all of them, in every profile (C-OR-7)."""
        return frozenset(IntegrityCondition)

    @property
    def suites(self) -> tuple[SuiteId, ...]:
        """All suites of the profile, the required ones first."""
        return (*self.required_suites, *self.advisory_suites)


def canonical_profile_id(text: str) -> ProfileId:
    """Return the profile that `text` names; governed text writes it without prefix."""
    return parse_profile_id(text if text.startswith("profile:") else f"profile:{text}")


def _require_forms(profile: ProfileDefinition) -> None:
    for each in profile.applicable_deliverables:
        if not _DELIVERABLE.fullmatch(each):
            raise MalformedInput(
                field="applicable_deliverables",
                found=each,
                expected="D- and two digits, such as D-05",
            )
    if not _VERSION.fullmatch(profile.profile_version):
        raise MalformedInput(
            field="profile_version",
            found=profile.profile_version,
            expected="a version such as 1.0.0",
        )
    if profile.waivable_failures and not profile.allow_with_exceptions:
        raise MalformedInput(
            field="waivable_failures",
            found=list(profile.waivable_failures),
            expected="none, as allow_with_exceptions is false",
        )


def _deliverables(*numbers: int) -> tuple[str, ...]:
    return tuple(f"D-{each:02}" for each in numbers)


_CORE_FAILURES: Final = (
    FailureClass.BUILD_FAIL,
    FailureClass.UNIT_FAIL,
    FailureClass.LINT_FAIL,
    FailureClass.SCHEMA_FAIL,
)

GOV_CORE: Final = ProfileDefinition(
    profile_id=ProfileId("profile:GOV-CORE"),
    name="Governance core",
    description="Governed documents are well formed and refer to what exists.",
    required_suites=(SuiteId("suite:SR-SUITE-GOV"),),
    applicable_deliverables=_deliverables(1),
)
STRICT_CORE: Final = ProfileDefinition(
    profile_id=ProfileId("profile:STRICT-CORE"),
    name="Strict core",
    description="What every candidate has to pass where nothing else is assigned.",
    required_suites=(SuiteId("suite:SR-SUITE-CORE"),),
    allow_with_exceptions=True,
    waivable_failures=_CORE_FAILURES,
    applicable_deliverables=_deliverables(*range(2, 26), *range(27, 31), 33),
)
"""The profile of every candidate to which no other is assigned."""
STRICT_FULL: Final = ProfileDefinition(
    profile_id=ProfileId("profile:STRICT-FULL"),
    name="Strict full",
    description="The core, and the whole system: integration, end to end, replay.",
    required_suites=(SuiteId("suite:SR-SUITE-FULL"),),
    allow_with_exceptions=True,
    waivable_failures=(
        *_CORE_FAILURES,
        FailureClass.INTEGRATION_FAIL,
        FailureClass.E2E_FAIL,
    ),
    applicable_deliverables=_deliverables(26, 31, 32, 34, 35, 36),
)

BUILT_IN: Final[Mapping[ProfileId, ProfileDefinition]] = MappingProxyType(
    {each.profile_id: each for each in (GOV_CORE, STRICT_CORE, STRICT_FULL)}
)
"""The profiles that are shipped; no one can record another under their names."""
