"""Portals and gates, as they are told."""

from __future__ import annotations

import msgspec

from sr_core.domain.actors import ActorKind
from sr_core.domain.gate import Gate, GateKind
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.portal import PortalDefinition, PortalKind, RequestType


class RequestView(msgspec.Struct, kw_only=True):
    """What can be asked at a portal, and who answers."""

    request_type: RequestType
    roles: list[str]
    needs_evidence: bool
    needs_verified: bool
    bars_integrity: bool
    is_approvable: bool


class PortalView(msgspec.Struct, kw_only=True):
    """A place where humans bind."""

    portal_id: Portal
    portal_kind: PortalKind
    name: str
    description: str
    seeded: bool
    request_types: list[RequestType]
    default_request_type: RequestType
    actor_rules: list[RequestView]
    advisory_roles: list[str]
    preconditions: list[str]
    evidence_review_checklist: list[str]
    outputs: list[str]
    must_never: list[str]


class PortalList(msgspec.Struct, kw_only=True):
    """Every portal there is."""

    portals: list[PortalView]
    total: int


class GateView(msgspec.Struct, kw_only=True):
    """What has to hold before something goes on."""

    gate_id: str
    gate_name: str
    gate_kind: GateKind
    applies_to: str
    purpose: str
    profiles: list[str]
    stop_triggers: list[StopTrigger]
    failure_conditions: list[str]
    portals: list[Portal]
    required_evidence: list[str]
    allowed_actor_kinds: list[ActorKind]
    contract_refs: list[str]
    is_waivable: bool


class GateList(msgspec.Struct, kw_only=True):
    """Every gate there is."""

    gates: list[GateView]
    total: int


def portal_view(portal: PortalDefinition) -> PortalView:
    """Return the portal as it is told."""
    return PortalView(
        portal_id=portal.portal_id,
        portal_kind=portal.portal_kind,
        name=portal.name,
        description=portal.description,
        seeded=True,
        request_types=[*portal.requests],
        default_request_type=portal.default_request,
        actor_rules=[
            RequestView(
                request_type=request,
                roles=sorted(rule.roles),
                needs_evidence=rule.needs_evidence,
                needs_verified=rule.needs_verified,
                bars_integrity=rule.bars_integrity,
                is_approvable=rule.is_approvable,
            )
            for request, rule in portal.requests.items()
        ],
        advisory_roles=[*portal.advisory_roles],
        preconditions=[*portal.preconditions],
        evidence_review_checklist=[*portal.evidence_review_checklist],
        outputs=[*portal.outputs],
        must_never=[*portal.must_never],
    )


def gate_view(gate: Gate) -> GateView:
    """Return the gate as it is told."""
    return GateView(
        gate_id=gate.gate_id,
        gate_name=gate.gate_name,
        gate_kind=gate.gate_kind,
        applies_to=gate.applies_to,
        purpose=gate.purpose,
        profiles=[*gate.profiles],
        stop_triggers=[*gate.stop_triggers],
        failure_conditions=[*gate.failure_conditions],
        portals=[*gate.portals],
        required_evidence=[*gate.required_evidence],
        allowed_actor_kinds=sorted(gate.allowed_actor_kinds),
        contract_refs=[*gate.contract_refs],
        is_waivable=gate.is_waivable,
    )
