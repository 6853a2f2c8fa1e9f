"""Evidence bundles as files of signed evidence, for people outside (R-ATT-6, R-ATT-9).

    the store ──every byte re-hashed──▶ manifest ─┐
    the log   ──the events about it──▶ mentions ──┼──▶ two statements, signed ──▶ one file
    the checkpoints ──────────────▶ proof ────────┘

Nothing is taken on trust that can be read anew: what was lost, or is not as it was
recorded, is not exported. Nor is a file that does not hold when it is read back, as where
the manifest says otherwise than the event that recorded it (R-ATT-12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sr_core.application.attestation import RECORDING, verify
from sr_core.application.checkpoints import Archive, Covering
from sr_core.application.evidence import manifest_key, read_bundle
from sr_core.application.vault import Vault
from sr_core.codec.attestation import AttestationFile, LogEntry, write_file
from sr_core.codec.dsse import sealed
from sr_core.codec.envelope import Recorded, opened, rfc3339
from sr_core.codec.log_proof import LogProof, write_proof
from sr_core.codec.note import SigningKey
from sr_core.codec.statement import (
    BUNDLE_TYPE,
    PAYLOAD_TYPE,
    TEST_RESULT_TYPE,
    Statement,
    claim_json,
    test_result_json,
    write_statement,
)
from sr_core.codec.trust import TrustedKey
from sr_core.domain.attestation import (
    BundleClaim,
    CheckpointMention,
    EventMention,
    restriction,
    subjects_of,
    test_result_of,
)
from sr_core.domain.checkpoint import leaf_of
from sr_core.domain.errors import NotFound
from sr_core.domain.evidence import EvidenceManifest
from sr_core.domain.judging_errors import (
    EvidenceMissing,
    EvidenceRestricted,
    ManifestInvalid,
)
from sr_core.domain.merkle import inclusion_path
from sr_core.domain.refs import ContentHash, RefKind, hash_bytes
from sr_core.ports.checkpoints import LogUnsound
from sr_core.ports.clock import Clock
from sr_core.ports.content_store import ContentStore
from sr_core.ports.event_store import EventStore, StoredEvent, StreamId


@dataclass(frozen=True, kw_only=True)
class Exports:
    """Exports bundles of one deployment; without an archive, none has a proof."""

    log: EventStore
    evidence: ContentStore
    vault: Vault
    archive: Archive | None
    key: SigningKey
    clock: Clock

    async def export(self, bundle: ContentHash) -> bytes:
        """Return the file of signed evidence about the bundle.

        Raises:
            EvidenceMissing: a part of the bundle is not there as it was written.
            ManifestInvalid: what lies there is not the manifest of a whole bundle.
            EvidenceRestricted: it is not for everybody.
            NotFound: the log has no event that recorded it.
            LogUnsound: the log's event is not the one that was signed.
            AttestationInvalid: manifest and log do not say the same.
            Unavailable: no answer in time.

        """
        manifest = await self._manifest(bundle)
        if why := restriction(manifest):
            raise EvidenceRestricted(bundle=bundle, why=why)
        about = await self._about(bundle, manifest)
        recording = _recording(about, bundle)
        covering = None
        if self.archive is not None:
            covering = await self.archive.covering(recording.position)
        data = await self.evidence.get(manifest_key(bundle), expected=bundle)
        subjects = tuple(subjects_of(manifest, bundle))
        test_result = write_statement(
            Statement(
                predicate_type=TEST_RESULT_TYPE,
                subjects=subjects,
                predicate=test_result_json(test_result_of(manifest)),
            )
        )
        claim = BundleClaim(
            bundle=bundle,
            events=tuple(map(_mention, about)),
            checkpoint=_mentioned(covering),
            test_result=hash_bytes(test_result),
            signed_at=rfc3339(self.clock.now()),
        )
        statement = write_statement(
            Statement(
                predicate_type=BUNDLE_TYPE,
                subjects=subjects,
                predicate=claim_json(claim, data),
            )
        )
        return self._sealed(test_result, statement, recording, covering)

    def _sealed(
        self,
        test_result: bytes,
        statement: bytes,
        recording: StoredEvent,
        covering: Covering | None,
    ) -> bytes:
        """Return the file around the two statements, which holds when it is read."""
        proof = _proof(recording, covering) if covering else None
        file = write_file(
            AttestationFile(
                test_result=sealed(PAYLOAD_TYPE, test_result, self.key),
                bundle=sealed(PAYLOAD_TYPE, statement, self.key),
                entry=LogEntry(event=recording.envelope, proof=proof),
            )
        )
        verify(file, self._own_keys(has_proof=proof is not None))
        return file

    def _own_keys(self, *, has_proof: bool) -> Sequence[TrustedKey]:
        keys = [self.key.verifier]
        if self.archive is not None and has_proof:
            keys.append(self.archive.key)
        return [TrustedKey(key=each) for each in keys]

    async def _manifest(self, bundle: ContentHash) -> EvidenceManifest:
        """Return the manifest, after every byte of the bundle was read anew."""
        reading = await read_bundle(self.evidence, bundle, self.vault)
        if not reading.is_intact:
            raise EvidenceMissing(
                subject=bundle,
                evidence=[f"{name} is {state}" for name, state in reading.lost.items()],
            )
        if reading.flaw is not None or reading.manifest is None:
            assert reading.flaw is not None, "what is no manifest has a flaw"
            raise ManifestInvalid(defect=reading.flaw.defect, why=reading.flaw.why)
        return reading.manifest

    async def _about(
        self, bundle: ContentHash, manifest: EvidenceManifest
    ) -> Sequence[StoredEvent]:
        """Return the events that point at the bundle, in the history of its run."""
        boundary = await self.log.boundary_of(StreamId(f"run:{manifest.run_id}"))
        if boundary is None:
            raise NotFound(kind="run", identifier=manifest.run_id)
        history = await self.log.history(boundary)
        return [each for each in history.events if _is_about(opened(each), bundle)]


def _is_about(recorded: Recorded, bundle: ContentHash) -> bool:
    return any(
        (each.kind, each.id) == (RefKind.EVIDENCE_BUNDLE, bundle)
        for each in recorded.event.refs
    )


def _recording(about: Sequence[StoredEvent], bundle: ContentHash) -> StoredEvent:
    found = [each for each in about if each.event_type == RECORDING]
    if not found:
        raise NotFound(kind="record of the evidence bundle", identifier=bundle)
    assert len(found) == 1, "a bundle is recorded once"
    return found[0]


def _mention(stored: StoredEvent) -> EventMention:
    recorded = opened(stored)
    return EventMention(
        position=stored.position,
        event_id=stored.event_id,
        event_type=stored.event_type,
        occurred_at=rfc3339(recorded.occurred_at),
        envelope_hash=stored.envelope_hash,
    )


def _mentioned(covering: Covering | None) -> CheckpointMention | None:
    if covering is None:
        return None
    return CheckpointMention(
        origin=covering.checkpoint.origin,
        size=covering.checkpoint.size,
        root=covering.checkpoint.root.hex(),
    )


def _proof(recording: StoredEvent, covering: Covering) -> str:
    """Return the proof that the event is in the checkpoint, or raise `LogUnsound`."""
    leaves, position = covering.leaves, recording.position
    if leaves.at(position) != leaf_of(position, recording.envelope_hash):
        raise LogUnsound(why=f"its event at {position} is not the one that was signed")
    index = position - 1
    return write_proof(
        LogProof(
            index=index,
            path=inclusion_path(leaves.before, leaves.hashes, index),
            note=covering.note,
        )
    )
