"""What an iteration starts from, looked up for real (SPEC 8.1, V11-6; G-CTX-ADMISSIBLE)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sr_core.application.context import iteration_context
from sr_core.application.definitions import DefinitionBook
from sr_core.application.loops import Loops
from sr_core.application.plans import NewPlan, Plans
from sr_core.application.platform import loop_case
from sr_core.application.recorder import Asked
from sr_core.codec.canonical import plain
from sr_core.codec.definitions import hash_definition
from sr_core.codec.plan import hash_view
from sr_core.domain.config_definition import Turn, TypeKey
from sr_core.domain.errors import ContextInadmissible, NotFound, TransitionRefused
from sr_core.domain.exception_scope import ExceptionScope, ScopeKind
from sr_core.domain.exception_terms import DeferralTerms
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.domain.ids import PlanId, WorkUnitId
from sr_core.domain.ref_builders import governed_artifact_ref, loop_ref
from sr_core.domain.refs import Ref, RefRelation
from sr_core.domain.starter_templates import STARTERS
from sr_core.domain.type_keys import parse_type_key
from sr_core.ports.errors import Unavailable
from sr_core.ports.read_model import Page, ReadModel, Row
from sr_core.testing import (
    BUILD,
    CORE,
    DIRECTIVE,
    GOVERNED,
    HUMAN,
    NOON,
    SOME_HASH,
    build_document,
    build_entry,
    build_governed,
    fails,
    ulid,
)
from sr_core.testing.plans import INTAKE_1, build_unit
from sr_core.testing.work import build_template

pytestmark = pytest.mark.anyio

SPEC_TYPE = parse_type_key("governance.technical_spec")
OTHER_HASH = f"sha256:{'0' * 64}"
UNIT = WorkUnitId("WU-7")
SURFACE = f"ws:{ulid(1)}"
BY_HUMAN = Asked(by=HUMAN)
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


def an_artifact(name: str) -> Ref:
    """A document as the scope of an exception names it."""
    return governed_artifact_ref(
        name,
        RefRelation.AFFECTS,
        content_hash=SOME_HASH,
        version="1.0.0",
        type_key=SPEC_TYPE,
    )


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

    async def test_nor_is_a_read_model_that_has_lost_one(self, waived):
        plant(waived, exceptions=[])

        told = await refused(waived)
        assert f"active exception {waived.exception_id} is missing" in told

    async def test_one_that_is_not_in_the_log_is_refused(self, begun):
        row = await deviated(begun)
        stranger = f"exc_{ulid(77)}"
        plant(begun, exceptions=[row, {**row, "exception_id": stranger}])

        assert f"active exception {stranger} cannot be found" in await refused(begun)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"expires_at": NOON + timedelta(days=9)}, "is pinned to expires_at"),
            ({"applies_to": "all"}, "is pinned to applies_to all, and has none"),
        ],
    )
    async def test_nor_one_that_the_log_has_otherwise(self, begun, changes, said):
        row = await deviated(begun)
        plant(begun, exceptions=[{**row, **changes}])

        assert said in await refused(begun)

    async def test_a_deviation_is_there_until_it_is_resolved(self, begun):
        """SPEC 8.3: test 16c."""
        await begun.deviate()
        await begun.iterate()
        before = (await begun.recorded())[-1].event
        await begun.resolve()
        await begun.complete()
        await begun.iterate()
        after = (await begun.recorded())[-1].event

        assert named(before.refs, "Deviation") == [begun.exception_id]
        assert named(after.refs, "Deviation") == []
        assert begun.exception_id not in {each.id for each in after.refs}

    async def test_so_is_one_until_its_end(self, begun):
        await begun.deviate()
        begun.stage.clock.skip(timedelta(hours=2))

        await begun.iterate()

        expired, started = (await begun.recorded())[-2:]
        assert expired.event.exception_id == begun.exception_id
        assert named(started.event.refs, "Deviation") == []

    async def test_a_deferral_has_its_own_kind(self, begun):
        terms = DeferralTerms(
            subject_ref=loop_ref(begun.loop_id, RefRelation.ABOUT),
            compensating_controls="watched",
            target_deliverable="the next release",
        )
        scope = ExceptionScope(scope_kind=ScopeKind.PER_LOOP, loop_id=begun.loop_id)
        await begun.draw_up(terms, scope)
        await begun.bring_into_force()

        (ref,) = [each for each in await context(begun) if each.kind == "Deferral"]

        assert (ref.id, ref.meta["scope"]) == (begun.exception_id, "per-loop")
        assert "applies_to" not in ref.meta

    @pytest.mark.parametrize("by", ["loop", "candidate", "work unit", "document"])
    async def test_each_way_to_take_it_in_is_one(self, begun, by):
        document = GOVERNED.artifacts[0]
        scopes = {
            "loop": {"loop_id": begun.loop_id},
            "candidate": {"candidate_id": begun.candidate_id},
            "work unit": {"work_unit_id": begun.loop_id},
            "document": {"artifact_refs": (an_artifact(document.doc_id),)},
        }
        scope = ExceptionScope(scope_kind=ScopeKind.TIME_BOXED, **scopes[by])

        await begun.deviate(scope)

        assert named(await context(begun), "Deviation") == [begun.exception_id]

    @pytest.mark.parametrize(
        "scope",
        [
            {"loop_id": f"loop_{ulid(99)}"},
            {"candidate_id": f"{OTHER_HASH}|cand_{ulid(99)}"},
            {"work_unit_id": "WU-2"},
            {"artifact_refs": (an_artifact("SR-X"),)},
            {"baseline_id": "baseline:1"},
        ],
        ids=lambda scope: next(iter(scope)),
    )
    async def test_another_is_not(self, begun, scope):
        row = await deviated(begun)
        await begun.resolve()
        named_otherwise = ExceptionScope(scope_kind=ScopeKind.TIME_BOXED, **scope)
        elsewhere = {**row, "scope": plain(named_otherwise)}
        plant(begun, exceptions=[{**elsewhere, "exception_id": f"exc_{ulid(77)}"}])

        assert named(await context(begun), "Deviation") == []

    async def test_all_of_them_are_asked_for(self, begun):
        row = await deviated(begun)
        scope = {**row["scope"], "loop_id": f"loop_{ulid(99)}"}
        plant(begun, exceptions=[{**row, "scope": scope}] * 450 + [row])

        assert named(await context(begun), "Deviation") == [begun.exception_id]


async def deviated(journey: Any) -> dict[str, Any]:
    """The row of a deviation that is in force for the loop."""
    await journey.deviate()
    row = await journey.row("exceptions", exception_id=journey.exception_id)
    assert isinstance(row, dict)
    return row


class TestNotes:
    """SPEC 8.1: notes about the loop; what waits for them is the gating policy's."""

    def a_note(self, subject: str, **changes: Any) -> dict[str, Any]:
        return {
            "record_id": f"rec_{ulid(5)}",
            "record_type": "record.intervention_note",
            "subject_refs": [{"kind": "Loop", "id": subject}],
            "content_hash": SOME_HASH,
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


class TestStaged:
    """SPEC 8.1: staged work brings its intake, its template and its stage's suites."""

    @pytest.fixture
    async def staged(self, journey):
        journey.lay_surface()
        await journey.create_staged()
        self.row = await journey.row("work_surfaces", work_surface_id=SURFACE)
        (self.suite,) = self.row["current_oracle_suites"]
        return journey

    def surface(self, **changes: Any) -> list[dict[str, Any]]:
        return [{**self.row, **changes}]

    async def test_intake_and_template_are_there(self, staged):
        *_, intake, template = await context(staged)

        assert (intake.kind, intake.id, intake.rel) == (
            "Intake",
            INTAKE_1,
            "depends_on",
        )
        assert (template.kind, template.id) == (
            "ProcedureTemplate",
            self.row["template_id"],
        )

    @pytest.mark.parametrize("name", STARTERS)
    async def test_a_shipped_template_is_found_at_each_of_its_stages(
        self, staged, name
    ):
        shipped = STARTERS[name]
        for stage in shipped.stages:
            row = self.surface(
                template_id=name,
                template_hash=hash_definition(shipped),
                current_stage_id=stage.stage_id,
            )
            plant(staged, work_surfaces=row)

            *_, template = await context(staged)

            assert (template.id, template.rel) == (name, "depends_on")
            assert template.meta == {
                "content_hash": hash_definition(shipped),
                "current_stage_id": stage.stage_id,
            }

    async def test_one_that_was_recorded_is_found_as_it_was_bound(self, staged):
        book = DefinitionBook(platform=staged.stage.platform)
        first, second = build_template(), build_template(description="another")
        for each in (first, second):
            await book.record(
                TypeKey.PROCEDURE_TEMPLATE,
                each.template_id,
                each,
                turn=Turn.ANY,
                asked=BY_HUMAN,
            )
        bound = hash_definition(first)
        row = self.surface(template_id=first.template_id, template_hash=bound)
        plant(staged, work_surfaces=row)

        *_, template = await context(staged)

        assert template.meta["content_hash"] == bound

    async def test_with_other_bytes_it_is_not(self, staged):
        plant(staged, work_surfaces=self.surface(template_hash=OTHER_HASH))

        assert "procedure template" in (told := await refused(staged))
        assert "cannot be found" in told

    async def test_the_suites_are_those_of_the_stage(self, staged):
        assert named(await context(staged), "OracleSuite") == [CORE]

    async def test_a_suite_that_changed_since_is_refused(self, staged):
        other = {**self.suite, "suite_hash": OTHER_HASH}
        plant(staged, work_surfaces=self.surface(current_oracle_suites=[other]))

        assert f"oracle suite {CORE} is pinned to content_hash" in await refused(staged)

    async def test_a_suite_that_is_registered_nowhere_is_refused(self, staged):
        other = {"suite_id": "suite:NOWHERE", "suite_hash": OTHER_HASH}
        plant(staged, work_surfaces=self.surface(current_oracle_suites=[other]))

        assert "oracle suite suite:NOWHERE cannot be found" in await refused(staged)

    async def test_a_stage_without_suites_is_refused(self, staged):
        plant(staged, work_surfaces=self.surface(current_oracle_suites=[]))

        assert "oracle suite is missing" in await refused(staged)

    async def test_an_intake_that_is_not_recorded_is_refused(self, staged):
        plant(staged, intakes=[])

        assert f"intake {INTAKE_1} cannot be found" in await refused(staged)

    async def test_nor_a_template(self, staged):
        plant(staged, work_surfaces=self.surface(template_id="proc:NOWHERE"))

        assert "proc:NOWHERE cannot be found" in await refused(staged)

    async def test_an_intake_with_other_content_is_refused(self, staged):
        other = {"intake_id": INTAKE_1, "content_hash": OTHER_HASH}
        plant(staged, intakes=[other])

        assert f"intake {INTAKE_1} is pinned to content_hash" in await refused(staged)

    async def test_a_stage_that_the_template_has_not_is_refused(self, staged):
        plant(staged, work_surfaces=self.surface(current_stage_id="stage:X"))

        assert "current_stage_id stage:X, and has no such stage" in await refused(
            staged
        )

    @pytest.mark.parametrize("is_archived", [True, False])
    async def test_a_surface_that_is_gone_is_missed(self, staged, is_archived):
        left = self.surface(status="archived") if is_archived else []
        plant(staged, work_surfaces=left)

        told = await refused(staged)
        assert f"intake {SURFACE} is missing" in told
        assert f"procedure template {SURFACE} is missing" in told

    async def test_it_is_the_active_one_that_counts(self, staged):
        """Work that was bound anew starts from what it is bound to now."""
        old = self.surface(status="archived")
        new = self.surface(
            work_surface_id=f"ws:{ulid(2)}", current_stage_id="stage:OPTIONS"
        )
        plant(staged, work_surfaces=[*old, *new])

        *_, template = await context(staged)

        assert template.meta["current_stage_id"] == "stage:OPTIONS"


class TestPlanned:
    """SPEC 8.1: planned work depends on its active plan, and on how far that is."""

    @pytest.fixture
    async def staged(self, journey):
        journey.lay_surface()
        await journey.create_staged()
        return journey

    async def plan(self, journey: Any, unit: str = UNIT) -> tuple[Plans, PlanId]:
        """Plans of the journey, and one of them that is active for the unit."""
        plans = Plans(platform=journey.stage.platform)
        new = NewPlan(
            source_id="source:brief",
            source_hash=SOME_HASH,
            units=(build_unit(unit),),
            edges=(),
            rationale="cut along the seams",
        )
        plan_id, _, _ = await plans.record(new, BY_HUMAN)
        directive = replace(DIRECTIVE, rel=RefRelation.SUPPORTED_BY)
        await plans.activate(plan_id, directive, BY_HUMAN)
        return plans, plan_id

    async def test_an_iteration_starts_from_the_active_one(self, staged):
        plans, plan_id = await self.plan(staged)
        before = await plans.view(plan_id)

        await staged.iterate()

        started = (await staged.recorded())[-1].event
        plan, snapshot = [each for each in started.refs if each.kind == "Record"]
        row = await staged.row("plans", plan_id=plan_id)
        assert (plan.id, plan.rel) == (plan_id, "depends_on")
        assert plan.meta == {
            "content_hash": row["plan_hash"],
            "type_key": "record.plan_instance",
        }
        assert (snapshot.id, snapshot.rel) == (
            f"{plan_id}@{before.position}",
            "supported_by",
        )
        assert snapshot.meta == {
            "content_hash": hash_view(before),
            "type_key": "record.eligibility_snapshot",
        }

    async def test_one_for_another_unit_is_none(self, staged):
        await self.plan(staged, "WU-8")

        assert named(await context(staged), "Record") == []

    async def test_nor_is_one_that_was_given_up(self, staged):
        plans, plan_id = await self.plan(staged)
        await plans.cancel(plan_id, "overtaken", BY_HUMAN)

        assert named(await context(staged), "Record") == []

    async def test_one_that_cannot_be_read_is_missed(self, staged):
        _, plan_id = await self.plan(staged)
        plant(staged, plans=[])

        assert f"plan {plan_id} is missing" in await refused(staged)

    async def test_one_that_the_log_has_not_has_no_snapshot(self, staged):
        plan_id = f"plan_{ulid(77)}"
        unit = {"plan_id": plan_id, "work_unit_id": UNIT, "is_plan_active": True}
        row = {"plan_id": plan_id, "plan_hash": SOME_HASH}
        plant(staged, plan_work_units=[unit], plans=[row])

        told = await refused(staged)
        assert f"eligibility snapshot of {plan_id} is missing" in told

    async def test_a_look_up_that_fails_fails_the_start(self, staged):
        plant(staged, plan_work_units=None)

        with pytest.raises(Unavailable):
            await context(staged)


class TestOrderOfRefusals:
    """A loop that may not start another says so, whatever its context is."""

    async def test_the_phase_comes_before_the_context(self, journey):
        await journey.create()

        with pytest.raises(TransitionRefused, match="refuses StartIteration"):
            await journey.iterate()

    async def test_nothing_is_recorded_of_a_refused_start(self, begun):
        plant(begun, intakes=[], oracle_suites=[], exceptions=[], iterations=[])
        before = await begun.types()

        with pytest.raises(ContextInadmissible):
            await begun.iterate()

        assert await begun.types() == before
