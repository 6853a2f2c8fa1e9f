"""The checks `sealed`, `not_in_clear` and `commanded`: claims about what is restricted."""

from dataclasses import replace

import pytest
from tests.unit.judge.conftest import (
    BLOB,
    bundle_of,
    claim,
    did,
    healed,
    judgement,
    landed,
    last_judged,
    logged,
    lookup,
    read,
    tale,
)

from pytest_sr.history import ObjectSeen
from pytest_sr.scenario import Verdict
from pytest_sr.world.clear import SECRET

PASS, FAIL, INVALID = Verdict.PASS, Verdict.FAIL, Verdict.INVALID
CONTAINER = "c" * 64
ARTIFACT = {
    "name": "secret.txt",
    "content_hash": f"sha256:{CONTAINER}",
    "size": 7,
    "is_sealed": True,
    "classification": "RESTRICTED",
}


def stored(*versions: int, **changed: object) -> tuple[str, dict[str, ObjectSeen]]:
    """A bundle with something sealed, and its key records under these KEK versions."""
    bundle, objects = bundle_of(artifacts=[{**ARTIFACT, **changed}])
    named = bundle.removeprefix("sha256:")
    container = ObjectSeen(sha256=f"sha256:{CONTAINER}", size=7)
    record = ObjectSeen(sha256=f"sha256:{'d' * 64}", size=400)
    folder = f"case-restricted/keys/{named}/{CONTAINER}"
    return bundle, {
        **objects,
        f"case-restricted/sha256/{named}/blobs/{CONTAINER}": container,
        **{f"{folder}/{each:010d}.kek-case": record for each in versions},
    }


def sealed(bundle: str, objects: dict[str, ObjectSeen], *versions: str) -> Verdict:
    asked = claim("sealed", sealed=bundle, kek_versions=versions)
    return last_judged(tale(did("it"), read(objects)), asked).verdict


class TestSealed:
    """R-ENC-13: whether something is sealed is told by the manifest, not by a key."""

    def test_a_container_and_its_record_pass(self):
        assert sealed(*stored(1), "1") is PASS

    def test_records_are_counted_by_their_versions(self):
        assert sealed(*stored(10, 9), "9", "10") is PASS
        assert sealed(*stored(1), "2") is FAIL
        assert sealed(*stored(1, 2), "2") is FAIL
        assert sealed(*stored(), "1") is FAIL

    def test_none_is_claimed_with_an_empty_list(self):
        assert sealed(*stored()) is PASS
        assert sealed(*stored(1)) is FAIL

    @pytest.mark.parametrize(
        "changed",
        [
            {"is_sealed": False},
            {"is_sealed": "true"},
            {"classification": "CONFIDENTIAL"},
            {"name": "another.txt"},
        ],
        ids=str,
    )
    def test_what_the_manifest_says_otherwise_fails(self, changed):
        assert sealed(*stored(1, **changed), "1") is FAIL

    @pytest.mark.parametrize(
        "changed",
        [{"sha256": f"sha256:{'e' * 64}"}, {"size": 8}],
        ids=["bytes", "size"],
    )
    def test_another_container_fails(self, changed):
        bundle, objects = stored(1)
        (at,) = (key for key in objects if key.endswith(f"/blobs/{CONTAINER}"))

        assert (
            sealed(bundle, {**objects, at: replace(objects[at], **changed)}, "1")
            is FAIL
        )

    def test_a_container_in_the_bucket_of_what_is_open_fails(self):
        bundle, objects = stored(1)
        moved = {
            key.replace("case-restricted/sha256", "case-evidence/sha256"): each
            for key, each in objects.items()
        }

        assert sealed(bundle, moved, "1") is FAIL

    def test_a_manifest_that_is_not_there_or_another_fails(self):
        bundle, objects = stored(1)
        (at,) = (key for key in objects if key.endswith("manifest.json"))
        other = {**objects, at: replace(objects[at], sha256=f"sha256:{'0' * 64}")}

        assert sealed(f"sha256:{'0' * 64}", objects, "1") is FAIL
        assert sealed(bundle, other, "1") is FAIL
        assert sealed(bundle, {}, "1") is FAIL

    def test_a_store_that_nobody_read_is_invalid(self):
        asked = claim("sealed", sealed="sha256:0", kek_versions=())

        assert last_judged(tale(did("it")), asked).verdict is INVALID


def clear(what: str, *parts, during=None) -> Verdict:
    asked = claim("not_in_clear", not_in_clear=what, during=during)
    faults = (during,) if during else ()
    return judgement(tale(*parts), asked, faults=faults).claims[-1].verdict


SEEN = ObjectSeen(sha256=f"sha256:{'0' * 64}", size=len(BLOB))


class TestNotInClear:
    """R-ENC-17: what is secret is in no store, log or answer that it does not belong in."""

    def test_objects_are_looked_at_in_every_sample(self):
        fine, bad = {"a/b": SEEN}, {"a/b": replace(SEEN, in_clear=True)}

        assert clear("store", did("it"), read(fine)) is PASS
        assert clear("store", did("it"), read(bad), read(fine)) is FAIL

    def test_events_are_looked_at_with_their_refs(self):
        ref = {"kind": "Note", "rel": "about", "id": SECRET.decode()}

        assert clear("log", did("it"), logged("LoopCreated", goal="g")) is PASS
        assert (
            clear("log", did("it"), logged("LoopCreated", goal=[SECRET.hex()])) is FAIL
        )
        assert clear("log", did("it"), logged("LoopCreated", refs=(ref,))) is FAIL

    def test_answers_are_looked_at_within_their_part(self):
        def told():
            return did("it", body={"content": SECRET.decode()})

        assert clear("answers", did("it")) is PASS
        assert clear("answers", told()) is FAIL
        during = (landed("f"), did("it"), healed("f"))
        assert clear("answers", told(), *during, during="f") is PASS
        within = (landed("f"), told(), healed("f"))
        assert clear("answers", *within, during="f") is FAIL

    @pytest.mark.parametrize("what", ["store", "log", "answers"])
    def test_where_there_is_nothing_it_is_invalid(self, what):
        assert clear(what) is INVALID


class TestCommanded:
    """What an operator's command came to is told by its failure."""

    @pytest.mark.parametrize(
        ("ended", "claimed", "verdict"),
        [
            ("", "", PASS),
            ("KEK_MISSING", "KEK_MISSING", PASS),
            ("KEK_MISSING", "", FAIL),
            ("", "KEK_MISSING", FAIL),
        ],
    )
    def test_it_is_compared(self, ended, claimed, verdict):
        asked = claim("commanded", commanded=lookup("it"), failure=claimed)

        assert last_judged(tale(did("it", failure=ended)), asked).verdict is verdict

    def test_what_is_no_command_is_invalid(self):
        asked = claim("commanded", commanded=lookup("it"), failure="")

        assert last_judged(tale(did("it")), asked).verdict is INVALID
