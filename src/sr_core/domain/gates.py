"""The gate registry, as the rules ask it (SPEC 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sr_core.domain.errors import MalformedInput, NonWaivable
from sr_core.domain.gate import Gate
from sr_core.domain.gate_rows import ROWS
from sr_core.domain.ids import GateId, parse_gate_id
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.portal import PORTAL_OF, RequestType

GATES: Final[Mapping[GateId, Gate]] = MappingProxyType(
    {each.gate_id: each for each in ROWS}
)
"""Every gate by its identifier."""
assert len(GATES) == len(ROWS), "no two gates share an identifier"
assert {each for gate in ROWS for each in gate.stop_triggers} == set(StopTrigger), (
    "every stop trigger is some gate's"
)

VERIFIED_STRICT: Final = GATES[GateId("G-VERIFIED-STRICT")]
CONTENT_ADDRESSED: Final = GATES[GateId("G-EVID-CONTENT-ADDRESSED")]
FREEZE_READY: Final = GATES[GateId("G-FREEZE-READY")]
_GATE_OF_REQUEST: Final[Mapping[RequestType, Gate]] = MappingProxyType(
    {
        RequestType.ENG_ACCEPT: GATES[GateId("G-ENG-APPROVED")],
        RequestType.RELEASE_APPROVAL: GATES[GateId("G-RELEASE-APPROVED")],
        RequestType.RELEASE_HOLD: GATES[GateId("G-RELEASE-APPROVED")],
    }
)
assert all(
    PORTAL_OF[request] in gate.portals for request, gate in _GATE_OF_REQUEST.items()
), "a gate's approval is given at one of its portals"


def gate_of(request: RequestType) -> Gate:
    """Return the gate that an approval of this request passes."""
    return _GATE_OF_REQUEST.get(request, GATES[GateId("G-AUTHZ-HUMAN-BINDING")])


def require_waivable(text: str) -> Gate:
    """Return the gate of that name, at which a waiver can hold.

    Raises:
        MalformedInput: there is no such gate.
        NonWaivable: a failure there cannot be waived.

    """
    gate_id = parse_gate_id(text)
    if gate_id not in GATES:
        raise MalformedInput(
            field="gate_id", found=text, expected="a gate that GET /gates lists"
        )
    gate = GATES[gate_id]
    if not gate.is_waivable:
        waivable = ", ".join(each.gate_id for each in ROWS if each.is_waivable)
        raise NonWaivable(
            target=gate_id,
            why=f"it is a gate of kind {gate.gate_kind}; waivable are {waivable}",
        )
    return gate
