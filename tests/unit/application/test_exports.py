"""Exported evidence: what leaves the platform, and what does not (R-ATT-6, R-ATT-9)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace

import pytest
from tests.attested import (
    KEYS,
    LOG_KEY,
    event_of,
    independent,
    lines_of,
    payload_of,
)
from tests.unit.application.conftest import Desk

from sr_core.adapters.memory.checkpoints import MemoryCheckpointStore
from sr_core.application.attestation import verify
from sr_core.application.evidence import blob_key, manifest_key, write_bundle
from sr_core.codec.checkpoint import (
    checkpoint_key,
    leaves_key,
    write_checkpoint,
    write_leaves,
)
from sr_core.codec.envelope import Seal, opened, seal
from sr_core.codec.manifest import parse_manifest
from sr_core.domain.attestation import ENCRYPTION_RECORD
from sr_core.domain.checkpoint import Checkpoint, Leaves, leaf_of
from sr_core.domain.errors import NotFound
from sr_core.domain.judging_errors import (
    AttestationInvalid,
    EvidenceMissing,
    EvidenceRestricted,
    ManifestInvalid,
)
from sr_core.domain.merkle import Frontier
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.domain.run_events import EvidenceBundleRecorded as Recorded
from sr_core.ports.checkpoints import LogUnsound
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.event_store import BEGINNING, Batch, StreamId
from sr_core.testing import NOON, PLATFORM, PerishableStore, ulid

pytestmark = pytest.mark.anyio


class TestAFile:
    async def test_holds_for_us_and_for_others(self, desk, tmp_path):
        await desk.sign(3, 7)

        file = await desk.export()

        bundle = await desk.bundle()
        assert verify(file, KEYS).claim.bundle == bundle
        assert independent([file], tmp_path) == [f"held: {bundle}: PASSED"]

    async def test_names_the_candidate_the_manifest_and_the_blobs(self, desk):
        file = await desk.export()

        bundle = await desk.bundle()
        stored = desk.journey.stage.evidence_bytes
        manifest = await stored.get(manifest_key(bundle), expected=bundle)
        said = {
            each["name"]: each["digest"]["sha256"]
            for each in payload_of(file, 1)["subject"]
        }
        blobs = {
            f"blobs/{each['name']}": hashlib.sha256(
                await stored.get(
                    blob_key(bundle, each["content_hash"]),
                    expected=each["content_hash"],
                )
            ).hexdigest()
            for each in json.loads(manifest)["artifacts"]
        }
        assert said == {
            "candidate": desk.journey.candidate_id.split("|")[0][7:],
            "manifest.json": hashlib.sha256(manifest).hexdigest(),
            **blobs,
        }
        assert len(blobs) > 3
        assert payload_of(file, 2)["subject"] == payload_of(file, 1)["subject"]

    async def test_says_of_the_tests_what_in_toto_has_words_for(self, desk):
        file = await desk.export()

        said = payload_of(file, 1)
        suite = (await desk.journey.row("runs", run_id=desk.journey.run_id))[
            "oracle_suite_hash"
        ]
        assert said["predicateType"] == (
            "https://in-toto.io/attestation/test-result/v0.1"
        )
        assert said["predicate"] == {
            "result": "PASSED",
            "configuration": [
                {"name": "suite:SR-SUITE-CORE", "digest": {"sha256": suite[7:]}}
            ],
            "passedTests": [
                "oracle:build",
                "oracle:integrity_smoke",
                "oracle:sbom",
                "oracle:unit_tests",
            ],
            "warnedTests": [],
            "failedTests": [],
        }

    async def test_names_the_events_about_the_bundle_and_holds_the_recording_one(
        self, desk
    ):
        file = await desk.export()

        mentioned = payload_of(file, 2)["predicate"]["events"]
        stored = await desk.journey.stage.log.read(after=BEGINNING, limit=1000)
        by_position = {each.position: each for each in stored}
        assert [each["event_type"] for each in mentioned] == [
            "EvidenceBundleRecorded",
            "RunCompleted",
            "CandidateVerificationComputed",
        ]
        for each in mentioned:
            envelope = by_position[each["position"]].envelope
            digest = hashlib.sha256(envelope).hexdigest()
            assert each["envelope_hash"] == f"sha256:{digest}"
        assert event_of(file) == json.loads(
            by_position[mentioned[0]["position"]].envelope
        )

    async def test_has_no_proof_where_no_checkpoint_is_of_it(self, desk):
        unsigned = await desk.export()
        desk.exports = replace(desk.exports, archive=None)
        alone = await desk.export()

        for file in (unsigned, alone):
            assert lines_of(file)[2]["proof"] is None
            assert payload_of(file, 2)["predicate"]["checkpoint"] is None
            assert verify(file, KEYS[:1]).checkpoint is None

    async def test_is_proven_in_the_first_checkpoint_of_it(self, desk):
        await desk.sign(2, 8)
        first = await desk.export()
        position = payload_of(first, 2)["predicate"]["events"][0]["position"]

        checkpoint = payload_of(first, 2)["predicate"]["checkpoint"]

        assert position > 8
        assert checkpoint["size"] == len(
            await desk.journey.stage.log.read(after=BEGINNING, limit=1000)
        )
        proof = lines_of(first)[2]["proof"]
        assert proof.startswith(f"c2sp.org/tlog-proof@v1\nindex {position - 1}\n")

    async def test_is_in_base64_that_others_can_read(self, desk):
        file = await desk.export()

        for line in lines_of(file)[:2]:
            assert line["payloadType"] == "application/vnd.in-toto+json"
            assert json.loads(base64.b64decode(line["payload"]))["_type"] == (
                "https://in-toto.io/Statement/v1"
            )


class TestWhatDoesNotLeave:
    async def test_a_bundle_with_a_part_that_is_lost(self, desk):
        store, bundle = desk.journey.stage.evidence_bytes, await desk.bundle()
        blob = next(each for each in stored_keys(store) if "/blobs/" in each)
        store.lose(blob)

        with pytest.raises(EvidenceMissing, match="is MISSING"):
            await desk.exports.export(bundle)

    async def test_a_bundle_with_a_part_that_was_changed(self, desk):
        store = desk.journey.stage.evidence_bytes
        blob = next(each for each in stored_keys(store) if "/blobs/" in each)
        store.overwrite(blob, b"something else")

        with pytest.raises(EvidenceMissing, match="is CORRUPTED"):
            await desk.export()

    async def test_what_is_no_manifest(self, desk):
        data = b'{"artifact_type":"something"}'
        bundle = hash_bytes(data)
        await desk.journey.stage.evidence_bytes.put(manifest_key(bundle), data)

        with pytest.raises(ManifestInvalid, match="WRONG_TYPE"):
            await desk.exports.export(bundle)

    async def test_a_bundle_that_nobody_recorded(self, desk):
        manifest, blobs = await stored_bundle(desk)
        stray = replace(manifest, bundle_id="bundle_other")
        store = desk.journey.stage.evidence_bytes
        bundle = await write_bundle(store, stray, blobs)
        foreign = replace(manifest, run_id=f"run_{ulid(999)}")
        foreign = await write_bundle(store, foreign, blobs)

        with pytest.raises(NotFound, match="record of the evidence bundle"):
            await desk.exports.export(bundle)
        with pytest.raises(NotFound, match="run"):
            await desk.exports.export(foreign)

    @pytest.mark.parametrize("classed", ["RESTRICTED", "CONFIDENTIAL", "SECRET"])
    async def test_a_bundle_that_is_classified(self, desk, classed):
        manifest, blobs = await stored_bundle(desk)
        secret = replace(manifest, metadata={"classification": classed})
        bundle = await write_bundle(desk.journey.stage.evidence_bytes, secret, blobs)

        with pytest.raises(EvidenceRestricted, match=f"classified {classed}"):
            await desk.exports.export(bundle)

    @pytest.mark.parametrize("classed", ["PUBLIC", "INTERNAL"])
    async def test_but_what_is_for_everybody_does(self, desk, classed):
        """The control: it is the class that is looked at, not that there is one."""
        manifest, blobs = await stored_bundle(desk)
        plain = replace(manifest, metadata={"classification": classed})
        bundle = await write_bundle(desk.journey.stage.evidence_bytes, plain, blobs)
        await record_too(desk, bundle)

        file = await desk.exports.export(bundle)

        assert verify(file, KEYS[:1]).claim.bundle == bundle

    async def test_a_bundle_that_is_encrypted(self, desk):
        manifest, blobs = await stored_bundle(desk)
        first = manifest.artifacts[0]
        sealed = replace(
            manifest,
            results=(),
            artifacts=(*manifest.artifacts, replace(first, name=ENCRYPTION_RECORD)),
        )
        blobs = {**blobs, ENCRYPTION_RECORD: blobs[first.name]}
        bundle = await write_bundle(desk.journey.stage.evidence_bytes, sealed, blobs)

        with pytest.raises(EvidenceRestricted, match="holds __encryption_metadata__"):
            await desk.exports.export(bundle)

    async def test_a_bundle_whose_event_is_not_the_one_that_was_signed(self, desk):
        await desk.sign()
        events = await desk.journey.stage.log.read(after=BEGINNING, limit=1000)
        hashes = [leaf_of(each.position, each.envelope_hash) for each in events]
        hashes[payload_position(await desk.export()) - 1] = bytes(32)
        leaves = Leaves(before=Frontier(), hashes=tuple(hashes))
        size = len(hashes)
        note = Checkpoint(origin="solver-ralph/log", size=size, root=leaves.after.root)
        desk.notes = MemoryCheckpointStore()
        await desk.notes.put(leaves_key(size), write_leaves(leaves))
        await desk.notes.put(checkpoint_key(size), write_checkpoint(note, LOG_KEY))
        archive = replace(desk.exports.archive, store=desk.notes)

        with pytest.raises(LogUnsound, match="is not the one that was signed"):
            await replace(desk.exports, archive=archive).export(await desk.bundle())

    @pytest.mark.parametrize("key", [checkpoint_key, leaves_key])
    async def test_a_bundle_whose_checkpoint_was_changed(self, desk, key):
        await desk.sign()
        size = len(await desk.journey.stage.log.read(after=BEGINNING, limit=1000))
        notes = MemoryCheckpointStore()
        for each in (checkpoint_key(size), leaves_key(size)):
            (kept,) = await desk.notes.kept(each)
            data = await desk.notes.first(kept)
            if each == key(size):
                data = data[:-40] + bytes(40)
            await notes.put(each, data)
        archive = replace(desk.exports.archive, store=notes)

        with pytest.raises(LogUnsound):
            await replace(desk.exports, archive=archive).export(await desk.bundle())

    async def test_a_manifest_that_says_otherwise_than_the_log(self, desk):
        """R-ATT-12: what the runner recorded counts, not what a manifest says."""
        manifest, blobs = await stored_bundle(desk)
        lying = replace(manifest, candidate_id=f"sha256:{64 * '0'}|cand_{ulid(1)}")
        bundle = await write_bundle(desk.journey.stage.evidence_bytes, lying, blobs)
        await record_too(desk, bundle)

        with pytest.raises(AttestationInvalid, match="line 3: event: payload"):
            await desk.exports.export(bundle)


async def record_too(desk: Desk, bundle: ContentHash) -> None:
    """Append an event that records another bundle for the same run."""
    log = desk.journey.stage.log
    boundary = await log.boundary_of(StreamId(f"run:{desk.journey.run_id}"))
    assert boundary is not None
    history = await log.history(boundary)
    own = [each for each in history.events if each.stream_id.startswith("run:")]
    (recorded,) = (
        each.event for each in map(opened, own) if isinstance(each.event, Recorded)
    )
    with_ = Seal(
        event_id="evt_too",
        stream_seq=own[-1].stream_seq + 1,
        by=PLATFORM,
        occurred_at=NOON,
        correlation_id=None,
        causation_id=None,
    )
    event = seal(replace(recorded, content_hash=bundle), with_, ())
    await log.append(
        Batch(boundary=boundary, expected=history.position, events=(event,))
    )


def payload_position(file: bytes) -> int:
    position: int = payload_of(file, 2)["predicate"]["events"][0]["position"]
    return position


def stored_keys(store: PerishableStore) -> tuple[ObjectKey, ...]:
    return store.keys()


async def stored_bundle(desk: Desk):
    """The manifest and the blobs of the bundle that was recorded."""
    bundle, store = await desk.bundle(), desk.journey.stage.evidence_bytes
    manifest = parse_manifest(await store.get(manifest_key(bundle), expected=bundle))
    blobs = {
        each.name: await store.get(
            blob_key(bundle, each.content_hash), expected=each.content_hash
        )
        for each in manifest.artifacts
    }
    return manifest, blobs
