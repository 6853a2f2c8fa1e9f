"""Restricted evidence in the log: who may read it, and who may have it erased."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import AuthorityRequired, MalformedInput
from sr_core.domain.evidence import Secrecy
from sr_core.domain.ids import parse_evidence_read_id
from sr_core.domain.refs import RefRelation
from sr_core.domain.restricted import (
    ERASER,
    RATIONALE_CHARS_MAX,
    READER,
    RELEASED,
    EraseEvidence,
    RestrictedEvidenceRead,
    authorise_erasure,
    authorise_reading,
    erase,
)
from sr_core.testing import SOME_HASH, ulid


def an_actor(kind: ActorKind, *roles: str) -> Actor:
    return Actor(kind, f"{kind}:someone", frozenset(roles))


READ_ONLY = an_actor(ActorKind.HUMAN, READER)
MAY_ERASE = an_actor(ActorKind.HUMAN, ERASER)
COMMAND = EraseEvidence(
    by=MAY_ERASE,
    content_hash=SOME_HASH,
    blob_names=("captured/stderr.log",),
    rationale=" It names a person. ",
)


class TestReading:
    @pytest.mark.parametrize("kind", ActorKind)
    def test_needs_the_role_and_nothing_else(self, kind):
        authorise_reading(an_actor(kind, READER))

        for roles in ((), (ERASER,), ("evidence:write",)):
            with pytest.raises(AuthorityRequired, match=READER):
                authorise_reading(an_actor(kind, *roles))

    def test_is_about_the_bundle(self):
        read = RestrictedEvidenceRead(
            read_id=parse_evidence_read_id(f"evread_{ulid(1)}"),
            content_hash=SOME_HASH,
            blob_name="captured/stderr.log",
            classification=Secrecy.RESTRICTED,
            outcome=RELEASED,
        )

        (ref,) = read.refs
        assert (ref.rel, ref.id) == (RefRelation.ABOUT, SOME_HASH)


class TestErasing:
    """R-ENC-14: by a human who may, once, with a reason."""

    @pytest.mark.parametrize(
        "by",
        [
            READ_ONLY,
            an_actor(ActorKind.HUMAN),
            an_actor(ActorKind.AGENT, ERASER),
            an_actor(ActorKind.SYSTEM, ERASER),
        ],
        ids=str,
    )
    def test_is_refused_to_others(self, by):
        with pytest.raises(AuthorityRequired, match="erasing restricted evidence"):
            authorise_erasure(by)
        with pytest.raises(AuthorityRequired):
            erase(None, replace(COMMAND, by=by))

    def test_is_recorded_with_what_and_why(self):
        (erased,) = erase(None, COMMAND)

        assert erased.content_hash == SOME_HASH
        assert erased.blob_names == COMMAND.blob_names
        assert erased.rationale == "It names a person."
        (ref,) = erased.refs
        assert (ref.rel, ref.id) == (RefRelation.ABOUT, SOME_HASH)

    def test_is_recorded_once(self):
        (erased,) = erase(None, COMMAND)

        assert erase(erased, COMMAND) == ()

    def test_of_what_is_not_sealed_means_nothing(self):
        with pytest.raises(MalformedInput, match="something is sealed"):
            erase(None, replace(COMMAND, blob_names=()))

    @pytest.mark.parametrize("rationale", ["", " \n", "x" * (RATIONALE_CHARS_MAX + 1)])
    def test_needs_a_reason(self, rationale):
        with pytest.raises(MalformedInput, match="rationale"):
            erase(None, replace(COMMAND, rationale=rationale))

    def test_takes_a_long_one(self):
        (erased,) = erase(None, replace(COMMAND, rationale="x" * RATIONALE_CHARS_MAX))

        assert len(erased.rationale) == RATIONALE_CHARS_MAX
