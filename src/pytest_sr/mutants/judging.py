"""Bugs in what is judged: oracles, evidence, verification, gates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.adapters.sandbox import runner
from sr_core.application import bundles, candidates, citations, facts, runs
from sr_core.application.approvals import Approvals
from sr_core.application.freezes import Freezes
from sr_core.application.verification import Verification
from sr_core.domain import (
    dossier,
    governed_exception,
    shippable,
    violation,
)
from sr_core.domain import run as run_rules
from sr_core.domain import verification as verification_rules
from sr_core.domain.events import Ruling
from sr_core.domain.evidence import BundleReading, ResultStatus
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.oracle_result import NoReport, OracleReport, Word
from sr_core.domain.refs import ContentHash
from sr_core.domain.verification import Finding, VerificationStatus

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

    return (Patch(owner=bundles, name="judge", value=judge),)


@mutant("runner.fails-everything")
def runner_fails_everything() -> tuple[Patch, ...]:
    """Whatever an oracle says, it counts as a failure."""

    def judge(
        oracle_id: str, report: OracleReport | NoReport, *, exit_status: int | None
    ) -> Word:
        del oracle_id, report, exit_status
        return Word(status=ResultStatus.FAIL, why="everything fails")

    return (Patch(owner=bundles, name="judge", value=judge),)


@mutant("runner.passes-everything")
def runner_passes_everything() -> tuple[Patch, ...]:
    """Whatever an oracle says, it counts as a pass."""

    def judge(
        oracle_id: str, report: OracleReport | NoReport, *, exit_status: int | None
    ) -> Word:
        del oracle_id, report, exit_status
        return Word(status=ResultStatus.PASS, why="everything passes")

    return (Patch(owner=bundles, name="judge", value=judge),)


@mutant("gap.unnoticed")
def gap_unnoticed() -> tuple[Patch, ...]:
    """A required oracle without a result is not missed, neither at once nor later."""

    def unanswered(*_: object) -> frozenset[str]:
        return frozenset()

    return (
        Patch(owner=runs, name="unanswered", value=unanswered),
        Patch(owner=verification_rules, name="unanswered", value=unanswered),
    )


@mutant("tamper.unnoticed")
def tamper_unnoticed() -> tuple[Patch, ...]:
    """Whether the suite is still the one that the run pinned, nobody asks."""
    real = inside(runs.Runs, "_violations")

    async def violations(*args: Any) -> tuple[violation.Violation, ...]:  # noqa: ANN401 - passed on as it comes
        return _without(await real(*args), IntegrityCondition.ORACLE_TAMPER)

    return (Patch(owner=runs.Runs, name="_violations", value=violations),)


@mutant("environment.copied-from-the-suite")
def environment_copied_from_the_suite() -> tuple[Patch, ...]:
    """The place that oracles ran in is taken to be the one that the suite demands."""

    def unmet(*_: object) -> tuple[()]:
        return ()

    return (
        Patch(owner=runs, name="unmet", value=unmet),
        Patch(owner=verification_rules, name="unmet", value=unmet),
    )


@mutant("flake.unnoticed")
def flake_unnoticed() -> tuple[Patch, ...]:
    """Nobody compares what an oracle says with what it said before."""

    def flakes(*_: object) -> tuple[()]:
        return ()

    return (
        Patch(owner=runs, name="flakes", value=flakes),
        Patch(owner=verification_rules, name="flakes", value=flakes),
    )


@mutant("flake.everywhere")
def flake_everywhere() -> tuple[Patch, ...]:
    """Every oracle is taken to judge otherwise than before."""

    def flakes(run: Any, _: object, oracles: Any) -> tuple[violation.Violation, ...]:  # noqa: ANN401 - passed on as it comes
        return tuple(
            violation.flaky(
                each, "so it is said", first=run.suite_hash, second=run.suite_hash
            )
            for each in sorted(oracles)
        )

    return (
        Patch(owner=runs, name="flakes", value=flakes),
        Patch(owner=verification_rules, name="flakes", value=flakes),
    )


@mutant("evidence.blobs-not-compared")
def evidence_blobs_not_compared() -> tuple[Patch, ...]:
    """The blobs that a runner hands in are taken for those that its manifest names."""

    def blob_flaws(*_: object) -> tuple[()]:
        return ()

    return (Patch(owner=runs, name="blob_flaws", value=blob_flaws),)


@mutant("run.outcome-as-declared")
def run_outcome_as_declared() -> tuple[Patch, ...]:
    """A run ends as its runner declares, whatever its evidence gives."""
    real = inside(run_rules, "complete")

    def complete(known: Any, command: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        ended = real(known, replace(command, outcome=None))
        return tuple(
            replace(each, outcome=command.outcome or each.outcome) for each in ended
        )

    return (Patch(owner=run_rules, name="complete", value=complete),)


@mutant("waiver.never-ends")
def waiver_never_ends() -> tuple[Patch, ...]:
    """A waiver that was ever drawn up covers its failure for good."""

    def covers(self: Any, judged: Any, oracle_id: Any, *, now: object) -> bool:  # noqa: ANN401 - passed on as it comes
        del now
        cover = self.cover
        return judged.run_id in cover.run_ids and oracle_id == cover.oracle_id

    return (
        Patch(owner=governed_exception.GovernedException, name="covers", value=covers),
    )


@mutant("waiver.never-covers")
def waiver_never_covers() -> tuple[Patch, ...]:
    """No waiver covers anything."""

    def covers(*_: object, **__: object) -> bool:
        return False

    return (
        Patch(owner=governed_exception.GovernedException, name="covers", value=covers),
    )


@mutant("verification.only-on-request")
def verification_only_on_request() -> tuple[Patch, ...]:
    """Nothing that happens makes the platform compute a verification anew."""

    async def recompute(*_: object, **__: object) -> tuple[()]:
        return ()

    async def reconsider(*_: object, **__: object) -> Ruling:
        return Ruling()

    return (
        Patch(owner=Verification, name="recompute", value=recompute),
        Patch(owner=Verification, name="reconsider", value=reconsider),
    )


@mutant("evidence.never-read")
def evidence_never_read() -> tuple[Patch, ...]:
    """Evidence is taken to be there because it was once recorded."""
    remember, from_memory = _memory()
    return (
        Patch(owner=runs, name="write_bundle", value=remember),
        Patch(owner=facts, name="read_bundle", value=from_memory),
        Patch(owner=citations, name="read_bundle", value=from_memory),
    )


@mutant("verification.skips-evidence")
def verification_skips_evidence() -> tuple[Patch, ...]:
    """A verification that was asked for takes evidence to be there, as no gate does."""
    remember, from_memory = _memory()
    real, read = inside(Verification, "verify"), inside(facts, "read_bundle")

    async def verify(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - passed on as it comes
        setattr(facts, "read_bundle", from_memory)  # noqa: B010 - for the while
        try:
            return await real(*args, **kwargs)
        finally:
            setattr(facts, "read_bundle", read)  # noqa: B010 - and back

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
        found = (*finding.violations, violation.missing(None, "it once was"))
        status = VerificationStatus.UNVERIFIED
        return replace(finding, status=status, violations=found)

    return (Patch(owner=dossier, name="compute", value=compute),)


@mutant("approval.skips-gate")
def approval_skips_gate() -> tuple[Patch, ...]:
    """An approval does not look at what stands against the candidate."""
    return (Patch(owner=Approvals, name="_gate", value=_open_gate),)


@mutant("freeze.skips-gate")
def freeze_skips_gate() -> tuple[Patch, ...]:
    """A freeze does not look at what stands against the candidate."""
    return (Patch(owner=Freezes, name="_gate", value=_open_gate),)


@mutant("shippable.skips-gate")
def shippable_skips_gate() -> tuple[Patch, ...]:
    """Whether a candidate may ship is said without a fresh look at its evidence."""
    return _without_gate(Verification, "shippable")


@mutant("verification.always-strict")
def verification_always_strict() -> tuple[Patch, ...]:
    """Whatever the evidence says, the candidate is verified; nothing bars it."""
    real = inside(dossier, "compute")

    def compute(*args: Any, **kwargs: Any) -> Finding:  # noqa: ANN401 - passed on as it comes
        found = real(*args, **kwargs)
        return replace(found, status=VerificationStatus.VERIFIED_STRICT, violations=())

    def nothing(*_: object) -> frozenset[IntegrityCondition]:
        return frozenset()

    return (
        Patch(owner=dossier, name="compute", value=compute),
        Patch(owner=dossier.Dossier, name="standing_against", value=nothing),
    )


@mutant("verification.never")
def verification_never() -> tuple[Patch, ...]:
    """Whatever the evidence says, the candidate is not verified."""
    real = inside(dossier, "compute")

    def compute(*args: Any, **kwargs: Any) -> Finding:  # noqa: ANN401 - passed on as it comes
        found = real(*args, **kwargs)
        return replace(found, status=VerificationStatus.UNVERIFIED)

    return (Patch(owner=dossier, name="compute", value=compute),)


@mutant("evidence.found-again-is-fine")
def evidence_found_again_is_fine() -> tuple[Patch, ...]:
    """Evidence that was once found missing counts again when it is there again."""
    real = inside(dossier, "compute")

    def compute(*args: Any, **kwargs: Any) -> Finding:  # noqa: ANN401 - passed on as it comes
        return real(*args, **{**kwargs, "known_missing": ()})

    return (Patch(owner=dossier, name="compute", value=compute),)


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


@mutant("shippable.always-no")
def shippable_always_no() -> tuple[Patch, ...]:
    """No candidate ever ships."""

    def assess(*_: object, **__: object) -> shippable.Readiness:
        return shippable.Readiness(
            reasons=(shippable.Reason.NOT_VERIFIED,),
            freeze_id=None,
            release_approval_id=None,
        )

    return (Patch(owner=shippable, name="assess", value=assess),)


@mutant("shippable.always-yes")
def shippable_always_yes() -> tuple[Patch, ...]:
    """Every candidate ships."""

    def assess(*_: object, **__: object) -> shippable.Readiness:
        return shippable.Readiness(reasons=(), freeze_id=None, release_approval_id=None)

    return (Patch(owner=shippable, name="assess", value=assess),)


@mutant("evidence.one-blob-lost")
def evidence_one_blob_lost() -> tuple[Patch, ...]:
    """The first blob of a bundle is never written."""
    real = inside(runs, "write_bundle")

    async def write_bundle(store: Any, manifest: Any, *rest: Any, **form: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        first = manifest.artifacts[0].content_hash

        class Forgetful:
            async def put(self, key: str, data: bytes) -> None:
                if not key.endswith(first.removeprefix("sha256:")):
                    await store.put(key, data)

        return await real(Forgetful(), manifest, *rest, **form)

    return (Patch(owner=runs, name="write_bundle", value=write_bundle),)


@mutant("sandbox.unnamed")
def sandbox_unnamed() -> tuple[Patch, ...]:
    """Evidence does not say in what sandbox the oracles ran."""
    real = inside(runner, "_told")

    def fewer(fingerprint: Any) -> Mapping[str, str]:  # noqa: ANN401 - passed on as it comes
        told = real(fingerprint)
        return {name: fact for name, fact in told.items() if name != "sandbox"}

    return (Patch(owner=runner, name="_told", value=fewer),)


def _without(
    found: tuple[violation.Violation, ...], condition: IntegrityCondition
) -> tuple[violation.Violation, ...]:
    """Return the violations but for those of one condition."""
    return tuple(each for each in found if each.condition_type is not condition)


def _unmet_nowhere(found: tuple[violation.Violation, ...] = ()) -> tuple[Patch, ...]:
    """Return the patch by which a comparison of environments finds just this."""

    def unmet(*_: object) -> tuple[violation.Violation, ...]:
        return found

    return (
        Patch(owner=runs, name="unmet", value=unmet),
        Patch(owner=verification_rules, name="unmet", value=unmet),
    )


async def _open_gate(*_: object, **__: object) -> Ruling:
    return _OPEN


def _without_gate(owner: type, method: str) -> tuple[Patch, ...]:
    """Return the patch by which `method` finds every gate open, as nobody else does."""
    real: Callable[..., Awaitable[object]] = getattr(owner, method)
    gates = {name: inside(Verification, name) for name in ("gate", "ruling")}

    async def blind(*args: Any, **kwargs: Any) -> object:  # noqa: ANN401 - passed on as it comes
        for name in gates:
            setattr(Verification, name, _open_gate)
        try:
            return await real(*args, **kwargs)
        finally:
            for name, gate in gates.items():
                setattr(Verification, name, gate)

    return (Patch(owner=owner, name=method, value=blind),)


def _memory() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a `write_bundle` that remembers, and a `read_bundle` of what it remembers."""
    written: dict[ContentHash, Any] = {}
    write, read = inside(runs, "write_bundle"), inside(facts, "read_bundle")

    async def remember(*what: Any, **form: Any) -> ContentHash:  # noqa: ANN401 - passed on as it comes
        _, manifest, _ = what
        bundle = await write(*what, **form)
        written[bundle] = manifest
        return bundle

    async def from_memory(*where: Any) -> BundleReading:  # noqa: ANN401 - passed on as it comes
        _, bundle, *_ = where
        if bundle not in written:
            found: BundleReading = await read(*where)
            return found
        return BundleReading(content_hash=bundle, lost={}, manifest=written[bundle])

    return remember, from_memory
