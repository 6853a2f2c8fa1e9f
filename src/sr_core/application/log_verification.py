"""The whole log against itself, and against the checkpoints that were signed of it.

    signed checkpoints ──▶ leaves, each proven by the root that was signed
                             │
    the log, row by row ─────┴──▶ in itself · against the leaves · at its end

Checkpoints are read before the log is: what is signed later is of a longer log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from sr_core.application.checkpoints import Archive, Testimony
from sr_core.application.log_check import (
    Before,
    Fault,
    Finding,
    after,
    check_head,
    check_row,
    hash_of,
)
from sr_core.domain.checkpoint import Checkpoint, Leaves, leaf_of
from sr_core.domain.merkle import Frontier, grown
from sr_core.ports.log_record import LOWEST, LogHead, LogRecord, LogRow

FINDINGS_MAX: Final = 100
"""How many findings are told one by one; all are counted."""


@dataclass(kw_only=True)
class Report:
    """What was found: all of it counted, the first of it told."""

    size: int = 0
    """How many rows the log has."""
    head: LogHead | None = None
    checkpoints: int | None = None
    """How many genuine ones there are; None if none were asked for."""
    signed_size: int = 0
    """Up to where the newest of them vouches."""
    findings: list[Finding] = field(default_factory=list)
    findings_total: int = 0
    first_bad: int | None = None
    """The least position that anything was found at."""

    def add(self, finding: Finding) -> None:
        """Count the finding, and keep it if there is room."""
        self.findings_total += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)
        if finding.position is not None:
            self.first_bad = min(finding.position, self.first_bad or finding.position)

    @property
    def is_empty(self) -> bool:
        """Whether there is no log, and nothing says that there was one."""
        return not self.size and not self.findings_total


@dataclass(frozen=True, kw_only=True)
class LogVerification:
    """Verifies one log; without an archive, against itself alone."""

    record: LogRecord
    archive: Archive | None

    async def verify(self) -> Report:
        """Return all that does not hold.

        Raises:
            Unavailable, Unfit: the log or the checkpoints cannot be read.

        """
        report = Report()
        testimony = Testimony(checkpoints=(), findings=())
        if self.archive is not None:
            testimony = await self.archive.testimony()
            report.checkpoints = len(testimony.checkpoints)
            report.signed_size = max(
                (each.size for each in testimony.checkpoints), default=0
            )
        for finding in testimony.findings:
            report.add(finding)
        witness = _Witness(self.archive, testimony.checkpoints)
        async for finding in self._log(report, witness):
            report.add(finding)
        return report

    async def _log(self, report: Report, witness: _Witness) -> AsyncIterator[Finding]:
        before = Before()
        async with self.record.snapshot() as snapshot:
            async for row in snapshot.rows(first=LOWEST):
                for each in check_row(before, row):
                    yield each
                async for each in witness.see(row, is_bad=report.first_bad is not None):
                    yield each
                before = after(row)
                report.size += 1
            report.head = await snapshot.head()
            for each in check_head(before, report.head):
                yield each
            for found in await snapshot.disagreements():
                yield Finding(
                    fault=Fault(found.place.value),
                    position=found.position,
                    found=found.found,
                    expected=found.expected,
                )
        async for each in witness.end(
            before.position, is_bad=report.first_bad is not None
        ):
            yield each


class _Witness:
    """Holds the log against the checkpoints, one after the other.

    A log that has gone wrong has other roots from there on, so roots are compared only
    until something is found; leaves are compared to the end.
    """

    def __init__(
        self, archive: Archive | None, checkpoints: Sequence[Checkpoint]
    ) -> None:
        self._archive = archive
        self._ahead = iter(checkpoints)
        self._current = next(self._ahead, None)
        self._leaves: Leaves | None = None
        self._is_open = False
        self._passed = 0
        self._frontier = Frontier()

    async def see(self, row: LogRow, *, is_bad: bool) -> AsyncIterator[Finding]:
        """Yield what the checkpoints say against the row that comes next."""
        while self._current is not None and row.position > self._current.size:
            async for each in self._opened(self._current):
                yield each
            for each in self._closed(self._current, is_bad=is_bad):
                yield each
        if self._current is None or row.position < 1:
            return
        async for each in self._opened(self._current):
            yield each
        leaf = leaf_of(row.position, hash_of(row))
        self._frontier = grown(self._frontier, leaf)
        wanted = self._leaves.at(row.position) if self._leaves else None
        if wanted not in {None, leaf}:
            yield _rewritten(row.position, "an event that was not signed")

    async def end(self, position: int, *, is_bad: bool) -> AsyncIterator[Finding]:
        """Yield what the checkpoints say against the log that ends at `position`."""
        current = self._current
        if current is not None and current.size == position:
            for each in self._closed(current, is_bad=is_bad):
                yield each
        longer = [*((self._current,) if self._current else ()), *self._ahead]
        if longer:
            yield Finding(
                fault=Fault.CUT,
                position=position + 1,
                found=f"a log that ends at {position}",
                expected=f"the {longer[-1].size} events that were signed",
            )

    async def _opened(self, checkpoint: Checkpoint) -> AsyncIterator[Finding]:
        """Get the checkpoint's leaves, once."""
        if self._is_open:
            return
        assert self._archive is not None, "who has checkpoints has an archive"
        found = await self._archive.leaves(checkpoint)
        self._is_open = True
        self._leaves = found if isinstance(found, Leaves) else None
        if isinstance(found, Finding):
            yield found

    def _closed(self, checkpoint: Checkpoint, *, is_bad: bool) -> Iterator[Finding]:
        """Compare roots at the checkpoint's size, and go on to the next."""
        if not is_bad and self._frontier.root != checkpoint.root:
            yield _rewritten(
                self._passed + 1,
                f"events, somewhere up to {checkpoint.size}, that were not signed",
            )
        self._passed = checkpoint.size
        self._current = next(self._ahead, None)
        self._is_open, self._leaves = False, None


def _rewritten(position: int, found: str) -> Finding:
    return Finding(
        fault=Fault.REWRITTEN,
        position=position,
        found=found,
        expected="what was signed",
    )
