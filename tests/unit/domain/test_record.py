"""Notes (C-TB-7, C-EVT-3): what people think, which binds nobody."""

from dataclasses import replace
from typing import Any

import pytest

from sr_core.domain.errors import AuthorityRequired, MalformedInput, TransitionRefused
from sr_core.domain.ids import RecordId
from sr_core.domain.record import (
    CreateRecord,
    Note,
    RecordCreated,
    Records,
    RecordSuperseded,
    RecordType,
    decide,
    evolve,
)
from sr_core.domain.ref_builders import loop_ref
from sr_core.domain.refs import RefKind, RefRelation, hash_bytes
from sr_core.testing import AGENT, HUMAN, LOOP_1, SOME_HASH, SYSTEM, ulid

FIRST, SECOND, THIRD = (RecordId(f"rec_{ulid(each)}") for each in (1, 2, 3))
NOTE = Note(
    record_type=RecordType.EVALUATION_NOTE,
    subject_refs=(loop_ref(LOOP_1, RefRelation.ABOUT),),
    evidence_refs=(SOME_HASH,),
    content="the tests say little",
)


def writing(record_id: RecordId = FIRST, **changes: Any) -> CreateRecord:
    command = CreateRecord(
        by=HUMAN,
        record_id=record_id,
        note=NOTE,
        content_hash=hash_bytes(record_id.encode()),
    )
    return replace(command, **changes)


def folded(records: Records, *commands: CreateRecord) -> Records:
    for command in commands:
        for event in decide(records, command):
            records = evolve(records, event)
    return records


class TestWriting:
    """SPEC 5.5: a human, about something, in words."""

    def test_it_is_recorded_as_written(self):
        assert decide(Records(), writing()) == (
            RecordCreated(
                record_id=FIRST,
                record_type=RecordType.EVALUATION_NOTE,
                subject_refs=NOTE.subject_refs,
                evidence_refs=(SOME_HASH,),
                content="the tests say little",
                details={},
                content_hash=hash_bytes(FIRST.encode()),
                supersedes=None,
            ),
        )

    def test_it_is_about_its_subject_and_rests_on_its_evidence(self):
        (event,) = decide(Records(), writing())

        assert [(each.kind, each.rel) for each in event.refs] == [
            (RefKind.LOOP, RefRelation.ABOUT),
            (RefKind.EVIDENCE_BUNDLE, RefRelation.SUPPORTED_BY),
        ]

    @pytest.mark.parametrize("by", [AGENT, SYSTEM], ids=str)
    def test_only_humans_write(self, by):
        with pytest.raises(AuthorityRequired, match="writing a note needs"):
            decide(Records(), writing(by=by))

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"subject_refs": ()}, "at least one typed ref"),
            ({"subject_refs": (loop_ref(LOOP_1),)}, "rel of the subject"),
            ({"content": " \n"}, "what the note says"),
            ({"details": {"impact": "none"}}, r"found \['impact'\]"),
        ],
        ids=["no subject", "another relation", "no words", "of another type"],
    )
    def test_it_is_whole(self, changes, told):
        with pytest.raises(MalformedInput, match=told):
            decide(Records(), writing(note=replace(NOTE, **changes)))

    @pytest.mark.parametrize(
        ("record_type", "names"),
        [
            (RecordType.EVALUATION_NOTE, {"severity", "recommendations"}),
            (RecordType.ASSESSMENT_NOTE, {"fitness_judgment", "context"}),
            (RecordType.INTERVENTION_NOTE, {"actions_taken", "impact"}),
        ],
    )
    def test_each_type_holds_its_own(self, record_type, names):
        note = replace(
            NOTE, record_type=record_type, details=dict.fromkeys(names, "as told")
        )

        (event,) = decide(Records(), writing(note=note))

        assert isinstance(event, RecordCreated)
        assert event.details.keys() == names


class TestSuperseding:
    """C-EVT-3: nothing is changed; a later version takes its place, once."""

    def test_the_later_one_says_so_of_the_earlier(self):
        before = folded(Records(), writing())

        created, superseded = decide(before, writing(SECOND, supersedes=FIRST))

        assert isinstance(created, RecordCreated)
        assert created.supersedes == FIRST
        assert superseded == RecordSuperseded(
            record_id=FIRST,
            record_type=RecordType.EVALUATION_NOTE,
            content_hash=hash_bytes(FIRST.encode()),
            new_record_id=SECOND,
            new_content_hash=hash_bytes(SECOND.encode()),
        )
        assert [(each.id, each.rel) for each in superseded.refs] == [
            (FIRST, RefRelation.SUPERSEDES),
            (SECOND, RefRelation.RELATES_TO),
        ]

    def test_only_the_latest_is_superseded(self):
        before = folded(Records(), writing(), writing(SECOND, supersedes=FIRST))

        with pytest.raises(TransitionRefused, match=f"superseded by {SECOND}"):
            decide(before, writing(THIRD, supersedes=FIRST))
        assert decide(before, writing(THIRD, supersedes=SECOND))

    def test_it_stays_of_its_type(self):
        before = folded(Records(), writing())
        note = replace(NOTE, record_type=RecordType.ASSESSMENT_NOTE)

        with pytest.raises(MalformedInput, match="record_type"):
            decide(before, writing(SECOND, supersedes=FIRST, note=note))
