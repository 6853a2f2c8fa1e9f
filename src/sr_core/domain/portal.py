"""The portals: the three places where humans bind, as data that the rules consult.

A portal takes requests of certain types and no others; each type names the role that
answers it and what an answer has to rest on. Anything else that calls itself a portal is
a request type of one of these (SPEC 7.1, C-TB-1, C-TB-4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput
from sr_core.domain.integrity import Portal


class PortalKind(StrEnum):
    """What a portal is for."""

    EXCEPTION_APPROVAL = "exception_approval"
    GOVERNANCE_CHANGE = "governance_change"
    RELEASE_APPROVAL = "release_approval"


class RequestType(StrEnum):
    """What can be asked at a portal."""

    BUDGET_ESCALATION = "BUDGET_ESCALATION"
    DEFERRAL = "DEFERRAL"
    DEVIATION = "DEVIATION"
    ENG_ACCEPT = "ENG_ACCEPT"
    GOVERNANCE_CHANGE = "GOVERNANCE_CHANGE"
    ORACLE_SUITE_OR_PROFILE_CHANGE = "ORACLE_SUITE_OR_PROFILE_CHANGE"
    PORTAL_POLICY_CHANGE = "PORTAL_POLICY_CHANGE"
    PROCEDURE_CHANGE = "PROCEDURE_CHANGE"
    RELEASE_APPROVAL = "RELEASE_APPROVAL"
    RELEASE_HOLD = "RELEASE_HOLD"
    STOPTRIGGER_POLICY_CHANGE = "STOPTRIGGER_POLICY_CHANGE"
    STOP_TRIGGER_RECOVERY = "STOP_TRIGGER_RECOVERY"
    STOP_TRIGGER_RESPONSE = "STOP_TRIGGER_RESPONSE"
    WAIVER_ORACLE_FAIL = "WAIVER_ORACLE_FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRule:
    """Who answers a request, and what an approval of it has to rest on."""

    roles: frozenset[str]
    """Any one of these is enough."""
    needs_evidence: bool = False
    """Whether it cites evidence that was reviewed."""
    needs_verified: bool = False
    """Whether the candidate has to be verified, and by another than who made it."""
    bars_integrity: bool = False
    """Whether an integrity condition in its scope bars it (C-OR-7)."""
    is_approvable: bool = True
    """Whether APPROVED is an answer at all: a hold is only rejected or deferred."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalDefinition:
    """One portal."""

    portal_id: Portal
    portal_kind: PortalKind
    name: str
    description: str
    requests: Mapping[RequestType, RequestRule]
    default_request: RequestType
    """What an approval that does not say it answers."""
    advisory_roles: tuple[str, ...]
    """Roles whose word is sought, and binds nothing by itself."""
    preconditions: tuple[str, ...]
    evidence_review_checklist: tuple[str, ...]
    outputs: tuple[str, ...]
    must_never: tuple[str, ...]

    @property
    def roles(self) -> frozenset[str]:
        """Every role that answers some request here."""
        return frozenset[str]().union(*(each.roles for each in self.requests.values()))


_REVIEWER: Final = frozenset({"ExceptionReviewer"})
_ENGINEER: Final = frozenset({"EngineeringApprover"})
_BUDGET: Final = frozenset({"BudgetApprover"})
_STEWARD: Final = frozenset({"GovernanceSteward"})
_RELEASER: Final = frozenset({"ReleaseApprover"})

_EXCEPTIONS: Final = PortalDefinition(
    portal_id=Portal.EXCEPTION,
    portal_kind=PortalKind.EXCEPTION_APPROVAL,
    name="Human authority and exceptions",
    description="Accepts work, and lets a rule be set aside within bounds, for a time.",
    requests=MappingProxyType(
        {
            RequestType.WAIVER_ORACLE_FAIL: RequestRule(
                roles=_REVIEWER, bars_integrity=True
            ),
            RequestType.DEFERRAL: RequestRule(roles=_REVIEWER, bars_integrity=True),
            RequestType.DEVIATION: RequestRule(roles=_REVIEWER),
            RequestType.ENG_ACCEPT: RequestRule(
                roles=_ENGINEER, needs_evidence=True, bars_integrity=True
            ),
            RequestType.BUDGET_ESCALATION: RequestRule(roles=_BUDGET),
            RequestType.STOP_TRIGGER_RECOVERY: RequestRule(roles=_REVIEWER),
        }
    ),
    default_request=RequestType.ENG_ACCEPT,
    advisory_roles=(),
    preconditions=(
        "the scope names a deliverable, work unit or candidate, and its gates",
        "evidence bundles and the profile chosen are linked",
        "a budget request states what was used and the new ceilings",
        "a recovery answers at the portal that the stop recommended",
    ),
    evidence_review_checklist=(
        "the scope is clear and bounded",
        "the manifests of the bundles are valid",
        "what is asked about is a failure, and no integrity condition",
        "compensating controls are in place",
        "it ends at a stated time",
        "what becomes stale is known",
    ),
    outputs=("Waiver", "Deferral", "Deviation", "Approval", "Decision"),
    must_never=(
        "make or change evidence",
        "waive an integrity condition",
        "approve by keeping silent",
    ),
)
_GOVERNANCE: Final = PortalDefinition(
    portal_id=Portal.GOVERNANCE,
    portal_kind=PortalKind.GOVERNANCE_CHANGE,
    name="Governance change",
    description="Changes what governs: documents, suites, profiles, policies.",
    requests=MappingProxyType(
        {
            each: RequestRule(roles=_STEWARD)
            for each in (
                RequestType.GOVERNANCE_CHANGE,
                RequestType.ORACLE_SUITE_OR_PROFILE_CHANGE,
                RequestType.PORTAL_POLICY_CHANGE,
                RequestType.STOPTRIGGER_POLICY_CHANGE,
                RequestType.STOP_TRIGGER_RESPONSE,
                RequestType.PROCEDURE_CHANGE,
            )
        }
    ),
    default_request=RequestType.GOVERNANCE_CHANGE,
    advisory_roles=("EngineeringLead",),
    preconditions=(
        "the artifacts that change are named with their versions",
        "the difference, its impact and the way over are written down",
        "a change of a suite or profile says why it stays deterministic",
    ),
    evidence_review_checklist=(
        "versions and lineage are in order",
        "it contradicts neither contract nor specification",
        "it can be enforced",
        "how far it reaches is known",
        "it opens no way round an integrity condition",
    ),
    outputs=("Approval", "Decision", "GovernedArtifact"),
    must_never=(
        "waive an integrity condition",
        "edit evidence or outcomes",
        "change anything without a new version",
    ),
)
_RELEASE: Final = PortalDefinition(
    portal_id=Portal.RELEASE,
    portal_kind=PortalKind.RELEASE_APPROVAL,
    name="Release approval",
    description="Lets a verified candidate be released, or holds it back.",
    requests=MappingProxyType(
        {
            RequestType.RELEASE_APPROVAL: RequestRule(
                roles=_RELEASER,
                needs_evidence=True,
                needs_verified=True,
                bars_integrity=True,
            ),
            RequestType.RELEASE_HOLD: RequestRule(roles=_RELEASER, is_approvable=False),
        }
    ),
    default_request=RequestType.RELEASE_APPROVAL,
    advisory_roles=("EngineeringApprover",),
    preconditions=(
        "the candidate is verified, strictly or with exceptions that are listed",
        "no integrity condition stands",
    ),
    evidence_review_checklist=(
        "every required suite passed or its failure is waived",
        "no integrity condition stands",
        "every active exception is acknowledged",
        "the way back and a replay are shown",
    ),
    outputs=("Approval", "Decision"),
    must_never=(
        "change results",
        "release without a freeze record",
        "hide an exception",
    ),
)

PORTALS: Final[Mapping[Portal, PortalDefinition]] = MappingProxyType(
    {each.portal_id: each for each in (_EXCEPTIONS, _GOVERNANCE, _RELEASE)}
)
"""The seeded portals; there are no others."""
assert PORTALS.keys() == set(Portal), "every portal is defined"

PORTAL_OF: Final[Mapping[RequestType, Portal]] = MappingProxyType(
    {
        request: portal
        for portal, definition in PORTALS.items()
        for request in definition.requests
    }
)
"""The one portal that takes each type of request."""
assert PORTAL_OF.keys() == set(RequestType), "every request has its portal"


def rule_for(portal: Portal, request: RequestType) -> RequestRule:
    """Return the rule of a request at a portal, or raise `MalformedInput`."""
    rules = PORTALS[portal].requests
    if request not in rules:
        raise MalformedInput(
            field="request_type",
            found=request.value,
            expected=f"one that {portal} takes: {', '.join(rules)}",
        )
    return rules[request]


def require_at(by: Actor, request: RequestType, *, action: str) -> None:
    """Raise `AuthorityRequired` unless a human with a role of the request acts."""
    by.require(ActorKind.HUMAN, action=action)
    roles = PORTALS[PORTAL_OF[request]].requests[request].roles
    by.require_one_of(roles, action=action)


ALL_ROLES: Final = frozenset[str]().union(*(each.roles for each in PORTALS.values()))
"""Every role that binds somewhere."""
