"""Decisions: what humans judged, about a loop or about anything else in scope."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sr_core.application.known import Case
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.domain import decision
from sr_core.domain.decision import DecisionRecorded, DecisionScope, RecordDecision
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.ids import DecisionId, ExceptionId, LoopId, SuiteId, WorkSurfaceId
from sr_core.domain.ref_builders import exception_ref, suite_ref, work_surface_ref
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation
from sr_core.ports.event_store import NewEvent, StreamId

_EXCEPTION_KINDS = {
    "DEFERRAL": RefKind.DEFERRAL,
    "DEVIATION": RefKind.DEVIATION,
    "WAIVER": RefKind.WAIVER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The decisions of one log."""

    platform: Platform

    async def record(
        self, command: RecordDecision, asked: Asked
    ) -> tuple[NewEvent, ...]:
        """Record a decision, once all that it names was found.

        One that is about a loop, or about something that a loop governs, is recorded in
        that loop's history; any other has a history of its own.

        Raises:
            NotFound: what its scope or its evidence names is not recorded.
            MalformedInput: its scope reaches into two loops, or an exception that it
                acknowledges does not exist.

        """
        decision.authorise(command)
        decision.which_way(command.decision, command.kind)
        governing = await self._governing(command.scope)
        await self._require_evidence(command.evidence)
        looked_up = await self._looked_up(command)
        informed = replace(command, looked_up=looked_up)
        if governing is not None:
            return await self._in_loop(governing, informed, asked)

        async def rule(_: DecisionRecorded | None) -> Ruling:
            return Ruling(events=decision.decide(informed))

        case = decision_case(command.decision_id)
        return await self.platform.recorder.record(case, rule, asked)

    async def _in_loop(
        self, loop_id: LoopId, command: RecordDecision, asked: Asked
    ) -> tuple[NewEvent, ...]:
        async def rule(dossier: Dossier) -> Ruling:
            if dossier.loop is None:
                raise NotFound(kind="loop", identifier=loop_id)
            return Ruling(events=decision.decide(command))

        case = loop_case(loop_id)
        return await self.platform.recorder.record(case, rule, asked)

    async def _governing(self, scope: DecisionScope) -> LoopId | None:
        """Return the one loop that governs what the scope names, if a loop does."""
        named = [
            ("iter", scope.iteration_id, "iteration"),
            ("cand", scope.candidate_id, "candidate"),
            ("run", scope.run_id, "run"),
        ]
        loops = [
            await self.platform.loop_of(prefix, identifier, kind=kind)
            for prefix, identifier, kind in named
            if identifier is not None
        ]
        if scope.loop_id is not None:
            loops.append(scope.loop_id)
        if len(set(loops)) > 1:
            raise MalformedInput(
                field="scope",
                found=sorted(set(loops)),
                expected="what one loop governs",
            )
        return loops[0] if loops else None

    async def _require_evidence(self, evidence: Iterable[ContentHash]) -> None:
        for each in evidence:
            key = {"content_hash": each}
            if await self.platform.rows.row("evidence_bundles", key) is None:
                raise NotFound(kind="evidence bundle", identifier=each)

    async def _looked_up(self, command: RecordDecision) -> tuple[Ref, ...]:
        """Return refs to what only a look at the records can pin."""
        scope, refs = command.scope, []
        if scope.oracle_suite_id is not None:
            refs.append(await self._suite(scope.oracle_suite_id))
        if scope.work_surface_id is not None:
            refs.append(await self._surface(scope.work_surface_id))
        if scope.exception_id is not None:
            affected = await self._exception(scope.exception_id, RefRelation.AFFECTS)
            refs.append(affected)
        acknowledged = [
            await self._acknowledged(each) for each in command.exceptions_acknowledged
        ]
        return (*refs, *acknowledged)

    async def _suite(self, suite_id: SuiteId) -> Ref:
        suite = await self.platform.suite(suite_id)
        if suite is None:
            raise NotFound(kind="oracle suite", identifier=suite_id)
        return suite_ref(suite_id, suite.suite_hash, RefRelation.AFFECTS)

    async def _surface(self, work_surface_id: WorkSurfaceId) -> Ref:
        key = {"work_surface_id": work_surface_id}
        if await self.platform.rows.row("work_surfaces", key) is None:
            raise NotFound(kind="work surface", identifier=work_surface_id)
        return work_surface_ref(work_surface_id, RefRelation.AFFECTS)

    async def _exception(self, exception_id: ExceptionId, rel: RefRelation) -> Ref:
        row = await self.platform.rows.row("exceptions", {"exception_id": exception_id})
        if row is None:
            raise NotFound(kind="exception", identifier=exception_id)
        kind = _EXCEPTION_KINDS[str(row["kind"])]
        return exception_ref(exception_id, rel, kind=kind)

    async def _acknowledged(self, exception_id: ExceptionId) -> Ref:
        try:
            return await self._exception(exception_id, RefRelation.ACKNOWLEDGES)
        except NotFound as unknown:
            raise MalformedInput(
                field="exceptions_acknowledged",
                found=exception_id,
                expected="identifiers of recorded exceptions",
            ) from unknown


def decision_case(decision_id: DecisionId) -> Case[DecisionRecorded | None]:
    """Return the case of a decision that no loop governs."""
    return Case(boundary=StreamId(stream_name("dec", decision_id)), fold=_only)


def _only(
    events: Iterable[DomainEvent], onto: DecisionRecorded | None
) -> DecisionRecorded | None:
    known = onto
    for event in events:
        assert isinstance(event, DecisionRecorded), "its boundary is the decision's own"
        assert known is None, "a decision is recorded once"
        known = event
    return known
