"""Verification profiles: which suites are required, and which failures may be waived."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sr_core.domain.ids import OracleId, SuiteId


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One profile (SPEC 7.3)."""

    profile_id: str
    required_suites: tuple[SuiteId, ...]
    waivable: frozenset[OracleId]


STRICT_CORE: Final = Profile(
    profile_id="profile:STRICT-CORE",
    required_suites=(SuiteId("suite:SR-SUITE-CORE"),),
    waivable=frozenset(
        {
            OracleId("oracle:build"),
            OracleId("oracle:lint"),
            OracleId("oracle:schema_validate"),
            OracleId("oracle:unit_tests"),
        }
    ),
)
"""The profile of every candidate, so far."""
