"""Signed checkpoints of the log: made, and read back (R-EVT-9, R-EVT-19, R-ATT-8).

    the log ──rows since the last──▶ checked ──▶ leaves, then checkpoint ──▶ the store

The leaves go first, so that no checkpoint is ever without them. What does not hold
together is not signed: a signature says that the log was sound when it was made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sr_core.application.log_check import (
    Before,
    Fault,
    Finding,
    after,
    check_head,
    check_row,
    hash_of,
)
from sr_core.codec.checkpoint import (
    CHECKPOINTS,
    LEAVES,
    checkpoint_key,
    leaves_key,
    read_checkpoint,
    read_leaves,
    write_checkpoint,
    write_leaves,
)
from sr_core.codec.note import SigningKey, VerifierKey
from sr_core.domain.checkpoint import LEAVES_MAX, Checkpoint, Leaves, leaf_of
from sr_core.domain.errors import MalformedInput
from sr_core.domain.merkle import Frontier
from sr_core.ports.checkpoints import (
    CheckpointStore,
    Kept,
    LogRegressed,
    LogUnsound,
)
from sr_core.ports.content_store import Unretrievable
from sr_core.ports.log_record import LogRecord, LogRow, LogSnapshot

AT_ONCE: Final = 16
"""How many checkpoints are read at once."""

CheckpointCheck: TypeAlias = Callable[[Kept, Checkpoint, str], str | None]
"""Given what is kept, what it says and the log's name, what is wrong, if anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What the store holds: checkpoints by size, and what is wrong with others."""

    checkpoints: tuple[Checkpoint, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where a checkpoint ends: its frontier, and the leaf of its last event, if any."""

    frontier: Frontier = field(default_factory=Frontier)
    leaf: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Covering:
    """A genuine checkpoint over some event: its note as it is kept, and its leaves."""

    note: bytes
    checkpoint: Checkpoint
    leaves: Leaves


@dataclass(frozen=True, kw_only=True)
class Archive:
    """The checkpoints of one log, as a reader sees them."""

    store: CheckpointStore
    key: VerifierKey
    origin: str

    async def testimony(self) -> Testimony:
        """Return all genuine checkpoints by size, and what is wrong with the others.

        Raises:
            Unavailable: no answer in time.

        """
        kept = await self.store.kept(CHECKPOINTS)
        checkpoints: list[Checkpoint] = []
        findings = [
            _finding(Fault.LEAVES, said)
            for each in await self.store.kept(LEAVES)
            if (said := _changed(each))
        ]
        for start in range(0, len(kept), AT_ONCE):
            some = kept[start : start + AT_ONCE]
            for found in await asyncio.gather(*map(self._read, some)):
                checkpoints += [each for each in found if isinstance(each, Checkpoint)]
                findings += [each for each in found if isinstance(each, Finding)]
        return Testimony(
            checkpoints=tuple(sorted(checkpoints, key=lambda each: each.size)),
            findings=tuple(findings),
        )

    async def newest(self) -> Checkpoint | None:
        """Return the checkpoint of the greatest size, None if there is none yet.

        Raises:
            LogUnsound: it is not genuine, or was changed.
            Unavailable: no answer in time.

        """
        kept = await self.store.kept(CHECKPOINTS)
        if not kept:
            return None
        return _genuine(await self._read(kept[-1]))

    async def covering(self, position: int) -> Covering | None:
        """Return the first checkpoint over the event at `position`, None if none is.

        Raises:
            LogUnsound: that checkpoint or its leaves are not genuine, or were changed.
            Unavailable: no answer in time.

        """
        kept = await self.store.kept(CHECKPOINTS)
        key = checkpoint_key(position)
        first = next((each for each in kept if each.key >= key), None)
        return None if first is None else await self._covering(first)

    async def following(self, size: int) -> AsyncIterator[Covering]:
        """Yield the checkpoints of more than `size` events, by size.

        Raises:
            LogUnsound: one of them or its leaves are not genuine, or were changed.
            Unavailable: no answer in time.

        """
        key = checkpoint_key(size)
        for each in await self.store.kept(CHECKPOINTS):
            if each.key > key:
                yield await self._covering(each)

    async def end(self) -> End:
        """Return where the newest checkpoint ends.

        Raises:
            LogUnsound: it, or what leads to it, is not as it was.
            Unavailable: no answer in time.

        """
        last = await self.newest()
        if last is None:
            return End()
        leaves = await self.proven_leaves(last)
        return End(frontier=leaves.after, leaf=leaves.hashes[-1])

    async def require_continued_by(self, record: LogRecord) -> None:
        """Return if the log holds the event that was signed last, or none was signed.

        Raises:
            LogRegressed: it does not.
            LogUnsound, Unavailable: as `end`.

        """
        end = await self.end()
        if end.leaf:
            async with record.snapshot() as snapshot:
                await _resumed(snapshot.rows(first=end.frontier.size), end)

    async def proven_leaves(self, checkpoint: Checkpoint) -> Leaves:
        """Return the leaves that lead to the checkpoint.

        Raises:
            LogUnsound: there are none.
            Unavailable: no answer in time.

        """
        leaves = await self.leaves(checkpoint)
        if isinstance(leaves, Finding):
            raise LogUnsound(why=leaves.found)
        return leaves

    async def leaves(self, checkpoint: Checkpoint) -> Leaves | Finding:
        """Return the leaves that lead to the checkpoint, or why there are none.

        Raises:
            Unavailable: no answer in time.

        """
        key = leaves_key(checkpoint.size)
        kept = [each for each in await self.store.kept(key) if each.key == key]
        try:
            if not kept:
                return _finding(Fault.LEAVES, f"{key} is not there")
            leaves = read_leaves(await self.store.first(kept[0]), what=key)
        except (MalformedInput, Unretrievable) as error:
            return _finding(Fault.LEAVES, error.found)
        if not is_proven(leaves, checkpoint):
            return _finding(
                Fault.LEAVES, f"{key} does not lead to what {checkpoint.size} signs"
            )
        return leaves

    async def _covering(self, kept: Kept) -> Covering:
        checkpoint = _genuine(await self._read(kept))
        leaves = await self.proven_leaves(checkpoint)
        note = await self.store.first(kept)
        return Covering(note=note, checkpoint=checkpoint, leaves=leaves)

    async def _read(self, kept: Kept) -> tuple[Checkpoint | Finding, ...]:
        """Return the checkpoint, or what is wrong with it, or both."""
        said = _changed(kept)
        changed = (_finding(Fault.CHECKPOINT, said),) if said else ()
        try:
            data = await self.store.first(kept)
            checkpoint = read_checkpoint(data, self.key, what=kept.key)
        except (MalformedInput, Unretrievable) as error:
            return (*changed, _finding(Fault.CHECKPOINT, error.found))
        for check in CHECKPOINT_CHECKS:
            if wrong := check(kept, checkpoint, self.origin):
                return (*changed, _finding(Fault.CHECKPOINT, wrong))
        return (*changed, checkpoint)


@dataclass(frozen=True, kw_only=True)
class Checkpoints:
    """Makes checkpoints of one log; a worker may ask for one at any time."""

    record: LogRecord
    store: CheckpointStore
    key: SigningKey
    origin: str

    async def make(self) -> tuple[Checkpoint, ...]:
        """Sign the log as it is now, and return what was signed that was not before.

        That is nothing where nothing was appended, and several checkpoints where more
        than `LEAVES_MAX` events were.

        Raises:
            LogRegressed: the log is shorter than it was when it was signed last, or its
                last event of then is another.
            LogUnsound: what came since does not hold together, or the checkpoint that
                was signed last is not as it was.
            ContentConflict: another process signs at the same moment; ask again.
            Unavailable: no answer in time; ask again.

        """
        end = await self._archive.end()
        async with self.record.snapshot() as snapshot:
            return tuple([each async for each in self._signed(snapshot, end)])

    async def signed_size(self) -> int:
        """Return how many events the newest checkpoint is of, 0 if there is none.

        Raises:
            LogUnsound, Unavailable: as `make`.

        """
        last = await self._archive.newest()
        return last.size if last else 0

    @property
    def _archive(self) -> Archive:
        return Archive(store=self.store, key=self.key.verifier, origin=self.origin)

    async def _signed(
        self, snapshot: LogSnapshot, start: End
    ) -> AsyncIterator[Checkpoint]:
        rows = snapshot.rows(first=start.frontier.size or 1)
        before = await _resumed(rows, start) if start.leaf else Before()
        pending = Leaves(before=start.frontier, hashes=())
        hashes: list[bytes] = []
        async for row in rows:
            _require_sound(check_row(before, row))
            before = after(row)
            hashes.append(leaf_of(row.position, hash_of(row)))
            if len(hashes) == LEAVES_MAX:
                pending = Leaves(before=pending.before, hashes=tuple(hashes))
                yield await self._sign(pending)
                pending, hashes = Leaves(before=pending.after, hashes=()), []
        _require_sound(check_head(before, await snapshot.head()))
        if hashes:
            yield await self._sign(Leaves(before=pending.before, hashes=tuple(hashes)))

    async def _sign(self, leaves: Leaves) -> Checkpoint:
        size = leaves.after.size
        checkpoint = Checkpoint(origin=self.origin, size=size, root=leaves.after.root)
        await self.store.put(leaves_key(size), write_leaves(leaves))
        await self.store.put(
            checkpoint_key(size), write_checkpoint(checkpoint, self.key)
        )
        return checkpoint


async def _resumed(rows: AsyncIterator[LogRow], start: End) -> Before:
    """Read the event that was signed last, and return that the next follows on it."""
    size = start.frontier.size
    row = await anext(rows, None)
    if row is None:
        raise LogRegressed(why=f"it ends before {size}, up to where it was signed")
    if row.position != size or leaf_of(size, hash_of(row)) != start.leaf:
        raise LogRegressed(why=f"its event at {size} is not the one that was signed")
    return after(row)


def _require_sound(findings: Iterable[Finding]) -> None:
    for each in findings:
        raise LogUnsound(
            why=f"at {each.position} there is {each.found}, not {each.expected}"
        )


def is_proven(leaves: Leaves, checkpoint: Checkpoint) -> bool:
    """Whether the leaves lead to the root that the checkpoint signs."""
    after_them = leaves.after
    return (after_them.size, after_them.root) == (checkpoint.size, checkpoint.root)


def _genuine(found: Iterable[Checkpoint | Finding]) -> Checkpoint:
    """Return the checkpoint that was found, or raise `LogUnsound` for what is wrong."""
    checkpoints: list[Checkpoint] = []
    for each in found:
        if isinstance(each, Finding):
            raise LogUnsound(why=each.found)
        checkpoints.append(each)
    (checkpoint,) = checkpoints
    return checkpoint


def _is_of_this_log(kept: Kept, checkpoint: Checkpoint, origin: str) -> str | None:
    if checkpoint.origin == origin:
        return None
    return f"{kept.key} is of the log {checkpoint.origin}, not of {origin}"


def _lies_under_its_size(kept: Kept, checkpoint: Checkpoint, origin: str) -> str | None:
    del origin
    if kept.key == checkpoint_key(checkpoint.size):
        return None
    return f"{kept.key} holds the checkpoint of {checkpoint.size}"


CHECKPOINT_CHECKS: tuple[CheckpointCheck, ...] = (_is_of_this_log, _lies_under_its_size)


def _changed(kept: Kept) -> str | None:
    if kept.changed is None:
        return None
    return f"{kept.key} has {kept.changed} over what was put first"


def _finding(fault: Fault, found: str) -> Finding:
    return Finding(
        fault=fault, position=None, found=found, expected="what was signed, as it was"
    )
