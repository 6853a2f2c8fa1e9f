"""What consumers have done, in dicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from sr_core.ports.clock import Clock
from sr_core.ports.event_store import BEGINNING, Position, StoredEvent
from sr_core.ports.inbox import DeadLetter, Effect, KeptNotice

Key = tuple[str, str]


class MemoryInbox:
    """An `Inbox` that forgets everything with the process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._positions: dict[str, Position] = defaultdict(lambda: BEGINNING)
        self._tries: dict[Key, DeadLetter] = {}
        self._letters: dict[Key, DeadLetter] = {}
        self._notices: list[KeptNotice] = []

    async def position(self, consumer: str) -> Position:
        """See `Inbox.position`."""
        return self._positions[consumer]

    async def apply(
        self, consumer: str, event: StoredEvent, effects: Sequence[Effect]
    ) -> bool:
        """See `Inbox.apply`."""
        if not self._pass(consumer, event):
            return False
        self._tries.pop((consumer, event.event_id), None)
        self._keep(event, effects)
        return True

    async def failed(self, consumer: str, event: StoredEvent, error: str) -> int:
        """See `Inbox.failed`."""
        key = (consumer, event.event_id)
        now = self._clock.now()
        before = self._tries.get(key) or self._letter(consumer, event, error)
        self._tries[key] = replace(
            before, tries=before.tries + 1, error=error, last_failed_at=now
        )
        return self._tries[key].tries

    async def lay_aside(self, consumer: str, event: StoredEvent, error: str) -> bool:
        """See `Inbox.lay_aside`."""
        if not self._pass(consumer, event):
            return False
        key = (consumer, event.event_id)
        letter = self._tries.pop(key, None) or self._letter(consumer, event, error)
        self._letters[key] = replace(letter, error=error)
        return True

    async def replayed(
        self, letter: DeadLetter, event: StoredEvent, effects: Sequence[Effect]
    ) -> bool:
        """See `Inbox.replayed`."""
        key = (letter.consumer, letter.event_id)
        known = self._letters.get(key)
        if known is None or known.replayed_at is not None:
            return False
        self._letters[key] = replace(known, replayed_at=self._clock.now())
        self._keep(event, effects)
        return True

    async def dead_letters(self, *, limit: int) -> Sequence[DeadLetter]:
        """See `Inbox.dead_letters`."""
        return [*self._letters.values()][:limit]

    async def dead_letter(self, consumer: str, event_id: str) -> DeadLetter | None:
        """See `Inbox.dead_letter`."""
        return self._letters.get((consumer, event_id))

    async def notices(self, *, after: int, limit: int) -> Sequence[KeptNotice]:
        """See `Inbox.notices`."""
        return self._notices[after : after + limit]

    def _pass(self, consumer: str, event: StoredEvent) -> bool:
        if self._positions[consumer] != event.position - 1:
            return False
        self._positions[consumer] = event.position
        return True

    def _keep(self, event: StoredEvent, effects: Sequence[Effect]) -> None:
        for each in effects:
            self._notices.append(
                KeptNotice(
                    notice_id=len(self._notices) + 1,
                    position=event.position,
                    event_type=event.event_type,
                    notice=each,
                )
            )

    def _letter(self, consumer: str, event: StoredEvent, error: str) -> DeadLetter:
        now = self._clock.now()
        return DeadLetter(
            consumer=consumer,
            event_id=event.event_id,
            position=event.position,
            tries=0,
            error=error,
            first_failed_at=now,
            last_failed_at=now,
            replayed_at=None,
        )
