"""Faulty variants of the platform: each is a bug that a scenario has to notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.adapters.oidc import actor_kinds, identity
from sr_core.adapters.postgres import event_store
from sr_core.adapters.sandbox import runner
from sr_core.application import candidates, recorder, runs, verification
from sr_core.application.portals import Portals
from sr_core.application.verification import Verification
from sr_core.codec import envelope
from sr_core.domain import (
    approval,
    decision,
    dossier,
    freeze,
    governed_exception,
    integrity,
    loop,
    run,
    shippable,
)
from sr_core.domain import verification as verification_rules
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.events import Ruling
from sr_core.domain.evidence import BundleReading, ResultStatus
from sr_core.domain.iteration import IterationStarted
from sr_core.domain.loop import StopTriggered
from sr_core.domain.oracle_result import NoReport, OracleReport, Word
from sr_core.domain.refs import ContentHash
from sr_core.domain.run import Run
from sr_core.domain.verification import Finding, VerificationStatus
from sr_core.ports.identity import NotIdentified

_ALL_ROLES: Final = frozenset(integrity.PORTAL_ROLE.values())
_NO_TOKEN: Final = "none"  # noqa: S105 - it stands for there being no token
_OPEN: Final = Ruling()


@mutant("runner.trusts-exit-status")
def runner_trusts_exit_status() -> tuple[Patch, ...]:
    """An oracle that ends with status 0 has passed, whatever its report says."""

    def judge(
        oracle_id: str, report: OracleReport | NoReport, *, exit_status: int | None
    ) -> Word:
        del oracle_id, report
        said = ResultStatus.PASS if exit_status == 0 else ResultStatus.FAIL
        return Word(status=said, why="by its exit status")

    return (Patch(owner=runs, name="judge", value=judge),)


@mutant("runner.fails-everything")
def runner_fails_everything() -> tuple[Patch, ...]:
    """Whatever an oracle says, it counts as a failure."""

    def judge(
        oracle_id: str, report: OracleReport | NoReport, *, exit_status: int | None
    ) -> Word:
        del oracle_id, report, exit_status
        return Word(status=ResultStatus.FAIL, why="everything fails")

    return (Patch(owner=runs, name="judge", value=judge),)


@mutant("gap.unnoticed")
def gap_unnoticed() -> tuple[Patch, ...]:
    """A required oracle without a result is not missed, neither at once nor later."""

    def unanswered(*_: object) -> frozenset[str]:
        return frozenset()

    return (
        Patch(owner=runs, name="unanswered", value=unanswered),
        Patch(owner=verification_rules, name="unanswered", value=unanswered),
    )


@mutant("evidence.never-read")
def evidence_never_read() -> tuple[Patch, ...]:
    """Evidence is taken to be there because it was once recorded."""
    remember, from_memory = _memory()
    return (
        Patch(owner=runs, name="write_bundle", value=remember),
        Patch(owner=verification, name="read_bundle", value=from_memory),
    )


@mutant("verification.skips-evidence")
def verification_skips_evidence() -> tuple[Patch, ...]:
    """A verification that was asked for takes evidence to be there, as no gate does."""
    remember, from_memory = _memory()
    real, read = inside(Verification, "verify"), inside(verification, "read_bundle")

    async def verify(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - passed on as it comes
        setattr(verification, "read_bundle", from_memory)  # noqa: B010 - for the while
        try:
            return await real(*args, **kwargs)
        finally:
            setattr(verification, "read_bundle", read)  # noqa: B010 - and back

    return (
        Patch(owner=runs, name="write_bundle", value=remember),
        Patch(owner=Verification, name="verify", value=verify),
    )


@mutant("evidence.missing-not-recorded")
def evidence_missing_not_recorded() -> tuple[Patch, ...]:
    """Missing evidence is refused, but no event says that it was found missing."""

    def none(*_: object) -> tuple[()]:
        return ()

    return (Patch(owner=dossier, name="_newly_missing", value=none),)


@mutant("evidence.missing-for-ever")
def evidence_missing_for_ever() -> tuple[Patch, ...]:
    """A candidate whose evidence was once missing is not cured by a new run."""
    real = inside(dossier, "compute")

    def compute(*args: Any, known_missing: Any, **kwargs: Any) -> Finding:  # noqa: ANN401 - passed on as it comes
        finding = real(*args, known_missing=known_missing, **kwargs)
        if not known_missing:
            return finding
        conditions = {
            **finding.conditions,
            integrity.IntegrityCondition.EVIDENCE_MISSING: "it once was",
        }
        status = VerificationStatus.UNVERIFIED
        return replace(finding, status=status, conditions=conditions)

    return (Patch(owner=dossier, name="compute", value=compute),)


@mutant("approval.skips-gate")
def approval_skips_gate() -> tuple[Patch, ...]:
    """An approval does not look at what stands against the candidate."""
    return _without_gate(Portals, "approve")


@mutant("freeze.skips-gate")
def freeze_skips_gate() -> tuple[Patch, ...]:
    """A freeze does not look at what stands against the candidate."""
    return _without_gate(Portals, "freeze")


@mutant("shippable.skips-gate")
def shippable_skips_gate() -> tuple[Patch, ...]:
    """Whether a candidate may ship is said without a fresh look at its evidence."""
    return _without_gate(Verification, "shippable")


@mutant("verification.always-strict")
def verification_always_strict() -> tuple[Patch, ...]:
    """Whatever the evidence says, the candidate is verified."""
    real = inside(dossier, "compute")

    def compute(*args: Any, **kwargs: Any) -> Finding:  # noqa: ANN401 - passed on as it comes
        found = real(*args, **kwargs)
        return replace(found, status=VerificationStatus.VERIFIED_STRICT, conditions={})

    return (Patch(owner=dossier, name="compute", value=compute),)


@mutant("verification.never")
def verification_never() -> tuple[Patch, ...]:
    """Whatever the evidence says, the candidate is not verified."""
    real = inside(dossier, "compute")

    def compute(*args: Any, **kwargs: Any) -> Finding:  # noqa: ANN401 - passed on as it comes
        found = real(*args, **kwargs)
        return replace(found, status=VerificationStatus.UNVERIFIED)

    return (Patch(owner=dossier, name="compute", value=compute),)


@mutant("loop.never-stops")
def loop_never_stops() -> tuple[Patch, ...]:
    """No trigger stops a loop."""

    def stop(*_: object, **__: object) -> tuple[()]:
        return ()

    return (Patch(owner=loop, name="stop", value=stop),)


@mutant("loop.resumes-at-any-time")
def loop_resumes_at_any_time() -> tuple[Patch, ...]:
    """A stopped loop goes on whenever somebody asks, decision or not."""

    def resume(known: loop.Loop, command: loop.ResumeLoop) -> tuple[loop.LoopResumed]:
        resumed = loop.LoopResumed(
            loop_id=known.loop_id, decision_id=command.decision_id
        )
        return (resumed,)

    return (Patch(owner=loop, name="_resume", value=resume),)


@mutant("loop.decision-lifts-integrity")
def loop_decision_lifts_integrity() -> tuple[Patch, ...]:
    """A decision resumes a loop though an integrity condition stands."""
    real = inside(loop, "_resume")

    def resume(known: loop.Loop, command: loop.ResumeLoop) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(known, replace(command, standing=frozenset()))

    return (Patch(owner=loop, name="_resume", value=resume),)


@mutant("loop.never-resumes")
def loop_never_resumes() -> tuple[Patch, ...]:
    """A loop that was once stopped is taken to have a condition for ever."""
    standing = frozenset({integrity.IntegrityCondition.ORACLE_GAP})
    return (Patch(owner=dossier.Dossier, name="standing", value=lambda _: standing),)


@mutant("waiver.covers-anything")
def waiver_covers_anything() -> tuple[Patch, ...]:
    """Anything can be waived, integrity conditions and silent oracles too."""

    def latest(self: dossier.Dossier, candidate_id: Any, _: object) -> Run | None:  # noqa: ANN401 - passed on as it comes
        of_it = [
            each for each in self.runs.values() if each.candidate_id == candidate_id
        ]
        return of_it[-1] if of_it else None

    return (
        Patch(owner=dossier.Dossier, name="run_judging_by", value=latest),
        Patch(owner=governed_exception, name="_NEVER", value=frozenset()),
        Patch(
            owner=governed_exception, name="parse_oracle_id", value=lambda text: text
        ),
        Patch(owner=governed_exception, name="_failed", value=lambda run, *_: run),
    )


@mutant("projector.drops-stop")
def projector_drops_stop() -> tuple[Patch, ...]:
    """The read model does not learn that a loop was stopped."""
    return _projector(lambda event: isinstance(event, StopTriggered))


@mutant("projector.drops-verification")
def projector_drops_verification() -> tuple[Patch, ...]:
    """The read model does not learn what a verification found."""
    kind = verification_rules.CandidateVerificationComputed
    return _projector(lambda event: isinstance(event, kind))


@mutant("projector.drops-approval")
def projector_drops_approval() -> tuple[Patch, ...]:
    """The read model does not learn of approvals and freezes."""
    kinds = (approval.ApprovalRecorded, freeze.FreezeRecordCreated)
    return _projector(lambda event: isinstance(event, kinds))


@mutant("projector.drops-close")
def projector_drops_close() -> tuple[Patch, ...]:
    """The read model does not learn that a loop was closed."""
    return _projector(lambda event: isinstance(event, loop.LoopClosed))


@mutant("projector.drops-iteration")
def projector_drops_iteration() -> tuple[Patch, ...]:
    """The read model does not learn of any iteration but a loop's first."""
    return _projector(
        lambda event: isinstance(event, IterationStarted) and event.sequence > 1
    )


@mutant("recorder.swaps-kinds")
def recorder_swaps_kinds() -> tuple[Patch, ...]:
    """What the system did is recorded as a human's, and the reverse."""
    real = inside(recorder, "seal")
    other = {ActorKind.HUMAN: ActorKind.SYSTEM, ActorKind.SYSTEM: ActorKind.HUMAN}

    def seal(event: Any, with_: Any, changes: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        by = with_.by
        swapped = Actor(other.get(by.kind, by.kind), by.actor_id)
        return real(event, replace(with_, by=swapped), changes)

    return (Patch(owner=recorder, name="seal", value=seal),)


@mutant("run.always-violated")
def run_always_violated() -> tuple[Patch, ...]:
    """Every run is found to be flaky, whatever its oracles said."""

    async def violations(*_: object) -> Mapping[integrity.IntegrityCondition, str]:
        return {integrity.IntegrityCondition.ORACLE_FLAKE: "so it is said"}

    return (Patch(owner=runs.Runs, name="_violations", value=violations),)


@mutant("run.never-cures")
def run_never_cures() -> tuple[Patch, ...]:
    """A stopped loop allows no run, not even the one that would cure it."""
    real = inside(run, "start")

    def start(known: Any, command: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(known, replace(command, cures=False))

    return (Patch(owner=run, name="start", value=start),)


@mutant("decision.not-recorded")
def decision_not_recorded() -> tuple[Patch, ...]:
    """A decision is accepted and forgotten."""

    def decide(_: object) -> tuple[()]:
        return ()

    return (Patch(owner=decision, name="decide", value=decide),)


@mutant("evidence.found-again-is-fine")
def evidence_found_again_is_fine() -> tuple[Patch, ...]:
    """Evidence that was once found missing counts again when it is there again."""
    real = inside(dossier, "compute")

    def compute(*args: Any, **kwargs: Any) -> Finding:  # noqa: ANN401 - passed on as it comes
        return real(*args, **{**kwargs, "known_missing": ()})

    return (Patch(owner=dossier, name="compute", value=compute),)


@mutant("identity.asks-nobody")
def identity_asks_nobody() -> tuple[Patch, ...]:
    """Whoever comes without a token is taken for a human with every role."""
    from sr_core.api import app  # noqa: PLC0415 - slow to load, and wanted here alone

    real = inside(identity.OidcIdentity, "actor_of")

    async def actor_of(self: Any, token: str) -> Actor:  # noqa: ANN401 - passed on as it comes
        if token == _NO_TOKEN:
            return Actor(ActorKind.HUMAN, "oidc_sub:default:nobody", _ALL_ROLES)
        return await real(self, token)

    def bearer(request: Any) -> str:  # noqa: ANN401 - passed on as it comes
        return request.headers.get("authorization", f" {_NO_TOKEN}").split(" ")[1]

    return (
        Patch(owner=identity.OidcIdentity, name="actor_of", value=actor_of),
        Patch(owner=app, name="_bearer", value=bearer),
    )


@mutant("log.breaks-the-chain")
def log_breaks_the_chain() -> tuple[Patch, ...]:
    """The chain hash of an event does not cover the event."""

    def link(previous: bytes, *_: object) -> bytes:
        return previous

    return (Patch(owner=event_store, name="link", value=link),)


@mutant("authority.anyone-binds")
def authority_anyone_binds() -> tuple[Patch, ...]:
    """Nobody's kind or role is asked for."""

    def allow(*_: object, **__: object) -> None:
        return None

    return (
        Patch(owner=Actor, name="require", value=allow),
        Patch(owner=Actor, name="require_role", value=allow),
    )


@mutant("authority.roles-not-asked")
def authority_roles_not_asked() -> tuple[Patch, ...]:
    """Any human may bind at any portal."""

    def allow(*_: object, **__: object) -> None:
        return None

    return (Patch(owner=Actor, name="require_role", value=allow),)


@mutant("identity.human-by-default")
def identity_human_by_default() -> tuple[Patch, ...]:
    """A token that proves no kind of actor makes a human with every role."""
    real = actor_kinds.actor_from_claims

    def actor_from_claims(claims: Mapping[str, Any], kinds: Any) -> Actor:  # noqa: ANN401 - passed on as it comes
        try:
            return real(claims, kinds)
        except NotIdentified:
            subject = f"oidc_sub:default:{claims.get('sub')}"
            return Actor(ActorKind.HUMAN, subject, _ALL_ROLES)

    return (Patch(owner=identity, name="actor_from_claims", value=actor_from_claims),)


@mutant("candidate.hash-of-something-else")
def candidate_hash_of_something_else() -> tuple[Patch, ...]:
    """Every candidate is named by the hash of nothing."""

    def hash_candidate(_: object) -> ContentHash:
        return ContentHash(f"sha256:{'0' * 64}")

    return (Patch(owner=candidates, name="hash_candidate", value=hash_candidate),)


@mutant("candidate.trusts-the-agent")
def candidate_trusts_the_agent() -> tuple[Patch, ...]:
    """The hash that an agent declares is not compared with that of the bytes."""
    real = inside(candidates, "RegisterCandidate")

    def believing(**fields: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(**{**fields, "declared": None})

    return (Patch(owner=candidates, name="RegisterCandidate", value=believing),)


@mutant("freeze.forgets-approval")
def freeze_forgets_approval() -> tuple[Patch, ...]:
    """A freeze record does not refer to the approval that it rests on."""
    real = inside(envelope, "refs_of")

    def refs_of(event: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        if isinstance(event, freeze.FreezeRecordCreated):
            return ()
        return real(event)

    return (Patch(owner=envelope, name="refs_of", value=refs_of),)


@mutant("shippable.always-no")
def shippable_always_no() -> tuple[Patch, ...]:
    """No candidate ever ships."""

    def assess(*_: object) -> shippable.Readiness:
        return shippable.Readiness(
            reasons=(shippable.Reason.NOT_VERIFIED,),
            freeze_id=None,
            release_approval_id=None,
        )

    return (Patch(owner=shippable, name="assess", value=assess),)


@mutant("evidence.one-blob-lost")
def evidence_one_blob_lost() -> tuple[Patch, ...]:
    """The first blob of a bundle is never written."""
    real = inside(runs, "write_bundle")

    async def write_bundle(store: Any, manifest: Any, blobs: Any) -> ContentHash:  # noqa: ANN401 - passed on as it comes
        first = manifest.artifacts[0].content_hash

        class Forgetful:
            async def put(self, key: str, data: bytes) -> None:
                if not key.endswith(first.removeprefix("sha256:")):
                    await store.put(key, data)

        return await real(Forgetful(), manifest, blobs)

    return (Patch(owner=runs, name="write_bundle", value=write_bundle),)


@mutant("sandbox.unnamed")
def sandbox_unnamed() -> tuple[Patch, ...]:
    """Evidence does not say in what sandbox the oracles ran."""
    real = inside(runner, "_told")

    def told(fingerprint: Any) -> Mapping[str, str]:  # noqa: ANN401 - passed on as it comes
        facts = real(fingerprint)
        return {name: fact for name, fact in facts.items() if name != "sandbox"}

    return (Patch(owner=runner, name="_told", value=told),)


def _without_gate(owner: type, method: str) -> tuple[Patch, ...]:
    """Return the patch by which `method` finds every gate open, as nobody else does."""
    real: Callable[..., Awaitable[object]] = getattr(owner, method)
    gates = {name: inside(Verification, name) for name in ("gate", "ruling")}

    async def open_gate(*_: object) -> Ruling:
        return _OPEN

    async def blind(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - passed on as it comes
        for name in gates:
            setattr(Verification, name, open_gate)
        try:
            return await real(*args, **kwargs)
        finally:
            for name, gate in gates.items():
                setattr(Verification, name, gate)

    return (Patch(owner=owner, name=method, value=blind),)


def _projector(drops: Callable[[object], bool]) -> tuple[Patch, ...]:
    real = inside(recorder, "changes_of")

    def changes_of(event: Any, on: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return () if drops(event) else real(event, on)

    return (Patch(owner=recorder, name="changes_of", value=changes_of),)


def _memory() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a `write_bundle` that remembers, and a `read_bundle` of what it remembers."""
    written: dict[ContentHash, Any] = {}
    write, read = inside(runs, "write_bundle"), inside(verification, "read_bundle")

    async def remember(store: Any, manifest: Any, blobs: Any) -> ContentHash:  # noqa: ANN401 - passed on as it comes
        bundle = await write(store, manifest, blobs)
        written[bundle] = manifest
        return bundle

    async def from_memory(store: Any, bundle: ContentHash) -> BundleReading:  # noqa: ANN401 - passed on as it comes
        if bundle not in written:
            return await read(store, bundle)
        return BundleReading(content_hash=bundle, lost={}, manifest=written[bundle])

    return remember, from_memory
