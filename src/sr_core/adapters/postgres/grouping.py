"""Commands that wait at the same moment are appended together (A4).

    append ──▶ waiting ──▶ one group after the other ──▶ each its own answer

Nobody waits for a group to fill: who comes alone is appended alone, at once. Who comes
while a group is under way waits for it anyway, because the head of the log is locked, and
is in the next one, with all who came meanwhile: they pay for one lock and one sync.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sr_core.adapters.postgres.appending import Outcome, Positions
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import Batch

BATCHES_MAX: Final = 64
"""How many batches are appended together at most."""
EVENTS_MAX: Final = 1024
"""How many events they have together at most, unless one alone has more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiting:
    batch: Batch
    answer: asyncio.Future[Outcome]


class Grouping:
    """Carries out batches in groups, one group at a time."""

    def __init__(
        self,
        carry_out: Callable[[Sequence[Batch]], Awaitable[Sequence[Outcome]]],
        *,
        deadline_s: float,
    ) -> None:
        self._carry_out = carry_out
        self._deadline_s = deadline_s
        self._waiting: list[_Waiting] = []
        self._is_busy = False
        self._work: asyncio.Task[None] | None = None

    async def append(self, batch: Batch) -> Positions:
        """Append the batch with others, and return its events' positions.

        It is waited for within the deadline until the batch is under way, and then as
        long as carrying it out may take.

        Raises:
            PortError: what became of the batch, see `EventStore.append`.

        """
        if not self._is_busy:
            return _positions(await self._alone(batch))
        loop = asyncio.get_running_loop()
        waiting = _Waiting(batch=batch, answer=loop.create_future())
        self._waiting.append(waiting)
        expiry = loop.call_later(self._deadline_s, self._expire, waiting)
        try:
            return _positions(await waiting.answer)
        finally:
            expiry.cancel()
            if waiting in self._waiting:  # so it will never be written
                self._waiting.remove(waiting)

    def _expire(self, waiting: _Waiting) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            waiting.answer.set_result(
                Unavailable(system="Postgres", deadline_s=self._deadline_s)
            )

    async def _alone(self, batch: Batch) -> Outcome:
        """Carry out what nobody was before; then see to those who came meanwhile."""
        self._is_busy = True
        try:
            (outcome,) = await self._carry_out([batch])
        finally:
            self._is_busy = bool(self._waiting)
            if self._waiting:
                self._work = asyncio.create_task(self._carry_on())
        return outcome

    async def _carry_on(self) -> None:
        try:
            while group := self._next():
                await self._carry_out_group(group)
                await asyncio.sleep(0)  # who was answered may have more to append
        finally:
            # With the last look at who waits, so that nobody comes in between.
            self._is_busy = False

    async def _carry_out_group(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._carry_out([each.batch for each in group])
        except BaseException as error:  # whoever waits is told, whatever it is
            for each in group:
                if not each.answer.done():
                    each.answer.set_exception(error)
            if not isinstance(error, Exception):
                raise
        else:
            for each, outcome in zip(group, outcomes, strict=True):
                if not each.answer.done():
                    each.answer.set_result(outcome)

    def _next(self) -> list[_Waiting]:
        """Return who is next; of two tries of one batch, only the first."""
        group: list[_Waiting] = []
        seen: set[str] = set()
        events = 0
        for each in self._waiting:
            ids = {event.event_id for event in each.batch.events}
            events += len(ids)
            is_full = len(group) == BATCHES_MAX or (group and events > EVENTS_MAX)
            if is_full or not seen.isdisjoint(ids):
                break
            seen |= ids
            group.append(each)
        del self._waiting[: len(group)]
        return group


def _positions(outcome: Outcome) -> Positions:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
