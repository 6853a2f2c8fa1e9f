"""Governed artifacts (C-META-2, C-TB-4): what is in effect, and what is current."""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.domain import governed_artifact
from sr_core.domain.artifact_metadata import NormativeStatus, parse_artifact_id
from sr_core.domain.errors import (
    AuthorityRequired,
    GovernanceApprovalRequired,
    MalformedInput,
    VersionTaken,
)
from sr_core.domain.governed_artifact import (
    AdoptManifest,
    GovernanceApproval,
    GovernedArtifacts,
    RegisterVersion,
    changed_roots,
)
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.domain.ids import ApprovalId
from sr_core.testing import (
    AGENT,
    BYSTANDER,
    GOVERNED,
    HUMAN,
    PLATFORM,
    SYSTEM,
    build_document,
    build_entry,
    build_governed,
    ulid,
)

APPROVAL = ApprovalId(f"appr_{ulid(1)}")


def spec(text: str = "Some text.", version: str = "1.0.0") -> bytes:
    return build_document("SR-SPEC", version=version, text=text)


def started_with(**documents: bytes) -> GovernedManifest:
    return build_governed(**documents)


@dataclass
class Telling:
    """Commands given one after the other, and what they came to."""

    known: GovernedArtifacts = field(default_factory=GovernedArtifacts)

    def give(self, command):
        events = governed_artifact.decide(self.known, command)
        self.known = governed_artifact.fold(events, self.known)
        return events

    def start(self, manifest=GOVERNED):
        return self.give(AdoptManifest(by=PLATFORM, manifest=manifest))

    def register(self, data: bytes = b"", **changes):
        return self.give(registration(data, **changes))


def registration(data: bytes = b"", **changes) -> RegisterVersion:
    entry = build_entry(data or spec(text="new", version="1.1.0"))
    metadata = replace(entry.metadata, **changes.pop("metadata", {}))
    return RegisterVersion(
        **{
            "by": HUMAN,
            "metadata": metadata,
            "content_hash": entry.content_hash,
            "is_current": False,
            **changes,
        }
    )


def approved(data: bytes = b"", **changes) -> RegisterVersion:
    """Ask for a version to be made current, with an approval that carries it."""
    given = registration(data, is_current=True, approval_id=APPROVAL)
    approval = GovernanceApproval(
        approval_id=APPROVAL,
        portal="GovernanceChangePortal",
        decision="APPROVED",
        subjects=frozenset({("SR-SPEC", given.content_hash)}),
    )
    return replace(given, approval=replace(approval, **changes))


@pytest.fixture
def telling():
    return Telling()


class TestNames:
    """C-META-1: a document has an identifier that fits into a line and an address."""

    @pytest.mark.parametrize("text", ["a", "SR-CONTRACT", "gov:a.b_c-1", "a" * 128])
    def test_one_is_read(self, text):
        assert parse_artifact_id(text) == text

    @pytest.mark.parametrize(
        "text", ["", "-a", "a b", "a/b", "a" * 129, "a\n"], ids=repr
    )
    def test_anything_else_is_refused(self, text):
        with pytest.raises(MalformedInput, match="artifact id"):
            parse_artifact_id(text)


class TestStarting:
    """SPEC 8.2: a start records what is news, and nothing twice."""

    def test_the_first_records_every_document(self, telling):
        events = telling.start()

        assert [each.artifact_id for each in events] == [
            each.doc_id for each in GOVERNED.artifacts
        ]
        assert {(each.in_effect, each.is_current) for each in events} == {(True, False)}
        assert all(each.supersedes == () for each in events)

    def test_another_with_the_same_bytes_records_nothing(self, telling):
        telling.start()

        assert telling.start() == ()

    def test_changed_bytes_are_a_version_that_follows_the_one_before(self, telling):
        (before,) = [each for each in telling.start() if each.artifact_id == "SR-SPEC"]

        (event,) = telling.start(started_with(SR_SPEC=spec("new", "1.1.0")))

        assert (event.artifact_id, event.version) == ("SR-SPEC", "1.1.0")
        assert event.supersedes == (before.content_hash,)
        assert telling.known.in_effect("SR-SPEC") == event

    def test_bytes_changed_under_the_same_number_are_one_too(self, telling):
        telling.start()

        (event,) = telling.start(started_with(SR_SPEC=spec("quietly")))

        assert event.version == "1.0.0"
        assert telling.known.in_effect("SR-SPEC") == event

    def test_bytes_that_come_back_are_in_effect_again(self, telling):
        telling.start()
        telling.start(started_with(SR_SPEC=spec("new")))

        (event,) = telling.start()

        assert telling.known.in_effect("SR-SPEC") == event
        assert len(telling.known.recorded["SR-SPEC"]) == 3

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=["human", "agent"])
    def test_only_the_system_starts(self, telling, by):
        with pytest.raises(AuthorityRequired, match="SYSTEM"):
            telling.give(AdoptManifest(by=by, manifest=GOVERNED))


class TestStaleness:
    """C-EVT-6: what was replaced is the root of what is stale."""

    def test_the_first_start_replaces_nothing(self, telling):
        events = telling.start()

        assert changed_roots(GovernedArtifacts(), events) == ()
        assert telling.known.replaced() == ()

    def test_a_change_names_the_version_that_was_in_effect(self, telling):
        telling.start()
        known = telling.known
        before = known.in_effect("SR-SPEC")
        assert before is not None

        events = telling.start(started_with(SR_SPEC=spec("new")))

        (root,) = changed_roots(known, events)
        assert (root.kind, root.id, root.rel) == (
            "GovernedArtifact",
            "SR-SPEC",
            "root_cause",
        )
        assert root.meta["content_hash"] == before.content_hash
        assert telling.known.replaced() == (root,)

    def test_what_a_human_registers_replaces_nothing_yet(self, telling):
        telling.start()
        known = telling.known

        events = telling.give(approved())

        assert changed_roots(known, events) == ()
        assert telling.known.replaced() == ()


class TestRegistering:
    """SPEC 2.3: who may record a version, and make it current."""

    @pytest.mark.parametrize("by", [HUMAN, BYSTANDER, SYSTEM])
    def test_one_that_is_not_current_takes_no_approval(self, telling, by):
        (event,) = telling.register(by=by)

        assert (event.is_current, event.in_effect) == (False, False)
        assert telling.known.current("SR-SPEC") is None
        assert telling.known.in_effect("SR-SPEC") is None
        assert telling.known.version("SR-SPEC", event.content_hash) == event

    @pytest.mark.parametrize("is_current", [True, False])
    @pytest.mark.parametrize("status", ["normative", "directional"])
    def test_no_agent_records_any(self, telling, is_current, status):
        with pytest.raises(AuthorityRequired):
            telling.register(
                by=AGENT,
                is_current=is_current,
                metadata={"normative_status": NormativeStatus(status)},
            )

    @pytest.mark.parametrize("by", [SYSTEM, AGENT, BYSTANDER])
    def test_only_a_steward_makes_a_normative_one_current(self, telling, by):
        with pytest.raises(AuthorityRequired):
            telling.give(replace(approved(), by=by))

    @pytest.mark.parametrize("by", [SYSTEM, HUMAN, BYSTANDER])
    def test_what_binds_nobody_is_made_current_without(self, telling, by):
        metadata = {"normative_status": NormativeStatus.DIRECTIONAL}

        (event,) = telling.register(by=by, is_current=True, metadata=metadata)

        assert telling.known.current("SR-SPEC") == event

    def test_with_an_approval_of_it_a_normative_one_is_current(self, telling):
        (event,) = telling.give(approved())

        assert telling.known.current("SR-SPEC") == event
        assert [(each.kind, each.rel) for each in event.refs] == [
            ("GovernedArtifact", "about"),
            ("Approval", "approved_by"),
        ]

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"portal": "ReleaseApprovalPortal"}, "was given at ReleaseApprovalPortal"),
            ({"decision": "REJECTED"}, "says REJECTED"),
            ({"decision": "DEFERRED"}, "says DEFERRED"),
            ({"subjects": frozenset()}, "is about something else"),
            (
                {
                    "subjects": frozenset(
                        {("SR-SPEC", build_entry(spec()).content_hash)}
                    )
                },
                "is about something else",
            ),
            (
                {
                    "subjects": frozenset(
                        {("SR-TYPES", registration().content_hash)},
                    )
                },
                "is about something else",
            ),
        ],
    )
    def test_another_approval_does_not_carry_it(self, telling, changes, why):
        with pytest.raises(GovernanceApprovalRequired, match=why):
            telling.give(approved(**changes))

    def test_without_an_approval_it_is_not(self, telling):
        with pytest.raises(GovernanceApprovalRequired, match="none is named"):
            telling.register(is_current=True)

    def test_an_approval_that_nobody_recorded_is_none(self, telling):
        with pytest.raises(GovernanceApprovalRequired, match="is not recorded"):
            telling.give(replace(approved(), approval=None))

    def test_an_approval_that_is_not_needed_is_refused(self, telling):
        with pytest.raises(MalformedInput, match="approval_id"):
            telling.register(approval_id=APPROVAL)

    def test_what_is_in_effect_can_be_made_current(self, telling):
        telling.start()
        command = approved(spec())

        (event,) = telling.give(command)

        assert telling.known.current("SR-SPEC") == event
        in_effect = telling.known.in_effect("SR-SPEC")
        assert in_effect is not None
        assert in_effect.content_hash == event.content_hash

    def test_what_is_current_stays_so_when_it_is_started_with(self, telling):
        (event,) = telling.give(approved())

        telling.start(started_with(SR_SPEC=spec(text="new", version="1.1.0")))

        assert telling.known.current("SR-SPEC") == event

    def test_the_same_version_is_not_recorded_twice(self, telling):
        telling.register()

        with pytest.raises(VersionTaken, match=r"1\.1\.0 is recorded with these bytes"):
            telling.register()

    def test_nor_made_current_twice(self, telling):
        telling.give(approved())

        with pytest.raises(VersionTaken):
            telling.give(approved())

    def test_a_number_names_one_text(self, telling):
        telling.register()

        with pytest.raises(VersionTaken, match="is recorded already, with the bytes"):
            telling.register(spec("other", "1.1.0"))

    def test_it_takes_the_place_of_versions_that_are_recorded(self, telling):
        (before,) = telling.register()
        after = spec("newer", "1.2.0")

        (event,) = telling.register(
            after, metadata={"supersedes": (before.content_hash,)}
        )

        assert event.supersedes == (before.content_hash,)

    def test_and_of_no_others(self, telling):
        with pytest.raises(MalformedInput, match="supersedes"):
            telling.register(metadata={"supersedes": ("1.0.0",)})


STARTS = {each: build_governed(SR_SPEC=spec(each)) for each in "abc"}
TEXTS = st.lists(st.sampled_from("abc"), min_size=1, max_size=8)


class TestAlways:
    """C-META-2: one version at most is in effect, and one at most current."""

    @given(TEXTS)
    def test_the_last_start_is_what_is_in_effect(self, texts):
        telling = Telling()
        for text in texts:
            telling.start(STARTS[text])

        in_effect = telling.known.in_effect("SR-SPEC")

        assert in_effect is not None
        assert in_effect.content_hash == STARTS[texts[-1]].artifacts[4].content_hash
        changes = sum(before != after for before, after in pairwise(texts))
        assert len(telling.known.replaced()) == changes
