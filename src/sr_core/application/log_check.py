"""Whether the log holds together in itself, row by row (R-EVT-9).

Each check is one function in `ROW_CHECKS`, and each is needed: there is a way to tamper
that it alone sees.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from sr_core.codec.log_row import difference
from sr_core.domain.chain import CHAIN_START, link
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.ports.log_record import LogHead, LogRow

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")


class Fault(StrEnum):
    """In which way the log does not hold."""

    GAP = "GAP"
    ENVELOPE_HASH = "ENVELOPE_HASH"
    CHAIN = "CHAIN"
    COLUMN = "COLUMN"
    STREAM_ORDER = "STREAM_ORDER"
    STREAM_BOUNDARY = "STREAM_BOUNDARY"
    STREAM_ROW = "STREAM_ROW"
    BOUNDARY_ROW = "BOUNDARY_ROW"
    HEAD = "HEAD"
    CUT = "CUT"
    REWRITTEN = "REWRITTEN"
    CHECKPOINT = "CHECKPOINT"
    LEAVES = "LEAVES"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that does not hold; `position` is the first event that is touched.

    `position` is None where what was found is not about one event.
    """

    fault: Fault
    position: int | None
    found: str
    expected: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What a row follows on: the one before it, or the beginning of the log."""

    position: int = 0
    chain_hash: bytes = CHAIN_START


RowCheck: TypeAlias = Callable[[Before, LogRow], Finding | None]


def check_row(before: Before, row: LogRow) -> Iterator[Finding]:
    """Yield what does not hold of a row that comes next after `before`."""
    for check in ROW_CHECKS:
        if finding := check(before, row):
            yield finding


def after(row: LogRow) -> Before:
    """Return what the next row follows on: what this one says, right or wrong."""
    return Before(position=row.position, chain_hash=row.chain_hash)


def check_head(before: Before, head: LogHead | None) -> Iterator[Finding]:
    """Yield what does not hold of the head, where `before` is the end of the log."""
    found = "no head row, or many"
    position: int | None = None
    if head is not None:
        if (head.position, head.chain_hash) == (before.position, before.chain_hash):
            return
        found = _place(head.position, head.chain_hash)
        position = min(head.position, before.position) + 1
        if head.position == before.position:
            position = head.position
    yield Finding(
        fault=Fault.HEAD,
        position=position,
        found=f"es.head says that the log ends at {found}",
        expected=_place(before.position, before.chain_hash),
    )


def hash_of(row: LogRow) -> ContentHash:
    """Return the hash that the row says its envelope has, or has if it says none."""
    if _HASH.fullmatch(row.envelope_hash):
        return ContentHash(row.envelope_hash)
    return hash_bytes(row.envelope)


def _follows(before: Before, row: LogRow) -> Finding | None:
    wanted = before.position + 1
    if row.position == wanted:
        return None
    return Finding(
        fault=Fault.GAP,
        position=min(wanted, row.position),
        found=f"an event at {row.position} after the one at {before.position}",
        expected=f"an event at {wanted}",
    )


def _hashes(before: Before, row: LogRow) -> Finding | None:
    del before
    actual = hash_bytes(row.envelope)
    if row.envelope_hash == actual:
        return None
    return Finding(
        fault=Fault.ENVELOPE_HASH,
        position=row.position,
        found=f"an envelope with the hash {actual}",
        expected=f"{row.envelope_hash}, as recorded",
    )


def _links(before: Before, row: LogRow) -> Finding | None:
    if row.position != before.position + 1:
        return None  # what it was linked to is not there to be seen
    wanted = link(before.chain_hash, row.position, hash_of(row))
    if row.chain_hash == wanted:
        return None
    return Finding(
        fault=Fault.CHAIN,
        position=row.position,
        found=f"the chain hash {row.chain_hash.hex()}",
        expected=f"{wanted.hex()}, which follows from the event before",
    )


def _repeats(before: Before, row: LogRow) -> Finding | None:
    del before
    if (differing := difference(row)) is None:
        return None
    found, expected = differing
    return Finding(
        fault=Fault.COLUMN, position=row.position, found=found, expected=expected
    )


ROW_CHECKS: tuple[RowCheck, ...] = (_follows, _hashes, _links, _repeats)


def _place(position: int, chain_hash: bytes) -> str:
    return f"{position} with the chain hash {chain_hash.hex()}"
