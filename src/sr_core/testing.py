"""Stand-ins and builders for tests of this package, and of programs built on it.

    Story          gives commands to the rules and folds what they decide
    Stage          the use cases over memory stores and a scripted runner
    ScriptedRunner runs Python functions instead of programs

A story stands on real decisions only: no test can begin from a state that the rules do
not lead to. Each act of a story changes it and returns it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Self, TypeAlias

from sr_core.adapters.memory.content_store import MemoryContentStore
from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.application.platform import Platform
from sr_core.application.recorder import Recorder
from sr_core.codec.canonical import canonical
from sr_core.codec.evidence import (
    RESULT_SCHEMA,
    hash_candidate,
    hash_suite,
    manifest_of,
)
from sr_core.domain import (
    approval,
    candidate,
    decision,
    dossier,
    freeze,
    governed_exception,
    iteration,
    loop,
    oracle_suite,
    run,
)
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.decision import DecisionKind
from sr_core.domain.dossier import Dossier
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.evidence import (
    Artifact,
    BundleReading,
    EvidenceManifest,
    OracleResult,
    PartState,
    ResultStatus,
    verdict_of,
)
from sr_core.domain.ids import (
    ApprovalId,
    BundleId,
    DecisionId,
    ExceptionId,
    FreezeId,
    IterationId,
    LoopId,
    OracleId,
    RunId,
    SuiteId,
    build_candidate_id,
)
from sr_core.domain.integrity import PORTAL_ROLE, IntegrityCondition, StopTrigger
from sr_core.domain.integrity import Portal as PortalName
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.loop import Budgets, LoopCommand
from sr_core.domain.oracle_suite import (
    Classification,
    Oracle,
    OracleSuiteRegistered,
    SuiteDefinition,
)
from sr_core.domain.profile import STRICT_CORE, Profile
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation, hash_bytes
from sr_core.domain.verification import SuiteFacts
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import (
    Batch,
    EventStore,
    History,
    Position,
    StoredEvent,
    StreamId,
)
from sr_core.ports.identity import NotAuthenticated
from sr_core.ports.oracle_runner import OracleRunner, OracleSeen, RunSeen

HUMAN: Final = Actor(
    ActorKind.HUMAN, "oidc_sub:issuer:alice", frozenset(PORTAL_ROLE.values())
)
"""A human who may bind at every portal."""
BYSTANDER: Final = Actor(ActorKind.HUMAN, "oidc_sub:issuer:bob")
"""A human who may bind at none."""
AGENT: Final = Actor(ActorKind.AGENT, "agent:lab:7", frozenset({"agent"}))
SYSTEM: Final = Actor(ActorKind.SYSTEM, "svc:governor:key_01", frozenset({"system"}))
PLATFORM: Final = Actor(ActorKind.SYSTEM, "svc:sr-core:platform")

NOON: Final = datetime(2026, 1, 9, 12, tzinfo=UTC)


def ulid(n: int) -> str:
    """Return a ULID that reads as its number."""
    return f"{n:026d}"


LOOP_1: Final = LoopId(f"loop_{ulid(1)}")
SOME_HASH: Final = hash_bytes(b"some bytes")
DIRECTIVE: Final = Ref(
    kind=RefKind.GOVERNED_ARTIFACT,
    id="SR-DIRECTIVE",
    rel=RefRelation.DEPENDS_ON,
    meta={"content_hash": hash_bytes(b"a directive"), "version": "1.0.0"},
)
BUILD: Final = OracleId("oracle:build")
UNIT_TESTS: Final = OracleId("oracle:unit_tests")
INTEGRITY_SMOKE: Final = OracleId("oracle:integrity_smoke")
"""An oracle whose failure the profile does not let anyone waive."""
SBOM: Final = OracleId("oracle:sbom")
"""An advisory oracle."""
CORE: Final = SuiteId("suite:SR-SUITE-CORE")
FILES: Final[Mapping[str, bytes]] = {"src/a.py": b"a = 1\n"}


class TickingClock:
    """A `Clock` that moves on by one second at each look, from noon."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._looks = count()

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._start + timedelta(seconds=next(self._looks))

    def skip(self, step: timedelta) -> None:
        """Let that much time pass at once."""
        self._start += step


class CountingIds:
    """An `IdSource` that numbers what it makes."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def fresh(self, prefix: str) -> str:
        """See `IdSource.fresh`."""
        return f"{prefix}_{ulid(next(self._numbers))}"


def build_suite(
    oracles: Iterable[OracleId] = (BUILD, UNIT_TESTS, INTEGRITY_SMOKE),
    *,
    advisory: Iterable[OracleId] = (SBOM,),
    suite_id: SuiteId = CORE,
) -> SuiteDefinition:
    """Return a suite with these oracles."""
    kinds = {
        **dict.fromkeys(oracles, Classification.REQUIRED),
        **dict.fromkeys(advisory, Classification.ADVISORY),
    }
    return SuiteDefinition(
        suite_id=suite_id,
        oracles=tuple(
            Oracle(
                oracle_id=each,
                argv=("python", f"/oracles/{each.removeprefix('oracle:')}.py"),
                report=f"reports/{each.removeprefix('oracle:')}.json",
                classification=kind,
            )
            for each, kind in kinds.items()
        ),
    )


def register(definition: SuiteDefinition) -> OracleSuiteRegistered:
    """Return the suite as a human registered it."""
    command = oracle_suite.RegisterSuite(
        by=HUMAN, definition=definition, suite_hash=hash_suite(definition)
    )
    (registered,) = oracle_suite.decide(None, command)
    return registered


@dataclass(kw_only=True)
class Story:
    """One loop and what became of it, told by giving commands to the rules.

    `said` of a run holds what differs from PASS; None is an oracle that said nothing.
    """

    suite: OracleSuiteRegistered = field(
        default_factory=lambda: register(build_suite())
    )
    profile: Profile = STRICT_CORE
    now: datetime = NOON
    dossier: Dossier = field(default_factory=Dossier)
    log: list[DomainEvent] = field(default_factory=list)
    readings: dict[ContentHash, BundleReading] = field(default_factory=dict)
    ids: CountingIds = field(default_factory=CountingIds)

    @property
    def loop(self) -> loop.Loop:
        """The loop as it stands."""
        return self.dossier.the_loop()

    @property
    def iteration(self) -> iteration.Iteration:
        """The latest iteration."""
        return [*self.dossier.iterations.values()][-1]

    @property
    def candidate(self) -> candidate.Candidate:
        """The latest candidate."""
        return [*self.dossier.candidates.values()][-1]

    @property
    def run(self) -> run.Run:
        """The latest run."""
        return [*self.dossier.runs.values()][-1]

    @property
    def reading(self) -> BundleReading:
        """What a read of the latest run's evidence finds."""
        assert self.run.evidence is not None, "the latest run has left evidence"
        return self.readings[self.run.evidence]

    @property
    def waiver(self) -> governed_exception.Waiver:
        """The latest waiver."""
        return [*self.dossier.waivers.values()][-1]

    @property
    def approval(self) -> approval.ApprovalRecorded:
        """The latest approval."""
        return [*self.dossier.approvals.values()][-1]

    @property
    def facts(self) -> tuple[SuiteFacts, ...]:
        """What a fresh look at the latest candidate's evidence finds."""
        latest = self.dossier.latest_run(
            self.candidate.candidate_id, self.suite.suite_id
        )
        found = self.readings[latest.evidence] if latest and latest.evidence else None
        return (
            SuiteFacts(
                suite_id=self.suite.suite_id,
                registered=self.suite,
                run=latest,
                reading=found,
            ),
        )

    @property
    def active_exceptions(self) -> tuple[ExceptionId, ...]:
        """The waivers in force for the latest candidate."""
        return self.dossier.active_waivers(self.candidate.candidate_id, now=self.now)

    def record(self, events: Iterable[DomainEvent]) -> Self:
        """Fold what was decided."""
        for event in events:
            self.dossier = dossier.evolve(self.dossier, event)
            self.log.append(event)
        return self

    def create(self, budgets: Budgets | None = None) -> Self:
        """Open the loop."""
        command = loop.CreateLoop(
            by=HUMAN,
            loop_id=LOOP_1,
            goal="a goal",
            budgets=budgets or Budgets(),
            directive=DIRECTIVE,
        )
        return self.give(command)

    def open(self, budgets: Budgets | None = None) -> Self:
        """Open the loop and activate it."""
        return self.create(budgets).give(loop.ActivateLoop(by=HUMAN))

    def give(self, command: LoopCommand) -> Self:
        """Give a command to the loop."""
        return self.record(loop.decide(self.dossier.loop, command))

    def stop(self, trigger: StopTrigger) -> Self:
        """Stop the loop."""
        return self.record(loop.stop(self.loop, trigger, condition="as told"))

    def judge_stop(
        self,
        trigger: StopTrigger,
        kind: DecisionKind = DecisionKind.PROCEED,
        *,
        by: Actor = HUMAN,
    ) -> DecisionId:
        """Record a decision about a stop, and return its identifier."""
        command = decision.RecordDecision(
            by=by,
            decision_id=DecisionId(self.ids.fresh("dec")),
            loop_id=self.loop.loop_id,
            trigger=trigger,
            decision=kind,
            rationale="as weighed",
        )
        self.record(decision.decide(command))
        return command.decision_id

    def resume(self, decision_id: DecisionId | None = None) -> Self:
        """Let the loop go on."""
        standing = self.dossier.standing()
        return self.give(
            loop.ResumeLoop(by=HUMAN, decision_id=decision_id, standing=standing)
        )

    def iterate(self) -> Self:
        """Start an iteration."""
        fresh = IterationId(self.ids.fresh("iter"))
        return self.give(
            loop.StartIteration(by=SYSTEM, iteration_id=fresh, refs=(DIRECTIVE,))
        )

    def complete(self, outcome: IterationOutcome = IterationOutcome.SUCCESS) -> Self:
        """End the latest iteration, and stop the loop if that is due."""
        command = iteration.CompleteIteration(by=AGENT, outcome=outcome, summary="done")
        self.record(iteration.decide(self.iteration, command))
        return self.record(loop.stop_after_failures(self.loop))

    def register(self, files: Mapping[str, bytes] = FILES) -> Self:
        """Register a candidate, made by the latest iteration."""
        manifest = manifest_of(files)
        fresh = self.ids.fresh("cand")
        command = candidate.RegisterCandidate(
            by=AGENT,
            candidate_id=build_candidate_id(hash_candidate(manifest), fresh=fresh),
            manifest=manifest,
        )
        return self.record(candidate.decide(self.iteration, command))

    def begin_run(self) -> Self:
        """Start a run of the suite over the latest candidate."""
        standing = self.dossier.standing_against(self.candidate.candidate_id)
        command = run.StartRun(
            by=SYSTEM,
            run_id=RunId(self.ids.fresh("run")),
            candidate_id=self.candidate.candidate_id,
            iteration_id=self.candidate.iteration_id,
            suite=self.suite,
            cures=bool(standing),
        )
        return self.record(run.start(self.loop, command))

    def judge(
        self,
        said: Mapping[OracleId, ResultStatus | None] | None = None,
        *,
        violations: Mapping[IntegrityCondition, str] | None = None,
    ) -> Self:
        """Have the suite judge the latest candidate."""
        self.begin_run()
        manifest = build_manifest(self.run, self.suite.definition, said or {})
        manifest_hash = hash_bytes(canonical(manifest))
        self.readings[manifest_hash] = BundleReading(
            content_hash=manifest_hash, lost={}, manifest=manifest
        )
        command = run.RecordEvidence(
            manifest=manifest, manifest_hash=manifest_hash, violations=violations or {}
        )
        return self.record(run.record(self.run, command))

    def lose_evidence(self, part: str = "manifest.json") -> Self:
        """Let the latest run's evidence be unreadable from now on."""
        kept = None if part == "manifest.json" else self.reading.manifest
        lost = {part: PartState.MISSING}
        self.readings[self.reading.content_hash] = replace(
            self.reading, lost=lost, manifest=kept
        )
        return self

    def verify(self) -> Self:
        """Verify the latest candidate, whatever comes of it."""
        return self.record(self.ruling().events)

    def ruling(self) -> Ruling:
        """Return what a verification of the latest candidate would record."""
        return dossier.verify(
            self.dossier,
            self.candidate.candidate_id,
            self.facts,
            profile=self.profile,
            now=self.now,
        )

    def gate(self) -> Ruling:
        """Return what a gate would find of the latest candidate."""
        return dossier.gate(
            self.dossier,
            self.candidate.candidate_id,
            self.facts,
            profile=self.profile,
            now=self.now,
        )

    def draw_up_waiver(self, oracle: str = BUILD) -> Self:
        """Draw up a waiver of the oracle's failure, for an hour."""
        judged = self.dossier.run_judging_by(
            self.candidate.candidate_id, OracleId(oracle)
        )
        command = governed_exception.CreateWaiver(
            by=HUMAN,
            exception_id=ExceptionId(self.ids.fresh("exc")),
            candidate_id=self.candidate.candidate_id,
            target=oracle,
            rationale="known and harmless",
            expires_at=self.now + timedelta(hours=1),
            now=self.now,
        )
        return self.record(governed_exception.create(judged, command))

    def waive(self, oracle: str = BUILD) -> Self:
        """Draw up a waiver and bring it into force."""
        self.draw_up_waiver(oracle)
        judged = self.dossier.run_judging_by(
            self.candidate.candidate_id, OracleId(oracle)
        )
        return self.record(governed_exception.activate(self.waiver, judged, HUMAN))

    def approve(
        self,
        said: ApprovalDecision = ApprovalDecision.APPROVED,
        *,
        portal: PortalName = PortalName.RELEASE,
    ) -> Self:
        """Approve the latest candidate, all its evidence cited."""
        evidence = self.dossier.evidence_of(self.candidate.candidate_id)
        command = approval.RecordApproval(
            by=HUMAN,
            approval_id=ApprovalId(self.ids.fresh("appr")),
            portal=portal,
            decision=said,
            evidence=evidence,
            exceptions_acknowledged=self.active_exceptions,
            rationale="as reviewed",
        )
        return self.record(
            approval.decide(
                self.candidate,
                command,
                recorded_evidence=evidence,
                active_exceptions=self.active_exceptions,
            )
        )

    def freeze(self) -> Self:
        """Fix the latest candidate, on the strength of the latest approval."""
        command = freeze.CreateFreeze(
            by=HUMAN,
            freeze_id=FreezeId(self.ids.fresh("freeze")),
            baseline_id="baseline:1",
        )
        return self.record(
            freeze.decide(
                self.candidate,
                command,
                run=self.run,
                approval=self.approval,
                active_exceptions=self.active_exceptions,
            )
        )


def build_full_story() -> Story:
    """Return a story in which everything happens that can; it ends closed."""
    story = Story().open().iterate().register()
    story.judge({BUILD: ResultStatus.FAIL}).waive().verify().approve().freeze()
    story.record(governed_exception.resolve(story.waiver, HUMAN))
    story.judge(violations={IntegrityCondition.ORACLE_FLAKE: "as seen"})
    story.lose_evidence().verify().begin_run()
    story.record(run.fail(story.run, reason="no sandbox"))
    story.complete(IterationOutcome.FAILURE).judge().verify()
    decided = [story.judge_stop(each) for each in sorted(story.loop.stops)]
    story.resume(decided[0]).give(loop.PauseLoop(by=HUMAN)).resume()
    story.stop(StopTrigger.BUDGET_EXHAUSTED)
    return story.give(loop.CloseLoop(by=HUMAN))


def build_manifest(
    started: run.Run,
    suite: SuiteDefinition,
    said: Mapping[OracleId, ResultStatus | None],
) -> EvidenceManifest:
    """Return the manifest of a run whose oracles passed, except as `said`."""
    statuses = {
        each.oracle_id: said.get(each.oracle_id, ResultStatus.PASS)
        for each in suite.oracles
    }
    results = tuple(
        OracleResult(
            oracle_id=each.oracle_id,
            classification=each.classification,
            status=status,
            summary=f"{status}, as told",
            started_at="2026-01-09T12:00:00.000000Z",
            finished_at="2026-01-09T12:00:01.000000Z",
            artifacts=(f"{each.oracle_id}/report.json",),
        )
        for each in suite.oracles
        if (status := statuses[each.oracle_id]) is not None
    )
    silent = {name: "as told" for name, status in statuses.items() if status is None}
    return EvidenceManifest(
        bundle_id=BundleId(f"bundle_{started.run_id.removeprefix('run_')}"),
        run_id=started.run_id,
        candidate_id=started.candidate_id,
        loop_id=started.loop_id,
        iteration_id=started.iteration_id,
        oracle_suite_id=started.suite_id,
        oracle_suite_hash=started.suite_hash,
        results=results,
        unanswered=silent,
        artifacts=tuple(
            Artifact(
                name=name,
                media_type="application/json",
                size=len(name),
                content_hash=hash_bytes(name.encode()),
            )
            for result in results
            for name in result.artifacts
        ),
        environment_fingerprint={"sandbox": "told"},
        verdict=verdict_of([each.status for each in results], unanswered=silent),
        produced_by=PLATFORM.actor_id,
        produced_at="2026-01-09T12:00:02.000000Z",
    )


# Oracles that are functions.


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What one scripted oracle leaves: its report, its exit status, other files."""

    report: bytes | None
    exit_status: int | None = 0
    files: Mapping[str, bytes] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


Script: TypeAlias = Callable[[Oracle, Mapping[str, bytes]], Left]
"""A program as a function of its own definition and the candidate's files."""


def build_report(oracle_id: str, status: str, /, **changes: object) -> bytes:
    """Return a report of the form ``sr.oracle_result.v1``; a change to ... leaves out."""
    whole = {
        "schema": RESULT_SCHEMA,
        "oracle_id": oracle_id,
        "status": status,
        "started_at": "2026-01-09T12:00:00Z",
        "completed_at": "2026-01-09T12:00:01Z",
        "duration_ms": 1000,
        "exit_code": 0 if status == "PASS" else 1,
        "summary": f"{status} by script",
        **changes,
    }
    return json.dumps(
        {name: value for name, value in whole.items() if value is not ...}
    ).encode()


def passes(oracle: Oracle, _: Mapping[str, bytes]) -> Left:
    """Judge that all is well."""
    return Left(report=build_report(oracle.oracle_id, "PASS"))


def fails(oracle: Oracle, _: Mapping[str, bytes]) -> Left:
    """Judge that something is wrong."""
    return Left(report=build_report(oracle.oracle_id, "FAIL"), exit_status=1)


def says_nothing(_: Oracle, __: Mapping[str, bytes]) -> Left:
    """End well without having judged."""
    return Left(report=None)


class ScriptedRunner:
    """An `OracleRunner` whose oracles are functions; one not named passes.

    Those in `left_out` are not run at all.
    """

    def __init__(self, scripts: Mapping[OracleId, Script] | None = None) -> None:
        self.scripts = dict(scripts or {})
        self.left_out: set[OracleId] = set()
        self.clock = TickingClock()

    async def run(self, suite: SuiteDefinition, files: Mapping[str, bytes]) -> RunSeen:
        """See `OracleRunner.run`."""
        return RunSeen(
            fingerprint={"sandbox": "scripted"},
            oracles=tuple(
                self._seen(each, files)
                for each in suite.oracles
                if each.oracle_id not in self.left_out
            ),
        )

    def _seen(self, oracle: Oracle, files: Mapping[str, bytes]) -> OracleSeen:
        started_at = self.clock.now()
        left = self.scripts.get(oracle.oracle_id, passes)(oracle, dict(files))
        report = {} if left.report is None else {oracle.report: left.report}
        return OracleSeen(
            oracle_id=oracle.oracle_id,
            started_at=started_at,
            finished_at=self.clock.now(),
            exit_status=left.exit_status,
            files={**left.files, **report},
            refused=left.refused,
        )


# Stores with faults, and a platform over them.


class PerishableStore(MemoryContentStore):
    """A `ContentStore` in memory whose objects can be lost, changed and brought back."""

    def keys(self) -> tuple[ObjectKey, ...]:
        """Return where the objects lie, in the order of writing."""
        return tuple(self._objects)

    def lose(self, key: ObjectKey) -> bytes:
        """Let the object be gone, and return what it was."""
        return self._objects.pop(key)

    def overwrite(self, key: ObjectKey, data: bytes) -> None:
        """Let the object be `data`, behind the back of whoever wrote it."""
        self._objects[key] = data


class CrowdedStore:
    """An `EventStore` at which someone else comes first, `conflicts` times."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self.conflicts = 0

    async def append(self, batch: Batch) -> tuple[Position, ...]:
        """See `EventStore.append`."""
        if self.conflicts:
            self.conflicts -= 1
            raise VersionConflict(
                boundary=batch.boundary,
                expected=batch.expected,
                actual=batch.expected + 1,
            )
        return await self._store.append(batch)

    async def history(self, boundary: StreamId) -> History:
        """See `EventStore.history`."""
        return await self._store.history(boundary)

    async def boundary_of(self, stream_id: StreamId) -> StreamId | None:
        """See `EventStore.boundary_of`."""
        return await self._store.boundary_of(stream_id)

    async def read(self, *, after: Position, limit: int) -> Sequence[StoredEvent]:
        """See `EventStore.read`."""
        return await self._store.read(after=after, limit=limit)


class TokenTable:
    """An `Identity` that knows its tokens by heart."""

    def __init__(self, actors: Mapping[str, Actor]) -> None:
        self._actors = dict(actors)

    async def actor_of(self, token: str) -> Actor:
        """See `Identity.actor_of`."""
        if token not in self._actors:
            raise NotAuthenticated(reason="no such token")
        return self._actors[token]


class Stage:
    """A platform over memory stores, with a hand on everything that it stands on."""

    def __init__(self, runner: OracleRunner | None = None) -> None:
        self.clock = TickingClock()
        self.ids = CountingIds()
        self.rows = MemoryReadModel()
        self.log = CrowdedStore(MemoryEventStore(self.rows))
        self.candidate_bytes = PerishableStore()
        self.evidence_bytes = PerishableStore()
        self.platform = Platform(
            recorder=Recorder(
                store=self.log, clock=self.clock, ids=self.ids, platform=PLATFORM
            ),
            rows=self.rows,
            candidate_bytes=self.candidate_bytes,
            evidence_bytes=self.evidence_bytes,
            runner=runner or ScriptedRunner(),
            clock=self.clock,
            ids=self.ids,
        )
