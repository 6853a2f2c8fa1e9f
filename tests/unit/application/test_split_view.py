"""R-ATT-10: who shows one history to some and another to others is found out."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import rfc8785
from tests.attested import KEYS, LOG_KEY, event_of, forged, payload_of
from tests.unit.application.conftest import Desk
from tests.unit.application.test_attestation import (
    EVIDENCE_ONLY,
    Files,
    files,
    place,
    with_event,
)

from sr_core.application import split_view
from sr_core.application.attestation import verify
from sr_core.application.split_view import check_one_story
from sr_core.codec.checkpoint import write_checkpoint
from sr_core.codec.log_proof import LogProof, write_proof
from sr_core.domain.checkpoint import Checkpoint, leaf_of
from sr_core.domain.judging_errors import SplitView
from sr_core.domain.merkle import Frontier, frontier_of, inclusion_path
from sr_core.domain.refs import ContentHash

__all__ = ["files"]

pytestmark = pytest.mark.anyio


def retold(files: Files, *, size: int, origin: str = "solver-ralph/log") -> bytes:
    """A file of the same bundle out of a log that tells another story of it."""
    event = event_of(files.proven) | {"correlation_id": "corr-other"}
    data = rfc8785.dumps(event)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    position = place(files.proven)
    leaves = [*files.leaves, *([bytes(32)] * (size - len(files.leaves)))]
    leaves[position - 1] = leaf_of(position, ContentHash(digest))
    root = frontier_of(leaves, before=Frontier()).root
    proof = LogProof(
        index=position - 1,
        path=inclusion_path(Frontier(), leaves, position - 1),
        note=write_checkpoint(Checkpoint(origin=origin, size=size, root=root), LOG_KEY),
    )

    def claim(statement: Any) -> None:
        statement["predicate"]["checkpoint"] = {
            "origin": origin,
            "size": size,
            "root": root.hex(),
        }

    return forged(
        with_event(files.proven, event),
        bundle=claim,
        entry=lambda entry: entry.update(proof=write_proof(proof)),
    )


class TestTwoStories:
    """R-ATT-10: each file holds, and together they are the proof."""

    async def test_of_one_size_are_found_out(self, files, monkeypatch):
        other = retold(files, size=len(files.leaves))
        both = {"a": verify(files.proven, KEYS), "b": verify(other, KEYS)}

        with pytest.raises(SplitView, match=r"^a and b: the root of .* at 18 events"):
            check_one_story(both)
        monkeypatch.setattr(split_view, "_same_place", lambda *_: iter(()))
        check_one_story(both)

    async def test_of_one_place_are_found_out(self, files):
        other = retold(files, size=len(files.leaves) + 3)
        both = {"a": verify(files.proven, KEYS), "b": verify(other, KEYS)}

        with pytest.raises(SplitView, match=r"^a and b: the event of .* at 16: "):
            check_one_story(both)

    async def test_are_not_told_by_one_log_that_grew(self, files, desk):
        await desk.journey.complete()
        grown = Desk(desk.journey)
        await grown.sign(3)
        later = await grown.export()

        assert payload_of(later, 2)["predicate"]["checkpoint"]["size"] > 18
        check_one_story(
            {
                "a": verify(files.proven, KEYS),
                "b": verify(files.proven, KEYS),
                "c": verify(later, KEYS),
                "d": verify(files.alone, EVIDENCE_ONLY),
            }
        )

    async def test_are_not_told_by_two_logs(self, files):
        other = retold(files, size=len(files.leaves), origin="another/log")

        check_one_story({"a": verify(files.proven, KEYS), "b": verify(other, KEYS)})
