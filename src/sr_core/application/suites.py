"""Oracle suites: registered, defined anew, pinned; and what follows for the judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sr_core.application.platform import Platform, suite_case
from sr_core.application.recorder import Asked
from sr_core.application.verification import Verification
from sr_core.codec.evidence import hash_suite
from sr_core.domain import oracle_suite
from sr_core.domain.errors import NotFound
from sr_core.domain.events import Ruling
from sr_core.domain.ids import ApprovalId, SuiteId
from sr_core.domain.oracle_suite import (
    OracleSuite,
    PinSuite,
    RebaseSuite,
    RegisterSuite,
    SuiteApproval,
    SuiteCommand,
    SuiteDefinition,
    UpdateSuite,
)
from sr_core.domain.refs import ContentHash, RefKind
from sr_core.ports.event_store import NewEvent

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suites:
    """The oracle suites of one log."""

    platform: Platform

    async def register(
        self, definition: SuiteDefinition, asked: Asked
    ) -> tuple[ContentHash, Recorded]:
        """Make a suite known under the hash of its definition."""
        suite_hash = hash_suite(definition)
        command = RegisterSuite(
            by=asked.by, definition=definition, suite_hash=suite_hash
        )
        return suite_hash, await self._give(definition.suite_id, command, asked)

    async def update(
        self, definition: SuiteDefinition, asked: Asked
    ) -> tuple[ContentHash, Recorded]:
        """Define a suite anew by which nothing has been judged yet."""
        suite_hash = hash_suite(definition)
        command = UpdateSuite(by=asked.by, definition=definition, suite_hash=suite_hash)
        recorded = await self._give(definition.suite_id, command, asked)
        await self._recompute(definition.suite_id, asked)
        return suite_hash, recorded

    async def rebase(
        self,
        definition: SuiteDefinition,
        *,
        rationale: str,
        approval_id: ApprovalId | None,
        asked: Asked,
    ) -> tuple[ContentHash, Recorded]:
        """Decide that the suite is another one; what it has judged is computed anew."""
        suite_hash = hash_suite(definition)
        command = RebaseSuite(
            by=asked.by,
            definition=definition,
            suite_hash=suite_hash,
            rationale=rationale,
            approval=await self._approval(approval_id) if approval_id else None,
        )
        recorded = await self._give(definition.suite_id, command, asked)
        await self._recompute(definition.suite_id, asked)
        return suite_hash, recorded

    async def pin(
        self, suite_id: SuiteId, suite_hash: ContentHash, asked: Asked
    ) -> None:
        """Record that a run judges by this definition, if it is the first to do so."""
        by = self.platform.recorder.platform
        command = PinSuite(by=by, suite_id=suite_id, suite_hash=suite_hash)
        pinning = Asked(by=by, correlation_id=asked.correlation_id)
        await self._give(suite_id, command, pinning)

    async def _give(
        self, suite_id: SuiteId, command: SuiteCommand, asked: Asked
    ) -> Recorded:
        async def rule(known: OracleSuite | None) -> Ruling:
            return Ruling(events=oracle_suite.decide(known, command))

        return await self.platform.recorder.record(suite_case(suite_id), rule, asked)

    async def _recompute(self, suite_id: SuiteId, asked: Asked) -> None:
        await Verification(platform=self.platform).recompute_judged_by(
            suite_id,
            f"{suite_id} was defined anew",
            correlation_id=asked.correlation_id,
        )

    async def _approval(self, approval_id: ApprovalId) -> SuiteApproval:
        """Return what is recorded of the approval, or raise `NotFound`."""
        row = await self.platform.rows.row("approvals", {"approval_id": approval_id})
        if row is None:
            raise NotFound(kind="approval", identifier=approval_id)
        refs = cast("Sequence[Mapping[str, Any]]", row.get("subject_refs") or ())
        return SuiteApproval(
            approval_id=approval_id,
            portal_id=str(row["portal_id"]),
            decision=str(row["decision"]),
            subjects=frozenset(
                (each["id"], each["meta"]["suite_hash"])
                for each in refs
                if each["kind"] == RefKind.ORACLE_SUITE
            ),
        )
