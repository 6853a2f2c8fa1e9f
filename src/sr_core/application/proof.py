"""The proof that the read model follows from the log and from nothing else (R-EVT-15).

    one moment ──▶ A  the live rows, as they were built event by event
               ──▶ B  replayed here, from the log alone
               ──▶ C  replayed by another process, in another environment

It holds if A = B = C. Two controls show that it could have failed: one cell changed in
the copy, and the last event left out of it, have to be found. Without events, or if a
control is not found, nothing is proved.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sr_core.application.event_manager import logged
from sr_core.application.replay import (
    BATCH,
    LogDisordered,
    LogReader,
    pages,
    replay,
)
from sr_core.codec.plan import hash_view
from sr_core.domain.event_ledger import Ledger, fold
from sr_core.domain.event_manager import view
from sr_core.domain.refs import ContentHash
from sr_core.ports.clock import Clock, IdSource
from sr_core.ports.event_store import BEGINNING, Position, StoredEvent
from sr_core.ports.read_copy import Compared, Digests, ProofSite, Proving

PLANS: Final = "proj.plans"
HOLE_WITHIN: Final = 1000
"""How much of the log is read to see a hole in it."""


class Verdict(StrEnum):
    """What a proof comes to."""

    PROVED = "PROVED"
    REFUTED = "REFUTED"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanState:
    """How far a plan is: its state hash, and which units may be taken up, by name."""

    state_hash: ContentHash
    units: int
    eligible: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay gave, and how the live rows differ from it."""

    digests: Digests
    compared: Compared
    plans: Mapping[str, PlanState] = field(default_factory=dict)


Elsewhere = Callable[[str, Position], Awaitable[Replayed]]
"""Replays at a moment, up to a position, in another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What was done to a copy, and whether that was found."""

    name: str
    done: str
    is_found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was compared, and what came of it; `replays` are B and C."""

    proof_id: str
    computed_at: datetime
    end: Position
    first: StoredEvent | None
    last: StoredEvent | None
    original: Digests
    replays: tuple[Replayed, ...]
    controls: tuple[Control, ...]

    @property
    def verdict(self) -> Verdict:
        """Return what it comes to; what shows nothing is no proof."""
        if not self.controls or not all(each.is_found for each in self.controls):
            return Verdict.INVALID
        return Verdict.PROVED if self.is_deterministic else Verdict.REFUTED

    @property
    def is_deterministic(self) -> bool:
        """Whether there are replays, all hashes are equal, and nothing differs."""
        return bool(self.replays) and all(
            each.digests == self.original
            and not each.compared.rows
            and each.plans == self.replays[0].plans
            for each in self.replays
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prover:
    """What a proof is made with."""

    store: LogReader
    site: ProofSite
    elsewhere: Elsewhere
    clock: Clock
    ids: IdSource

    async def prove(self, *, batch: int = BATCH) -> Proof:
        """Return the proof about this moment; appends go on meanwhile.

        Raises:
            EventPoisoned: an event cannot be projected.
            LogDisordered: an event is missing, or a stream's numbers have a hole.
            ReadModelUnfit: a copy would lack something that the live tables have.
            Unavailable: no answer in time.

        """
        async with self.site.open() as copy:
            original = await copy.digests(live=True)
            controls: tuple[Control, ...] = ()
            replays: tuple[Replayed, ...] = ()
            if copy.end:
                await _require_whole(copy)
                controls, here = await self._replayed_here(copy, batch)
                replays = (here, await self.elsewhere(copy.moment, copy.end))
            return Proof(
                proof_id=self.ids.fresh("proof"),
                computed_at=self.clock.now(),
                end=copy.end,
                first=await self._event(Position(1)) if copy.end else None,
                last=await self._event(copy.end) if copy.end else None,
                original=original,
                replays=replays,
                controls=controls,
            )

    async def _replayed_here(
        self, copy: Proving, batch: int
    ) -> tuple[tuple[Control, ...], Replayed]:
        """Replay all but the last event, then that one too, and look after each."""
        last = Position(copy.end - 1)
        await replay(self.store, copy, after=BEGINNING, upto=last, batch=batch)
        omitted = await copy.compare()
        await replay(self.store, copy, after=last, upto=copy.end, batch=batch)
        here = await _looked_at(self.store, copy, batch)
        async with copy.aside():
            done = await copy.falsify()
            falsified = (await copy.digests(), await copy.compare())
        controls = (
            Control(
                name="an event left out",
                done=f"the event at position {copy.end} was left out of the copy",
                is_found=omitted != here.compared,
            ),
            Control(
                name="a cell changed",
                done=done,
                is_found=falsified[0] != here.digests and falsified[1] != here.compared,
            ),
            await self._hole(copy.end),
        )
        return controls, here

    async def _hole(self, end: Position) -> Control:
        """Take an event out of what is read, and see whether the reader minds."""
        upto = Position(min(end, HOLE_WITHIN))
        gone = Position(upto // 2 + 1)
        read = pages(_Holed(self.store, gone), after=BEGINNING, upto=upto, batch=upto)
        try:
            async for _ in read:
                pass
        except LogDisordered:
            is_found = True
        else:
            is_found = False
        return Control(
            name="a hole in the log",
            done=f"the event at position {gone} was taken out of what is read",
            is_found=is_found,
        )

    async def _event(self, position: Position) -> StoredEvent:
        (found,) = await self.store.read(after=Position(position - 1), limit=1)
        return found


class _Holed:
    """A log in which one event is missing."""

    def __init__(self, store: LogReader, gone: Position) -> None:
        self._store = store
        self._gone = gone

    async def read(self, *, after: Position, limit: int) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        page = await self._store.read(after=after, limit=limit)
        return [each for each in page if each.position != self._gone]


async def replayed(store: LogReader, copy: Proving, *, batch: int) -> Replayed:
    """Return what the log gives at the copy's moment; it raises what `prove` does."""
    await _require_whole(copy)
    await replay(store, copy, after=BEGINNING, upto=copy.end, batch=batch)
    return await _looked_at(store, copy, batch)


async def _looked_at(store: LogReader, copy: Proving, batch: int) -> Replayed:
    digests = await copy.digests()
    has_plan = digests.tables[PLANS].rows > 0
    return Replayed(
        digests=digests,
        compared=await copy.compare(),
        plans=await _plans(store, copy.end, batch) if has_plan else {},
    )


async def _plans(
    store: LogReader, end: Position, batch: int
) -> Mapping[str, PlanState]:
    """Return how far each plan is, as the event manager reads the log."""
    ledger = Ledger()
    async for page in pages(store, after=BEGINNING, upto=end, batch=batch):
        ledger = fold(map(logged, page), ledger)
    views = {name: view(ledger, plan) for name, plan in ledger.plans.items()}
    return {
        name: PlanState(
            state_hash=hash_view(seen),
            units=len(seen.units),
            eligible=tuple(sorted(seen.eligible_set)),
        )
        for name, seen in sorted(views.items())
    }


async def _require_whole(copy: Proving) -> None:
    """Raise `LogDisordered` if a stream's numbers do not follow on from each other."""
    found = await copy.disorder()
    if found is not None:
        raise LogDisordered(found=found)
