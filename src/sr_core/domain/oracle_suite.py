"""Oracle suites: which programs judge a candidate, and how their word counts.

A suite is registered once, by a human, under the hash of its complete definition;
changing anything in it makes it another suite (C-OR-6, C-TB-1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput, SuiteTaken
from sr_core.domain.ids import OracleId, SuiteId, parse_oracle_id, parse_suite_id
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.ref_builders import suite_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation

TIMEOUT_S_MAX: Final = 3600


class Classification(StrEnum):
    """Whether an oracle's word decides (SPEC 7.4)."""

    REQUIRED = "required"
    ADVISORY = "advisory"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """One program that judges.

    `argv` is run without a shell, in the candidate's folder. It leaves its result, of
    the form ``sr.oracle_result.v1``, in the scratch folder under `report`.
    """

    oracle_id: OracleId
    argv: tuple[str, ...]
    report: str
    classification: Classification = Classification.REQUIRED
    timeout_s: float = 600

    def __post_init__(self) -> None:
        parse_oracle_id(self.oracle_id)
        _require(bool(self.argv), "argv", self.argv, "a program and its arguments")
        _require(
            0 < self.timeout_s <= TIMEOUT_S_MAX,
            "timeout_s",
            self.timeout_s,
            "0 to 3600 seconds",
        )
        inside = self.report.startswith("reports/") and ".." not in self.report
        _require(inside, "report", self.report, "a path below reports/")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteDefinition:
    """A complete suite; its hash covers every field."""

    suite_id: SuiteId
    oracles: tuple[Oracle, ...]
    network: str = "none"

    def __post_init__(self) -> None:
        parse_suite_id(self.suite_id)
        names = [each.oracle_id for each in self.oracles]
        _require(len(set(names)) == len(names), "oracles", names, "each oracle once")
        _require(self.network == "none", "network", self.network, "none")
        _require(bool(self.required), "oracles", names, "at least one required oracle")

    @property
    def required(self) -> frozenset[OracleId]:
        """The oracles whose word decides."""
        return frozenset(
            each.oracle_id
            for each in self.oracles
            if each.classification is Classification.REQUIRED
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSuite:
    """Make a suite known; `suite_hash` is that of the definition's canonical form."""

    by: Actor
    definition: SuiteDefinition
    suite_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSuiteRegistered:
    """A suite became known."""

    suite_id: SuiteId
    suite_hash: ContentHash
    definition: SuiteDefinition

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (suite_ref(self.suite_id, self.suite_hash, RefRelation.ABOUT),)


SuiteEvent: TypeAlias = OracleSuiteRegistered


def decide(
    suite: OracleSuiteRegistered | None, command: RegisterSuite
) -> tuple[OracleSuiteRegistered, ...]:
    """Return the registration; `suite` is the one of that identifier, if there is one.

    Raises:
        AuthorityRequired: no human, or one without the governance role.
        SuiteTaken: the identifier names a suite already.

    """
    command.by.require(ActorKind.HUMAN, action="registering an oracle suite")
    command.by.require_role(
        PORTAL_ROLE[Portal.GOVERNANCE], action="registering an oracle suite"
    )
    if suite is not None:
        raise SuiteTaken(suite_id=suite.suite_id)
    return (
        OracleSuiteRegistered(
            suite_id=command.definition.suite_id,
            suite_hash=command.suite_hash,
            definition=command.definition,
        ),
    )


def _require(holds: bool, field: str, found: object, expected: str) -> None:  # noqa: FBT001 - the condition is the point
    if not holds:
        raise MalformedInput(field=field, found=found, expected=expected)
