"""The event manager at work: it follows the log and shows how far a plan is."""

from __future__ import annotations

import asyncio
from typing import Final

from sr_core.codec.envelope import opened
from sr_core.domain.errors import NotFound
from sr_core.domain.event_ledger import Ledger, Logged, fold
from sr_core.domain.event_manager import PlanView, view
from sr_core.domain.ids import PlanId
from sr_core.ports.event_store import EventStore, Position, StoredEvent

EVENTS_PER_READ: Final = 500


class LogFollower:
    """What the log says of work units; it reads on from where it was, and no further back.

    It keeps nothing that the log does not give again: one that starts anew reads from
    the beginning and knows the same.
    """

    def __init__(self) -> None:
        """Begin before the first event."""
        self._ledger = Ledger()
        self._turn = asyncio.Lock()

    async def ledger(self, store: EventStore) -> Ledger:
        """Return the ledger as of the end of the log.

        Raises:
            EventNotUnderstood: the log holds an event that has no reader.
            Unavailable: the log gave no answer; what was read before is kept.

        """
        async with self._turn:
            while events := await store.read(
                after=Position(self._ledger.position), limit=EVENTS_PER_READ
            ):
                self._ledger = fold(map(logged, events), self._ledger)
            return self._ledger


def logged(stored: StoredEvent) -> Logged:
    """Return a stored event as the event manager reads it."""
    said = opened(stored)
    return Logged(
        position=said.position,
        event_id=said.event_id,
        at=said.occurred_at,
        event=said.event,
    )


def view_of(ledger: Ledger, plan_id: PlanId) -> PlanView:
    """Return how far the plan is, or raise `NotFound`."""
    plan = ledger.plans.get(plan_id)
    if plan is None:
        raise NotFound(kind="plan", identifier=plan_id)
    return view(ledger, plan)
