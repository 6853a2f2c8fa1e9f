"""What an iteration starts from, looked up for real (SPEC 8.1, V11-6; G-CTX-ADMISSIBLE)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sr_core.application.context import iteration_context
from sr_core.application.context import notes as notes_module
from sr_core.application.context import planned as planned_module
from sr_core.application.loops import Loops
from sr_core.application.platform import loop_case
from sr_core.domain.errors import ContextInadmissible, NotFound, TransitionRefused
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.loop import Budgets
from sr_core.domain.refs import Ref
from sr_core.ports.errors import Unavailable
from sr_core.ports.read_model import Page, ReadModel, Row
from sr_core.testing import (
    BUILD,
    CORE,
    GOVERNED,
    SOME_HASH,
    build_document,
    build_entry,
    build_governed,
    fails,
    ulid,
)

pytestmark = pytest.mark.anyio

OTHER_HASH = f"sha256:{'0' * 64}"
SURFACE = f"ws:{ulid(1)}"
INTAKE = f"intake:{ulid(2)}"
DOCUMENTS = ["SR-CONTRACT", "SR-DIRECTIVE", "SR-SPEC", "SR-TYPES"]


class Planted:
    """A `ReadModel` with rows of tables that nothing of the journey writes.

    `columns` are added to every row of a table; a table that is None cannot be read.
    """

    def __init__(
        self,
        inner: ReadModel,
        tables: Mapping[str, Sequence[Row] | None],
        columns: Mapping[str, Row],
    ) -> None:
        self._inner = inner
        self._tables = tables
        self._columns = columns

    async def row(self, table: str, key: Row) -> Row | None:
        page = await self.rows(table, key, limit=2)
        return page.rows[0] if page.rows else None

    async def rows(
        self, table: str, where: Row, *, limit: int = 200, offset: int = 0
    ) -> Page:
        if table not in self._tables:
            page = await self._inner.rows(table, where, limit=limit, offset=offset)
            added = self._columns.get(table, {})
            return replace(page, rows=tuple({**each, **added} for each in page.rows))
        planted = self._tables[table]
        if planted is None:
            raise Unavailable(system="PostgreSQL", deadline_s=1)
        found = [each for each in planted if where.items() <= each.items()]
        return Page(rows=tuple(found[offset : offset + limit]), total=len(found))


def plant(journey: Any, *, columns: Any = None, **tables: Any) -> None:
    """Put rows before the journey's own; what is governed stays as it is."""
    rows = Planted(journey.stage.rows, tables, columns or {})
    journey.loops = Loops(platform=replace(journey.stage.platform, rows=rows))


async def context(journey: Any, **options: Any) -> tuple[Ref, ...]:
    platform = journey.loops.platform
    dossier = await platform.recorder.state(loop_case(journey.loop_id))
    return await iteration_context(platform, dossier, **options)


def named(refs: Sequence[Ref], kind: str) -> list[str]:
    return [each.id for each in refs if each.kind == kind]


async def refused(journey: Any) -> str:
    with pytest.raises(ContextInadmissible) as found:
        await context(journey)
    return str(found.value)


@pytest.fixture
async def begun(journey):
    """A loop with its suite, an iteration that has ended, and a candidate."""
    await journey.open()
    await journey.complete()
    return journey


class TestDocuments:
    """D-08: the documents that the process was started with, pinned by their bytes."""

    async def test_an_iteration_depends_on_each(self, begun):
        refs = await context(begun)

        artifacts = {each.id: each for each in refs if each.kind == "GovernedArtifact"}
        assert [each for each in artifacts if each in DOCUMENTS] == DOCUMENTS
        for doc_id, ref in artifacts.items():
            entry = GOVERNED.entry(doc_id)
            assert entry is not None
            assert ref.rel == ("depends_on" if doc_id in DOCUMENTS else "supported_by")
            assert ref.meta == {
                "content_hash": entry.content_hash,
                "version": entry.version,
                "type_key": entry.type_key,
            }

    async def test_what_is_configured_beside_them_is_depended_on_too(self, begun):
        charter = build_document("SR-CHARTER")
        await begun.stage.restart(build_governed(SR_CHARTER=charter))
        begun.loops = Loops(platform=begun.stage.platform)

        assert "SR-CHARTER" in named(await context(begun), "GovernedArtifact")

    async def test_the_recorded_refs_are_those_of_the_builder(self, begun):
        expected = await context(begun)

        await begun.iterate()

        recorded = await begun.recorded()
        assert recorded[-1].event.refs == expected

    @pytest.mark.parametrize("doc_id", [each.doc_id for each in GOVERNED.artifacts])
    async def test_one_that_is_not_in_the_log_is_refused(self, begun, doc_id):
        changed = build_governed(
            **{doc_id.replace("-", "_"): build_document(doc_id, text="not recorded")}
        )
        begun.loops = Loops(platform=replace(begun.stage.platform, governed=changed))

        assert f"{doc_id} cannot be found" in await refused(begun)

    @pytest.mark.parametrize(
        ("doc_id", "category"),
        [("SR_AGENT", "agent definition"), ("SR_GATING_POLICY", "gating policy")],
    )
    async def test_without_one_of_configuration_none_starts(
        self, begun, doc_id, category
    ):
        await begun.stage.restart(build_governed(**{doc_id: None}))
        begun.loops = Loops(platform=begun.stage.platform)

        assert f"{category} is missing" in await refused(begun)

    async def test_without_the_directive_none_starts(self, begun):
        entries = tuple(
            each for each in GOVERNED.artifacts if each.doc_id != "SR-DIRECTIVE"
        )
        without = GovernedManifest(artifacts=entries, computed_at=GOVERNED.computed_at)
        begun.loops = Loops(platform=replace(begun.stage.platform, governed=without))

        assert "governed document SR-DIRECTIVE is missing" in await refused(begun)

    async def test_a_restart_with_other_bytes_is_seen_from_then_on(self, begun):
        before = await context(begun)
        changed = build_document("SR-SPEC", text="changed")

        await begun.stage.restart(build_governed(SR_SPEC=changed))
        begun.loops = Loops(platform=begun.stage.platform)

        (other,) = set(map(str, await context(begun))) - set(map(str, before))
        assert build_entry(changed).content_hash in other


class TestOwn:
    """C-LOOP-2, C-LOOP-4: the loop, what it tried, and what it goes on from."""

    async def test_the_loop_comes_first(self, begun):
        first, *_ = await context(begun)

        assert (first.kind, first.id, first.rel, first.meta) == (
            "Loop",
            begun.loop_id,
            "in_scope_of",
            {},
        )

    async def test_each_earlier_iteration_is_pinned_by_how_it_ended(self, begun):
        await begun.iterate()
        await begun.complete()

        refs = [each for each in await context(begun) if each.kind == "Iteration"]

        assert len(refs) == 2
        assert {each.rel for each in refs} == {"depends_on"}
        assert all(each.meta["content_hash"].startswith("sha256:") for each in refs)

    async def test_another_ending_has_another_hash(self, begun):
        before = await context(begun)
        plant(begun, columns={"iterations": {"summary": "something else"}})

        (other,) = set(map(str, await context(begun))) - set(map(str, before))
        assert "Iteration" in other

    async def test_one_whose_ending_cannot_be_read_is_refused(self, begun):
        plant(begun, iterations=[])

        assert f"prior iteration {begun.iteration_id} is missing" in await refused(
            begun
        )

    async def test_the_first_has_neither_earlier_ones_nor_a_candidate(self, journey):
        await journey.register_suite()
        await journey.create()
        await journey.activate()

        refs = await context(journey)

        assert named(refs, "Iteration") == named(refs, "Candidate") == []

    async def test_it_goes_on_from_the_latest_candidate(self, begun):
        await begun.iterate()
        await begun.make({"b": b"2"})
        await begun.complete()

        assert named(await context(begun), "Candidate") == [begun.candidate_id]

    async def test_or_from_the_one_that_is_named(self, begun):
        first = begun.candidate_id
        await begun.iterate()
        await begun.make({"b": b"2"})

        assert named(await context(begun, base=first), "Candidate") == [first]

    async def test_and_from_no_stranger(self, begun):
        with pytest.raises(NotFound, match="candidate"):
            await context(begun, base="a stranger's")

    async def test_a_candidate_that_is_recorded_otherwise_is_refused(self, begun):
        plant(begun, columns={"candidates": {"content_hash": OTHER_HASH}})

        assert f"and has {OTHER_HASH}" in await refused(begun)


class TestSuites:
    """SPEC 8.1: the suites, with the hash that their registry holds."""

    async def test_it_is_the_registered_hash(self, begun):
        (ref,) = [each for each in await context(begun) if each.kind == "OracleSuite"]

        row = await begun.row("oracle_suites", suite_id=CORE)
        assert ref.meta == {
            "content_hash": row["suite_hash"],
            "suite_hash": row["suite_hash"],
        }

    async def test_one_that_is_not_registered_is_missed(self, journey):
        await journey.create()
        await journey.activate()

        assert f"oracle suite {CORE} is missing" in await refused(journey)


class TestExceptions:
    """V10-G5, C-EXC-2: every active exception in scope, and none that is not."""

    @pytest.fixture
    async def waived(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.waive()
        await journey.complete()
        return journey

    async def test_an_active_waiver_of_the_candidate_is_there(self, waived):
        (ref,) = [each for each in await context(waived) if each.kind == "Waiver"]

        assert (ref.id, ref.rel) == (waived.exception_id, "depends_on")
        assert ref.meta["scope"] == "per-candidate"
        assert ref.meta["expires_at"].endswith("Z")
        assert ref.meta["applies_to"] == "ORACLE_FAIL:build"

    async def test_a_resolved_one_is_not(self, waived):
        await waived.resolve()

        assert named(await context(waived), "Waiver") == []

    async def test_one_that_is_over_is_not(self, waived):
        waived.stage.clock.skip(timedelta(hours=2))

        assert named(await context(waived), "Waiver") == []

    async def test_one_that_is_not_yet_active_is_not(self, journey):
        journey.runner.scripts[BUILD] = fails
        await journey.open()
        await journey.judge()
        await journey.draw_up_waiver()

        assert named(await context(journey), "Waiver") == []

    async def test_one_of_an_earlier_candidate_is_not(self, waived):
        await waived.iterate()
        await waived.make({"b": b"2"})

        assert named(await context(waived), "Waiver") == []

    async def test_a_look_up_that_fails_fails_the_start(self, waived):
        """SPEC 8.3: no answer is not an empty answer."""
        plant(waived, exceptions=None)

        with pytest.raises(Unavailable):
            await waived.iterate()

        assert (await waived.types()).count("IterationStarted") == 1

    async def test_one_that_is_not_in_the_log_is_refused(self, waived):
        stranger = f"exc_{ulid(77)}"
        plant(waived, exceptions=[an_exception(waived, exception_id=stranger)])

        assert f"active exception {stranger} cannot be found" in await refused(waived)

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [("DEVIATION", "Deviation"), ("DEFERRAL", "Deferral"), ("WAIVER", "Waiver")],
    )
    async def test_each_has_its_own_kind(self, waived, kind, expected):
        plant(waived, exceptions=[an_exception(waived, kind=kind)])

        assert named(await context(waived), expected) == [waived.exception_id]

    @pytest.mark.parametrize(
        ("scope", "is_in"),
        [
            ({"loop_id": "the loop's"}, True),
            ({"loop_id": f"loop_{ulid(99)}"}, False),
            ({"candidate_id": "the candidate's"}, True),
            ({"candidate_id": "another"}, False),
            ({"work_unit_id": "WU-1"}, True),
            ({"work_unit_id": "WU-2"}, False),
            ({"artifact_refs": [{"kind": "GovernedArtifact", "id": "SR-SPEC"}]}, True),
            ({"artifact_refs": [{"kind": "GovernedArtifact", "id": "SR-X"}]}, False),
            ({"artifact_refs": []}, False),
            ({"baseline_id": "baseline:1"}, False),
            ({}, False),
        ],
    )
    async def test_only_those_whose_scope_takes_it_in(self, waived, scope, is_in):
        own = {"the loop's": waived.loop_id, "the candidate's": waived.candidate_id}
        scope = {
            name: own.get(said, said) if isinstance(said, str) else said
            for name, said in scope.items()
        }
        row = an_exception(waived, scope={"scope_kind": "time-boxed", **scope})
        plant(waived, exceptions=[row], columns={"loops": {"work_unit": "WU-1"}})

        assert len(named(await context(waived), "Deviation")) == is_in

    async def test_all_of_them_are_asked_for(self, waived):
        other = an_exception(waived, scope={"scope_kind": "per-loop", "loop_id": "x"})
        plant(waived, exceptions=[other] * 450 + [an_exception(waived)])

        assert named(await context(waived), "Deviation") == [waived.exception_id]


def an_exception(journey: Any, **changes: Any) -> dict[str, Any]:
    return {
        "exception_id": journey.exception_id,
        "kind": "DEVIATION",
        "status": "ACTIVE",
        "scope": {"scope_kind": "per-loop", "loop_id": journey.loop_id},
        "expires_at": journey.stage.clock.now() + timedelta(hours=1),
        **changes,
    }


class TestNotes:
    """SPEC 8.1, SPEC 6.8: notes about the loop, and those that the policy waits for."""

    @pytest.fixture(autouse=True)
    def _there_are_notes(self, monkeypatch):
        monkeypatch.setattr(notes_module, "_ARE_RECORDED", True)

    def a_note(self, subject: str, **changes: Any) -> dict[str, Any]:
        return {
            "record_id": f"rec_{ulid(5)}",
            "record_type": "record.intervention_note",
            "subject_refs": [{"kind": "Loop", "id": subject}],
            "content": "I looked into it",
            **changes,
        }

    async def test_a_note_about_the_loop_is_there(self, begun):
        plant(begun, human_judgment_records=[self.a_note(begun.loop_id)])

        (ref,) = [each for each in await context(begun) if each.kind == "Record"]

        assert (ref.id, ref.rel) == (f"rec_{ulid(5)}", "depends_on")
        assert ref.meta["type_key"] == "record.intervention_note"

    @pytest.mark.parametrize("of", ["loop_id", "iteration_id", "candidate_id"])
    async def test_and_about_what_belongs_to_it(self, begun, of):
        note = self.a_note(getattr(begun, of), record_type="intervention_note")
        plant(begun, human_judgment_records=[note])

        assert len(named(await context(begun), "Record")) == 1

    async def test_a_note_about_another_loop_is_not(self, begun):
        plant(begun, human_judgment_records=[self.a_note(f"loop_{ulid(99)}")])

        assert named(await context(begun), "Record") == []

    async def test_a_look_up_that_fails_fails_the_start(self, begun):
        plant(begun, human_judgment_records=None)

        with pytest.raises(Unavailable):
            await context(begun)

    @pytest.fixture
    async def verified(self, begun):
        """A verified candidate, under a policy that wants it evaluated."""
        policy = build_document("SR-GATING-POLICY", mode="hard")
        await begun.stage.restart(build_governed(SR_GATING_POLICY=policy))
        await begun.judge()
        await begun.verify()
        plant(begun, human_judgment_records=[])
        return begun

    async def test_a_hard_hook_holds_the_next_iteration(self, verified):
        told = await refused(verified)

        assert (
            f"note record.evaluation_note about {verified.candidate_id} is missing"
            in told
        )

    async def test_until_the_note_is_there(self, verified):
        note = self.a_note(verified.candidate_id, record_type="record.evaluation_note")
        plant(verified, human_judgment_records=[note])

        assert len(named(await context(verified), "Record")) == 1

    @pytest.mark.parametrize(
        ("of", "record_type"),
        [
            ("candidate_id", "record.intervention_note"),
            ("loop_id", "record.evaluation_note"),
        ],
    )
    async def test_and_no_other_note_will_do(self, verified, of, record_type):
        note = self.a_note(getattr(verified, of), record_type=record_type)
        plant(verified, human_judgment_records=[note])

        assert "evaluation_note" in await refused(verified)

    async def test_a_soft_hook_holds_nothing(self, verified):
        await verified.stage.restart(GOVERNED)
        plant(verified, human_judgment_records=[])

        assert named(await context(verified), "Record") == []

    @pytest.mark.parametrize("severity", ["high", "critical"])
    async def test_a_grave_risk_makes_a_hybrid_hook_hard(self, verified, severity):
        policy = build_document("SR-GATING-POLICY", mode="hybrid").replace(
            b"EXCEPTIONS_ACTIVE", b"OPEN_RISK_HIGH"
        )
        await verified.stage.restart(build_governed(SR_GATING_POLICY=policy))
        plant(verified, human_judgment_records=[])
        assert named(await context(verified), "Record") == []

        summary = {"open_risks": [{"severity": severity}], "artifacts_touched": []}
        plant(
            verified,
            human_judgment_records=[],
            columns={"iterations": {"summary": summary}},
        )

        assert "evaluation_note" in await refused(verified)

    async def test_touching_a_governed_document_makes_it_hard_too(self, verified):
        policy = build_document("SR-GATING-POLICY", mode="hybrid").replace(
            b"EXCEPTIONS_ACTIVE", b"GOVERNANCE_TOUCH"
        )
        await verified.stage.restart(build_governed(SR_GATING_POLICY=policy))
        touched = {"artifacts_touched": ["docs/tests/SR-SPEC.md"]}
        plant(
            verified,
            human_judgment_records=[],
            columns={"iterations": {"summary": touched}},
        )

        assert "evaluation_note" in await refused(verified)

    @pytest.mark.parametrize(
        "trigger",
        [
            "EXCEPTIONS_ACTIVE",
            "REPEATED_FAILURE",
            "BUDGET_NEAR_EXHAUSTED",
            "CLOSEOUT_PENDING",
        ],
    )
    async def test_each_trigger_is_raised_by_its_own(self, journey, trigger):
        policy = build_document("SR-GATING-POLICY", mode="hybrid").replace(
            b"[EXCEPTIONS_ACTIVE, REPEATED_FAILURE]", f"[{trigger}]".encode()
        )
        await journey.open(Budgets(max_iterations=3))
        await journey.stage.restart(build_governed(SR_GATING_POLICY=policy))
        await journey.judge()
        await journey.verify()
        plant(journey, human_judgment_records=[])
        assert named(await context(journey), "Record") == []

        match trigger:
            case "EXCEPTIONS_ACTIVE":
                journey.exception_id = f"exc_{ulid(8)}"
                row = an_exception(journey)
                plant(journey, human_judgment_records=[], exceptions=[row])
            case "REPEATED_FAILURE":
                await journey.complete(IterationOutcome.FAILURE)
                await journey.iterate()
                await journey.complete(IterationOutcome.FAILURE)
            case "BUDGET_NEAR_EXHAUSTED":
                await journey.complete()
                await journey.iterate()
            case _:
                await journey.approve()
                await journey.freeze()

        assert "evaluation_note" in await refused(journey)

    async def test_a_release_is_assessed(self, journey):
        policy = build_document("SR-GATING-POLICY").replace(
            b"assessment_on_validation: soft", b"assessment_on_validation: hard"
        )
        await journey.open()
        await journey.stage.restart(build_governed(SR_GATING_POLICY=policy))
        await journey.judge()
        await journey.verify()
        plant(journey, human_judgment_records=[])
        assert named(await context(journey), "Record") == []

        await journey.approve()
        await journey.freeze()

        assert "record.assessment_note about" in await refused(journey)


class TestStaged:
    """SPEC 8.1: staged work brings its intake, its template and its stage's suites."""

    @pytest.fixture
    async def staged(self, begun):
        row = await begun.row("oracle_suites", suite_id=CORE)
        self.suite = {"suite_id": CORE, "suite_hash": row["suite_hash"]}
        self.tables: dict[str, Any] = {
            "work_surfaces": [
                {
                    "work_surface_id": SURFACE,
                    "intake_id": INTAKE,
                    "intake_content_hash": SOME_HASH,
                    "template_id": "proc:A",
                    "template_hash": SOME_HASH,
                    "current_stage_id": "stage:FRAME",
                    "current_oracle_suites": [self.suite],
                }
            ],
            "intakes": [{"intake_id": INTAKE, "content_hash": SOME_HASH}],
            "config_definitions": [
                {
                    "name": "proc:A",
                    "content_hash": SOME_HASH,
                    "definition": {"stages": [{"stage_id": "stage:FRAME"}]},
                }
            ],
        }
        self.plant(begun)
        return begun

    def plant(self, journey: Any, **changes: Any) -> None:
        columns = {"loops": {"work_surface_id": SURFACE}}
        plant(journey, columns=columns, **{**self.tables, **changes})

    def surface(self, **changes: Any) -> list[dict[str, Any]]:
        return [{**self.tables["work_surfaces"][0], **changes}]

    async def test_intake_and_template_are_there(self, staged):
        *_, intake, template = await context(staged)

        assert (intake.kind, intake.id, intake.rel) == ("Intake", INTAKE, "depends_on")
        assert (template.kind, template.id) == ("ProcedureTemplate", "proc:A")
        assert template.meta == {
            "content_hash": SOME_HASH,
            "current_stage_id": "stage:FRAME",
        }

    async def test_the_suites_are_those_of_the_stage(self, staged):
        assert named(await context(staged), "OracleSuite") == [CORE]

    async def test_a_suite_that_changed_since_is_refused(self, staged):
        other = {**self.suite, "suite_hash": OTHER_HASH}
        self.plant(staged, work_surfaces=self.surface(current_oracle_suites=[other]))

        assert f"oracle suite {CORE} is pinned to content_hash" in await refused(staged)

    async def test_a_suite_that_is_registered_nowhere_is_refused(self, staged):
        other = {"suite_id": "suite:NOWHERE", "suite_hash": OTHER_HASH}
        self.plant(staged, work_surfaces=self.surface(current_oracle_suites=[other]))

        assert "oracle suite suite:NOWHERE cannot be found" in await refused(staged)

    async def test_a_stage_without_suites_is_refused(self, staged):
        self.plant(staged, work_surfaces=self.surface(current_oracle_suites=[]))

        assert "oracle suite is missing" in await refused(staged)

    @pytest.mark.parametrize("table", ["intakes", "config_definitions"])
    async def test_what_is_not_recorded_is_refused(self, staged, table):
        self.plant(staged, **{table: []})

        assert "cannot be found" in await refused(staged)

    async def test_an_intake_with_other_content_is_refused(self, staged):
        self.plant(staged, intakes=[{"intake_id": INTAKE, "content_hash": OTHER_HASH}])

        assert f"intake {INTAKE} is pinned to content_hash" in await refused(staged)

    async def test_a_stage_that_the_template_has_not_is_refused(self, staged):
        self.plant(staged, work_surfaces=self.surface(current_stage_id="stage:X"))

        assert "current_stage_id stage:X, and has no such stage" in await refused(
            staged
        )

    async def test_a_surface_that_is_not_recorded_is_refused(self, staged):
        self.plant(staged, work_surfaces=[])

        told = await refused(staged)
        assert f"intake {SURFACE} is missing" in told
        assert f"procedure template {SURFACE} is missing" in told


UNIT = {"plan_id": f"plan_{ulid(3)}", "work_unit_id": "WU-1", "is_plan_active": True}
PLAN = {"plan_id": f"plan_{ulid(3)}", "plan_hash": SOME_HASH}


class TestPlanned:
    """SPEC 8.1: planned work depends on the plan that is active."""

    @pytest.fixture(autouse=True)
    def _there_are_plans(self, monkeypatch):
        monkeypatch.setattr(planned_module, "_ARE_RECORDED", True)

    def plant(self, journey: Any, units: list[Any], plans: list[Any]) -> None:
        columns = {"loops": {"work_unit": "WU-1"}}
        plant(journey, columns=columns, plan_work_units=units, plans=plans)

    async def test_the_active_one_is_there(self, begun):
        self.plant(begun, [UNIT], [PLAN])

        (ref,) = [each for each in await context(begun) if each.kind == "Record"]

        assert (ref.id, ref.rel) == (PLAN["plan_id"], "depends_on")
        assert ref.meta == {
            "content_hash": SOME_HASH,
            "type_key": "record.plan_instance",
        }

    @pytest.mark.parametrize(
        "changes", [{"is_plan_active": False}, {"work_unit_id": "WU-2"}]
    )
    async def test_another_is_not(self, begun, changes):
        self.plant(begun, [{**UNIT, **changes}], [PLAN])

        assert named(await context(begun), "Record") == []

    async def test_one_that_cannot_be_read_is_missed(self, begun):
        self.plant(begun, [UNIT], [])

        assert f"plan {PLAN['plan_id']} is missing" in await refused(begun)


class TestOrderOfRefusals:
    """A loop that may not start another says so, whatever its context is."""

    async def test_the_phase_comes_before_the_context(self, journey):
        await journey.create()

        with pytest.raises(TransitionRefused, match="refuses StartIteration"):
            await journey.iterate()

    async def test_nothing_is_recorded_of_a_refused_start(self, begun):
        plant(begun, work_surfaces=[], columns={"loops": {"work_surface_id": SURFACE}})
        before = await begun.types()

        with pytest.raises(ContextInadmissible):
            await begun.iterate()

        assert await begun.types() == before
