"""Definitions: laid down by humans, version by version (SPEC 2.3, 5.6, C-TB-1)."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.domain.config_definition import (
    Definitions,
    RecordDefinition,
    Turn,
    TypeKey,
    decide,
    fold,
)
from sr_core.domain.errors import AuthorityRequired, MalformedInput, NotFound, Refused
from sr_core.domain.ids import ConfigId
from sr_core.domain.refs import hash_bytes
from sr_core.domain.work_errors import DefinitionTaken, StarterFixed
from sr_core.testing import AGENT, BYSTANDER, HUMAN, SOME_HASH, SYSTEM, ulid

OTHER_HASH = hash_bytes(b"another definition")
RECORD = RecordDefinition(
    by=HUMAN,
    config_id=ConfigId(f"cfg_{ulid(1)}"),
    type_key=TypeKey.AGENT_DEFINITION,
    name="worker-1",
    definition={"id": "worker-1"},
    content_hash=SOME_HASH,
)
NONE = Definitions()


@pytest.fixture
def once() -> Definitions:
    return fold(decide(NONE, RECORD))


class TestAuthority:
    """C-TB-1: only a human with the governance role lays anything down."""

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_nobody_else(self, by):
        with pytest.raises(AuthorityRequired, match=r"recording a config\.agent"):
            decide(NONE, replace(RECORD, by=by))


class TestVersions:
    """SPEC 5.6: a version stays, and a later one follows it."""

    def test_the_first(self, once):
        assert once.latest.version == 1
        assert once.latest.definition == {"id": "worker-1"}
        assert once.latest.refs == ()

    def test_the_next_follows(self, once):
        after = fold(decide(once, replace(RECORD, content_hash=OTHER_HASH)), once)

        assert [each.version for each in after.versions] == [1, 2]
        assert after.of_hash(SOME_HASH) == once.latest
        assert after.latest == after.versions[1]
        assert after.of_hash(hash_bytes(b"never recorded")) is None

    @pytest.mark.parametrize("turn", [Turn.ANY, Turn.FIRST])
    def test_the_same_again_is_refused(self, once, turn):
        with pytest.raises(DefinitionTaken, match="with that content"):
            decide(once, replace(RECORD, turn=turn))

    def test_a_first_version_where_there_is_one_is_refused(self, once):
        command = replace(RECORD, content_hash=OTHER_HASH, turn=Turn.FIRST)

        with pytest.raises(DefinitionTaken, match="is recorded already"):
            decide(once, command)

    def test_a_next_version_where_there_is_none_is_refused(self):
        with pytest.raises(NotFound, match="worker-1"):
            decide(NONE, replace(RECORD, turn=Turn.NEXT))

    def test_a_next_version_that_changes_nothing_is_none(self, once):
        assert decide(once, replace(RECORD, turn=Turn.NEXT)) == ()

    def test_a_next_version_that_changes_something(self, once):
        command = replace(RECORD, content_hash=OTHER_HASH, turn=Turn.NEXT)

        assert decide(once, command)[0].version == 2

    def test_a_version_from_before_may_be_laid_down_again(self, once):
        after = fold(decide(once, replace(RECORD, content_hash=OTHER_HASH)), once)

        assert decide(after, RECORD)[0].version == 3

    def test_what_is_shipped_stays(self):
        with pytest.raises(StarterFixed, match="worker-1"):
            decide(NONE, replace(RECORD, is_shipped=True))

    @pytest.mark.parametrize("name", ["", " ", "a/b", "a\n", "x" * 129, "../x", ":x"])
    def test_a_name_is_one(self, name):
        with pytest.raises(MalformedInput, match=r"name of a config\.agent_definition"):
            decide(NONE, replace(RECORD, name=name))


@given(
    st.lists(
        st.tuples(st.sampled_from(Turn), st.sampled_from("abc")),
        max_size=10,
    )
)
def test_whatever_is_asked_versions_count_up_and_none_repeats_the_last(asked):
    known = NONE
    for turn, text in asked:
        command = replace(RECORD, turn=turn, content_hash=hash_bytes(text.encode()))
        try:
            known = fold(decide(known, command), known)
        except Refused:
            continue
    hashes = [each.content_hash for each in known.versions]
    assert [each.version for each in known.versions] == [*range(1, len(hashes) + 1)]
    assert all(one != other for one, other in itertools.pairwise(hashes))
