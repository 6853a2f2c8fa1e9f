"""Governed artifacts, taken through the use cases (SPEC 8.2, C-META-2, D-08)."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from sr_core.application.governed import BOUNDARY, Governed
from sr_core.application.recorder import Asked
from sr_core.codec.envelope import opened
from sr_core.domain.errors import GovernanceApprovalRequired, MalformedInput
from sr_core.domain.ids import ApprovalId
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.ports.event_store import BEGINNING
from sr_core.testing import (
    DIRECTIVE,
    GOVERNED,
    HUMAN,
    NOON,
    PLATFORM,
    SOME_HASH,
    Stage,
    build_document,
    build_entry,
    build_governed,
    ulid,
)

pytestmark = pytest.mark.anyio

CHANGED = build_governed(SR_SPEC=build_document("SR-SPEC", text="changed"))
BY_HUMAN = Asked(by=HUMAN)


@pytest.fixture
def stage():
    return Stage()


async def recorded(stage):
    stored = await stage.log.read(after=BEGINNING, limit=1000)
    return [opened(each) for each in stored if each.stream_id == BOUNDARY]


async def rows(stage, **where):
    return (await stage.rows.rows("governed_artifacts", where)).rows


class TestStart:
    """SPEC 8.2: what a process starts with is in the log, once for each change."""

    async def test_the_first_start_records_each_document(self, stage):
        adopted = await stage.start()

        events = await recorded(stage)
        assert [each.event.artifact_id for each in events] == [
            each.doc_id for each in GOVERNED.artifacts
        ]
        assert {each.by for each in events} == {PLATFORM}
        assert len(adopted.recorded) == len(events)
        assert adopted.changed == ()

    async def test_a_second_start_records_nothing(self, stage):
        await stage.start()

        again = await stage.start()

        assert (again.recorded, again.changed) == ((), ())

    async def test_two_processes_that_start_at_once_record_each_once(self, stage):
        await asyncio.gather(stage.start(), stage.start(), stage.start())

        assert len(await recorded(stage)) == len(GOVERNED.artifacts)

    async def test_one_that_was_overtaken_asks_again(self, stage):
        stage.log.conflicts = 2

        await stage.start()

        assert len(await recorded(stage)) == len(GOVERNED.artifacts)

    async def test_a_change_is_an_event_and_a_root(self, stage):
        await stage.start()

        adopted = await stage.restart(CHANGED)

        (event,) = adopted.recorded
        assert event.event_type == "GovernedArtifactVersionRecorded"
        assert event.by == PLATFORM
        before = GOVERNED.entry("SR-SPEC")
        assert before is not None
        assert [(each.id, each.meta["content_hash"]) for each in adopted.changed] == [
            ("SR-SPEC", before.content_hash)
        ]
        known = await Governed(platform=stage.platform).known()
        assert known.replaced() == adopted.changed

    async def test_when_it_was_computed_is_no_news(self, stage):
        await stage.start()
        later = replace(GOVERNED, computed_at=NOON + timedelta(days=1))

        assert (await stage.restart(later)).recorded == ()


class TestRows:
    """C-META-2: one version in effect, one current at most; the rows say which."""

    async def test_each_version_has_its_row(self, stage):
        await stage.start()
        await stage.restart(CHANGED)

        found = await rows(stage, artifact_id="SR-SPEC")

        assert [(each["in_effect"], each["is_current"]) for each in found] == [
            (False, False),
            (True, False),
        ]
        assert {each["version"] for each in found} == {"1.0.0"}

    async def test_bytes_that_come_back_have_the_row_that_they_had(self, stage):
        await stage.start()
        await stage.restart(CHANGED)

        await stage.restart(GOVERNED)

        found = await rows(stage, artifact_id="SR-SPEC")
        assert [each["in_effect"] for each in found] == [True, False]
        assert found[0]["in_effect_since"] > found[1]["in_effect_since"]

    async def test_other_artifacts_are_left_as_they_were(self, stage):
        await stage.start()
        (before,) = await rows(stage, artifact_id="SR-TYPES")

        await stage.restart(CHANGED)

        assert await rows(stage, artifact_id="SR-TYPES") == (before,)

    async def test_what_becomes_current_leaves_what_is_in_effect(self, stage):
        await stage.start()
        note = build_entry(build_document("SR-NOTE", normative_status="directional"))
        governed = Governed(platform=stage.platform)
        for version in ("1.0.0", "1.1.0"):
            metadata = replace(note.metadata, version=version)
            digest = note.content_hash if version == "1.0.0" else SOME_HASH
            await governed.register(metadata, digest, BY_HUMAN, is_current=True)

        found = await rows(stage, artifact_id="SR-NOTE")

        assert [(each["version"], each["is_current"]) for each in found] == [
            ("1.0.0", False),
            ("1.1.0", True),
        ]
        assert {each["in_effect"] for each in found} == {False}


class TestCurrent:
    """C-TB-4: what is normative becomes current at a portal."""

    async def test_an_approval_that_nobody_recorded_is_none(self, stage):
        entry = GOVERNED.entry("SR-SPEC")
        assert entry is not None

        with pytest.raises(GovernanceApprovalRequired, match="is not recorded"):
            await Governed(platform=stage.platform).register(
                entry.metadata,
                entry.content_hash,
                BY_HUMAN,
                is_current=True,
                approval_id=ApprovalId(f"appr_{ulid(9)}"),
            )

        assert await recorded(stage) == []


class TestDirective:
    """Appendix A 11: a loop names its directive by a version that is recorded."""

    @pytest.fixture
    async def governed(self, stage):
        await stage.start()
        return Governed(platform=stage.platform)

    async def test_the_one_in_effect_is_one(self, governed):
        assert await governed.directive(DIRECTIVE) == DIRECTIVE

    async def test_what_the_ref_leaves_out_is_filled_in(self, governed):
        meta = {each: DIRECTIVE.meta[each] for each in ("content_hash", "version")}

        found = await governed.directive(replace(DIRECTIVE, meta=meta))

        assert found.meta["type_key"] == "governance.dev_directive"

    async def test_a_part_of_it_may_be_named(self, governed):
        part = replace(DIRECTIVE, meta={**DIRECTIVE.meta, "selector": "#when-to-stop"})

        assert await governed.directive(part) == part

    async def test_an_earlier_version_is_one_too(self, stage, governed):
        changed = build_document("SR-DIRECTIVE", version="2.0.0")
        await stage.restart(build_governed(SR_DIRECTIVE=changed))

        assert await Governed(platform=stage.platform).directive(DIRECTIVE) == DIRECTIVE
        assert await governed.directive(DIRECTIVE) == DIRECTIVE

    @pytest.mark.parametrize(
        ("changes", "found"),
        [
            ({"id": "SR-UNKNOWN"}, "GovernedArtifact SR-UNKNOWN"),
            ({"id": "SR-SPEC"}, "GovernedArtifact SR-SPEC"),
            ({"rel": RefRelation.GOVERNED_BY}, "Give depends_on"),
            ({"rel": RefRelation.SUPPORTED_BY}, "Give depends_on"),
            ({"kind": RefKind.LOOP}, "Loop SR-DIRECTIVE"),
            ({"meta": {**DIRECTIVE.meta, "content_hash": SOME_HASH}}, SOME_HASH),
            ({"meta": {**DIRECTIVE.meta, "version": "2.0.0"}}, r"2\.0\.0"),
            (
                {"meta": {**DIRECTIVE.meta, "type_key": "governance.plan"}},
                "governance.plan",
            ),
            ({"meta": {**DIRECTIVE.meta, "page": "2"}}, "page"),
        ],
    )
    async def test_any_other_is_refused(self, governed, changes, found):
        with pytest.raises(MalformedInput, match=found):
            await governed.directive(replace(DIRECTIVE, **changes))

    async def test_before_the_start_is_recorded_there_is_none(self, stage):
        with pytest.raises(MalformedInput, match="recorded version of SR-DIRECTIVE"):
            await Governed(platform=stage.platform).directive(DIRECTIVE)
