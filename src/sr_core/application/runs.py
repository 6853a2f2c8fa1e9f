"""Runs: have a registered suite judge a candidate, and record what it left.

    RunStarted -> the oracles run in a sandbox over the stored bytes
               -> evidence bundle written -> EvidenceBundleRecorded, RunCompleted
               -> the candidate's verification, computed anew

A runner elsewhere does the middle part itself: it starts a run with execution external,
hands in the bundle, and completes the run. Either way the outcome is computed from the
evidence, and the evidence is held against the run, the suite and its own hashes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sr_core.application.bundles import Occasion, build_bundle, silence
from sr_core.application.candidates import Candidates
from sr_core.application.evidence import write_bundle
from sr_core.application.facts import earlier_runs, work_context
from sr_core.application.handing_in import (
    Expected,
    HandedIn,
    Parts,
    put_away,
    take_in,
)
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.application.spool import Spool
from sr_core.application.suites import Suites
from sr_core.application.vault import SealedBundle
from sr_core.application.verification import Verification
from sr_core.codec.envelope import rfc3339
from sr_core.codec.evidence import (
    escaped,
    hash_environment,
    hash_outputs,
    hash_suite,
)
from sr_core.codec.manifest import manifest_from, stored_form
from sr_core.domain import dossier as dossiers
from sr_core.domain import loop, run
from sr_core.domain.actors import ActorKind
from sr_core.domain.dossier import Dossier
from sr_core.domain.environment import unmet
from sr_core.domain.errors import BudgetExhausted, NotFound, SrError
from sr_core.domain.events import Ruling
from sr_core.domain.evidence import (
    EvidenceManifest,
    blob_flaws,
    is_secret,
    unanswered,
)
from sr_core.domain.ids import (
    CandidateId,
    LoopId,
    RunId,
    SuiteId,
    parse_bundle_id,
    parse_run_id,
)
from sr_core.domain.oracle_suite import OracleSuite, SuiteDefinition
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.run import (
    BeginRun,
    CompleteRun,
    Execution,
    FailRun,
    RecordEvidence,
    Run,
    RunOutcome,
    StartRun,
)
from sr_core.domain.verification import flakes
from sr_core.domain.violation import Violation, gap, tampered
from sr_core.ports.content_store import Data
from sr_core.ports.event_store import NewEvent
from sr_core.ports.oracle_runner import RunSeen
from sr_core.ports.sandbox import CANDIDATE

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The runs of one log."""

    platform: Platform

    async def judge(
        self,
        candidate_id: CandidateId,
        suite_id: SuiteId,
        asked: Asked,
        *,
        declared: ContentHash | None = None,
    ) -> RunId:
        """Start a run, carry it out to its end, and return its identifier.

        Raises:
            NotFound: there is no such candidate or suite.
            AuthorityRequired, TransitionRefused, BudgetExhausted, SuiteHashMismatch: it
                may not start.
            SandboxUnavailable, Unretrievable, Unavailable: nothing could be judged; the
                run is recorded as FAILED.

        """
        run_id, loop_id, suite = await self._start(
            candidate_id,
            suite_id,
            asked,
            execution=Execution.PLATFORM,
            declared=declared,
        )
        await self._carry_out(loop_id, run_id, suite.definition, asked)
        return run_id

    async def start(
        self,
        candidate_id: CandidateId,
        suite_id: SuiteId,
        asked: Asked,
        *,
        declared: ContentHash | None = None,
    ) -> RunId:
        """Start a run that a runner elsewhere carries out; see `judge` for refusals."""
        run_id, _, _ = await self._start(
            candidate_id,
            suite_id,
            asked,
            execution=Execution.EXTERNAL,
            declared=declared,
        )
        return run_id

    async def hand_in(
        self, raw: object, blobs: Mapping[str, bytes], asked: Asked
    ) -> HandedIn:
        """Take in the evidence of a run that was carried out elsewhere.

        Raises:
            AuthorityRequired: someone other than the system hands it in.
            ManifestInvalid: it is no manifest of that run, or not of these blobs.
            NotFound: there is no such run.
            NotExternal, TransitionRefused, EvidenceTaken: the run takes no evidence.
            KekUnobtainable, BadKeyMaterial, WrapLimitReached: what is restricted in it
                cannot be sealed; nothing is written.
            Unavailable: no answer in time; nothing is recorded.

        """
        expected = await self._expected(raw, asked)
        expected.require_sound(asked.by, *blob_flaws(expected.manifest, blobs))
        return await self._keep(expected, await self._ruled(expected), blobs, asked)

    async def hand_in_parts(self, raw: object, parts: Parts, asked: Asked) -> HandedIn:
        """Take in evidence whose blobs come one after another, as large as they are.

        They are read only if the manifest may be handed in, and nothing is written
        before the last of them was found to be what it names. See `hand_in`.
        """
        expected = await self._expected(raw, asked)
        expected.require_sound(asked.by)
        command = await self._ruled(expected)
        with Spool() as spool:
            taken = await take_in(spool, self.platform.vault, expected.manifest, parts)
            return await self._keep(
                expected, command, taken.blobs, asked, sealed=taken.sealed
            )

    async def _expected(self, raw: object, asked: Asked) -> Expected:
        asked.by.require(ActorKind.SYSTEM, action="handing in evidence")
        manifest, form = manifest_from(raw), stored_form(raw)
        parse_bundle_id(manifest.bundle_id)
        run_id = parse_run_id(manifest.run_id)
        loop_id = await self.platform.loop_of("run", run_id, kind="run")
        dossier = await self.platform.recorder.state(loop_case(loop_id))
        known = dossier.run(run_id)
        run.require_external(known, "evidence from elsewhere")
        suite = await self._pinned(known)
        return Expected(manifest, form, loop_id, dossier, known, suite)

    async def _ruled(self, expected: Expected) -> RecordEvidence:
        """Return what is to be recorded, before anything is written for nothing."""
        command = await self._command(
            expected.dossier,
            expected.run,
            expected.suite,
            expected.manifest,
            hash_bytes(expected.form),
        )
        run.record(expected.run, command)
        return command

    async def _keep(
        self,
        expected: Expected,
        command: RecordEvidence,
        blobs: Mapping[str, Data],
        asked: Asked,
        *,
        sealed: SealedBundle | None = None,
    ) -> HandedIn:
        """Write the bundle, what is secret in it sealed, and record it."""
        manifest, form = expected.manifest, expected.form
        if is_secret(manifest):
            vault = self.platform.vault
            manifest, form = await put_away(vault, manifest, blobs, sealed)
            command = replace(
                command, manifest=manifest, manifest_hash=hash_bytes(form)
            )
        await write_bundle(self.platform.evidence_bytes, manifest, blobs, form=form)
        run_id = expected.run.run_id

        async def rule(now: Dossier) -> Ruling:
            return _recorded(now, run_id, command)

        case = loop_case(expected.loop_id)
        recorded = await self.platform.recorder.record(case, rule, asked)
        return HandedIn(
            manifest=manifest, content_hash=command.manifest_hash, recorded=recorded
        )

    async def complete(
        self,
        run_id: RunId,
        asked: Asked,
        *,
        outcome: RunOutcome | None,
        evidence: ContentHash | None,
    ) -> Recorded:
        """End a run carried out elsewhere, and compute what follows for the candidate.

        Raises:
            NotFound, NotExternal, TransitionRefused, EvidenceMissing, OutcomeMismatch.

        """
        loop_id = await self.platform.loop_of("run", run_id, kind="run")
        command = CompleteRun(
            by=asked.by, outcome=outcome, evidence_bundle_hash=evidence
        )

        async def rule(dossier: Dossier) -> Ruling:
            known = dossier.run(run_id)
            ended = run.complete(known, command)
            run.require_external(known, "completion from elsewhere")
            return Ruling(events=ended)

        recorded = await self.platform.recorder.record(loop_case(loop_id), rule, asked)
        await self._recompute(loop_id, run_id, asked)
        return recorded

    async def fail(self, run_id: RunId, reason: str, asked: Asked) -> Recorded:
        """End a run that could not be carried out elsewhere.

        Raises:
            NotFound, NotExternal, TransitionRefused.

        """
        loop_id = await self.platform.loop_of("run", run_id, kind="run")

        async def rule(dossier: Dossier) -> Ruling:
            known = dossier.run(run_id)
            ended = run.fail(known, self._failure(asked, escaped(reason)))
            run.require_external(known, "failure from elsewhere")
            return Ruling(events=ended)

        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def associate(
        self, evidence: ContentHash, run_id: RunId, command: run.Associate, asked: Asked
    ) -> Recorded:
        """Say that the bundle which the run left also speaks of something else.

        Raises:
            NotFound: the loop has nothing of that name.
            AuthorityRequired, MalformedInput, AssociationTaken.

        """
        loop_id = await self.platform.loop_of("run", run_id, kind="run")

        async def rule(dossier: Dossier) -> Ruling:
            if command.run_id is not None:
                dossier.run(command.run_id)
            if command.candidate_id is not None:
                dossier.candidate(command.candidate_id)
            if command.iteration_id is not None:
                dossier.iteration(command.iteration_id)
            known = dossier.run(run_id)
            return Ruling(events=run.associate(known, evidence, command))

        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def _start(
        self,
        candidate_id: CandidateId,
        suite_id: SuiteId,
        asked: Asked,
        *,
        execution: Execution,
        declared: ContentHash | None,
    ) -> tuple[RunId, LoopId, OracleSuite]:
        loop_id = await self.platform.loop_of("cand", candidate_id, kind="candidate")
        suite = await self.platform.suite(suite_id)
        if suite is None:
            raise NotFound(kind="oracle suite", identifier=suite_id)
        run_id = parse_run_id(self.platform.ids.fresh("run"))

        async def rule(dossier: Dossier) -> Ruling:
            command = StartRun(
                by=asked.by,
                now=self.platform.clock.now(),
                run_id=run_id,
                candidate_id=candidate_id,
                iteration_id=dossier.candidate(candidate_id).iteration_id,
                suite=suite,
                cures=bool(dossier.standing_against(candidate_id)),
                execution=execution,
                declared=declared,
            )
            known = dossier.the_loop()
            try:
                return Ruling(events=run.start(known, command))
            except BudgetExhausted as refusal:
                return Ruling(events=loop.stop_for(known, refusal), refusal=refusal)

        await self.platform.recorder.record(loop_case(loop_id), rule, asked)
        await Suites(platform=self.platform).pin(suite_id, suite.suite_hash, asked)
        return run_id, loop_id, suite

    async def _carry_out(
        self, loop_id: LoopId, run_id: RunId, suite: SuiteDefinition, asked: Asked
    ) -> None:
        began_at = await self._begin(loop_id, run_id, asked)
        dossier = await self.platform.recorder.state(loop_case(loop_id))
        started = dossier.run(run_id)
        candidate = dossier.candidate(started.candidate_id)
        try:
            files = await Candidates(platform=self.platform).files(candidate.manifest)
            seen = await self.platform.runner.run(suite, files)
            evidence, blobs = await self._bundle(
                dossier, started, suite, seen, began_at
            )
            content_hash = await write_bundle(
                self.platform.evidence_bytes, evidence, blobs
            )
            command = await self._command(
                dossier, started, suite, evidence, content_hash
            )
        except Exception as failure:
            await self._fail(loop_id, run_id, _reason(failure), asked)
            raise
        await self._end(loop_id, run_id, command, asked)
        await self._recompute(loop_id, run_id, asked)

    async def _begin(self, loop_id: LoopId, run_id: RunId, asked: Asked) -> str:
        """Record that the oracles are being run, and return since when."""
        began_at = rfc3339(self.platform.clock.now())

        async def rule(dossier: Dossier) -> Ruling:
            command = BeginRun(workspace_path=CANDIDATE, started_at=began_at)
            return Ruling(events=run.begin(dossier.run(run_id), command))

        await self.platform.recorder.record(loop_case(loop_id), rule, asked)
        return began_at

    async def _end(
        self, loop_id: LoopId, run_id: RunId, command: RecordEvidence, asked: Asked
    ) -> None:
        async def rule(dossier: Dossier) -> Ruling:
            recorded = _recorded(dossier, run_id, command)
            after = dossiers.fold(recorded.events, dossier)
            by = self.platform.recorder.platform
            ended = run.complete(after.run(run_id), CompleteRun(by=by))
            due = loop.stops_due(after.the_loop(), now=self.platform.clock.now())
            return Ruling(events=(*recorded.events, *ended, *due))

        await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def _fail(
        self, loop_id: LoopId, run_id: RunId, reason: str, asked: Asked
    ) -> None:
        async def rule(dossier: Dossier) -> Ruling:
            command = self._failure(asked, reason)
            failed = run.fail(dossier.run(run_id), command)
            due = loop.stops_due(dossier.the_loop(), now=self.platform.clock.now())
            return Ruling(events=(*failed, *due))

        await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    def _failure(self, asked: Asked, reason: str) -> FailRun:
        ended_at = rfc3339(self.platform.clock.now())
        return FailRun(by=asked.by, reason=reason, ended_at=ended_at)

    async def _recompute(self, loop_id: LoopId, run_id: RunId, asked: Asked) -> None:
        dossier = await self.platform.recorder.state(loop_case(loop_id))
        await Verification(platform=self.platform).recompute(
            dossier.run(run_id).candidate_id,
            f"{run_id} was completed",
            correlation_id=asked.correlation_id,
        )

    async def _pinned(self, known: Run) -> SuiteDefinition:
        """Return the suite as it was defined when the run pinned it."""
        history = await self.platform.suite_history(known.suite_id)
        definition = history.definition(known.suite_hash)
        assert definition is not None, "a run pins what is registered"
        return definition

    async def _bundle(
        self,
        dossier: Dossier,
        started: Run,
        suite: SuiteDefinition,
        seen: RunSeen,
        began_at: str,
    ) -> tuple[EvidenceManifest, Mapping[str, bytes]]:
        platform = self.platform
        return build_bundle(
            started,
            suite,
            seen,
            await work_context(platform, dossier, started.iteration_id),
            Occasion(
                bundle_id=parse_bundle_id(platform.ids.fresh("bundle")),
                by=platform.recorder.platform,
                began_at=began_at,
                ended_at=rfc3339(platform.clock.now()),
            ),
            {
                each.oracle_id: (rfc3339(each.started_at), rfc3339(each.finished_at))
                for each in seen.oracles
            },
        )

    async def _command(
        self,
        dossier: Dossier,
        known: Run,
        suite: SuiteDefinition,
        manifest: EvidenceManifest,
        content_hash: ContentHash,
    ) -> RecordEvidence:
        """Return what is to be recorded of the bundle, held against what is known."""
        judged = replace(
            known,
            environment_hash=hash_environment(manifest.environment_fingerprint),
            output_hashes=hash_outputs(manifest, suite),
        )
        return RecordEvidence(
            manifest=manifest,
            manifest_hash=content_hash,
            environment_hash=hash_environment(manifest.environment_fingerprint),
            output_hashes=judged.output_hashes,
            violations=await self._violations(dossier, judged, suite, manifest),
        )

    async def _violations(
        self,
        dossier: Dossier,
        judged: Run,
        suite: SuiteDefinition,
        manifest: EvidenceManifest,
    ) -> tuple[Violation, ...]:
        """Return each way in which the run cannot be trusted (SPEC 6.3)."""
        found: list[Violation] = []
        if silent := unanswered(manifest, suite):
            why = "; ".join(f"{it}: {silence(manifest, it)}" for it in sorted(silent))
            found.append(gap(judged.suite_id, why, missing=silent))
        registered = await self.platform.suite(judged.suite_id)
        now = hash_suite(registered.definition) if registered else None
        if now != judged.suite_hash:
            why = f"pinned {judged.suite_hash}, at the end {now}"
            found.append(
                tampered(judged.suite_id, why, expected=judged.suite_hash, actual=now)
            )
        found += unmet(suite.environment_constraints, manifest.environment_fingerprint)
        earlier = await earlier_runs(
            self.platform, dossier, judged, judged.environment_hash
        )
        found += flakes(judged, earlier, suite.stopped_by_flakes_of)
        return tuple(found)


def _recorded(dossier: Dossier, run_id: RunId, command: RecordEvidence) -> Ruling:
    """Return the bundle as recorded, and the stops that its violations make."""
    events = run.record(dossier.run(run_id), command)
    after = dossiers.fold(events, dossier)
    stops = dossiers.stops(
        after.the_loop(),
        command.violations,
        candidate_id=command.manifest.candidate_id,
        run_id=run_id,
        evidence=command.manifest_hash,
    )
    return Ruling(events=(*events, *stops))


def _reason(failure: Exception) -> str:
    """Return why a run could not be carried out; a bug is named and no more."""
    if isinstance(failure, SrError):
        return escaped(failure.found)
    return f"the platform failed: {type(failure).__name__}"
