"""What waits for a person, as a feed: the consumer `notices`.

Only humans bind at portals, and until they do a loop stands still. They are told once,
whatever becomes of the bus or of the process that tells them: whoever reads the feed from
the last notice that it has seen on, misses none and meets none twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sr_core.application.consumers import PREFIX, Handler
from sr_core.application.projections.graph import subject_node
from sr_core.codec.envelope import opened
from sr_core.domain.events import DomainEvent, stream_of
from sr_core.domain.governed_exception import (
    DeferralCreated,
    DeviationCreated,
    WaiverCreated,
)
from sr_core.domain.integrity import Portal
from sr_core.domain.loop import StopTriggered
from sr_core.domain.staleness import ReEvaluationTriggered
from sr_core.domain.verification import (
    CandidateVerificationComputed,
    EvidenceMissingDetected,
)
from sr_core.ports.event_store import StoredEvent
from sr_core.ports.inbox import Notice

NAME: Final = f"{PREFIX}notices"


async def notices(event: StoredEvent) -> Sequence[Notice]:
    """Return the notice that follows from `event`, if one does.

    Raises:
        MalformedInput: the event is not what was recorded, or of an unknown type.

    """
    said = opened(event)
    asked = _asked(said.event)
    if asked is None:
        return ()
    portal, asks = asked
    node = subject_node(said.event)
    return (
        Notice(
            portal=portal,
            subject=node.key if node else stream_of(said.event),
            asks=asks,
            occurred_at=said.occurred_at,
        ),
    )


HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType({NAME: notices})
"""The consumers that the platform has."""


def _asked(event: DomainEvent) -> tuple[Portal, str] | None:
    """Return at which portal the event asks for a person, and for what."""
    match event:
        case StopTriggered(requires_decision=True):
            asks = f"a decision on {event.trigger}: {event.condition}"
            return event.recommended_portal, asks
        case EvidenceMissingDetected():
            missing = ", ".join(sorted(event.missing_parts))
            return event.recommended_portal, f"evidence that is gone: {missing}"
        case ReEvaluationTriggered(triggered_portal_id=Portal() as portal):
            return portal, f"{event.action}, because of {event.reason}"
        case WaiverCreated() | DeviationCreated() | DeferralCreated():
            return (
                Portal.EXCEPTION,
                f"whether this holds: {event.target_description}",
            )
        case CandidateVerificationComputed(verification_status=status) if (
            status.is_verified
        ):
            return Portal.RELEASE, f"an approval; it is {status}"
        case _:
            return None
