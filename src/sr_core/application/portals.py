"""Where humans bind: suites, decisions, waivers, approvals, freezes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sr_core.application.platform import Platform, loop_case, suite_case
from sr_core.application.recorder import Asked, Rule
from sr_core.application.verification import Verification
from sr_core.codec.evidence import hash_suite
from sr_core.domain import (
    approval,
    freeze,
    governed_exception,
    oracle_suite,
)
from sr_core.domain import dossier as dossiers
from sr_core.domain.approval import ApprovalDecision, RecordApproval
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import MalformedInput, Refused
from sr_core.domain.events import Ruling
from sr_core.domain.freeze import CreateFreeze
from sr_core.domain.governed_exception import CreateWaiver
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    ExceptionId,
    FreezeId,
    OracleId,
    parse_approval_id,
    parse_exception_id,
    parse_freeze_id,
)
from sr_core.domain.integrity import Portal
from sr_core.domain.oracle_suite import (
    OracleSuiteRegistered,
    RegisterSuite,
    SuiteDefinition,
)
from sr_core.domain.refs import ContentHash
from sr_core.domain.run import Run
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

    async def create_waiver(
        self,
        candidate_id: CandidateId,
        target: str,
        *,
        rationale: str,
        expires_at: datetime,
        asked: Asked,
    ) -> tuple[ExceptionId, Recorded]:
        """Draw up a waiver of one oracle's failure on the candidate."""
        command = CreateWaiver(
            by=asked.by,
            exception_id=parse_exception_id(self.platform.ids.fresh("exc")),
            candidate_id=candidate_id,
            target=target,
            rationale=rationale,
            expires_at=expires_at,
            now=self.platform.clock.now(),
        )

        async def rule(dossier: Dossier) -> Ruling:
            run = dossier.run_judging_by(candidate_id, OracleId(target))
            required = await self._required(run)
            return Ruling(events=governed_exception.create(run, required, command))

        return command.exception_id, await self._about(candidate_id, rule, asked)

    async def activate_exception(
        self, exception_id: ExceptionId, asked: Asked
    ) -> Recorded:
        """Bring a waiver into force."""

        async def rule(dossier: Dossier) -> Ruling:
            waiver = dossier.waiver(exception_id)
            run = dossier.run_judging_by(waiver.candidate_id, waiver.oracle_id)
            required = await self._required(run)
            return Ruling(
                events=governed_exception.activate(waiver, run, required, asked.by)
            )

        return await self._excepting(exception_id, rule, asked)

    async def resolve_exception(
        self, exception_id: ExceptionId, asked: Asked
    ) -> Recorded:
        """Lift a waiver."""

        async def rule(dossier: Dossier) -> Ruling:
            waiver = dossier.waiver(exception_id)
            return Ruling(events=governed_exception.resolve(waiver, asked.by))

        return await self._excepting(exception_id, rule, asked)

    async def approve(
        self,
        candidate_id: CandidateId,
        portal: Portal,
        said: ApprovalDecision,
        *,
        evidence: tuple[ContentHash, ...],
        exceptions_acknowledged: tuple[ExceptionId, ...],
        rationale: str,
        asked: Asked,
    ) -> tuple[ApprovalId, Recorded]:
        """Record what a human says of the candidate, its evidence read anew."""
        command = RecordApproval(
            by=asked.by,
            approval_id=parse_approval_id(self.platform.ids.fresh("appr")),
            portal=portal,
            decision=said,
            evidence=evidence,
            exceptions_acknowledged=exceptions_acknowledged,
            rationale=rationale,
        )

        async def rule(dossier: Dossier) -> Ruling:
            approval.authorise(command)
            gate = await self._gate(dossier, candidate_id)
            if gate.refusal is not None:
                return gate
            after = dossiers.fold(gate.events, dossier)
            try:
                approved = approval.decide(
                    after.candidate(candidate_id),
                    command,
                    recorded_evidence=after.evidence_of(candidate_id),
                    active_exceptions=self._active(after, candidate_id),
                )
            except (Refused, MalformedInput) as refusal:
                return Ruling(events=gate.events, refusal=refusal)
            return Ruling(events=(*gate.events, *approved))

        return command.approval_id, await self._about(candidate_id, rule, asked)

    async def freeze(
        self,
        candidate_id: CandidateId,
        approval_id: ApprovalId,
        *,
        baseline_id: str,
        asked: Asked,
    ) -> tuple[FreezeId, Recorded]:
        """Fix the candidate as shippable, its evidence read anew."""
        command = CreateFreeze(
            by=asked.by,
            freeze_id=parse_freeze_id(self.platform.ids.fresh("freeze")),
            baseline_id=baseline_id,
        )

        async def rule(dossier: Dossier) -> Ruling:
            freeze.authorise(command)
            gate = await self._gate(dossier, candidate_id)
            if gate.refusal is not None:
                return gate
            after = dossiers.fold(gate.events, dossier)
            (suite_id,) = self.platform.profile.required_suites
            try:
                frozen = freeze.decide(
                    after.candidate(candidate_id),
                    command,
                    run=after.latest_run(candidate_id, suite_id),
                    approval=after.approval(approval_id),
                    active_exceptions=self._active(after, candidate_id),
                )
            except (Refused, MalformedInput) as refusal:
                return Ruling(events=gate.events, refusal=refusal)
            return Ruling(events=(*gate.events, *frozen))

        return command.freeze_id, await self._about(candidate_id, rule, asked)

    async def _gate(self, dossier: Dossier, candidate_id: CandidateId) -> Ruling:
        return await Verification(platform=self.platform).gate(dossier, candidate_id)

    async def _required(self, run: Run | None) -> frozenset[OracleId]:
        """Return the oracles whose word decides in the run's suite."""
        suite = await self.platform.suite(run.suite_id) if run else None
        return suite.definition.required if suite else frozenset()

    def _active(
        self, dossier: Dossier, candidate_id: CandidateId
    ) -> tuple[ExceptionId, ...]:
        return dossier.active_waivers(candidate_id, now=self.platform.clock.now())

    async def _about(
        self, candidate_id: CandidateId, rule: Rule[Dossier], asked: Asked
    ) -> Recorded:
        case = await self.platform.candidate_case(candidate_id)
        return await self.platform.recorder.record(case, rule, asked)

    async def _excepting(
        self, exception_id: ExceptionId, rule: Rule[Dossier], asked: Asked
    ) -> Recorded:
        loop_id = await self.platform.loop_of("exc", exception_id, kind="exception")
        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)
