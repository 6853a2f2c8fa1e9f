"""What is wrong with a log, judged from its rows and from what writers were told.

Pure, and apart from the platform: every hash is computed here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from bench.faults.writing import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An event as it was found in the log, or in the table of a control."""

    position: int
    event_id: str
    inserted_at: datetime
    envelope: bytes = b""
    envelope_hash: str = ""
    chain_hash: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a subject came to under the faults of one kind.

    `unanswered` are events that were stored though nobody was told at first, `gone`
    those that a fault took from the bus, which is no finding. All from
    `lost` on are faults of the subject: 0 unless it is a control.
    """

    kind: str
    subject: str
    faults: int
    acknowledged: int
    unanswered: int = 0
    gone: int = 0
    lost: int = 0
    duplicates: int = 0
    reordered: int = 0
    holes: int = 0
    broken: int = 0
    unposted: int = 0

    @property
    def wrong(self) -> int:
        """How much is not as it has to be."""
        return sum(
            (
                *(self.lost, self.duplicates, self.reordered),
                *(self.holes, self.broken, self.unposted),
            )
        )

    def plain(self) -> dict[str, Any]:
        """Return the figures as JSON holds them."""
        return asdict(self)


def lost(told: Told, rows: Sequence[Row]) -> int:
    """Return how many acknowledged events are not there, at the place that was told."""
    there = {(each.event_id, each.position) for each in rows}
    return sum(
        (each.event_id, each.position) not in there for each in told.acknowledged
    )


def duplicates(rows: Iterable[Row]) -> int:
    """Return how many rows are there beyond the first of their event."""
    return sum(n - 1 for n in Counter(each.event_id for each in rows).values())


def reordered(told: Told) -> int:
    """Return how often a writer was told a place that does not follow its last one."""
    found, last = 0, dict[int, int]()
    for each in told.acknowledged:
        found += each.position <= last.get(each.writer, 0)
        last[each.writer] = each.position
    return found


def holes(rows: Sequence[Row]) -> int:
    """Return how many numbers from 1 to the last are missing."""
    places = {each.position for each in rows}
    return max(places, default=0) - len(places)


def broken(rows: Sequence[Row], head: tuple[int, bytes]) -> int:
    """Return how many links do not hold: of bytes, of the chain, of the head."""
    chain, found = bytes(32), 0
    for each in sorted(rows, key=lambda row: row.position):
        digest = hashlib.sha256(each.envelope).digest()
        chain = hashlib.sha256(
            chain + each.position.to_bytes(8, "big") + digest
        ).digest()
        found += each.envelope_hash != f"sha256:{digest.hex()}"
        found += each.chain_hash != chain
        chain = each.chain_hash
    return found + (head != (max((each.position for each in rows), default=0), chain))


def unanswered(told: Told, rows: Iterable[Row]) -> int:
    """Return how many events were stored without an answer to who had tried first.

    Either nobody was ever told, or the event was there before it was tried again.
    """
    known = {each.event_id for each in told.acknowledged}
    return sum(
        each.event_id not in known
        or (
            each.event_id in told.asked_again
            and each.inserted_at < told.asked_again[each.event_id]
        )
        for each in {row.event_id: row for row in reversed([*rows])}.values()
    )


def unread(read: Sequence[int], rows: Iterable[Row]) -> int:
    """Return how many rows a reader that was there all along has never seen."""
    return len({each.position for each in rows} - set(read))


def inversions(read: Sequence[int]) -> int:
    """Return how often a reader was given a number that is not above the last."""
    return sum(after <= before for before, after in pairwise(read))
