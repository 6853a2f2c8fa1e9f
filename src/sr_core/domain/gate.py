"""A gate: what has to hold before something goes on (SPEC 7.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sr_core.domain.actors import ActorKind
from sr_core.domain.ids import GateId
from sr_core.domain.integrity import Portal, StopTrigger

_CURED: Final = frozenset(
    {
        StopTrigger.ORACLE_TAMPER,
        StopTrigger.ORACLE_GAP,
        StopTrigger.ORACLE_FLAKE,
        StopTrigger.ORACLE_ENV_MISMATCH,
        StopTrigger.EVIDENCE_MISSING,
        StopTrigger.INTEGRITY_VIOLATION,
        StopTrigger.SEMANTIC_PROFILE_MISSING,
        StopTrigger.STAGE_UNKNOWN,
        StopTrigger.WORK_SURFACE_MISSING,
    }
)


class GateKind(StrEnum):
    """What sort of thing a gate guards."""

    ARCHITECTURE = "architecture"
    EVIDENCE = "evidence"
    GOVERNANCE = "governance"
    INTEGRITY = "integrity"
    OPERATIONAL = "operational"
    ORACLE_INTEGRITY = "oracle_integrity"
    PORTAL = "portal"
    RELEASE = "release"
    TRUST_BOUNDARY = "trust_boundary"
    VERIFICATION = "verification"
    WORK_START = "work_start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One gate; the first of its portals is where a failure is answered by default."""

    gate_id: GateId
    gate_name: str
    gate_kind: GateKind
    applies_to: str
    purpose: str
    stop_triggers: tuple[StopTrigger, ...]
    portals: tuple[Portal, ...]
    profiles: tuple[str, ...] = ()
    failure_conditions: tuple[str, ...] = ()
    """What else fails it, beside its stop triggers."""
    required_evidence: tuple[str, ...] = ()
    allowed_actor_kinds: frozenset[ActorKind] = frozenset({ActorKind.SYSTEM})
    contract_refs: tuple[str, ...] = ()

    @property
    def is_waivable(self) -> bool:
        """Whether a waiver can cover a failure here (C-EXC-4).

        Only an oracle's verdict can be set aside, and only where the exception process
        is one of the portals: integrity, evidence and trust have no way round.
        """
        is_verdict = self.gate_kind is GateKind.VERIFICATION
        return is_verdict and Portal.EXCEPTION in self.portals

    def portal_for(self, trigger: StopTrigger) -> Portal:
        """Return where a failure with this trigger is answered.

        What is to be cured goes to governance wherever the gate has it as a portal; the
        rest goes to the exception process where that is one.
        """
        first = Portal.GOVERNANCE if trigger in _CURED else Portal.EXCEPTION
        return first if first in self.portals else self.portals[0]
