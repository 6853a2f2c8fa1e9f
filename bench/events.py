"""Events to append: real ones, sealed as the platform seals them, each of its own loop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Final

from sr_core.application.projections import Occasion, changes_of
from sr_core.codec.envelope import Seal, seal
from sr_core.domain import loop
from sr_core.domain.budget import Budgets
from sr_core.domain.ids import parse_loop_id
from sr_core.ports.event_store import BEGINNING, Batch, StreamId
from sr_core.testing import DIRECTIVE, HUMAN, ulid

NOON: Final = datetime(2026, 1, 9, 12, tzinfo=UTC)


def loops_created(begin: int = 1) -> Iterator[Batch]:
    """Yield batches of one event each: a loop is created, as the rules decide it."""
    for number in count(begin):
        loop_id = parse_loop_id(f"loop_{ulid(number)}")
        (event,) = loop.decide(
            None,
            loop.CreateLoop(
                by=HUMAN,
                loop_id=loop_id,
                goal="Write the memo on the intake of June, and have it reviewed",
                budgets=Budgets(),
                directive=DIRECTIVE,
            ),
        )
        event_id = f"evt_{ulid(number)}"
        sealed = seal(
            event,
            Seal(
                event_id=event_id,
                stream_seq=1,
                by=HUMAN,
                occurred_at=NOON,
                correlation_id=None,
                causation_id=None,
            ),
            changes_of(event, Occasion(event_id=event_id, by=HUMAN, at=NOON)),
        )
        yield Batch(
            boundary=StreamId(f"loop:{loop_id}"), expected=BEGINNING, events=(sealed,)
        )
