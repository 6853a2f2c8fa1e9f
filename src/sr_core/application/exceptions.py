"""Governed exceptions: draw them up, bring them into force, lift them, note their end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sr_core.application.in_force import past_their_end
from sr_core.application.known import Case
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.application.verification import Verification
from sr_core.domain import dossier as dossiers
from sr_core.domain import exception_terms, governed_exception
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import MalformedInput, NotFound, SrError
from sr_core.domain.events import DomainEvent, Ruling, stream_name
from sr_core.domain.exception_scope import (
    ExceptionScope,
)
from sr_core.domain.exception_terms import (
    Circumstances,
    CreateException,
    Terms,
    WaiverTerms,
)
from sr_core.domain.governed_exception import (
    ActivateException,
    ExceptionPhase,
    GovernedException,
    ResolveException,
)
from sr_core.domain.ids import (
    CandidateId,
    ExceptionId,
    LoopId,
    OracleId,
    parse_exception_id,
    parse_loop_id,
)
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.run import Run
from sr_core.ports.event_store import NewEvent, StreamId

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An exception as somebody asks for it."""

    scope: ExceptionScope
    rationale: str
    target_description: str
    expires_at: datetime
    terms: Terms
    applies_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptions:
    """The governed exceptions of one log."""

    platform: Platform

    async def create(
        self, wanted: Wanted, asked: Asked
    ) -> tuple[ExceptionId, Recorded]:
        """Draw up an exception, in the history of the loop that it is bounded by."""
        command = CreateException(
            by=asked.by,
            exception_id=parse_exception_id(self.platform.ids.fresh("exc")),
            scope=wanted.scope,
            rationale=wanted.rationale,
            target_description=wanted.target_description,
            expires_at=wanted.expires_at,
            now=self.platform.clock.now(),
            terms=wanted.terms,
            applies_to=wanted.applies_to,
        )
        governing = await self._loop_of(wanted.scope)
        if governing is None:

            async def alone(_: GovernedException | None) -> Ruling:
                return Ruling(events=exception_terms.create(command, Circumstances()))

            case = exception_case(command.exception_id)
            recorded = await self.platform.recorder.record(case, alone, asked)
            return command.exception_id, recorded

        async def rule(dossier: Dossier) -> Ruling:
            if dossier.loop is None:
                raise NotFound(kind="loop", identifier=governing)
            seen = await self._circumstances(dossier, wanted)
            return Ruling(events=exception_terms.create(command, seen))

        recorded = await self.platform.recorder.record(
            loop_case(governing), rule, asked
        )
        return command.exception_id, recorded

    async def activate(self, exception_id: ExceptionId, asked: Asked) -> Recorded:
        """Bring an exception into force; what a waiver covers is verified again.

        Raises:
            EvidenceMissing: the evidence that a waiver is about cannot be read intact;
                that is recorded, and the waiver does not come into force.

        """
        loop_id = await self._loop_of_exception(exception_id)
        if loop_id is None:

            async def alone(known: GovernedException | None) -> Ruling:
                assert known is not None, "its stream has events"
                command = self._activation(asked, frozenset())
                return Ruling(events=governed_exception.activate(known, command))

            case = exception_case(exception_id)
            return await self.platform.recorder.record(case, alone, asked)

        async def rule(dossier: Dossier) -> Ruling:
            known = dossier.exception(exception_id)
            runs = self._judging(dossier, known)
            activated = governed_exception.activate(
                known,
                self._activation(asked, self._standing(dossier, known.scope)),
                runs=runs,
                required=await self._required(runs),
            )
            after = dossiers.fold(activated, dossier)
            again = await self._reconsidered(after, known)
            if again.refusal is not None:
                return await self._reconsidered(dossier, known)
            return Ruling(events=(*activated, *again.events))

        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def resolve(
        self, exception_id: ExceptionId, notes: str | None, asked: Asked
    ) -> Recorded:
        """Lift an exception; what a waiver covered is verified again."""
        command = ResolveException(by=asked.by, resolution_notes=notes)
        loop_id = await self._loop_of_exception(exception_id)
        if loop_id is None:

            async def alone(known: GovernedException | None) -> Ruling:
                assert known is not None, "its stream has events"
                ended = governed_exception.lapsed(
                    (known,), now=self.platform.clock.now()
                )
                after = _fold(ended, known)
                assert after is not None, "what has events is known"
                return _resolved(after, command, ended)

            case = exception_case(exception_id)
            return await self.platform.recorder.record(case, alone, asked)

        async def rule(dossier: Dossier) -> Ruling:
            dossier.exception(exception_id)
            ended = await Verification(platform=self.platform).lapses(dossier)
            after = dossiers.fold(ended, dossier)
            known = after.exception(exception_id)
            ruling = _resolved(known, command, ended)
            if ruling.refusal is not None or known.phase is ExceptionPhase.CREATED:
                return ruling
            lifted = dossiers.fold(ruling.events, dossier)
            again = await self._reconsidered(lifted, known)
            return Ruling(events=(*ruling.events, *again.events))

        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def expire_due(self, now: datetime, asked: Asked) -> tuple[ExceptionId, ...]:
        """Record the end of every exception in force whose end is not after `now`.

        Return those whose end was recorded. An end counts with or without the record;
        this makes it seen, and verifies again what a waiver covered.
        """
        due = await past_their_end(self.platform, now=now)
        return tuple([each for each in due if await self._expire(each, now, asked)])

    async def _expire(
        self, exception_id: ExceptionId, now: datetime, asked: Asked
    ) -> Recorded:
        loop_id = await self._loop_of_exception(exception_id)
        if loop_id is None:

            async def alone(known: GovernedException | None) -> Ruling:
                assert known is not None, "its stream has events"
                return Ruling(events=governed_exception.lapsed((known,), now=now))

            case = exception_case(exception_id)
            return await self.platform.recorder.record(case, alone, asked)

        async def rule(dossier: Dossier) -> Ruling:
            known = dossier.exception(exception_id)
            ended = governed_exception.lapsed((known,), now=now)
            after = dossiers.fold(ended, dossier)
            again = await self._reconsidered(after, known) if ended else Ruling()
            return Ruling(events=(*ended, *again.events))

        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    def _activation(
        self, asked: Asked, standing: frozenset[IntegrityCondition]
    ) -> ActivateException:
        now = self.platform.clock.now()
        return ActivateException(by=asked.by, now=now, standing=standing)

    async def _reconsidered(self, dossier: Dossier, known: GovernedException) -> Ruling:
        return await Verification(platform=self.platform).reconsider(
            dossier, (known,), because=f"{known.exception_id} is {known.phase}"
        )

    async def _circumstances(self, dossier: Dossier, wanted: Wanted) -> Circumstances:
        standing = self._standing(dossier, wanted.scope)
        terms = wanted.terms
        if not isinstance(terms, WaiverTerms):
            return Circumstances(standing=standing)
        concerned = {dossier.run(each).candidate_id for each in terms.run_ids}
        if wanted.scope.candidate_id is not None:
            _require_within(concerned, wanted.scope.candidate_id)
            concerned.add(wanted.scope.candidate_id)
        runs = [
            dossier.run_judging_by(each, OracleId(terms.target))
            for each in sorted(concerned)
        ]
        return Circumstances(
            runs=runs, required=await self._required(runs), standing=standing
        )

    def _standing(
        self, dossier: Dossier, scope: ExceptionScope
    ) -> frozenset[IntegrityCondition]:
        """Return the integrity conditions that stand inside the scope."""
        if scope.candidate_id is not None:
            return dossier.standing_against(scope.candidate_id)
        return dossier.standing()

    def _judging(
        self, dossier: Dossier, known: GovernedException
    ) -> tuple[Run | None, ...]:
        """Return the latest runs that judge what the waiver covers."""
        cover = known.cover
        if cover is None:
            return ()
        concerned = {dossier.run(each).candidate_id for each in cover.run_ids}
        return tuple(
            dossier.run_judging_by(each, cover.oracle_id) for each in sorted(concerned)
        )

    async def _required(self, runs: Iterable[Run | None]) -> frozenset[OracleId]:
        """Return the oracles whose word decides in each of the runs' suites."""
        required: list[frozenset[OracleId]] = []
        for run in runs:
            suite = await self.platform.suite(run.suite_id) if run else None
            required.append(suite.definition.required if suite else frozenset())
        return frozenset[OracleId].intersection(*required) if required else frozenset()

    async def _loop_of(self, scope: ExceptionScope) -> LoopId | None:
        """Return the loop whose history governs the scope, if one does."""
        if scope.candidate_id is None:
            return scope.loop_id
        found = await self.platform.loop_of(
            "cand", scope.candidate_id, kind="candidate"
        )
        if scope.loop_id not in {None, found}:
            raise MalformedInput(
                field="scope.loop_id", found=scope.loop_id, expected=found
            )
        return found

    async def _loop_of_exception(self, exception_id: ExceptionId) -> LoopId | None:
        stream = StreamId(stream_name("exc", exception_id))
        boundary = await self.platform.recorder.store.boundary_of(stream)
        if boundary is None:
            raise NotFound(kind="exception", identifier=exception_id)
        if not boundary.startswith("loop:"):
            return None
        return parse_loop_id(boundary.removeprefix("loop:"))


def exception_case(exception_id: ExceptionId) -> Case[GovernedException | None]:
    """Return the case of an exception that no loop governs."""
    return Case(boundary=StreamId(stream_name("exc", exception_id)), fold=_fold)


def _resolved(
    known: GovernedException, command: ResolveException, ended: tuple[DomainEvent, ...]
) -> Ruling:
    try:
        lifted = governed_exception.resolve(known, command)
    except SrError as refusal:
        return Ruling(events=ended, refusal=refusal)
    return Ruling(events=(*ended, *lifted))


def _fold(
    events: Iterable[DomainEvent], onto: GovernedException | None
) -> GovernedException | None:
    known = onto
    for event in events:
        assert isinstance(event, governed_exception.ExceptionEvent), (
            "an exception's boundary is its own"
        )
        known = governed_exception.evolve(known, event)
    return known


def _require_within(concerned: set[CandidateId], candidate_id: CandidateId) -> None:
    if strangers := concerned - {candidate_id}:
        raise MalformedInput(
            field="run_ids",
            found=sorted(strangers),
            expected=f"runs of {candidate_id}, which the scope names",
        )
