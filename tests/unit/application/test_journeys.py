"""From a goal to a release, and where the way is barred (C-SHIP-1, C-OR-4, C-EVID-6)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sr_core.application.evidence import read_bundle
from sr_core.application.recorder import Asked
from sr_core.application.runs import Runs
from sr_core.application.verification import Verification
from sr_core.domain.actors import Actor
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.errors import (
    ApprovalUnfit,
    BudgetExhausted,
    ContextInadmissible,
    DecisionScopeMismatch,
    IntegrityUnresolved,
    MalformedInput,
    NonWaivable,
    NotFound,
    TransitionRefused,
)
from sr_core.domain.ids import (
    CandidateId,
    ExceptionId,
    IterationId,
    LoopId,
    SuiteId,
)
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.judging_errors import (
    CandidateMismatch,
    EvidenceMissing,
    NotVerified,
    SuiteTaken,
)
from sr_core.domain.loop import Budgets
from sr_core.domain.refs import hash_bytes
from sr_core.domain.run import RunFailed
from sr_core.domain.shippable import Reason
from sr_core.ports.content_store import ObjectKey, Unretrievable
from sr_core.ports.errors import Unavailable
from sr_core.ports.sandbox import SandboxUnavailable
from sr_core.testing import (
    AGENT,
    BUILD,
    CORE,
    DIRECTIVE,
    HUMAN,
    LOOP_1,
    PLATFORM,
    SBOM,
    SOME_HASH,
    SYSTEM,
    Left,
    PerishableStore,
    Script,
    ScriptedRunner,
    build_report,
    fails,
    passes,
    says_nothing,
    ulid,
)

pytestmark = pytest.mark.anyio

STRANGER = CandidateId(f"{SOME_HASH}|cand_{ulid(999)}")


def asked(by: Actor) -> Asked:
    return Asked(by=by)


class Rebased(ScriptedRunner):
    """A runner under which somebody defines the suite anew."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile = nothing_happens

    async def run(self, suite, files):
        await self.meanwhile()
        return await super().run(suite, files)


async def nothing_happens() -> None:
    """Let the runner be."""


class NoSandbox(ScriptedRunner):
    """A runner on a machine that has no sandbox."""

    async def run(self, suite, files):
        assert suite.oracles, files
        raise SandboxUnavailable(sandbox="bubblewrap", why=["no \x00 namespaces"])


class OutOfOrder(ScriptedRunner):
    """A runner whose disk is full, which says more than anyone should read."""

    async def run(self, suite, files):
        assert suite.oracles, files
        message = "secret: no space left"
        raise OSError(message)


class Interrupted(PerishableStore):
    """A store that gives no answer once it holds so many objects."""

    def __init__(self, holds: int) -> None:
        super().__init__()
        self.holds = holds

    async def put(self, key, data):
        if len(self.keys()) == self.holds:
            raise Unavailable(system="s3", deadline_s=1)
        await super().put(key, data)


class OutOfReach(PerishableStore):
    """A store that gives no answer."""

    async def put(self, key, data):
        assert data, key
        raise Unavailable(system="s3", deadline_s=1)


def reports(**changes: object) -> Script:
    """An oracle that passes, but for what it writes into these fields."""
    return lambda oracle, _: Left(
        report=build_report(oracle.oracle_id, "PASS", **changes)
    )


async def why_it_failed(journey) -> str:
    """The reason of the latest run, which came to no judgement."""
    latest = (await journey.recorded())[-1].event
    assert isinstance(latest, RunFailed)
    row = await journey.row("runs", run_id=latest.run_id)
    assert row["state"] == "FAILED"
    return str(row["reason"])


async def shipped(journey) -> Any:
    await journey.open()
    await journey.judge()
    await journey.verify()
    await journey.approve()
    await journey.freeze()
    return journey


class TestTheStraightWay:
    """C-SHIP-1: verified, approved, frozen."""

    async def test_it_leads_to_a_release(self, journey):
        await shipped(journey)

        ready = await journey.shippable()

        assert ready.is_shippable
        assert ready.release_approval_id == journey.approval_id
        assert ready.freeze_id == journey.freeze_id

    async def test_every_step_is_in_the_log(self, journey):
        await shipped(journey)
        await journey.complete()
        await journey.close()

        assert await journey.types() == [
            "OracleSuiteRegistered",
            "LoopCreated",
            "LoopActivated",
            "IterationStarted",
            "CandidateMaterialized",
            "RunStarted",
            "OracleSuitePinned",
            "OracleExecutionStarted",
            "OracleExecutionCompleted",
            "EvidenceBundleRecorded",
            "RunCompleted",
            "CandidateVerificationComputed",
            "CandidateVerificationComputed",
            "ApprovalRecorded",
            "FreezeRecordCreated",
            "IterationCompleted",
            "IterationSummaryRecorded",
            "LoopClosed",
        ]

    async def test_whoever_asked_is_the_actor_but_of_what_the_platform_finds(
        self, journey
    ):
        await shipped(journey)

        by = {type(each.event).__name__: each.by for each in await journey.recorded()}

        assert by == {
            "OracleSuiteRegistered": HUMAN,
            "LoopCreated": HUMAN,
            "LoopActivated": HUMAN,
            "IterationStarted": SYSTEM,
            "CandidateMaterialized": AGENT,
            "RunStarted": SYSTEM,
            "OracleSuitePinned": PLATFORM,
            "OracleExecutionStarted": SYSTEM,
            "OracleExecutionCompleted": PLATFORM,
            "EvidenceBundleRecorded": PLATFORM,
            "RunCompleted": PLATFORM,
            "CandidateVerificationComputed": PLATFORM,
            "ApprovalRecorded": HUMAN,
            "FreezeRecordCreated": HUMAN,
        }

    async def test_the_request_is_named_by_every_event(self, journey):
        await shipped(journey)

        named = {each.correlation_id for each in await journey.recorded()}

        assert named == {"corr-human", "corr-agent", "corr-system"}

    async def test_an_iteration_starts_from_what_the_platform_compiles(self, journey):
        await journey.open()

        row = await journey.row("iterations", iteration_id=journey.iteration_id)

        named = [(each["kind"], each["id"]) for each in row["refs"]]
        assert named == [
            ("Loop", journey.loop_id),
            ("GovernedArtifact", "SR-CONTRACT"),
            ("GovernedArtifact", DIRECTIVE.id),
            ("GovernedArtifact", "SR-SPEC"),
            ("GovernedArtifact", "SR-TYPES"),
            ("OracleSuite", "suite:SR-SUITE-CORE"),
            ("GovernedArtifact", "SR-AGENT"),
            ("GovernedArtifact", "SR-GATING-POLICY"),
        ]

    async def test_without_a_registered_suite_none_starts(self, journey):
        await journey.create()
        await journey.activate()

        with pytest.raises(ContextInadmissible, match=r"SR-SUITE-CORE is missing"):
            await journey.iterate()

        assert "IterationStarted" not in await journey.types()

    async def test_oracles_see_the_candidates_own_bytes(self, journey):
        seen = []

        def looks(oracle, files):
            seen.append(files)
            return passes(oracle, files)

        journey.runner.scripts[BUILD] = looks
        await journey.open()
        await journey.make({"a": b"1", "b/c": b"\x00\xff"})
        await journey.judge()

        assert seen == [{"a": b"1", "b/c": b"\x00\xff"}]

    async def test_what_an_oracle_leaves_is_kept_with_its_type(self, journey):
        left = {"notes.xml": b"<a/>", "core": b"\x00", "log.txt": b"fine"}

        def leaves(oracle, files):
            refused = {"evil": "it is a link"}
            return Left(
                report=passes(oracle, files).report, files=left, refused=refused
            )

        journey.runner.scripts[BUILD] = leaves
        await journey.open()
        await journey.judge()

        store = journey.stage.evidence_bytes
        reading = await read_bundle(
            store, await journey.evidence(), journey.stage.platform.vault
        )
        assert reading.manifest is not None
        types = {each.name: each.media_type for each in reading.manifest.artifacts}
        assert types["build/notes.xml"] == "application/xml"
        assert types["build/reports/build.json"] == "application/json"
        assert types["build/core"] == "application/octet-stream"
        assert types["build/log.txt"] == "application/octet-stream"
        assert reading.manifest.metadata == {"refused build/evil": "it is a link"}


class TestFailures:
    """C-VER-3: a failure ships only with a waiver, acknowledged."""

    async def test_a_failure_is_not_verified_and_not_approved(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.verify()

        with pytest.raises(NotVerified):
            await journey.approve()

        row = await journey.row("runs", run_id=journey.run_id)
        assert (row["state"], row["outcome"]) == ("COMPLETED", "FAILURE")

    async def test_with_a_waiver_it_ships(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()
        await journey.approve(journey.exception_id)
        await journey.freeze()

        ready = await journey.shippable()

        assert ready.is_shippable
        frozen = await journey.row("freeze_records", freeze_id=journey.freeze_id)
        assert frozen["active_exceptions"] == [
            {
                "exception_id": journey.exception_id,
                "kind": "WAIVER",
                "status": "ACTIVE",
            }
        ]

    async def test_the_waiver_has_to_be_acknowledged(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()

        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            await journey.approve()

    async def test_a_waiver_that_ends_takes_the_verification_with_it(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()
        journey.stage.clock.skip(timedelta(hours=2))

        ready = await journey.shippable()

        assert Reason.NOT_VERIFIED in ready.reasons
        row = await journey.row("candidates", candidate_id=journey.candidate_id)
        assert row["verification_status"] == "UNVERIFIED"

    @pytest.mark.parametrize("act", ["approve", "freeze"])
    async def test_whoever_is_refused_for_that_leaves_it_recorded(self, journey, act):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()
        await journey.approve(journey.exception_id)
        journey.stage.clock.skip(timedelta(hours=2))

        with pytest.raises(NotVerified):
            await getattr(journey, act)()

        assert (await journey.types())[-1] == "CandidateVerificationComputed"
        row = await journey.row("candidates", candidate_id=journey.candidate_id)
        assert row["verification_status"] == "UNVERIFIED"

    async def test_a_malformed_approval_leaves_it_recorded_too(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()
        journey.stage.clock.skip(timedelta(hours=2))

        with pytest.raises(MalformedInput, match="exactly the active exceptions"):
            await journey.approve(journey.exception_id, said=ApprovalDecision.REJECTED)

        row = await journey.row("candidates", candidate_id=journey.candidate_id)
        assert row["verification_status"] == "UNVERIFIED"

    async def test_a_waiver_covers_one_run_and_not_the_next(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.judge()

        await journey.verify()

        row = await journey.row("candidates", candidate_id=journey.candidate_id)
        assert row["verification_status"] == "UNVERIFIED"

    async def test_an_advisory_failure_is_not_waived(self, journey):
        journey.runner.scripts[SBOM] = fails
        await journey.open()
        await journey.judge()

        with pytest.raises(NonWaivable, match="its word does not decide"):
            await journey.draw_up_waiver(SBOM)

    async def test_a_waiver_that_is_lifted_does_too(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.verify()
        await journey.resolve()

        assert Reason.NOT_VERIFIED in (await journey.shippable()).reasons

    async def test_an_approval_from_before_a_new_run_freezes_nothing(self, journey):
        await journey.open()
        await journey.judge()
        await journey.verify()
        await journey.approve()
        await journey.judge()

        with pytest.raises(ApprovalUnfit, match="does not rest on"):
            await journey.freeze()


class TestSilence:
    """C-OR-4, C-OR-7: a silent oracle stops the line until it is cured."""

    async def test_it_stops_the_loop_with_the_run(self, journey):
        journey.runner.scripts[BUILD] = says_nothing
        await journey.open()

        await journey.judge()

        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert (loop["state"], loop["last_stop_trigger"]) == ("PAUSED", "ORACLE_GAP")
        assert (await journey.types())[-5:] == [
            "EvidenceBundleRecorded",
            "IntegrityViolationDetected",
            "StopTriggered",
            "RunCompleted",
            "CandidateVerificationComputed",
        ]
        violation = await journey.row("integrity_violations", run_id=journey.run_id)
        assert violation["detail"].startswith("oracle:build: it left no report")

    async def test_an_oracle_that_was_not_run_is_silent_too(self, journey):
        journey.runner.left_out.add(BUILD)
        await journey.open()

        await journey.judge()

        violation = await journey.row("integrity_violations", run_id=journey.run_id)
        assert violation["detail"] == "oracle:build: it was not run"

    async def test_one_whose_word_and_exit_differ_is_told_with_both(self, journey):
        def lies(oracle, files):
            return Left(report=passes(oracle, files).report, exit_status=1)

        journey.runner.scripts[BUILD] = lies
        await journey.open()

        await journey.judge()

        violation = await journey.row("integrity_violations", run_id=journey.run_id)
        assert violation["detail"] == (
            "oracle:build: ERROR: it reported PASS, but it ended with exit status 1"
        )

    async def test_an_advisory_one_stops_nothing(self, journey):
        journey.runner.scripts[SBOM] = says_nothing
        await journey.open()

        await journey.judge()

        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["state"] == "ACTIVE"

    async def test_the_way_back_is_a_run_a_verification_and_a_decision(self, journey):
        journey.runner.scripts[BUILD] = says_nothing
        await journey.open()
        await journey.judge()
        await journey.decide(StopTrigger.ORACLE_GAP)
        with pytest.raises(IntegrityUnresolved):
            await journey.resume()

        journey.runner.scripts[BUILD] = passes
        await journey.judge()
        await journey.verify()
        await journey.resume()

        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert (loop["state"], loop["requires_decision"]) == ("ACTIVE", False)
        assert loop["last_stop_trigger"] is loop["last_recommended_portal"] is None
        stop = await journey.row("loop_stop_triggers", loop_id=journey.loop_id)
        assert stop["resolved_at"] is not None

    async def test_meanwhile_nothing_is_approved(self, journey):
        await journey.open()
        await journey.judge()
        await journey.verify()
        journey.runner.scripts[BUILD] = says_nothing
        await journey.judge()

        with pytest.raises(IntegrityUnresolved):
            await journey.approve()


def damages() -> dict[str, Callable[[PerishableStore], object]]:
    """Each way in which evidence can be damaged, by name."""

    def first(store: PerishableStore, ending: str) -> ObjectKey:
        return next(each for each in store.keys() if each.endswith(ending))  # noqa: SIM118 - a method, and no mapping

    def blob(store: PerishableStore) -> ObjectKey:
        return next(each for each in store.keys() if "/blobs/" in each)  # noqa: SIM118 - a method, and no mapping

    return {
        "the manifest is gone": lambda store: store.lose(first(store, "manifest.json")),
        "a blob is gone": lambda store: store.lose(blob(store)),
        "the manifest is another": lambda store: store.overwrite(
            first(store, "manifest.json"), b"{}"
        ),
        "a blob is another": lambda store: store.overwrite(blob(store), b"PASS"),
    }


DAMAGES = damages()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
class TestDamagedEvidence:
    """C-EVID-6, SPEC 6.1: each gate finds it, refuses, and records it exactly once."""

    MISSING = (
        "EvidenceMissingDetected",
        "CandidateVerificationComputed",
        "StopTriggered",
    )

    async def missed(self, journey) -> tuple[int, int]:
        types = await journey.types()
        return types.count("EvidenceMissingDetected"), types.count("StopTriggered")

    async def test_a_verification_refuses(self, journey, damage):
        await journey.open()
        await journey.judge()
        damage(journey.stage.evidence_bytes)

        for _ in range(2):
            with pytest.raises(EvidenceMissing, match="cannot be retrieved intact"):
                await journey.verify()

        assert await self.missed(journey) == (1, 1)

    async def test_an_approval_refuses(self, journey, damage):
        await journey.open()
        await journey.judge()
        await journey.verify()
        damage(journey.stage.evidence_bytes)

        for _ in range(2):
            with pytest.raises(EvidenceMissing):
                await journey.approve()

        assert tuple((await journey.types())[-3:]) == self.MISSING
        assert await self.missed(journey) == (1, 1)

    async def test_a_freeze_refuses(self, journey, damage):
        await journey.open()
        await journey.judge()
        await journey.verify()
        await journey.approve()
        damage(journey.stage.evidence_bytes)

        for _ in range(2):
            with pytest.raises(EvidenceMissing):
                await journey.freeze()

        assert tuple((await journey.types())[-3:]) == self.MISSING
        assert await self.missed(journey) == (1, 1)

    async def test_shippable_says_no(self, journey, damage):
        await shipped(journey)
        damage(journey.stage.evidence_bytes)

        reasons = [(await journey.shippable()).reasons for _ in range(2)]

        assert reasons == 2 * [
            (
                Reason.EVIDENCE_MISSING,
                Reason.INTEGRITY_UNRESOLVED,
                Reason.NOT_VERIFIED,
            )
        ]
        assert tuple((await journey.types())[-3:]) == self.MISSING
        assert await self.missed(journey) == (1, 1)

    async def test_the_rows_say_so(self, journey, damage):
        await shipped(journey)
        evidence = await journey.evidence()
        damage(journey.stage.evidence_bytes)

        await journey.shippable()

        bundle = await journey.row("evidence_bundles", content_hash=evidence)
        assert bundle["missing_since"] is not None
        (state,) = bundle["missing_parts"].values()
        assert state in {"MISSING", "CORRUPTED"}
        candidate = await journey.row("candidates", candidate_id=journey.candidate_id)
        assert candidate["integrity_conditions"] == ["EVIDENCE_MISSING"]
        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["last_stop_trigger"] == "EVIDENCE_MISSING"


async def test_evidence_that_comes_back_does_not_cure(journey):
    """C-EVID-6: new evidence does."""
    await shipped(journey)
    store = journey.stage.evidence_bytes
    key = store.keys()[-1]
    data = store.lose(key)
    await journey.shippable()
    store.overwrite(key, data)

    assert not (await journey.shippable()).is_shippable

    await journey.judge()
    await journey.verify()
    assert Reason.EVIDENCE_MISSING not in (await journey.shippable()).reasons


class Forger(PerishableStore):
    """A store that gives out one and the same object for every key."""

    async def get(self, key, *, expected):
        assert key.endswith("manifest.json"), expected
        return b'{"no": "manifest"}'


async def test_a_manifest_that_is_no_manifest_is_found_out(journey):
    """SPEC 6.1.5: bytes that are what was written can still be no manifest."""
    await journey.open()
    await journey.judge()
    forged = replace(journey.stage.platform, evidence_bytes=Forger())

    await Verification(platform=forged).verify(journey.candidate_id, asked(SYSTEM))

    row = await journey.row("candidates", candidate_id=journey.candidate_id)
    assert row["integrity_conditions"] == ["MANIFEST_INVALID"]


class TestCandidates:
    """SPEC 1.1: the platform stores the bytes and computes their name."""

    async def test_a_declared_hash_is_compared(self, journey):
        await journey.open()
        before = await journey.types()

        with pytest.raises(CandidateMismatch):
            await journey.make(declared=SOME_HASH)

        assert await journey.types() == before

    async def test_one_that_agrees_is_taken(self, journey):
        await journey.open()
        computed = journey.candidate_id.partition("|")[0]

        await journey.make(declared=computed)

        assert journey.candidate_id.startswith(computed)

    async def test_a_bad_path_stores_nothing(self, journey):
        await journey.open()
        before = journey.stage.candidate_bytes.keys()

        with pytest.raises(MalformedInput):
            await journey.make({"../a": b"1", "b": b"2"})

        assert journey.stage.candidate_bytes.keys() == before

    async def test_each_file_lies_under_its_hash(self, journey):
        await journey.open()

        (key,) = journey.stage.candidate_bytes.keys()

        assert key == "sha256/" + hash_bytes(b"a = 1\n").removeprefix("sha256:")

    async def test_a_closed_loop_brings_forth_none(self, journey):
        await journey.open()
        await journey.close()

        with pytest.raises(TransitionRefused, match="CLOSED, which refuses Register"):
            await journey.make({"b": b"2"})

        assert (await journey.types())[-1] == "LoopClosed"

    async def test_bytes_that_are_gone_fail_the_run(self, journey):
        await journey.open()
        (key,) = journey.stage.candidate_bytes.keys()
        journey.stage.candidate_bytes.lose(key)

        with pytest.raises(Unretrievable):
            await journey.judge()

        assert await why_it_failed(journey) == f"{key} is MISSING"

    async def test_bytes_that_were_changed_fail_it_too(self, journey):
        await journey.open()
        (key,) = journey.stage.candidate_bytes.keys()
        journey.stage.candidate_bytes.overwrite(key, b"import os")

        with pytest.raises(Unretrievable):
            await journey.judge()

        assert await why_it_failed(journey) == f"{key} is CORRUPTED"


class TestRunsThatCannotBeCarriedOut:
    """SPEC 4.2: a run that cannot be carried out ends as FAILED, and says why."""

    async def test_without_a_sandbox(self, setting_out):
        journey = setting_out(runner=NoSandbox())
        await journey.open()

        with pytest.raises(SandboxUnavailable):
            await journey.judge()

        why = await why_it_failed(journey)
        assert why == "bubblewrap is no sandbox here: no \\x00 namespaces"

    async def test_without_a_place_for_its_evidence(self, journey):
        await journey.open()
        full = replace(journey.stage.platform, evidence_bytes=OutOfReach())

        with pytest.raises(Unavailable):
            await Runs(platform=full).judge(journey.candidate_id, CORE, asked(SYSTEM))

        assert "s3 gave no usable answer" in await why_it_failed(journey)

    async def test_what_breaks_off_leaves_no_bundle(self, journey):
        """R-ATT-2: the manifest is written last, so that what has one is whole."""
        await journey.open()

        async def judged_into(store: Interrupted) -> tuple[ObjectKey, ...]:
            platform = replace(journey.stage.platform, evidence_bytes=store)
            with suppress(Unavailable):
                await Runs(platform=platform).judge(
                    journey.candidate_id, CORE, asked(SYSTEM)
                )
            return store.keys()

        *blobs, manifest = await judged_into(Interrupted(holds=99))
        left = [await judged_into(Interrupted(each)) for each in range(len(blobs) + 1)]

        assert manifest.endswith("/manifest.json")
        assert [len(each) for each in left] == [*range(len(blobs) + 1)]
        assert not [key for each in left for key in each if "manifest" in key]

    async def test_when_the_platform_itself_fails(self, setting_out):
        journey = setting_out(runner=OutOfOrder())
        await journey.open()

        with pytest.raises(OSError, match="secret"):
            await journey.judge()

        assert await why_it_failed(journey) == "the platform failed: OSError"

    async def test_another_can_follow(self, journey):
        await journey.open()
        (key,) = journey.stage.candidate_bytes.keys()
        data = journey.stage.candidate_bytes.lose(key)
        with pytest.raises(Unretrievable):
            await journey.judge()
        journey.stage.candidate_bytes.overwrite(key, data)

        await journey.judge()

        assert "RunCompleted" in await journey.types()


class TestStrangeReports:
    """SPEC 7.7, R-EVT-10: whatever an oracle writes, its run comes to an end."""

    @pytest.mark.parametrize(
        "changes",
        [{"status": []}, {"status": {}}, {"oracle_id": "\ud800"}, {"status": "\x00"}],
        ids=ascii,
    )
    async def test_one_that_says_nothing_is_silence(self, journey, changes):
        journey.runner.scripts[BUILD] = reports(**changes)
        await journey.open()

        await journey.judge()

        violation = await journey.row("integrity_violations", run_id=journey.run_id)
        assert violation["condition"] == "ORACLE_GAP"

    @pytest.mark.parametrize("summary", ["\ud800", "a\x00b", "\x1b[2J"], ids=ascii)
    async def test_strange_words_are_written_out(self, journey, summary):
        journey.runner.scripts[BUILD] = reports(summary=summary)
        await journey.open()

        await journey.judge()

        reading = await read_bundle(
            journey.stage.evidence_bytes,
            await journey.evidence(),
            journey.stage.platform.vault,
        )
        assert reading.manifest is not None
        said = {each.oracle_id: each.summary for each in reading.manifest.results}
        assert said[BUILD] == ascii(summary)[1:-1]

    async def test_so_are_the_names_of_files_that_were_refused(self, journey):
        def leaves(oracle, files):
            return Left(report=passes(oracle, files).report, refused={"\ud800": "\x00"})

        journey.runner.scripts[BUILD] = leaves
        await journey.open()

        await journey.judge()

        reading = await read_bundle(
            journey.stage.evidence_bytes,
            await journey.evidence(),
            journey.stage.platform.vault,
        )
        assert reading.manifest is not None
        assert reading.manifest.metadata == {r"refused build/\ud800": r"\x00"}


class TestBudgets:
    """C-LOOP-1: a bound that is reached stops the loop, once, and the way is a decision."""

    async def test_iterations(self, journey):
        await journey.open(Budgets(max_iterations=1))
        await journey.complete()

        with pytest.raises(BudgetExhausted, match="max_iterations is 1"):
            await journey.iterate()

        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["last_stop_trigger"] == "BUDGET_EXHAUSTED"
        with pytest.raises(TransitionRefused, match="PAUSED"):
            await journey.iterate()
        assert (await journey.types()).count("StopTriggered") == 1

    async def test_runs(self, journey):
        await journey.open(Budgets(max_oracle_runs=1))
        await journey.judge()

        with pytest.raises(BudgetExhausted, match="max_oracle_runs is 1"):
            await journey.judge()

        assert (await journey.types())[-1] == "StopTriggered"

    async def test_three_failures_in_a_row(self, journey):
        await journey.open()
        for turn in range(3):
            if turn:
                await journey.iterate()
            await journey.complete(IterationOutcome.FAILURE)

        assert (await journey.types())[-3:] == [
            "IterationCompleted",
            "IterationSummaryRecorded",
            "StopTriggered",
        ]
        await journey.decide(StopTrigger.REPEATED_FAILURE)
        await journey.resume()
        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert (loop["state"], loop["consecutive_failures"]) == ("ACTIVE", 0)

    async def test_a_success_starts_the_count_anew(self, journey):
        await journey.open()
        await journey.complete(IterationOutcome.FAILURE)
        failed = await journey.row("loops", loop_id=journey.loop_id)
        await journey.iterate()
        await journey.complete(IterationOutcome.SUCCESS)

        loop = await journey.row("loops", loop_id=journey.loop_id)

        assert failed["consecutive_failures"] == 1
        assert (loop["consecutive_failures"], loop["iteration_count"]) == (0, 2)

    async def test_a_pause_by_hand_is_lifted_by_no_decision(self, journey):
        await journey.open()
        await journey.pause()
        await journey.decide(StopTrigger.ORACLE_GAP)

        with pytest.raises(DecisionScopeMismatch, match="was paused by hand"):
            await journey.resume()

        assert (await journey.types())[-1] == "DecisionRecorded"

    async def test_a_pause_by_hand_is_lifted_by_hand(self, journey):
        await journey.open()
        await journey.pause()

        await journey.resume()

        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["state"] == "ACTIVE"


class TestSuites:
    """C-OR-6: a name is given once."""

    async def test_a_second_registration_is_refused(self, journey):
        await journey.register_suite()

        with pytest.raises(SuiteTaken):
            await journey.register_suite()

    async def test_a_suite_that_is_not_registered_judges_nothing(self, journey):
        await journey.open()

        with pytest.raises(NotFound, match="No oracle suite suite:OTHER"):
            await journey.runs.judge(
                journey.candidate_id, SuiteId("suite:OTHER"), asked(SYSTEM)
            )

    async def test_one_that_changes_under_a_run_is_noticed(self, journey):
        """C-OR-2: what was pinned at the start is compared at the end."""
        await journey.open()
        runner = Rebased()
        runner.meanwhile = journey.rebase
        platform = replace(journey.stage.platform, runner=runner)

        run_id = await Runs(platform=platform).judge(
            journey.candidate_id, CORE, asked(SYSTEM)
        )

        loop = await journey.row("loops", loop_id=journey.loop_id)
        assert loop["last_stop_trigger"] == "ORACLE_TAMPER"
        violation = await journey.row("integrity_violations", run_id=run_id)
        suite = await journey.stage.platform.suite(CORE)
        assert violation["facts"] == {
            "condition_type": "ORACLE_TAMPER",
            "suite_id": CORE,
            "expected_hash": suite.hashes[0],
            "actual_hash": suite.suite_hash,
        }


class TestStrangers:
    """What nobody recorded is not found, and nothing is written of it."""

    async def test_a_loop(self, journey):
        stranger = LoopId(f"loop_{ulid(999)}")

        with pytest.raises(NotFound, match=f"No loop {stranger}"):
            await journey.loops.activate(stranger, asked(HUMAN))
        with pytest.raises(NotFound, match=f"No loop {stranger}"):
            await journey.loops.resume(stranger, None, asked(HUMAN))
        with pytest.raises(NotFound, match=f"No loop {stranger}"):
            await journey.loops.start_iteration(stranger, asked(SYSTEM))
        journey.loop_id = stranger
        with pytest.raises(NotFound, match=f"No loop {stranger}"):
            await journey.decide(StopTrigger.ORACLE_GAP)
        assert await journey.types() == []

    async def test_an_iteration(self, journey):
        journey.iteration_id = IterationId(f"iter_{ulid(999)}")

        with pytest.raises(NotFound, match="No iteration"):
            await journey.make()
        with pytest.raises(NotFound, match="No iteration"):
            await journey.complete()

    async def test_a_candidate(self, journey):
        await journey.register_suite()
        journey.candidate_id = STRANGER

        for step in (journey.judge, journey.verify, journey.shippable, journey.waive):
            with pytest.raises(NotFound, match="No candidate"):
                await step()

    async def test_a_waiver(self, journey):
        journey.exception_id = ExceptionId(f"exc_{ulid(999)}")

        with pytest.raises(NotFound, match="No exception"):
            await journey.resolve()

    async def test_an_approval(self, journey):
        await journey.open()
        await journey.judge()
        await journey.verify()
        journey.approval_id = f"appr_{ulid(999)}"

        with pytest.raises(NotFound, match="No approval"):
            await journey.freeze()

    async def test_a_suites_stream_is_no_loops(self, journey):
        await journey.register_suite()

        with pytest.raises(NotFound, match="No loop suite"):
            await journey.stage.platform.loop_of(
                "suite", "suite:SR-SUITE-CORE", kind="loop"
            )


def test_the_first_loop_has_the_first_number(journey):
    """What these tests stand on counts its identifiers from one."""
    assert journey.stage.ids.fresh("loop") == LOOP_1
