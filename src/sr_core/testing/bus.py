"""Events for the outbox and the bus: each asks for a person, so each has one notice."""

from __future__ import annotations

from sr_core.codec.envelope import Seal, seal
from sr_core.domain.ids import parse_loop_id
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.loop import StopTriggered
from sr_core.ports.event_store import BEGINNING, Batch, EventStore, Position, StreamId
from sr_core.testing.values import NOON, PLATFORM, ulid


async def append_stops(
    store: EventStore, count: int, *, loop: int = 1, after: int = 0, size: int = 0
) -> tuple[Position, ...]:
    """Append `count` stops of one loop that has `after`, and return their positions.

    `size` is how many characters the condition of each has beside its number.
    """
    loop_id = parse_loop_id(f"loop_{ulid(loop)}")
    boundary = StreamId(f"loop:{loop_id}")
    expected = BEGINNING
    if after:
        expected = (await store.history(boundary)).position
    events = tuple(
        seal(
            StopTriggered(
                loop_id=loop_id,
                trigger=StopTrigger.REPEATED_FAILURE,
                condition=f"{number} {'x' * size}",
                requires_decision=True,
                recommended_portal=Portal.EXCEPTION,
            ),
            Seal(
                event_id=f"evt_{ulid(loop * 100_000 + number)}",
                stream_seq=number,
                by=PLATFORM,
                occurred_at=NOON,
                correlation_id="corr-1",
                causation_id=None,
            ),
            (),
        )
        for number in range(after + 1, after + count + 1)
    )
    return await store.append(
        Batch(boundary=boundary, expected=expected, events=events)
    )
