"""Starts of work surfaces: the loop's directive, and what its iteration starts from."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.application.definitions import DefinitionBook
from sr_core.application.intakes import Intakes
from sr_core.application.loops import Loops
from sr_core.application.recorder import Asked
from sr_core.application.work_starts import STARTER, WorkStarts
from sr_core.application.work_surfaces import WorkSurfaces
from sr_core.domain.config_definition import Turn, TypeKey
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.domain.ids import WorkSurfaceId
from sr_core.domain.loop import CloseLoop, LoopCommand, LoopCreated, PauseLoop
from sr_core.domain.procedure_template import TERMINAL
from sr_core.domain.work_errors import LoopNotActive, NoLoop
from sr_core.testing import (
    CORE,
    DIRECTIVE,
    GOVERNED,
    HUMAN,
    build_document,
    build_governed,
)
from sr_core.testing.work import (
    FINAL,
    FRAME,
    UNIT_1,
    build_intake_content,
    build_stage,
    build_template,
)

pytestmark = pytest.mark.anyio

BY_HUMAN = Asked(by=HUMAN)


@pytest.fixture
async def surface(journey) -> WorkSurfaceId:
    """A surface of a procedure whose stages are judged by the suite that is registered."""
    await journey.register_suite()
    await journey.stage.start()
    platform = journey.stage.platform
    template = build_template(
        build_stage(name, then=then, required_oracle_suites=(CORE,))
        for name, then in ((FRAME, FINAL), (FINAL, TERMINAL))
    )
    await DefinitionBook(platform=platform).record(
        TypeKey.PROCEDURE_TEMPLATE,
        template.template_id,
        template,
        turn=Turn.FIRST,
        asked=BY_HUMAN,
    )
    intakes = Intakes(platform=platform)
    intake_id, _ = await intakes.create(build_intake_content(), BY_HUMAN)
    await intakes.activate(intake_id, BY_HUMAN)
    name, _ = await WorkSurfaces(platform=platform).bind(
        UNIT_1, intake_id, template.template_id, params={}, asked=BY_HUMAN
    )
    return name


async def last(journey: Any, kind: type) -> Any:
    events = [each.event for each in await journey.recorded()]
    return [each for each in events if isinstance(each, kind)][-1]


class TestDirective:
    """SPEC 5.6: who names no directive works under that of the process."""

    async def test_it_is_what_the_process_was_started_with(self, journey, surface):
        await WorkStarts(platform=journey.stage.platform).start(surface, BY_HUMAN)

        assert (await last(journey, LoopCreated)).directive_ref == DIRECTIVE

    async def test_after_a_restart_it_is_the_new_one(self, journey, surface):
        changed = build_document("SR-DIRECTIVE", version="2.0.0", text="changed")
        manifest = build_governed(SR_DIRECTIVE=changed)
        await journey.stage.restart(manifest)

        await WorkStarts(platform=journey.stage.platform).start(surface, BY_HUMAN)

        ref = (await last(journey, LoopCreated)).directive_ref
        entry = manifest.entry("SR-DIRECTIVE")
        assert entry is not None
        assert ref.meta["content_hash"] == entry.content_hash
        assert ref.meta["version"] == "2.0.0"
        assert ref != DIRECTIVE

    async def test_one_that_is_not_recorded_yet_is_none(self, journey, surface):
        changed = build_document("SR-DIRECTIVE", text="changed, and not adopted")
        platform = with_documents(journey, build_governed(SR_DIRECTIVE=changed))

        with pytest.raises(MalformedInput, match=r"directive_ref\.meta"):
            await WorkStarts(platform=platform).start(surface, BY_HUMAN)

        assert "LoopCreated" not in await journey.types()

    async def test_without_one_nothing_starts(self, journey, surface):
        entries = tuple(
            each for each in GOVERNED.artifacts if each.doc_id != "SR-DIRECTIVE"
        )
        without = GovernedManifest(artifacts=entries, computed_at=GOVERNED.computed_at)
        platform = with_documents(journey, without)

        with pytest.raises(NotFound, match="SR-DIRECTIVE"):
            await WorkStarts(platform=platform).start(surface, BY_HUMAN)


class TestContext:
    """SPEC 8.1: an iteration of staged work starts from all that is staged."""

    async def test_its_refs_are_those_of_every_start(self, journey, surface):
        started = await WorkStarts(platform=journey.stage.platform).start(
            surface, BY_HUMAN
        )

        recorded = (await journey.recorded())[-1]
        row = await journey.row("work_surfaces", work_surface_id=surface)
        refs = {each.id: each for each in recorded.event.refs}
        assert recorded.by == STARTER
        assert recorded.event.iteration_id == started.iteration_id
        assert refs[row["template_id"]].meta == {
            "content_hash": row["template_hash"],
            "current_stage_id": FRAME,
        }
        assert refs[row["intake_id"]].meta == {
            "content_hash": row["intake_content_hash"]
        }
        assert {CORE, "SR-AGENT", "SR-GATING-POLICY", started.loop_id} <= refs.keys()

    async def test_the_next_has_them_too(self, journey, surface):
        starts = WorkStarts(platform=journey.stage.platform)
        first = await starts.start(surface, BY_HUMAN)
        before = (await journey.recorded())[-1].event.refs
        journey.loop_id, journey.iteration_id = first.loop_id, first.iteration_id
        journey.loops = Loops(platform=journey.stage.platform)
        await journey.complete()

        await starts.iterate(surface, BY_HUMAN)

        after = (await journey.recorded())[-1].event.refs
        assert set(map(str, before)) < set(map(str, after))
        assert {each.id for each in after} - {each.id for each in before} == {
            first.iteration_id
        }


class TestNothingToGoOnWith:
    """SPEC 5.6: iterations go on in the surface's loop, where it has an active one."""

    async def test_where_no_loop_was_opened_none_is_by_going_on(self, journey, surface):
        starts = WorkStarts(platform=journey.stage.platform)

        with pytest.raises(NoLoop, match=surface):
            await starts.iterate(surface, BY_HUMAN)
        with pytest.raises(NoLoop, match=surface):
            await starts.context(surface)

        assert "LoopCreated" not in await journey.types()

    @pytest.mark.parametrize(
        ("command", "phase"),
        [(PauseLoop(by=HUMAN), "PAUSED"), (CloseLoop(by=HUMAN), "CLOSED")],
    )
    async def test_a_loop_that_is_held_or_over_starts_no_iteration(
        self, journey, surface, command: LoopCommand, phase
    ):
        starts = WorkStarts(platform=journey.stage.platform)
        loop_id = (await starts.start(surface, BY_HUMAN)).loop_id
        await Loops(platform=journey.stage.platform).give(loop_id, command, BY_HUMAN)
        before = await journey.types()

        with pytest.raises(LoopNotActive, match=f"{loop_id} is {phase}"):
            await starts.iterate(surface, BY_HUMAN)

        assert await journey.types() == before

    async def test_a_paused_loop_is_not_resumed_by_a_start(self, journey, surface):
        starts = WorkStarts(platform=journey.stage.platform)
        loop_id = (await starts.start(surface, BY_HUMAN)).loop_id
        pause = PauseLoop(by=HUMAN)
        await Loops(platform=journey.stage.platform).give(loop_id, pause, BY_HUMAN)

        with pytest.raises(LoopNotActive, match=f"{loop_id} is PAUSED"):
            await starts.start(surface, BY_HUMAN)


def with_documents(journey: Any, governed: GovernedManifest) -> Any:
    return replace(journey.stage.platform, governed=governed)
