"""Verification: what the evidence supports, computed and never set (SPEC 6.1).

    UNVERIFIED -> VERIFIED_STRICT            every required oracle passed
               -> VERIFIED_WITH_EXCEPTIONS   each that failed is covered by a waiver
    any of them -> UNVERIFIED                an integrity condition, a missing result,
                                             missing evidence, a failure not covered

| step | rule |
|---|---|
| 1 the profile is the assigned one, or one above it | `profile.Profiles.resolved` |
| 2 each required suite has a completed run | `_judged` |
| 3 the run's suite is the one registered when it started | `_pinned` |
| 4 manifest and blobs are there, to the byte | `_retrievable` |
| 5 the manifest is whole, and of this run | `_in_order` |
| 6 each required oracle judged, once | `_answered` |
| 7 it ran where the suite demands | `_at_the_place` |
| 8 the same inputs were judged alike before | `_repeatable` |
| 9 nothing that was found of the run is open | `_unresolved` |
| 10 any of these, and it is UNVERIFIED | `compute` |
| 11 a failure is covered by a waiver of its class | `_waived` |
| 12 what others say is kept, and decides nothing | `_others` |
| 13 the basis is recorded, complete | `sr_core.domain.dossier.verify` |

`compute` is a function of what was just read: the runs from the log, the bundles from
the store, every byte re-hashed. Any integrity condition gives UNVERIFIED, whatever
waivers there are (C-OR-7).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from sr_core.domain.environment import unmet
from sr_core.domain.evidence import (
    BundleReading,
    EvidenceManifest,
    ResultStatus,
    defects,
    misjudged,
    strangeness,
    unanswered,
)
from sr_core.domain.governed_exception import GovernedException
from sr_core.domain.ids import CandidateId, ExceptionId, OracleId, RunId, SuiteId
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.oracle_suite import Classification, OracleSuite
from sr_core.domain.profile import Profile, failure_class
from sr_core.domain.refs import ContentHash
from sr_core.domain.run import Run
from sr_core.domain.verification_events import (
    MODE_OF,
    CandidateVerificationComputed,
    EvidenceMissingDetected,
    FailedOracle,
    OtherResult,
    SuiteSummary,
    VerificationBasis,
    VerificationEvent,
    VerificationMode,
    VerificationScope,
    VerificationStatus,
)
from sr_core.domain.violation import Violation, flaky, gap, invalid, missing, tampered

__all__ = [
    "MODE_OF",
    "CandidateVerificationComputed",
    "EvidenceMissingDetected",
    "FailedOracle",
    "OtherResult",
    "SuiteSummary",
    "VerificationBasis",
    "VerificationEvent",
    "VerificationMode",
    "VerificationScope",
    "VerificationStatus",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """What an earlier run over the same bytes, suite and environment gave."""

    run_id: RunId
    output_hashes: Mapping[OracleId, ContentHash]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteFacts:
    """What is known of one required suite over one candidate.

    `run` is the latest completed one; `reading` is of its bundle, made just now.
    `defined_hash` is computed of the registered definition, and `hash_at_start` is that
    of the suite as it was registered when the run started, by the order of the log.
    `earlier` are the runs before it that had the same inputs.
    """

    suite_id: SuiteId
    registered: OracleSuite | None
    defined_hash: ContentHash | None
    run: Run | None
    reading: BundleReading | None
    hash_at_start: ContentHash | None
    earlier: tuple[EarlierRun, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What `compute` found; each of `violations` says why it stands."""

    status: VerificationStatus
    violations: tuple[Violation, ...]
    failed: tuple[FailedOracle, ...]
    others: tuple[OtherResult, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def conditions(self) -> frozenset[IntegrityCondition]:
        """The integrity conditions that stand."""
        return frozenset(each.condition_type for each in self.violations)

    @property
    def waived_by(self) -> Mapping[OracleId, ExceptionId]:
        """The waiver that covers each failure that is covered."""
        return {
            each.oracle_id: each.waiver_id
            for each in self.failed
            if each.waiver_id is not None
        }


def compute(
    facts: Sequence[SuiteFacts],
    *,
    profile: Profile,
    waivers: Collection[GovernedException],
    known_missing: Collection[ContentHash],
    now: datetime,
) -> Finding:
    """Return what the facts support.

    A waiver covers an oracle that failed. It never covers one that gave no answer
    (C-OR-4), and where no suite is required none can vouch: that shows nothing.
    """
    found: list[Violation] = []
    if not facts:
        found.append(gap(None, "no suite is required"))
    for each in facts:
        for rule in _RULES:
            found += [it for it in rule(each, known_missing) if it not in found]
    failed = tuple(
        failure
        for each in facts
        for failure in _failures(each, profile, waivers, now=now)
    )
    if found or any(each.waiver_id is None for each in failed):
        status = VerificationStatus.UNVERIFIED
    elif failed:
        status = VerificationStatus.VERIFIED_WITH_EXCEPTIONS
    else:
        status = VerificationStatus.VERIFIED_STRICT
    return Finding(
        status=status,
        violations=tuple(found),
        failed=failed,
        others=tuple(it for each in facts for it in _others(each)),
        warnings=tuple(it for each in facts for it in _warnings(each)),
    )


def flakes(
    run: Run, earlier: Sequence[EarlierRun], oracles: Collection[OracleId]
) -> Iterator[Violation]:
    """Yield each of the oracles that judged the same inputs in another way before.

    Only judgements are compared: an oracle that gave no answer is a gap of its own.
    """
    for oracle in sorted(oracles & run.output_hashes.keys()):
        now = run.output_hashes[oracle]
        for before in earlier:
            then = before.output_hashes.get(oracle, now)
            if then != now:
                why = f"{oracle} judged the same inputs otherwise in {before.run_id}"
                yield flaky(oracle, why, first=then, second=now)
                break


def _judged(facts: SuiteFacts, _: object) -> Iterator[Violation]:
    """Yield that the suite, as it is registered now, has no completed run (step 2)."""
    if facts.registered is None:
        why = f"{facts.suite_id} is not registered"
        yield tampered(facts.suite_id, why)
        return
    if facts.run is None:
        yield gap(
            facts.suite_id,
            f"no completed run by {facts.suite_id}",
            missing=facts.registered.definition.required,
        )
    elif _is_outdated(facts.run, facts.registered):
        yield gap(
            facts.suite_id,
            f"no completed run by {facts.suite_id} since it was defined anew",
            missing=facts.registered.definition.required,
        )


def _is_outdated(run: Run, registered: OracleSuite) -> bool:
    """Whether the run judged by an earlier definition, as was right at its time."""
    earlier = run.suite_hash in registered.hashes and (
        run.suite_hash != registered.suite_hash
    )
    return earlier and IntegrityCondition.ORACLE_TAMPER not in run.conditions


def _pinned(facts: SuiteFacts, _: object) -> Iterator[Violation]:
    """Yield that the suite is not the one it was at the start of the run (step 3)."""
    run, registered = facts.run, facts.registered
    if run is None or registered is None:
        return
    if run.suite_hash != facts.hash_at_start:
        yield tampered(
            facts.suite_id,
            f"{run.run_id} pinned {run.suite_hash}, and {facts.hash_at_start} was "
            "registered when it started",
            expected=facts.hash_at_start,
            actual=run.suite_hash,
        )
    if facts.defined_hash != registered.suite_hash:
        yield tampered(
            facts.suite_id,
            f"it is registered under {registered.suite_hash}, and its definition has "
            f"the hash {facts.defined_hash}",
            expected=registered.suite_hash,
            actual=facts.defined_hash,
        )
    manifest = _manifest(facts)
    if manifest is not None and manifest.oracle_suite_hash != run.suite_hash:
        yield tampered(
            facts.suite_id,
            f"{run.run_id} pinned {run.suite_hash}, and its manifest names "
            f"{manifest.oracle_suite_hash}",
            expected=run.suite_hash,
            actual=manifest.oracle_suite_hash,
        )


def _retrievable(
    facts: SuiteFacts, known_missing: Collection[ContentHash]
) -> Iterator[Violation]:
    """Yield that evidence cannot be read to the byte, or once could not (step 4)."""
    run, reading = facts.run, facts.reading
    if run is None:
        return
    if reading is None or not reading.is_intact or run.evidence in known_missing:
        yield missing(run.evidence, f"the evidence of {run.run_id}")


def _in_order(facts: SuiteFacts, _: object) -> Iterator[Violation]:
    """Yield each way in which the manifest is not the run's own (step 5)."""
    run, reading, registered = facts.run, facts.reading, facts.registered
    if run is None or reading is None or registered is None:
        return
    if reading.flaw is not None:
        yield invalid(reading.flaw.defect, reading.flaw.why)
    if reading.manifest is None:
        return
    foreign = strangeness(
        reading.manifest,
        run_id=run.run_id,
        candidate_id=run.candidate_id,
        suite_id=run.suite_id,
        suite_hash=reading.manifest.oracle_suite_hash,  # of its own kind: `_pinned`
        iteration_id=run.iteration_id,
    )
    odd = misjudged(reading.manifest, registered.definition)
    of_now = run.suite_hash == registered.suite_hash
    for flaw in (*foreign, *defects(reading.manifest), *(odd if of_now else ())):
        yield invalid(flaw.defect, flaw.why)


def _answered(facts: SuiteFacts, _: object) -> Iterator[Violation]:
    """Yield that a required oracle did not judge (step 6)."""
    manifest = _manifest(facts)
    if manifest is None or facts.registered is None:
        return
    if silent := unanswered(manifest, facts.registered.definition):
        named = ", ".join(sorted(silent))
        yield gap(facts.suite_id, f"no result of {named}", missing=silent)


def _at_the_place(facts: SuiteFacts, _: object) -> Iterator[Violation]:
    """Yield each demand that the environment did not meet (step 7)."""
    manifest = _manifest(facts)
    if manifest is not None and facts.registered is not None:
        demands = facts.registered.definition.environment_constraints
        yield from unmet(demands, manifest.environment_fingerprint)


def _repeatable(facts: SuiteFacts, _: object) -> Iterator[Violation]:
    """Yield each oracle that judged the same inputs in another way before (step 8)."""
    if facts.run is not None and facts.registered is not None:
        stopping = facts.registered.definition.stopped_by_flakes_of
        yield from flakes(facts.run, facts.earlier, stopping)


def _unresolved(facts: SuiteFacts, _: object) -> Iterator[Violation]:
    """Yield what was found of the run when it ended (step 9)."""
    if facts.run is not None:
        yield from facts.run.violations


_Rule: TypeAlias = Callable[[SuiteFacts, Collection[ContentHash]], Iterator[Violation]]
_RULES: Final[tuple[_Rule, ...]] = (
    _judged,
    _pinned,
    _retrievable,
    _in_order,
    _answered,
    _at_the_place,
    _repeatable,
    _unresolved,
)
"""Steps 2 to 9, in their order."""


def _failures(
    facts: SuiteFacts,
    profile: Profile,
    waivers: Collection[GovernedException],
    *,
    now: datetime,
) -> Iterator[FailedOracle]:
    """Yield each required oracle that failed, with what covers it (step 11)."""
    manifest, run, registered = _manifest(facts), facts.run, facts.registered
    if manifest is None or run is None or registered is None:
        return
    for each in manifest.results:
        decides = each.oracle_id in registered.definition.required
        if decides and each.status is ResultStatus.FAIL:
            yield FailedOracle(
                oracle_id=each.oracle_id,
                suite_id=run.suite_id,
                run_id=run.run_id,
                failure_class=failure_class(each.oracle_id),
                waiver_id=_waived(run, each.oracle_id, profile, waivers, now=now),
            )


def _waived(
    run: Run,
    oracle_id: OracleId,
    profile: Profile,
    waivers: Collection[GovernedException],
    *,
    now: datetime,
) -> ExceptionId | None:
    """Return the waiver that covers the oracle's failure in this very run."""
    if not profile.allows_waiving(oracle_id):
        return None
    return next(
        (it.exception_id for it in waivers if it.covers(run, oracle_id, now=now)), None
    )


def _others(facts: SuiteFacts) -> Iterator[OtherResult]:
    """Yield what the oracles said whose word does not decide (step 12)."""
    manifest, registered = _manifest(facts), facts.registered
    if manifest is None or registered is None:
        return
    kinds = {it.oracle_id: it.classification for it in registered.definition.oracles}
    for each in manifest.results:
        if each.oracle_id not in registered.definition.required:
            yield OtherResult(
                oracle_id=each.oracle_id,
                suite_id=facts.suite_id,
                classification=kinds.get(each.oracle_id, Classification.OPTIONAL),
                status=each.status,
            )


def _warnings(facts: SuiteFacts) -> Iterator[str]:
    """Yield the flakes of oracles that do not stop the line."""
    run, registered = facts.run, facts.registered
    if run is not None and registered is not None:
        definition = registered.definition
        named = {each.oracle_id for each in definition.oracles}
        harmless = named - definition.stopped_by_flakes_of
        yield from (str(each) for each in flakes(run, facts.earlier, harmless))


def _manifest(facts: SuiteFacts) -> EvidenceManifest | None:
    """Return the manifest, if there is a run whose bundle was read."""
    if facts.run is None or facts.reading is None:
        return None
    return facts.reading.manifest


def computed(
    candidate_id: CandidateId,
    facts: Sequence[SuiteFacts],
    finding: Finding,
    profile: Profile,
    scope: VerificationScope,
    *,
    because: str,
) -> CandidateVerificationComputed:
    """Return the verification with the complete basis that it rests on (C-VER-4)."""
    runs = [each.run for each in facts if each.run is not None]
    return CandidateVerificationComputed(
        candidate_id=candidate_id,
        verification_status=finding.status,
        verification_mode=MODE_OF[finding.status],
        verification_profile_id=profile.profile_id,
        verification_scope=scope,
        verification_basis=VerificationBasis(
            profile_version=profile.profile_version,
            run_ids=tuple(each.run_id for each in runs),
            violations=finding.violations,
            failed=finding.failed,
            others=finding.others,
            warnings=finding.warnings,
            computed_because=because,
        ),
        integrity_conditions=tuple(sorted(finding.conditions)),
        evidence_bundle_hashes=tuple(each.evidence for each in runs if each.evidence),
        oracle_suite_summaries=tuple(
            SuiteSummary(suite_id=each.suite_id, suite_hash=each.suite_hash)
            for each in runs
        ),
        waiver_ids=tuple(sorted(set(finding.waived_by.values()))),
        waived_oracle_ids=tuple(sorted(finding.waived_by)),
    )
