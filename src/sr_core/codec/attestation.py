"""A file of signed evidence: an in-toto bundle with the log's proof (`.intoto.jsonl`).

    {"payload": …}     DSSE envelope around the test-result statement
    {"payload": …}     DSSE envelope around our own statement
    {"event": …}       the recording event, and its inclusion in the log

Each line is the canonical JSON of what it holds (RFC 8785) and ends with a newline. So
one file has one form: whoever changes a byte changes what is signed, what is hashed, or
the form. In-toto has its readers pass over lines that they do not know, as the third.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sr_core.codec.canonical import canonical, parse_json, restored
from sr_core.codec.dsse import Envelope, envelope_json, read_envelope
from sr_core.codec.note import decoded, encoded
from sr_core.codec.upcast import UPCASTS
from sr_core.domain.errors import MalformedInput
from sr_core.domain.run_events import EvidenceBundleRecorded

FILE_BYTES_MAX: Final = 16 * 1024 * 1024
LOG_ENTRY_TYPE: Final = "application/vnd.sr.log-entry+json;version=1"
PARTS_MAX: Final = 1024
"""How many commas, braces and brackets a line has at most; base64 has none of them.

What is signed is read after its signature, so only this is read of what nobody signed.
"""
_FIELDS: Final = {"event", "mediaType", "proof"}
_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """The event that recorded the bundle, as its envelope has it in the log.

    `proof` is a tlog-proof, None where no checkpoint was of the event yet.
    """

    event: bytes
    proof: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestationFile:
    """What lies in the file; nothing of it is believed yet."""

    test_result: Envelope
    bundle: Envelope
    entry: LogEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What the recording event says."""

    event_id: str
    occurred_at: str
    actor_id: str
    event: EvidenceBundleRecorded


def write_file(file: AttestationFile) -> bytes:
    """Return the file's bytes."""
    entry = {
        "mediaType": LOG_ENTRY_TYPE,
        "event": encoded(file.entry.event),
        "proof": file.entry.proof,
    }
    lines = (envelope_json(file.test_result), envelope_json(file.bundle), entry)
    return b"".join(canonical(each) + b"\n" for each in lines)


def read_file(data: bytes) -> AttestationFile:
    """Return what lies in a file.

    Raises:
        MalformedInput: it is not of the form, and where it is not.

    """
    if len(data) > FILE_BYTES_MAX:
        raise MalformedInput(
            field="file",
            found=f"{len(data)} bytes",
            expected=f"{FILE_BYTES_MAX} bytes at most",
        )
    *lines, rest = data.split(b"\n", _LINES)
    if len(lines) != _LINES or rest:
        raise MalformedInput(
            field="file",
            found=f"{len(lines)} whole lines and {len(rest)} bytes",
            expected=f"{_LINES} lines, each with a newline at its end",
        )
    first, second, third = (
        _line(each, what=f"line {number}") for number, each in enumerate(lines, start=1)
    )
    return AttestationFile(
        test_result=read_envelope(first, what="line 1"),
        bundle=read_envelope(second, what="line 2"),
        entry=_read_entry(third, what="line 3"),
    )


def read_recording(data: bytes, *, position: int, what: str) -> Recording:
    """Return what the envelope of a recording event says.

    Raises:
        MalformedInput: it is none; `what` names it.
        EventNotUnderstood: it is of a version that is not known here.

    """
    match parse_json(data, what=what):
        case {
            "event_id": str(event_id),
            "event_type": "EvidenceBundleRecorded" as name,
            "schema_version": str(version),
            "occurred_at": str(occurred_at),
            "actor_id": str(actor_id),
            "payload": dict(payload),
        }:
            said = UPCASTS.upcast(name, version, payload, position=position)
            return Recording(
                event_id=event_id,
                occurred_at=occurred_at,
                actor_id=actor_id,
                event=restored(EvidenceBundleRecorded, said, what=what),
            )
        case _:
            pass
    raise MalformedInput(
        field=what,
        found=f"{len(data)} bytes of something else",
        expected="the envelope of an EvidenceBundleRecorded",
    )


def _line(data: bytes, *, what: str) -> object:
    parts = sum(map(data.count, (b",", b"{", b"[")))
    if parts > PARTS_MAX:
        raise MalformedInput(
            field=what, found=f"{parts} parts", expected=f"{PARTS_MAX} parts at most"
        )
    raw: object = parse_json(data, what=what)
    try:
        is_canonical = canonical(raw) == data
    except MalformedInput as error:
        raise error.within(what) from error
    if not is_canonical:
        raise MalformedInput(
            field=what,
            found="JSON in another form",
            expected="canonical JSON (RFC 8785)",
        )
    return raw


def _read_entry(raw: object, *, what: str) -> LogEntry:
    entry: Mapping[str, object] = raw if isinstance(raw, dict) else {}
    if entry.keys() != _FIELDS or entry["mediaType"] != LOG_ENTRY_TYPE:
        raise MalformedInput(
            field=what,
            found=str(raw)[:80],
            expected=f"event, proof, and the mediaType {LOG_ENTRY_TYPE}",
        )
    event = entry["event"]
    data = decoded(event) if isinstance(event, str) else None
    if data is None:
        raise MalformedInput(
            field=f"{what}: event",
            found=str(event)[:40],
            expected="base64 in the standard alphabet, padded, without anything else",
        )
    proof = entry["proof"]
    if not (proof is None or isinstance(proof, str)):
        raise MalformedInput(
            field=f"{what}: proof", found=proof, expected="a tlog-proof, or null"
        )
    return LogEntry(event=data, proof=proof)
