"""What a verification is computed from, gathered anew from log, rows and store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from sr_core.application.evidence import read_bundle
from sr_core.application.platform import Platform
from sr_core.codec.evidence import hash_suite
from sr_core.domain.dossier import Dossier
from sr_core.domain.evidence import BundleReading, GovernedRef
from sr_core.domain.ids import (
    CandidateId,
    IterationId,
    OracleId,
    SuiteId,
    candidate_hash,
    parse_run_id,
)
from sr_core.domain.refs import ContentHash, RefKind
from sr_core.domain.run import Run
from sr_core.domain.verification import EarlierRun, SuiteFacts, VerificationScope
from sr_core.ports.read_model import ReadModel, Row

_PAGE: Final = 200
_EXCEPTIONS: Final = frozenset({RefKind.DEFERRAL, RefKind.DEVIATION, RefKind.WAIVER})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkContext:
    """What the work of an iteration was bound by, as it was recorded at its start."""

    governed_refs: tuple[GovernedRef, ...]
    exception_refs: tuple[str, ...]
    scope: VerificationScope


async def work_context(
    platform: Platform, dossier: Dossier, iteration_id: IterationId
) -> WorkContext:
    """Return what the iteration started from: its documents, exceptions, and surface."""
    row = await platform.rows.row("iterations", {"iteration_id": iteration_id})
    assert row is not None, "an iteration of a dossier has its row"
    refs = cast("Sequence[Mapping[str, Any]]", row["refs"])
    return WorkContext(
        governed_refs=tuple(
            GovernedRef(
                id=each["id"],
                version=each["meta"]["version"],
                content_hash=ContentHash(each["meta"]["content_hash"]),
            )
            for each in refs
            if each["kind"] == RefKind.GOVERNED_ARTIFACT
        ),
        exception_refs=tuple(
            each["id"] for each in refs if each["kind"] in _EXCEPTIONS
        ),
        scope=await _scope(platform, dossier, row),
    )


async def _scope(
    platform: Platform, dossier: Dossier, iteration: Row
) -> VerificationScope:
    """Return the work unit; for staged work its surface, template and stage besides."""
    surface_id = iteration.get("work_surface_id")
    if surface_id is None:
        return VerificationScope(work_unit_id=dossier.work_unit_id)
    key = {"work_surface_id": surface_id}
    surface = await platform.rows.row("work_surfaces", key)
    assert surface is not None, "an iteration's work surface has its row"
    return VerificationScope(
        work_unit_id=dossier.work_unit_id,
        work_surface_id=str(surface_id),
        template_id=str(surface["template_id"]),
        stage_id=str(surface["current_stage_id"]),
    )


async def earlier_runs(
    platform: Platform,
    dossier: Dossier,
    run: Run,
    environment_hash: ContentHash | None,
) -> tuple[EarlierRun, ...]:
    """Return the runs before `run`, in any loop, that had the same inputs (C-OR-5)."""
    content_hash = candidate_hash(run.candidate_id)
    here = dossier.runs_like(
        run, content_hash=content_hash, environment_hash=environment_hash
    )
    if environment_hash is None:
        return here
    mine = await platform.rows.row("runs", {"run_id": run.run_id})
    assert mine is not None, "a run of a dossier has its row"
    alike = {
        "candidate_content_hash": content_hash,
        "oracle_suite_hash": run.suite_hash,
        "environment_hash": environment_hash,
    }
    elsewhere = [
        EarlierRun(
            run_id=parse_run_id(str(each["run_id"])),
            output_hashes=_hashes(each["output_hashes"]),
        )
        for each in await every_row(platform, "runs", alike)
        if each["loop_id"] != run.loop_id
        and cast("int", each["position"]) < cast("int", mine["position"])
    ]
    return (*here, *elsewhere)


async def hash_at_start(platform: Platform, run: Run) -> ContentHash | None:
    """Return the hash of the suite as it was registered when the run started."""
    row = await platform.rows.row("runs", {"run_id": run.run_id})
    assert row is not None, "a run of a dossier has its row"
    history = await platform.suite_history(run.suite_id)
    return history.hash_at(cast("int", row["position"]))


async def judged_by(platform: Platform, suite_id: str) -> tuple[CandidateId, ...]:
    """Return the candidates that the suite has judged, each once."""
    runs = await every_row(platform, "runs", {"oracle_suite_id": suite_id})
    names = dict.fromkeys(str(each["candidate_id"]) for each in runs)
    return tuple(CandidateId(each) for each in names)


async def every_row(platform: Platform, table: str, where: Row) -> tuple[Row, ...]:
    """Return all rows that equal `where`, however many pages they fill."""
    return await all_rows(platform.rows, table, where)


async def all_rows(model: ReadModel, table: str, where: Row) -> tuple[Row, ...]:
    """Return all rows of the read model that equal `where`."""
    rows: list[Row] = []
    while True:
        page = await model.rows(table, where, limit=_PAGE, offset=len(rows))
        rows += page.rows
        if not page.rows or len(rows) >= page.total:
            return tuple(rows)


def _hashes(stored: object) -> Mapping[OracleId, ContentHash]:
    """Return the output hashes as the projection keeps them."""
    return {
        OracleId(name): ContentHash(value)
        for name, value in cast("Mapping[str, str]", stored).items()
    }


async def suite_facts(
    platform: Platform, dossier: Dossier, candidate_id: CandidateId, suite_id: SuiteId
) -> SuiteFacts:
    """Return what is known of one suite over the candidate, its evidence read anew.

    Raises:
        Unavailable: the store did not answer, which says nothing about the evidence.

    """
    run = dossier.latest_run(candidate_id, suite_id)
    registered = await platform.suite(suite_id)
    reading: BundleReading | None = None
    earlier: tuple[EarlierRun, ...] = ()
    if run is not None:
        earlier = await earlier_runs(platform, dossier, run, run.environment_hash)
        if run.evidence is not None:
            reading = await read_bundle(
                platform.evidence_bytes, run.evidence, platform.vault
            )
    return SuiteFacts(
        suite_id=suite_id,
        registered=registered,
        defined_hash=hash_suite(registered.definition) if registered else None,
        run=run,
        reading=reading,
        hash_at_start=await hash_at_start(platform, run) if run else None,
        earlier=earlier,
    )
