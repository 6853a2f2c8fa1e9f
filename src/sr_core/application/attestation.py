"""Whether a file of signed evidence holds, by itself and a list of keys (R-ATT-6, 7, 9).

    bytes ──form──▶ envelopes ──signatures──▶ statements ──CHECKS──▶ Attested

No clock, no network and no settings: the same file and keys give the same answer for
ever. Each check is one function, and each is needed: there is a file that it alone
refuses. The first that does not hold is told, with where, what was found, and what was
expected in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from sr_core.codec.attestation import (
    AttestationFile,
    Recording,
    read_file,
    read_recording,
)
from sr_core.codec.checkpoint import read_checkpoint
from sr_core.codec.dsse import Envelope
from sr_core.codec.log_proof import LogProof, read_proof
from sr_core.codec.manifest import parse_manifest
from sr_core.codec.note import Purpose, signer_of
from sr_core.codec.statement import (
    BUNDLE_TYPE,
    PAYLOAD_TYPE,
    TEST_RESULT_TYPE,
    Statement,
    read_claim,
    read_statement,
    test_result_json,
)
from sr_core.codec.trust import TrustedKey, parse_time
from sr_core.domain.attestation import (
    BundleClaim,
    CheckpointMention,
    EventMention,
    subjects_of,
    test_result_of,
)
from sr_core.domain.checkpoint import Checkpoint, leaf_of
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import EvidenceManifest, defects, strangeness
from sr_core.domain.judging_errors import AttestationInvalid, SignerNotTrusted
from sr_core.domain.merkle import root_by_path
from sr_core.domain.refs import hash_bytes

RECORDING: Final = "EvidenceBundleRecorded"
FOUND_CHARS_MAX: Final = 400
"""How much of what is no file of ours is told of it."""


@dataclass(frozen=True, kw_only=True)
class Attested:
    """What a file says, once it is read; it holds when every check has passed.

    `checkpoint` is what the proof's note says, whoever signed it; it and `proof` are None
    where the file has no proof.
    """

    file: AttestationFile
    keys: tuple[TrustedKey, ...]
    test_result: Statement
    bundle: Statement
    claim: BundleClaim
    manifest: EvidenceManifest
    manifest_bytes: bytes
    recording: Recording
    proof: LogProof | None
    checkpoint: Checkpoint | None

    @property
    def mention(self) -> EventMention:
        """The recording event, as the claim names it."""
        return _recorded(self.claim)

    def trusted(self, label: str, purpose: Purpose) -> TrustedKey | None:
        """Return the key of that name and hash, if it is believed for the purpose."""
        return _trusted(self.keys, label, purpose)


EnvelopeCheck: TypeAlias = Callable[
    [Envelope, Sequence[TrustedKey]], Iterator[AttestationInvalid]
]
"""Given an envelope and the keys, what is wrong, with the place inside the envelope."""
Check: TypeAlias = Callable[[Attested], Iterator[AttestationInvalid]]
"""Given what is said, what is wrong."""


def verify(data: bytes, keys: Sequence[TrustedKey]) -> Attested:
    """Return what the file in `data` says, all of which holds by `keys`.

    Raises:
        AttestationInvalid: something does not hold; the message says where.
        SignerNotTrusted: it is signed by a key that is not believed for that, or then.
        EventNotUnderstood: it is of a later release, and cannot be judged by this one.

    """
    try:
        return _verified(data, tuple(keys))
    except AttestationInvalid:
        raise
    except MalformedInput as error:
        raise AttestationInvalid(
            field=error.field,
            found=str(error.value)[:FOUND_CHARS_MAX],
            expected=error.expected,
        ) from error


def _verified(data: bytes, keys: tuple[TrustedKey, ...]) -> Attested:
    file = read_file(data)
    for line, envelope in ((1, file.test_result), (2, file.bundle)):
        for check_envelope in ENVELOPE_CHECKS:
            for wrong in check_envelope(envelope, keys):
                raise _on(line, wrong)
    attested = _opened(file, keys)
    for check in CHECKS:
        for wrong in check(attested):
            raise wrong
    return attested


def _opened(file: AttestationFile, keys: tuple[TrustedKey, ...]) -> Attested:
    test_result = read_statement(file.test_result.payload, what="line 1: payload")
    bundle = read_statement(file.bundle.payload, what="line 2: payload")
    claim, manifest_bytes = read_claim(
        bundle.predicate, what="line 2: payload: predicate"
    )
    proof = checkpoint = None
    if file.entry.proof is not None:
        proof = read_proof(file.entry.proof, what="line 3: proof")
        checkpoint = _checkpoint(proof, keys)
    return Attested(
        file=file,
        keys=keys,
        test_result=test_result,
        bundle=bundle,
        claim=claim,
        manifest=parse_manifest(manifest_bytes),
        manifest_bytes=manifest_bytes,
        recording=read_recording(
            file.entry.event,
            position=_recorded(claim).position,
            what="line 3: event",
        ),
        proof=proof,
        checkpoint=checkpoint,
    )


def _checkpoint(proof: LogProof, keys: Sequence[TrustedKey]) -> Checkpoint:
    """Return what the proof's note says; one of the keys has signed it."""
    where = "line 3: proof: checkpoint"
    label = signer_of(proof.note, what=where)
    trusted = _trusted(keys, label, Purpose.CHECKPOINT)
    if trusted is None:
        raise _stranger(where, label, keys, Purpose.CHECKPOINT)
    return read_checkpoint(proof.note, trusted.key, what=where)


def _has_its_type(
    envelope: Envelope, keys: Sequence[TrustedKey]
) -> Iterator[AttestationInvalid]:
    del keys
    if envelope.payload_type != PAYLOAD_TYPE:
        yield AttestationInvalid(
            field="payloadType", found=envelope.payload_type, expected=PAYLOAD_TYPE
        )


def _is_signed(
    envelope: Envelope, keys: Sequence[TrustedKey]
) -> Iterator[AttestationInvalid]:
    trusted = _trusted(keys, envelope.key_id, Purpose.EVIDENCE)
    if trusted is None:
        yield _stranger("signature", envelope.key_id, keys, Purpose.EVIDENCE)
    elif not trusted.key.has_signed(envelope.signed_bytes, envelope.signature):
        yield AttestationInvalid(
            field="signature",
            found="one that is not over this payload and its type",
            expected=f"what {trusted.key.label} has signed",
        )


ENVELOPE_CHECKS: tuple[EnvelopeCheck, ...] = (_has_its_type, _is_signed)


def _is_believed_then(it: Attested) -> Iterator[AttestationInvalid]:
    """Each key signs in its time; that is the time at which the claim was signed."""
    moment = parse_time(it.claim.signed_at, field="line 2: payload: signed_at")
    signers = [
        ("line 1: signature", it.file.test_result.key_id, Purpose.EVIDENCE),
        ("line 2: signature", it.file.bundle.key_id, Purpose.EVIDENCE),
    ]
    if it.proof is not None:
        where = "line 3: proof: checkpoint"
        signers.append(
            (where, signer_of(it.proof.note, what=where), Purpose.CHECKPOINT)
        )
    for where, label, purpose in signers:
        trusted = it.trusted(label, purpose)
        if trusted is not None and (why := trusted.objection(moment)):
            yield SignerNotTrusted(
                field=where,
                found=f"{label} at {it.claim.signed_at}",
                expected=f"a key that is believed at that time: {why}",
            )


def _is_signed_last(it: Attested) -> Iterator[AttestationInvalid]:
    """Nothing is attested before it has happened, so no old key speaks of a new bundle."""
    moment = parse_time(it.claim.signed_at, field="line 2: payload: signed_at")
    for each in it.claim.events:
        where = f"line 2: payload: event {each.position}: occurred_at"
        if parse_time(each.occurred_at, field=where) > moment:
            yield AttestationInvalid(
                field="line 2: payload: signed_at",
                found=it.claim.signed_at,
                expected=f"a time after {each.event_id}, which occurred at"
                f" {each.occurred_at}",
            )


def _has_its_predicates(it: Attested) -> Iterator[AttestationInvalid]:
    for line, statement, wanted in (
        (1, it.test_result, TEST_RESULT_TYPE),
        (2, it.bundle, BUNDLE_TYPE),
    ):
        if statement.predicate_type != wanted:
            yield AttestationInvalid(
                field=f"line {line}: payload: predicateType",
                found=statement.predicate_type,
                expected=wanted,
            )


def _belongs_together(it: Attested) -> Iterator[AttestationInvalid]:
    actual = hash_bytes(it.file.test_result.payload)
    if it.claim.test_result != actual:
        yield AttestationInvalid(
            field="line 1: payload",
            found=f"a statement with the hash {actual}",
            expected=f"the one that line 2 names, {it.claim.test_result}",
        )


def _is_the_bundle(it: Attested) -> Iterator[AttestationInvalid]:
    actual = hash_bytes(it.manifest_bytes)
    if it.claim.bundle != actual:
        yield AttestationInvalid(
            field="line 2: payload: manifest",
            found=f"one with the hash {actual}",
            expected=f"that of the bundle, {it.claim.bundle}",
        )


def _is_sound(it: Attested) -> Iterator[AttestationInvalid]:
    for each in defects(it.manifest):
        yield AttestationInvalid(
            field="line 2: payload: manifest",
            found=f"{each.defect}: {each.why}",
            expected="a manifest that agrees with itself",
        )


def _has_its_subjects(it: Attested) -> Iterator[AttestationInvalid]:
    wanted = tuple(subjects_of(it.manifest, it.claim.bundle))
    for line, statement in ((1, it.test_result), (2, it.bundle)):
        if statement.subjects != wanted:
            differing = sorted(each.name for each in {*statement.subjects} ^ {*wanted})
            yield AttestationInvalid(
                field=f"line {line}: payload: subject",
                found=", ".join(differing[:3]) or "another order",
                expected="the candidate, the manifest and its blobs, with their hashes",
            )


def _repeats_the_results(it: Attested) -> Iterator[AttestationInvalid]:
    wanted = test_result_json(test_result_of(it.manifest))
    if it.test_result.predicate != wanted:
        yield AttestationInvalid(
            field="line 1: payload: predicate",
            found=str(it.test_result.predicate)[:200],
            expected=f"what the manifest gives, {str(wanted)[:200]}",
        )


def _is_the_event(it: Attested) -> Iterator[AttestationInvalid]:
    said = it.mention
    pairs = (
        ("hash", hash_bytes(it.file.entry.event), said.envelope_hash),
        ("event_id", it.recording.event_id, said.event_id),
        ("occurred_at", it.recording.occurred_at, said.occurred_at),
    )
    for name, found, wanted in pairs:
        if found != wanted:
            yield AttestationInvalid(
                field=f"line 3: event: {name}",
                found=found,
                expected=f"what line 2 names, {wanted}",
            )


def _records_the_bundle(it: Attested) -> Iterator[AttestationInvalid]:
    event = it.recording.event
    flaws = strangeness(
        it.manifest,
        run_id=event.run_id,
        candidate_id=event.candidate_id,
        suite_id=event.oracle_suite_id,
        suite_hash=event.oracle_suite_hash,
        iteration_id=it.manifest.context.iteration_id,
    )
    wrong = [each.why for each in flaws]
    if event.content_hash != it.claim.bundle:
        wrong.append(f"it records {event.content_hash}")
    if event.verdict != it.manifest.verdict:
        wrong.append(f"its verdict is {event.verdict}")
    for each in wrong:
        yield AttestationInvalid(
            field="line 3: event: payload",
            found=each,
            expected=f"the event that recorded {it.claim.bundle}",
        )


def _has_its_proof(it: Attested) -> Iterator[AttestationInvalid]:
    """Hold against the claim whether there is a proof, so that none is taken away."""
    if (it.claim.checkpoint is None) != (it.proof is None):
        yield AttestationInvalid(
            field="line 3: proof",
            found="none" if it.proof is None else "one",
            expected="what line 2 says: "
            + ("none" if it.claim.checkpoint is None else "one"),
        )


def _is_vouched_for(it: Attested) -> Iterator[AttestationInvalid]:
    """Who gives a key of a log wants to see that the event is in it."""
    logs = [
        each.key.label for each in it.keys if each.key.purpose is Purpose.CHECKPOINT
    ]
    if logs and it.proof is None:
        yield AttestationInvalid(
            field="line 3: proof",
            found="none",
            expected=f"one that leads to a checkpoint by {' or '.join(logs)}",
        )


def _is_the_checkpoint(it: Attested) -> Iterator[AttestationInvalid]:
    if it.checkpoint is None:
        return
    actual = CheckpointMention(
        origin=it.checkpoint.origin,
        size=it.checkpoint.size,
        root=it.checkpoint.root.hex(),
    )
    if it.claim.checkpoint != actual:
        yield AttestationInvalid(
            field="line 3: proof: checkpoint",
            found=_told(actual),
            expected=f"the one that line 2 names, {_told(it.claim.checkpoint)}",
        )


def _is_included(it: Attested) -> Iterator[AttestationInvalid]:
    if it.proof is None or it.checkpoint is None:
        return
    position = it.mention.position
    if it.proof.index != position - 1:
        yield AttestationInvalid(
            field="line 3: proof: index",
            found=it.proof.index,
            expected=f"{position - 1}, that of the event at {position}",
        )
    root = root_by_path(
        leaf_of(position, hash_bytes(it.file.entry.event)),
        it.proof.path,
        index=it.proof.index,
        size=it.checkpoint.size,
    )
    if root != it.checkpoint.root:
        yield AttestationInvalid(
            field="line 3: proof",
            found=f"a path that leads to {root.hex() if root else 'no root'}",
            expected=f"the signed root, {it.checkpoint.root.hex()}",
        )


CHECKS: tuple[Check, ...] = (
    _has_its_predicates,
    _is_believed_then,
    _is_signed_last,
    _belongs_together,
    _is_the_bundle,
    _is_sound,
    _has_its_subjects,
    _repeats_the_results,
    _is_the_event,
    _records_the_bundle,
    _has_its_proof,
    _is_vouched_for,
    _is_the_checkpoint,
    _is_included,
)


def _recorded(claim: BundleClaim) -> EventMention:
    """Return the recording event among those that the claim names."""
    found = [each for each in claim.events if each.event_type == RECORDING]
    if len(found) == 1:
        return found[0]
    raise AttestationInvalid(
        field="line 2: payload: events",
        found=f"{len(found)} of the type {RECORDING}",
        expected="one, which recorded the bundle",
    )


def _trusted(
    keys: Sequence[TrustedKey], label: str, purpose: Purpose
) -> TrustedKey | None:
    found = (
        each for each in keys if (each.key.label, each.key.purpose) == (label, purpose)
    )
    return next(found, None)


def _stranger(
    where: str, label: str, keys: Sequence[TrustedKey], purpose: Purpose
) -> SignerNotTrusted:
    known = [each.key.label for each in keys if each.key.purpose is purpose]
    return SignerNotTrusted(
        field=where,
        found=f"a signature by {label}",
        expected=f"one by {' or '.join(known)}"
        if known
        else f"a key of the purpose {purpose} among those that are believed",
    )


def _on(line: int, wrong: AttestationInvalid) -> AttestationInvalid:
    where = f"line {line}: {wrong.field}"
    return type(wrong)(field=where, found=wrong.value, expected=wrong.expected)


def _told(mention: CheckpointMention | None) -> str:
    if mention is None:
        return "none"
    return f"{mention.origin} of {mention.size}, root {mention.root}"
