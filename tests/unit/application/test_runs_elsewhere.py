"""Runs that a runner elsewhere carries out (SPEC 5.4, C-EVID-2, C-EVID-3, C-TB-2)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sr_core.application.recorder import Asked
from sr_core.application.verification import Verification
from sr_core.codec.canonical import plain
from sr_core.domain.errors import (
    AuthorityRequired,
    MalformedInput,
    NotFound,
    TransitionRefused,
)
from sr_core.domain.evidence import EvidenceManifest, ManifestDefect, ResultStatus
from sr_core.domain.ids import BundleId, IterationId, OracleId, RunId
from sr_core.domain.judging_errors import (
    EvidenceMissing,
    EvidenceTaken,
    ManifestInvalid,
    NotExternal,
    OutcomeMismatch,
    SuiteHashMismatch,
)
from sr_core.domain.refs import hash_bytes
from sr_core.domain.run import Execution, RunOutcome
from sr_core.domain.suite_definition import Classification
from sr_core.ports.read_model import Page, ReadModel, Row
from sr_core.testing import (
    AGENT,
    BUILD,
    CORE,
    FINGERPRINT,
    HUMAN,
    SOME_HASH,
    SYSTEM,
    build_manifest,
    ulid,
)

pytestmark = pytest.mark.anyio

BY_RUNNER = Asked(by=SYSTEM, correlation_id="corr-runner")
D = ManifestDefect


@pytest.fixture
async def started(journey):
    """A candidate, and a run that waits for a runner elsewhere."""
    await journey.open()
    journey.run_id = await journey.runs.start(journey.candidate_id, CORE, BY_RUNNER)
    return journey


async def bundle(journey, said=None, *, fingerprint=None) -> EvidenceManifest:
    """The manifest that an honest runner would hand in."""
    platform = journey.stage.platform
    case = await platform.candidate_case(journey.candidate_id)
    dossier = await platform.recorder.state(case)
    suite = await platform.suite(CORE)
    return build_manifest(
        dossier.run(journey.run_id),
        suite.definition,
        said or {},
        fingerprint=fingerprint or FINGERPRINT,
        by=SYSTEM,
    )


def blobs(manifest: EvidenceManifest) -> dict[str, bytes]:
    return {each.name: each.name.encode() for each in manifest.artifacts}


async def hand_in(journey, manifest: EvidenceManifest, *, by=SYSTEM) -> Any:
    asked = Asked(by=by, correlation_id="corr-runner")
    return await journey.runs.hand_in(plain(manifest), blobs(manifest), asked)


async def complete(journey, outcome=RunOutcome.SUCCESS, evidence=None) -> Any:
    return await journey.runs.complete(
        journey.run_id, BY_RUNNER, outcome=outcome, evidence=evidence
    )


async def run_row(journey) -> Any:
    return await journey.row("runs", run_id=journey.run_id)


class TestTheStraightWay:
    """SPEC 5.4: started, handed in, completed, verified."""

    async def test_it_waits(self, started):
        row = await run_row(started)

        assert (row["state"], row["execution"]) == ("STARTED", Execution.EXTERNAL)
        assert "OracleSuitePinned" in await started.types()

    async def test_what_is_handed_in_is_recorded_and_kept(self, started):
        manifest = await bundle(started)

        taken = await hand_in(started, manifest)

        row = await started.row("evidence_bundles", content_hash=taken.content_hash)
        assert (row["verdict"], row["run_id"]) == ("PASS", started.run_id)
        assert (await run_row(started))["state"] == "STARTED"
        assert len(started.stage.evidence_bytes.keys()) == 1 + len(manifest.artifacts)

    async def test_once_completed_it_verifies(self, started):
        taken = await hand_in(started, await bundle(started))

        await complete(started, evidence=taken.content_hash)

        candidate = await started.row("candidates", candidate_id=started.candidate_id)
        assert candidate["verification_status"] == "VERIFIED_STRICT"
        assert candidate["evidence_hashes"] == [taken.content_hash]

    async def test_one_that_could_not_be_carried_out_fails(self, started):
        await started.runs.fail(started.run_id, "the machine is gone", BY_RUNNER)

        row = await run_row(started)
        assert (row["state"], row["reason"]) == ("FAILED", "the machine is gone")

    async def test_a_declared_suite_is_compared(self, journey):
        await journey.open()

        with pytest.raises(SuiteHashMismatch):
            await journey.runs.start(
                journey.candidate_id, CORE, BY_RUNNER, declared=SOME_HASH
            )

        assert "RunStarted" not in await journey.types()


class TestWhoMay:
    """C-EVID-3, C-TB-1: nobody but the system hands anything in."""

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=str)
    async def test_nobody_else_hands_in(self, started, by):
        with pytest.raises(AuthorityRequired, match="handing in evidence needs"):
            await hand_in(started, await bundle(started), by=by)

    async def test_who_hands_it_in_vouches_for_it(self, started):
        another = replace(SYSTEM, actor_id="svc:other:key")

        with pytest.raises(ManifestInvalid, match="ATTRIBUTION"):
            await hand_in(started, await bundle(started), by=another)

    async def test_a_run_of_the_platforms_own_takes_nothing(self, journey):
        await journey.open()
        await journey.judge()
        manifest = await bundle(journey)

        with pytest.raises(NotExternal):
            await hand_in(journey, manifest)
        with pytest.raises(TransitionRefused, match="COMPLETED"):
            await complete(journey)

    async def test_a_run_that_nobody_started_is_not_found(self, started):
        manifest = replace(await bundle(started), run_id=RunId(f"run_{ulid(999)}"))

        with pytest.raises(NotFound, match="No run"):
            await hand_in(started, manifest)


FAULTS: dict[D, Callable[[EvidenceManifest], dict[str, Any]]] = {
    D.CANDIDATE_MISMATCH: lambda _: {"candidate_id": f"{SOME_HASH}|cand_{ulid(9)}"},
    D.SUITE_MISMATCH: lambda _: {"oracle_suite_hash": SOME_HASH},
    D.VERDICT_MISMATCH: lambda _: {"verdict": ResultStatus.FAIL},
    D.RESULT_DOUBLED: lambda it: {"results": (*it.results, it.results[0])},
    D.TIME_MALFORMED: lambda _: {"produced_at": "yesterday"},
    D.CONTEXT_MISMATCH: lambda it: {
        "context": replace(it.context, iteration_id=IterationId(f"iter_{ulid(9)}"))
    },
    D.ORACLE_UNKNOWN: lambda it: {
        "results": (
            replace(it.results[0], oracle_id=OracleId("oracle:x")),
            *it.results[1:],
        )
    },
    D.CLASSIFICATION_MISMATCH: lambda it: {
        "results": (
            replace(it.results[0], classification=Classification.OPTIONAL),
            *it.results[1:],
        )
    },
}


class TestWhatIsRefused:
    """SPEC 5.4: a manifest of something else, or of other bytes; nothing is kept."""

    @pytest.mark.parametrize("defect", FAULTS)
    async def test_a_manifest_of_something_else(self, started, defect):
        manifest = await bundle(started)

        with pytest.raises(ManifestInvalid) as refused:
            await hand_in(started, replace(manifest, **FAULTS[defect](manifest)))

        assert refused.value.defect == defect
        assert started.stage.evidence_bytes.keys() == ()
        assert "EvidenceBundleRecorded" not in await started.types()

    @pytest.mark.parametrize(
        ("spoil", "defect"),
        [
            (lambda it: it.pop(next(iter(it))), D.BLOB_MISSING),
            (lambda it: it.update({"extra": b""}), D.BLOB_UNDECLARED),
            (lambda it: it.update({next(iter(it)): b"other"}), D.BLOB_MISMATCH),
        ],
        ids=["missing", "undeclared", "altered"],
    )
    async def test_other_blobs_than_declared(self, started, spoil, defect):
        manifest = await bundle(started)
        given = blobs(manifest)
        spoil(given)

        with pytest.raises(ManifestInvalid) as refused:
            await started.runs.hand_in(plain(manifest), given, BY_RUNNER)

        assert refused.value.defect == defect
        assert started.stage.evidence_bytes.keys() == ()

    async def test_a_bundle_without_a_proper_name(self, started):
        manifest = replace(await bundle(started), bundle_id=BundleId("mine"))

        with pytest.raises(MalformedInput, match="bundle id"):
            await hand_in(started, manifest)

    async def test_a_second_bundle(self, started):
        await hand_in(started, await bundle(started))
        written = started.stage.evidence_bytes.keys()

        with pytest.raises(EvidenceTaken):
            await hand_in(started, await bundle(started, {BUILD: ResultStatus.FAIL}))

        assert started.stage.evidence_bytes.keys() == written

    async def test_evidence_of_a_run_that_has_ended(self, started):
        await started.runs.fail(started.run_id, "gone", BY_RUNNER)

        with pytest.raises(TransitionRefused, match="FAILED, which refuses Record"):
            await hand_in(started, await bundle(started))

    async def test_completion_without_evidence(self, started):
        with pytest.raises(EvidenceMissing):
            await complete(started)

    async def test_another_outcome_than_the_evidence_gives(self, started):
        await hand_in(started, await bundle(started, {BUILD: ResultStatus.FAIL}))

        with pytest.raises(OutcomeMismatch, match="gives FAILURE, not the declared"):
            await complete(started)

        await complete(started, RunOutcome.FAILURE)

    async def test_a_second_end(self, started):
        await hand_in(started, await bundle(started))
        await complete(started)

        with pytest.raises(
            TransitionRefused, match="COMPLETED, which refuses Complete"
        ):
            await complete(started)


class TestWhatIsFound:
    """SPEC 6.3: it is judged here as if it had been carried out here."""

    async def test_a_silent_oracle_is_a_gap(self, started):
        await hand_in(started, await bundle(started, {BUILD: None}))

        violation = await started.row("integrity_violations", run_id=started.run_id)
        assert violation["facts"]["missing_oracles"] == [BUILD]
        loop = await started.row("loops", loop_id=started.loop_id)
        assert loop["last_stop_trigger"] == "ORACLE_GAP"

    async def test_another_environment_is_a_mismatch(self, started):
        elsewhere = {**FINGERPRINT, "network": "eth0"}

        await hand_in(started, await bundle(started, fingerprint=elsewhere))

        violation = await started.row("integrity_violations", run_id=started.run_id)
        assert violation["facts"] == {
            "condition_type": "ORACLE_ENV_MISMATCH",
            "constraint": "network",
            "expected": "disabled",
            "actual": "eth0",
        }

    async def test_a_suite_rebased_meanwhile_is_tampering(self, started):
        manifest = await bundle(started)
        await started.rebase()

        await hand_in(started, manifest)

        violation = await started.row("integrity_violations", run_id=started.run_id)
        assert violation["condition"] == "ORACLE_TAMPER"

    async def test_another_judgement_of_the_same_is_a_flake(self, started):
        await hand_in(started, await bundle(started))
        await complete(started)
        started.run_id = await started.runs.start(started.candidate_id, CORE, BY_RUNNER)

        await hand_in(started, await bundle(started, {BUILD: ResultStatus.FAIL}))

        violation = await started.row("integrity_violations", run_id=started.run_id)
        assert violation["facts"]["oracle_id"] == BUILD

    async def test_so_is_one_in_another_loop(self, started):
        """C-OR-5: any earlier run over the same inputs, whoever asked for it."""
        await hand_in(started, await bundle(started))
        await complete(started)
        await started.create()
        await started.activate()
        await started.iterate()
        await started.make()
        started.run_id = await started.runs.start(started.candidate_id, CORE, BY_RUNNER)

        await hand_in(started, await bundle(started, {BUILD: ResultStatus.FAIL}))

        violation = await started.row("integrity_violations", run_id=started.run_id)
        assert violation["condition"] == "ORACLE_FLAKE"


async def test_the_manifest_is_kept_as_it_was_handed_in(started):
    """SPEC 7.8: an older form keeps its own hash."""
    manifest = await bundle(started)
    older = plain(manifest)
    older["version"] = older.pop("artifact_version")

    taken = await started.runs.hand_in(older, blobs(manifest), BY_RUNNER)

    assert taken.manifest == manifest
    assert taken.content_hash != hash_bytes(b"")
    await complete(started)
    candidate = await started.row("candidates", candidate_id=started.candidate_id)
    assert candidate["verification_status"] == "VERIFIED_STRICT"


async def test_staged_work_names_its_surface(journey):
    """C-VER-4: a verification says of which stage of which surface it is."""
    rows = journey.stage.rows
    await journey.open()
    platform = replace(journey.stage.platform, rows=Staged(rows))

    await Verification(platform=platform).verify(journey.candidate_id, BY_RUNNER)

    row = await journey.row("candidates", candidate_id=journey.candidate_id)
    assert row["verification_scope"] == {
        "work_unit_id": journey.loop_id,
        "work_surface_id": "ws:1",
        "template_id": "proc:GENERIC",
        "stage_id": "stage:DRAFT",
    }


class Staged:
    """A `ReadModel` in which every iteration is on one work surface."""

    def __init__(self, rows: ReadModel) -> None:
        self._rows = rows

    async def row(self, table: str, key: Row) -> Row | None:
        if table == "work_surfaces":
            return {
                **key,
                "template_id": "proc:GENERIC",
                "current_stage_id": "stage:DRAFT",
            }
        found = await self._rows.row(table, key)
        if table == "iterations" and found is not None:
            return {**found, "work_surface_id": "ws:1"}
        return found

    async def rows(
        self, table: str, where: Row, *, limit: int = 200, offset: int = 0
    ) -> Page:
        return await self._rows.rows(table, where, limit=limit, offset=offset)
