"""Runs: have a registered suite judge a candidate, and record what it left.

    RunStarted -> the oracles run in a sandbox over the stored bytes
               -> evidence bundle written -> EvidenceBundleRecorded, RunCompleted

An outcome comes from here or from nowhere: no caller can say how a run ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sr_core.application.candidates import Candidates
from sr_core.application.evidence import write_bundle
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.codec.envelope import rfc3339
from sr_core.codec.evidence import escaped, hash_suite, parse_report
from sr_core.domain import dossier as dossiers
from sr_core.domain import loop, run
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import BudgetExhausted, NotFound, SrError
from sr_core.domain.events import Ruling
from sr_core.domain.evidence import (
    Artifact,
    EvidenceManifest,
    OracleResult,
    unanswered,
    verdict_of,
)
from sr_core.domain.ids import (
    BundleId,
    CandidateId,
    LoopId,
    OracleId,
    RunId,
    SuiteId,
    parse_run_id,
)
from sr_core.domain.integrity import TRIGGER_OF, IntegrityCondition
from sr_core.domain.oracle_result import Word, judge
from sr_core.domain.oracle_suite import Oracle, OracleSuiteRegistered
from sr_core.domain.refs import hash_bytes
from sr_core.domain.run import RecordEvidence, Run, StartRun
from sr_core.ports.event_store import NewEvent
from sr_core.ports.oracle_runner import OracleSeen, RunSeen

_MEDIA_TYPES = {".json": "application/json", ".xml": "application/xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The runs of one log."""

    platform: Platform

    async def judge(
        self, candidate_id: CandidateId, suite_id: SuiteId, asked: Asked
    ) -> RunId:
        """Start a run, carry it out to its end, and return its identifier.

        Raises:
            NotFound: there is no such candidate or suite.
            AuthorityRequired, TransitionRefused, BudgetExhausted: it may not start.
            SandboxUnavailable, Unretrievable, Unavailable: nothing could be judged; the
                run is recorded as FAILED.

        """
        loop_id = await self.platform.loop_of("cand", candidate_id, kind="candidate")
        suite = await self.platform.suite(suite_id)
        if suite is None:
            raise NotFound(kind="oracle suite", identifier=suite_id)
        run_id = parse_run_id(self.platform.ids.fresh("run"))
        await self._start(loop_id, run_id, candidate_id, suite, asked)
        await self._carry_out(loop_id, run_id, suite, asked)
        return run_id

    async def _start(
        self,
        loop_id: LoopId,
        run_id: RunId,
        candidate_id: CandidateId,
        suite: OracleSuiteRegistered,
        asked: Asked,
    ) -> tuple[NewEvent, ...]:
        async def rule(dossier: Dossier) -> Ruling:
            command = StartRun(
                by=asked.by,
                now=self.platform.clock.now(),
                run_id=run_id,
                candidate_id=candidate_id,
                iteration_id=dossier.candidate(candidate_id).iteration_id,
                suite=suite,
                cures=bool(dossier.standing_against(candidate_id)),
            )
            known = dossier.the_loop()
            try:
                return Ruling(events=run.start(known, command))
            except BudgetExhausted as refusal:
                return Ruling(events=loop.stop_for(known, refusal), refusal=refusal)

        return await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def _carry_out(
        self, loop_id: LoopId, run_id: RunId, suite: OracleSuiteRegistered, asked: Asked
    ) -> None:
        dossier = await self.platform.recorder.state(loop_case(loop_id))
        started = dossier.run(run_id)
        manifest = dossier.candidate(started.candidate_id).manifest
        try:
            files = await Candidates(platform=self.platform).files(manifest)
            seen = await self.platform.runner.run(suite.definition, files)
            evidence, blobs = self._bundle(started, suite, seen)
            content_hash = await write_bundle(
                self.platform.evidence_bytes, evidence, blobs
            )
            violations = await self._violations(evidence, suite)
        except Exception as failure:
            await self._fail(loop_id, run_id, _reason(failure), asked)
            raise
        command = RecordEvidence(
            manifest=evidence, manifest_hash=content_hash, violations=violations
        )
        await self._end(loop_id, run_id, command, asked)

    async def _end(
        self, loop_id: LoopId, run_id: RunId, command: RecordEvidence, asked: Asked
    ) -> None:
        async def rule(dossier: Dossier) -> Ruling:
            ended = run.record(dossier.run(run_id), command)
            after = dossiers.fold(ended, dossier)
            stops: list[loop.LoopEvent] = []
            for condition, why in sorted(command.violations.items()):
                stops += loop.stop(
                    after.the_loop(),
                    TRIGGER_OF[condition],
                    condition=f"{condition}: {why}",
                    run_id=run_id,
                    candidate_id=command.manifest.candidate_id,
                    evidence=command.manifest_hash,
                )
            stops += loop.stops_due(after.the_loop(), now=self.platform.clock.now())
            return Ruling(events=(*ended, *stops))

        await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def _fail(
        self, loop_id: LoopId, run_id: RunId, reason: str, asked: Asked
    ) -> None:
        async def rule(dossier: Dossier) -> Ruling:
            failed = run.fail(dossier.run(run_id), reason=reason)
            due = loop.stops_due(dossier.the_loop(), now=self.platform.clock.now())
            return Ruling(events=(*failed, *due))

        await self.platform.recorder.record(loop_case(loop_id), rule, asked)

    async def _violations(
        self, manifest: EvidenceManifest, pinned: OracleSuiteRegistered
    ) -> Mapping[IntegrityCondition, str]:
        """Return what is wrong with the run: silent oracles, another suite than pinned."""
        found: dict[IntegrityCondition, str] = {}
        if silent := unanswered(manifest, pinned.definition):
            why = "; ".join(
                f"{each}: {_silence(manifest, each)}" for each in sorted(silent)
            )
            found[IntegrityCondition.ORACLE_GAP] = why
        registered = await self.platform.suite(pinned.suite_id)
        now = registered and hash_suite(registered.definition)
        if now != pinned.suite_hash:
            why = f"pinned {pinned.suite_hash}, at the end {now}"
            found[IntegrityCondition.ORACLE_TAMPER] = why
        return found

    def _bundle(
        self, started: Run, suite: OracleSuiteRegistered, seen: RunSeen
    ) -> tuple[EvidenceManifest, Mapping[str, bytes]]:
        """Return the manifest and blobs of what the oracles left."""
        oracles = {each.oracle_id: each for each in suite.definition.oracles}
        words = {
            each.oracle_id: _word(oracles[each.oracle_id], each)
            for each in seen.oracles
        }
        results = tuple(
            _result(oracles[each.oracle_id], each, word)
            for each in seen.oracles
            if (word := words[each.oracle_id]).status is not None
        )
        silent = {
            name: words[name].why if name in words else "it was not run"
            for name in oracles
            if name not in {each.oracle_id for each in results}
        }
        blobs = {
            _artifact_name(each.oracle_id, name): data
            for each in seen.oracles
            for name, data in each.files.items()
        }
        refused = {
            f"refused {escaped(_artifact_name(each.oracle_id, name))}": escaped(why)
            for each in seen.oracles
            for name, why in each.refused.items()
        }
        manifest = EvidenceManifest(
            bundle_id=BundleId(self.platform.ids.fresh("bundle")),
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
                    media_type=_media_type(name),
                    size=len(data),
                    content_hash=hash_bytes(data),
                )
                for name, data in sorted(blobs.items())
            ),
            environment_fingerprint=seen.fingerprint,
            verdict=verdict_of([each.status for each in results], unanswered=silent),
            produced_by=self.platform.recorder.platform.actor_id,
            produced_at=rfc3339(self.platform.clock.now()),
            metadata=refused,
        )
        return manifest, blobs


def _reason(failure: Exception) -> str:
    """Return why a run could not be carried out; a bug is named and no more."""
    if isinstance(failure, SrError):
        return escaped(failure.found)
    return f"the platform failed: {type(failure).__name__}"


def _word(oracle: Oracle, seen: OracleSeen) -> Word:
    report = parse_report(seen.files.get(oracle.report))
    return judge(oracle.oracle_id, report, exit_status=seen.exit_status)


def _result(oracle: Oracle, seen: OracleSeen, word: Word) -> OracleResult:
    assert word.status is not None, "a silent oracle has no result"
    return OracleResult(
        oracle_id=oracle.oracle_id,
        classification=oracle.classification,
        status=word.status,
        summary=word.why,
        started_at=rfc3339(seen.started_at),
        finished_at=rfc3339(seen.finished_at),
        artifacts=tuple(_artifact_name(oracle.oracle_id, name) for name in seen.files),
    )


def _silence(manifest: EvidenceManifest, oracle_id: OracleId) -> str:
    """Return why an oracle did not judge."""
    said = {
        each.oracle_id: f"{each.status}: {each.summary}" for each in manifest.results
    }
    return manifest.unanswered.get(oracle_id) or said[oracle_id]


def _artifact_name(oracle_id: OracleId, name: str) -> str:
    return f"{oracle_id.removeprefix('oracle:')}/{name}"


def _media_type(name: str) -> str:
    suffix = name[name.rfind(".") :] if "." in name else ""
    return _MEDIA_TYPES.get(suffix, "application/octet-stream")
