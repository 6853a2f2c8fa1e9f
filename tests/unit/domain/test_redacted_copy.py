"""The redacted copy of restricted evidence: who has it published, and what it tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import AuthorityRequired, MalformedInput
from sr_core.domain.redacted_copy import (
    REDACTER,
    PublishCopy,
    RedactedArtifact,
    RedactionManifest,
    authorise_redaction,
    publish,
    redactions_of,
)
from sr_core.domain.redaction import MARKER, redact
from sr_core.domain.redaction_rules import SecretKind
from sr_core.domain.refs import RefRelation, hash_bytes
from sr_core.domain.restricted import ERASER, RATIONALE_CHARS_MAX, READER
from sr_core.testing import SOME_HASH

COPY = hash_bytes(b"the redaction manifest")
ARTIFACT = RedactedArtifact(
    name="logs/run.txt",
    media_type="text/plain",
    size=3,
    content_hash=hash_bytes(b"abc"),
)
MANIFEST = RedactionManifest(
    original_bundle_hash=SOME_HASH,
    redacted_at="2026-01-09T12:00:00Z",
    redacted_by="alice",
    artifacts=(ARTIFACT,),
    redactions=redactions_of("logs/run.txt", redact(b"x\npwd=a\npwd=b").regions),
)
COMMAND = PublishCopy(
    by=Actor(ActorKind.HUMAN, "HUMAN:someone", frozenset({REDACTER})),
    redacted_bundle_hash=COPY,
    manifest=MANIFEST,
    rationale=" People outside have to see it. ",
)


class TestPublishing:
    def test_links_the_copy_to_the_original(self):
        (event,) = publish(COMMAND)

        assert (event.redacted_bundle_hash, event.original_bundle_hash) == (
            COPY,
            SOME_HASH,
        )
        assert (event.blob_names, event.regions) == (("logs/run.txt",), 2)
        assert event.rationale == "People outside have to see it."
        (ref,) = event.refs
        assert (ref.id, ref.rel) == (SOME_HASH, RefRelation.ABOUT)

    @pytest.mark.parametrize(
        ("kind", "role"),
        [
            (ActorKind.AGENT, REDACTER),
            (ActorKind.SYSTEM, REDACTER),
            (ActorKind.HUMAN, READER),
            (ActorKind.HUMAN, ERASER),
        ],
    )
    def test_is_for_humans_with_the_role(self, kind, role):
        by = Actor(kind, f"{kind}:someone", frozenset({role}))

        with pytest.raises(AuthorityRequired):
            authorise_redaction(by)
        with pytest.raises(AuthorityRequired):
            publish(replace(COMMAND, by=by))

    @pytest.mark.parametrize("rationale", ["", " \n", "x" * (RATIONALE_CHARS_MAX + 1)])
    def test_has_a_reason(self, rationale):
        with pytest.raises(MalformedInput, match="why it is published"):
            publish(replace(COMMAND, rationale=rationale))

    def test_is_of_something_sealed(self):
        manifest = replace(MANIFEST, artifacts=(), redactions=())

        with pytest.raises(MalformedInput, match="something is sealed"):
            publish(replace(COMMAND, manifest=manifest))


def test_a_redaction_says_where_in_both():
    first, second = MANIFEST.redactions

    assert (first.content_type, first.reasons) == (SecretKind.SECRET, ("password",))
    assert (first.offset, first.length) == (2, 5)
    assert (first.redacted_offset, first.redacted_length) == (2, len(MARKER))
    assert (second.offset, second.redacted_offset) == (8, 2 + len(MARKER) + 1)
