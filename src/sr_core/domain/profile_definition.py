"""How a verification profile is laid down: what it requires, what it lets be waived.

A definition says what has to pass before a candidate counts as verified. It never lets
anyone waive an integrity condition, and a failure that it does not name stays one
(SPEC 7.3, C-EXC-3). Who verifies reads it as a `sr_core.domain.profile.Profile`, where
the profiles that are shipped stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from sr_core.domain.profile import CLASS_OF, FailureClass, Profile, Profiles

SUITES_MAX: Final = 32
_DELIVERABLE: Final = re.compile(r"D-\d{2}")
_VERSION: Final = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")


ORACLE_OF: Final[Mapping[FailureClass, OracleId]] = MappingProxyType(
    {code: oracle for oracle, code in CLASS_OF.items()}
)
"""The oracle whose failure each code means."""


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
    def profile(self) -> Profile:
        """What is verified by it. It is assigned to nothing: that is not for it to say."""
        waivable = self.waivable_failures if self.allow_with_exceptions else ()
        return Profile(
            profile_id=self.profile_id,
            name=self.name,
            profile_version=self.profile_version,
            description=self.description,
            required_suites=self.required_suites,
            advisory_suites=self.advisory_suites,
            waivable=frozenset(waivable),
        )

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


def _written(profile: Profile) -> ProfileDefinition:
    """Return a profile that is shipped, as it would be laid down."""
    return ProfileDefinition(
        profile_id=ProfileId(profile.profile_id),
        name=profile.name,
        description=profile.description,
        required_suites=profile.required_suites,
        advisory_suites=profile.advisory_suites,
        allow_with_exceptions=bool(profile.waivable),
        waivable_failures=tuple(sorted(profile.waivable)),
        applicable_deliverables=tuple(sorted(profile.deliverables)),
        profile_version=profile.profile_version,
    )


BUILT_IN: Final[Mapping[ProfileId, ProfileDefinition]] = MappingProxyType(
    {ProfileId(name): _written(each) for name, each in Profiles().known.items()}
)
"""The profiles that are shipped; no one can record another under their names."""
