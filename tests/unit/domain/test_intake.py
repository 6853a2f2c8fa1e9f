"""Intakes: drafted, fixed by their hash, forked, archived (SPEC 4.7, 7.10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.definitions import hash_intake
from sr_core.domain.errors import (
    AuthorityRequired,
    MalformedInput,
    Refused,
    TransitionRefused,
)
from sr_core.domain.ids import IntakeId, WorkUnitId
from sr_core.domain.intake import (
    ActivateIntake,
    ArchiveIntake,
    CreateIntake,
    Deliverable,
    ForkIntake,
    Intake,
    IntakeActivated,
    IntakeArchived,
    IntakeChanges,
    IntakeCommand,
    IntakeEvent,
    IntakeForked,
    IntakePhase,
    IntakeUpdated,
    UpdateIntake,
    WorkKind,
    decide,
    fold,
)
from sr_core.domain.refs import RefRelation
from sr_core.domain.work_errors import IntakeTaken
from sr_core.testing import AGENT, DIRECTIVE, HUMAN, SYSTEM
from sr_core.testing.work import build_intake, build_intake_content

FIRST = IntakeId(f"intake:{1:026d}")
SECOND = IntakeId(f"intake:{2:026d}")
CONTENT = build_intake_content()
HASH = hash_intake(CONTENT)
CREATE = CreateIntake(by=HUMAN, intake_id=FIRST, content=CONTENT)
ACTIVATE = ActivateIntake(by=HUMAN, content_hash=HASH)
ARCHIVE = ArchiveIntake(by=HUMAN, reason="done with")
RETITLE = UpdateIntake(by=HUMAN, changes=IntakeChanges(title="Another"))

ALLOWED = {
    IntakePhase.DRAFT: "ActivateIntake, UpdateIntake",
    IntakePhase.ACTIVE: "ArchiveIntake, ForkIntake",
    IntakePhase.ARCHIVED: "ForkIntake",
}


def named(command: object) -> str:
    return type(command).__name__


def after(*commands: IntakeCommand) -> Intake:
    state: Intake | None = None
    for each in (CREATE, *commands):
        state = fold(decide(state, each), state)
    assert state is not None
    return state


def folded(events: Iterable[IntakeEvent], onto: Intake) -> Intake:
    state = fold(events, onto)
    assert state is not None
    return state


def in_phase(phase: IntakePhase) -> Intake:
    way = {
        IntakePhase.DRAFT: (),
        IntakePhase.ACTIVE: (ACTIVATE,),
        IntakePhase.ARCHIVED: (ACTIVATE, ARCHIVE),
    }
    return after(*way[phase])


class TestLifecycle:
    """SPEC 4.7: draft, active, archived, and never back."""

    def test_a_new_one_is_the_first_version_of_a_draft(self):
        draft = after()

        assert (draft.phase, draft.version, draft.supersedes) == (
            IntakePhase.DRAFT,
            1,
            None,
        )
        assert draft.content_hash is None

    def test_activation_fixes_the_hash(self):
        (event,) = decide(after(), ACTIVATE)

        assert event == IntakeActivated(
            intake_id=FIRST, content_hash=HASH, canonical_json_hash=HASH
        )
        assert event.refs[0].meta == {"content_hash": HASH}
        assert folded([event], after()).content_hash == HASH

    def test_archiving_tells_why(self):
        archived = in_phase(IntakePhase.ARCHIVED)

        assert archived.phase is IntakePhase.ARCHIVED
        assert archived.content_hash == HASH

    def test_no_reason_need_be_given(self):
        active = in_phase(IntakePhase.ACTIVE)

        (event,) = decide(active, ArchiveIntake(by=HUMAN))

        assert event == IntakeArchived(intake_id=FIRST, reason=None)
        assert event.refs == ()

    def test_an_empty_reason_is_none(self):
        with pytest.raises(MalformedInput, match="reason"):
            decide(in_phase(IntakePhase.ACTIVE), ArchiveIntake(by=HUMAN, reason=" "))

    @pytest.mark.parametrize("phase", IntakePhase)
    @pytest.mark.parametrize("command", [RETITLE, ACTIVATE, ARCHIVE], ids=named)
    def test_what_a_phase_does_not_allow_is_refused(self, phase, command):
        name = type(command).__name__
        state = in_phase(phase)

        if name in ALLOWED[phase]:
            assert decide(state, command)
        else:
            with pytest.raises(TransitionRefused) as refused:
                decide(state, command)
            assert f"{FIRST} is {phase}, which refuses {name}" in str(refused.value)
            assert f"it allows {ALLOWED[phase]}" in str(refused.value)

    @pytest.mark.parametrize("command", [RETITLE, ACTIVATE, ARCHIVE], ids=named)
    def test_before_the_first_there_is_nothing_to_change(self, command):
        with pytest.raises(TransitionRefused, match="CreateIntake"):
            decide(None, command)

    @pytest.mark.parametrize(
        "command",
        [CREATE, ForkIntake(by=HUMAN, intake_id=FIRST, source=build_intake())],
        ids=["create", "fork"],
    )
    def test_nothing_begins_twice(self, command):
        with pytest.raises(TransitionRefused, match=FIRST):
            decide(after(), command)

    def test_two_active_ones_cannot_say_the_same(self):
        command = replace(ACTIVATE, taken_by=SECOND)

        with pytest.raises(IntakeTaken, match=SECOND):
            decide(after(), command)


class TestAuthority:
    """C-TB-2: an agent drafts, and others fix."""

    @pytest.mark.parametrize("by", [HUMAN, AGENT, SYSTEM], ids=str)
    def test_anyone_drafts(self, by):
        assert decide(None, replace(CREATE, by=by))
        assert decide(after(), replace(RETITLE, by=by))

    @pytest.mark.parametrize("command", [ACTIVATE, ARCHIVE], ids=named)
    def test_an_agent_does_not_fix_or_retire(self, command):
        with pytest.raises(AuthorityRequired, match="a HUMAN or the SYSTEM"):
            decide(after(), replace(command, by=AGENT))

    def test_the_system_does(self):
        assert decide(after(), replace(ACTIVATE, by=SYSTEM))


class TestUpdate:
    """SPEC 4.7: a draft is edited, field by field."""

    def test_only_what_changes_is_recorded(self):
        changes = IntakeChanges(title="Another", audience=CONTENT.audience)

        (event,) = decide(after(), UpdateIntake(by=HUMAN, changes=changes))

        assert event == IntakeUpdated(
            intake_id=FIRST, changes=IntakeChanges(title="Another")
        )
        assert folded([event], after()).content == replace(CONTENT, title="Another")
        assert event.refs == ()

    def test_what_is_said_already_changes_nothing(self):
        changes = IntakeChanges(title=CONTENT.title)

        assert decide(after(), UpdateIntake(by=HUMAN, changes=changes)) == ()

    def test_new_inputs_are_referred_to(self):
        changes = IntakeChanges(inputs=(DIRECTIVE,))

        (event,) = decide(after(), UpdateIntake(by=HUMAN, changes=changes))

        assert event.refs == (DIRECTIVE,)

    def test_a_change_to_what_cannot_be_is_refused(self):
        changes = IntakeChanges(title="two\nlines")

        with pytest.raises(MalformedInput, match="title"):
            decide(after(), UpdateIntake(by=HUMAN, changes=changes))


class TestFork:
    """SPEC 4.7: what is fixed goes on as the next version."""

    @pytest.mark.parametrize("phase", [IntakePhase.ACTIVE, IntakePhase.ARCHIVED])
    def test_it_starts_from_its_source_and_supersedes_it(self, phase):
        source = in_phase(phase)

        (event,) = decide(None, ForkIntake(by=AGENT, intake_id=SECOND, source=source))

        assert isinstance(event, IntakeForked)
        forked = fold([event])
        assert forked == Intake(
            intake_id=SECOND, content=CONTENT, version=2, supersedes=FIRST
        )
        (ref,) = event.refs
        assert (ref.id, ref.rel, ref.meta) == (
            FIRST,
            RefRelation.SUPERSEDES,
            {"content_hash": HASH},
        )

    def test_a_draft_is_edited_instead(self):
        command = ForkIntake(by=HUMAN, intake_id=SECOND, source=after())

        with pytest.raises(TransitionRefused, match=f"{FIRST} is draft"):
            decide(None, command)


class TestContent:
    """SPEC 7.10: every field has its form and its bound."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("work_unit_id", WorkUnitId("0001")),
            ("title", ""),
            ("title", "x" * 501),
            ("objective", "one.\ntwo."),
            ("audience", " "),
            ("constraints", ("",)),
            ("constraints", ("x",) * 101),
            ("unknowns", ("x" * 20_001,)),
            ("completion_criteria", (" ",)),
            ("definitions", {"": "a meaning"}),
            ("definitions", {"term": ""}),
            ("definitions", {str(each): "x" for each in range(101)}),
            ("inputs", (DIRECTIVE,) * 101),
        ],
        ids=lambda each: repr(each)[:40],
    )
    def test_what_is_out_of_bounds_is_refused_by_name(self, field, value):
        with pytest.raises(MalformedInput) as refused:
            build_intake_content(**{field: value})

        assert field.replace("_id", "").replace("_", " ").split()[0] in str(
            refused.value
        ).replace("_", " ")

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("format", "a\nb"),
            ("path", "/etc/passwd"),
            ("path", "a/../b"),
            ("path", "x" * 513),
            ("description", " "),
        ],
    )
    def test_a_deliverable_lies_where_work_may_put_it(self, field, value):
        good = {"name": "memo", "format": "markdown", "path": "candidate/main.md"}

        with pytest.raises(MalformedInput, match=field):
            Deliverable(**{**good, field: value})

    def test_two_deliverables_do_not_share_a_place(self):
        memo = Deliverable(
            name="memo", format="markdown", path="a.md", description="what is known"
        )

        with pytest.raises(MalformedInput, match="each one once"):
            build_intake_content(deliverables=(memo, memo))

    def test_inputs_are_referred_to(self):
        content = build_intake_content(inputs=(DIRECTIVE,))

        (event,) = decide(None, replace(CREATE, content=content))

        assert event.refs == (DIRECTIVE,)


class TestHash:
    """SPEC 1.2: the hash covers every field of the content, and nothing else."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("work_unit_id", WorkUnitId("WU-2")),
            ("title", "x"),
            ("kind", WorkKind.ANALYSIS_REPORT),
            ("objective", "x"),
            ("audience", "x"),
            ("deliverables", (Deliverable(name="x", format="x", path="x"),)),
            ("constraints", ("x",)),
            ("definitions", {"x": "x"}),
            ("inputs", (DIRECTIVE,)),
            ("unknowns", ("x",)),
            ("completion_criteria", ("x",)),
        ],
    )
    def test_each_field_counts(self, field, value):
        assert hash_intake(build_intake_content(**{field: value})) != HASH

    def test_the_order_of_terms_does_not(self):
        one = build_intake_content(definitions={"a": "1", "b": "2"})
        other = build_intake_content(definitions={"b": "2", "a": "1"})

        assert hash_intake(one) == hash_intake(other)


commands = st.sampled_from(
    [
        RETITLE,
        ACTIVATE,
        ARCHIVE,
        CREATE,
        replace(ACTIVATE, by=AGENT),
        replace(ACTIVATE, taken_by=SECOND),
        UpdateIntake(by=AGENT, changes=IntakeChanges(title="A third")),
        UpdateIntake(by=HUMAN, changes=IntakeChanges(title="")),
    ]
)


@given(st.lists(commands, max_size=8))
def test_whatever_is_asked_only_what_is_allowed_comes_of_it(asked):
    """Phases only go on, and what is fixed stays as it was."""
    order = [*IntakePhase]
    said: list[tuple[str, IntakePhase]] = []
    state = after()
    for command in asked:
        before = state
        try:
            state = folded(decide(state, command), state)
        except TransitionRefused as refused:
            said.append((str(refused), before.phase))
        except (Refused, MalformedInput):
            assert state == before
        assert order.index(state.phase) >= order.index(before.phase)
        if before.phase is not IntakePhase.DRAFT:
            assert state.content == before.content
            assert state.content_hash == before.content_hash
    assert all(
        f"is {phase}" in text and f"allows {ALLOWED[phase]}" in text
        for text, phase in said
    )
