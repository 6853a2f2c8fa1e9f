"""Whatever is asked, in whatever order: what is decided folds, and is never illegal.

Exceptions, approvals, freezes and notes are driven by random acts. A refusal names the
state and what it allows; what is recorded never leaves the lines of SPEC 4.5.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sr_core.domain import dossier
from sr_core.domain.approval import ApprovalDecision, ApprovalRecorded
from sr_core.domain.errors import MalformedInput, Refused, TransitionRefused
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.freeze import FreezeRecordCreated
from sr_core.domain.governed_exception import (
    ExceptionActivated,
    ExceptionExpired,
    ExceptionPhase,
    ExceptionResolved,
)
from sr_core.domain.ids import RecordId
from sr_core.domain.integrity import Portal
from sr_core.domain.record import (
    CreateRecord,
    Note,
    Records,
    RecordType,
    decide,
    evolve,
)
from sr_core.domain.ref_builders import loop_ref
from sr_core.domain.refs import RefRelation, hash_bytes
from sr_core.domain.verification import CandidateVerificationComputed
from sr_core.testing import BUILD, HUMAN, LOOP_1, Story, ulid

LINES = {
    (ExceptionPhase.CREATED, ExceptionActivated),
    (ExceptionPhase.CREATED, ExceptionResolved),
    (ExceptionPhase.ACTIVE, ExceptionResolved),
    (ExceptionPhase.ACTIVE, ExceptionExpired),
}
ACTS: dict[str, Callable[[Story], object]] = {
    "waiver": Story.draw_up_waiver,
    "deviation": Story.draw_up_deviation,
    "deferral": Story.draw_up_deferral,
    "activate": Story.activate,
    "resolve": Story.resolve,
    "lapse": Story.lapse,
    "fail": lambda story: story.judge({BUILD: ResultStatus.FAIL}),
    "pass": lambda story: story.judge(),
    "silence": lambda story: story.judge({BUILD: None}),
    "lose": Story.lose_evidence,
    "verify": Story.verify,
    "approve": Story.approve,
    "reject": lambda story: story.approve(ApprovalDecision.REJECTED),
    "accept": lambda story: story.approve(portal=Portal.EXCEPTION),
    "freeze": Story.freeze,
    "another": lambda story: story.register({"b": b"other"}),
}


def says_what_it_allows(refusal: Exception) -> bool:
    if not isinstance(refusal, TransitionRefused):
        return True
    return "refuses" in str(refusal) and "it allows" in str(refusal)


def has_what_it_needs(story: Story, act: str) -> bool:
    needs: dict[str, Any] = {
        "activate": story.dossier.exceptions,
        "resolve": story.dossier.exceptions,
        "lapse": story.dossier.exceptions,
        "freeze": story.dossier.approvals,
        "lose": story.dossier.runs and story.run.evidence,
    }
    return bool(needs.get(act, True))


@given(acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=30))
@settings(max_examples=150, deadline=None)
def test_what_is_decided_folds_and_no_line_is_left(acts):
    story = Story().open().iterate().register().judge({BUILD: ResultStatus.FAIL})
    for act in acts:
        if not has_what_it_needs(story, act):
            continue
        before = story.dossier
        known = len(story.log)
        try:
            ACTS[act](story)
        except (Refused, MalformedInput) as refusal:
            was_silent = len(story.log) == known and says_what_it_allows(refusal)
        else:
            was_silent = True
        assert was_silent, "a refusal records nothing, and says what is allowed"
        for event in story.log[known:]:
            if isinstance(
                event, ExceptionActivated | ExceptionResolved | ExceptionExpired
            ):
                was = before.exceptions[event.exception_id].phase
                assert (was, type(event)) in LINES
        before = story.dossier
    assert dossier.fold(story.log) == story.dossier


@given(acts=st.lists(st.sampled_from(sorted(ACTS)), max_size=40))
@settings(max_examples=150, deadline=None)
def test_nothing_is_released_that_was_not_verified_last(acts):
    story = Story().open().iterate().register()
    for act in ["pass", *acts]:
        if has_what_it_needs(story, act):
            with suppress(Refused, MalformedInput):
                ACTS[act](story)
    verified: dict[str, bool] = {}
    approved: dict[str, str] = {}
    for event in story.log:
        match event:
            case CandidateVerificationComputed():
                status = event.verification_status
                verified[event.candidate_id] = status.is_verified
            case ApprovalRecorded(candidate_id=str(name)) if event.releases(name):
                assert verified[name], "approved though not verified"
                approved[event.approval_id] = name
            case FreezeRecordCreated():
                assert verified[event.candidate_id], "frozen though not verified"
                assert approved[event.release_approval_id] == event.candidate_id
            case _:
                pass


@given(choices=st.lists(st.integers(min_value=0, max_value=9), max_size=20))
@settings(max_examples=150, deadline=None)
def test_of_a_note_only_the_latest_version_is_superseded(choices):
    records, made = Records(), [RecordId(f"rec_{ulid(0)}")]
    for event in decide(records, writing(made[0], None)):
        records = evolve(records, event)
    for number, choice in enumerate(choices, start=1):
        target = made[choice % len(made)]
        fresh = RecordId(f"rec_{ulid(number)}")
        is_latest = target == made[-1]
        if not is_latest:
            with pytest.raises(TransitionRefused, match="it allows nothing"):
                decide(records, writing(fresh, target))
            continue
        for event in decide(records, writing(fresh, target)):
            records = evolve(records, event)
        made.append(fresh)
    heads = [each for each in records.versions.values() if each.superseded_by is None]
    assert [each.record_id for each in heads] == [made[-1]]


def writing(record_id: RecordId, supersedes: RecordId | None) -> CreateRecord:
    note = Note(
        record_type=RecordType.EVALUATION_NOTE,
        subject_refs=(loop_ref(LOOP_1, RefRelation.ABOUT),),
        evidence_refs=(),
        content="as seen",
    )
    return CreateRecord(
        by=HUMAN,
        record_id=record_id,
        note=note,
        content_hash=hash_bytes(record_id.encode()),
        supersedes=supersedes,
    )
