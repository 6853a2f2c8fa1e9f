"""Notes and attachments in use (C-TB-7): they say something, and change nothing."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.application.recorder import Asked
from sr_core.domain.attachment import ATTACHMENT_BYTES_MAX, AttachmentTooLarge
from sr_core.domain.errors import (
    AuthorityRequired,
    MalformedInput,
    NotFound,
    TransitionRefused,
)
from sr_core.domain.ids import AttachmentId, RecordId
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.record import Note, RecordType
from sr_core.domain.ref_builders import candidate_ref, loop_ref
from sr_core.domain.refs import RefRelation, hash_bytes
from sr_core.ports.content_store import Unretrievable
from sr_core.testing import AGENT, HUMAN, LOOP_1, SOME_HASH, SYSTEM, ulid

pytestmark = pytest.mark.anyio

BY_HUMAN = Asked(by=HUMAN)
ABOUT = RefRelation.ABOUT


async def noted(journey: Any) -> Note:
    """An assessment of a verified candidate, its evidence cited."""
    await journey.open()
    await journey.judge()
    await journey.verify()
    return Note(
        record_type=RecordType.ASSESSMENT_NOTE,
        subject_refs=(candidate_ref(journey.candidate_id, ABOUT),),
        evidence_refs=(await journey.evidence(),),
        content="fit for its purpose",
        details={"fitness_judgment": "fit"},
    )


async def pieces(*data: bytes):
    for each in data:
        yield each


def without(rows: Any, column: str, value: str) -> tuple[Any, ...]:
    """The rows but for those that are of the note itself; there are some."""
    kept = tuple(each for each in rows if each[column] != value)
    assert len(kept) < len(rows)
    return kept


def told(row: Any) -> dict[str, Any]:
    """What a row says, but for which event said it last: being named is no change."""
    return {name: each for name, each in row.items() if not name.startswith("last_")}


class TestNotes:
    """C-TB-7: a note never stands in for a verification or an approval."""

    async def test_it_is_kept_with_the_hash_of_what_it_says(self, journey):
        note = await noted(journey)

        written, _ = await journey.records.create(note, BY_HUMAN)

        row = await journey.row("human_judgment_records", record_id=written.record_id)
        assert row["is_binding"] is False
        assert row["fitness_judgment"] == "fit"
        assert row["content_hash"] == written.content_hash
        again, _ = await journey.records.create(note, BY_HUMAN)
        assert again.content_hash == written.content_hash

    async def test_nothing_else_changes(self, journey):
        note = await noted(journey)
        before = dict(journey.stage.rows.tables())
        known = len(await journey.recorded())

        await journey.records.create(note, BY_HUMAN)

        after = dict(journey.stage.rows.tables())
        (row,) = after.pop("human_judgment_records")
        mine = f"Record/{row['record_id']}"
        after["graph.nodes"] = without(after["graph.nodes"], "node_id", mine)
        before["graph.nodes"], after["graph.nodes"] = (
            tuple(map(told, each["graph.nodes"])) for each in (before, after)
        )
        after["graph.edges"] = without(after["graph.edges"], "src_id", mine)
        assert after == before
        assert (await journey.types())[known:] == ["RecordCreated"]

    async def test_an_approval_is_still_missing(self, journey):
        note = await noted(journey)
        await journey.records.create(note, BY_HUMAN)

        ready = await journey.shippable()

        assert "MISSING_RELEASE_APPROVAL" in ready.reasons

    async def test_a_later_version_takes_its_place_once(self, journey):
        note = await noted(journey)
        first, _ = await journey.records.create(note, BY_HUMAN)
        second, _ = await journey.records.create(
            replace(note, content="fit, but slow"),
            BY_HUMAN,
            supersedes=first.record_id,
        )

        row = await journey.row("human_judgment_records", record_id=first.record_id)
        assert row["superseded_by"] == second.record_id
        with pytest.raises(TransitionRefused, match="superseded by"):
            await journey.records.create(note, BY_HUMAN, supersedes=first.record_id)
        third, _ = await journey.records.create(
            note, BY_HUMAN, supersedes=second.record_id
        )
        assert third.supersedes == second.record_id

    async def test_what_is_superseded_is_there(self, journey):
        note = await noted(journey)

        with pytest.raises(NotFound, match="No record"):
            await journey.records.create(
                note, BY_HUMAN, supersedes=RecordId(f"rec_{ulid(99)}")
            )

    async def test_so_is_what_it_is_about(self, journey):
        note = await noted(journey)
        strange = replace(note, subject_refs=(loop_ref(LOOP_1, ABOUT),))

        with pytest.raises(NotFound, match="No Loop"):
            await journey.records.create(strange, BY_HUMAN)

    async def test_and_what_it_cites(self, journey):
        note = await noted(journey)

        with pytest.raises(EvidenceMissing, match="cannot be retrieved"):
            await journey.records.create(
                replace(note, evidence_refs=(SOME_HASH,)), BY_HUMAN
            )


class TestAttachments:
    """SPEC 5.6: a file under its hash, from a human, checked when it is given back."""

    async def test_it_is_given_back_as_it_came(self, journey):
        kept, _ = await journey.attachments.add(
            pieces(b"one", b"two"),
            filename="a.txt",
            media_type="text/plain",
            asked=BY_HUMAN,
        )

        known, found = await journey.attachments.content(kept.attachment_id)

        assert [each async for each in found] == [b"onetwo"]
        assert kept.content_hash == hash_bytes(b"onetwo")
        assert (known.filename, known.size_bytes) == ("a.txt", 6)

    async def test_the_same_bytes_are_kept_once_and_recorded_twice(self, journey):
        names = [
            (
                await journey.attachments.add(
                    pieces(b"same"),
                    filename=name,
                    media_type="text/plain",
                    asked=BY_HUMAN,
                )
            )[0].attachment_id
            for name in ("a.txt", "b.txt")
        ]

        assert len(set(names)) == 2
        assert len(journey.stage.attachment_bytes.keys()) == 1

    @pytest.mark.parametrize("by", [AGENT, SYSTEM], ids=str)
    async def test_nobody_else_adds_one(self, journey, by):
        with pytest.raises(AuthorityRequired):
            await journey.attachments.add(
                pieces(b"a"), filename="a", media_type="text/plain", asked=Asked(by=by)
            )

        assert not journey.stage.attachment_bytes.keys()

    async def test_nothing_is_no_file(self, journey):
        with pytest.raises(MalformedInput, match="0 bytes"):
            await journey.attachments.add(
                pieces(), filename="a", media_type="text/plain", asked=BY_HUMAN
            )

    async def test_one_that_is_too_large_is_not_read_to_its_end(self, journey):
        piece, taken = bytes(16 * 1024 * 1024), []

        async def endless():
            while True:
                taken.append(len(piece))
                yield piece

        with pytest.raises(AttachmentTooLarge, match="more than"):
            await journey.attachments.add(
                endless(), filename="a", media_type="text/plain", asked=BY_HUMAN
            )

        assert sum(taken) <= ATTACHMENT_BYTES_MAX + len(piece)
        assert not journey.stage.attachment_bytes.keys()

    async def test_one_that_was_changed_is_not_given_back(self, journey):
        kept, _ = await journey.attachments.add(
            pieces(b"true"), filename="a", media_type="text/plain", asked=BY_HUMAN
        )
        (key,) = journey.stage.attachment_bytes.keys()
        journey.stage.attachment_bytes.overwrite(key, b"false")

        _, found = await journey.attachments.content(kept.attachment_id)

        with pytest.raises(Unretrievable):
            await anext(found)

    async def test_one_that_nobody_added_is_not_found(self, journey):
        with pytest.raises(NotFound, match="No attachment"):
            await journey.attachments.content(AttachmentId(f"attach_{ulid(99)}"))
