"""What a loop's gating policy is asked about, read off its dossier (SPEC 6.8)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Final

from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.budget import Bound
from sr_core.domain.dossier import Dossier
from sr_core.domain.gating_policy import (
    ANSWERED_BY,
    GateFacts,
    GateTrigger,
    Hook,
    NoteType,
)
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.iteration_summary import RiskSeverity

NEAR_EXHAUSTED: Final = 0.8
"""The share of a bound from which on a budget counts as near its end."""
GRAVE: Final = frozenset({RiskSeverity.HIGH, RiskSeverity.CRITICAL})


def facts_of(
    dossier: Dossier, *, notes: Collection[NoteType], now: datetime
) -> GateFacts:
    """Return the hooks that are due, what has happened, and what `notes` answer."""
    return GateFacts(
        due=frozenset(_due(dossier)),
        fired=frozenset(_fired(dossier, now)),
        answered=frozenset(each for each in Hook if ANSWERED_BY[each] in notes),
    )


def _due(dossier: Dossier) -> Iterator[Hook]:
    if not dossier.iterations:
        yield Hook.PLAN_REVIEW
    if any(each.status.is_verified for each in dossier.candidates.values()):
        yield Hook.EVALUATION_ON_VERIFICATION
    if dossier.freezes:
        yield Hook.ASSESSMENT_ON_VALIDATION
        yield Hook.CLOSEOUT


def _fired(dossier: Dossier, now: datetime) -> Iterator[GateTrigger]:
    loop = dossier.the_loop()
    if any(dossier.active_waivers(each, now=now) for each in dossier.candidates):
        yield GateTrigger.EXCEPTIONS_ACTIVE
    if _has_grave_risk(dossier):
        yield GateTrigger.OPEN_RISK_HIGH
    if StopTrigger.REPEATED_FAILURE in loop.fired:
        yield GateTrigger.REPEATED_FAILURE
    used = loop.used(now)
    if any(
        used.of(each) / loop.budgets.limit(each) >= NEAR_EXHAUSTED for each in Bound
    ):
        yield GateTrigger.BUDGET_NEAR_EXHAUSTED
    if _touches_governance(dossier):
        yield GateTrigger.GOVERNANCE_TOUCH
    if dossier.freezes:
        yield GateTrigger.CLOSEOUT_PENDING


def _has_grave_risk(dossier: Dossier) -> bool:
    """Whether the latest summary leaves a risk open that is high or critical."""
    summaries = [each.summary for each in dossier.iterations.values() if each.summary]
    return bool(summaries) and any(
        risk.severity in GRAVE for risk in summaries[-1].open_risks
    )


def _touches_governance(dossier: Dossier) -> bool:
    """Whether something of the loop was said yes to at the portal of governance."""
    return any(
        (each.portal_id, each.decision)
        == (Portal.GOVERNANCE, ApprovalDecision.APPROVED)
        for each in dossier.approvals.values()
    )
