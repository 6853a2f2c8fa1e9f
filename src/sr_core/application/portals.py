"""Where humans bind: suites, decisions, waivers, approvals, freezes."""

from __future__ import annotations

from dataclasses import dataclass

from sr_core.application.platform import Platform, loop_case, suite_case
from sr_core.application.recorder import Asked
from sr_core.codec.evidence import hash_suite
from sr_core.domain import (
    decision,
    oracle_suite,
)
from sr_core.domain.decision import DecisionKind, RecordDecision
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import NotFound
from sr_core.domain.events import Ruling
from sr_core.domain.ids import (
    DecisionId,
    LoopId,
    parse_decision_id,
)
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.oracle_suite import (
    OracleSuiteRegistered,
    RegisterSuite,
    SuiteDefinition,
)
from sr_core.domain.refs import ContentHash
from sr_core.ports.event_store import NewEvent

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portals:
    """The binding acts of one log."""

    platform: Platform

    async def register_suite(
        self, definition: SuiteDefinition, asked: Asked
    ) -> tuple[ContentHash, Recorded]:
        """Make a suite known under the hash of its definition."""
        suite_hash = hash_suite(definition)
        command = RegisterSuite(
            by=asked.by, definition=definition, suite_hash=suite_hash
        )

        async def rule(known: OracleSuiteRegistered | None) -> Ruling:
            return Ruling(events=oracle_suite.decide(known, command))

        case = suite_case(definition.suite_id)
        return suite_hash, await self.platform.recorder.record(case, rule, asked)

    async def decide(
        self,
        loop_id: LoopId,
        trigger: StopTrigger,
        kind: DecisionKind,
        *,
        rationale: str,
        asked: Asked,
    ) -> tuple[DecisionId, Recorded]:
        """Record a decision about a stop of the loop."""
        command = RecordDecision(
            by=asked.by,
            decision_id=parse_decision_id(self.platform.ids.fresh("dec")),
            loop_id=loop_id,
            trigger=trigger,
            decision=kind,
            rationale=rationale,
        )

        async def rule(dossier: Dossier) -> Ruling:
            decided = decision.decide(command)
            if dossier.loop is None:
                raise NotFound(kind="loop", identifier=loop_id)
            return Ruling(events=decided)

        case = loop_case(loop_id)
        recorded = await self.platform.recorder.record(case, rule, asked)
        return command.decision_id, recorded
