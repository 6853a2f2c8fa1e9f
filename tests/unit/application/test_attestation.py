"""Whether a file of signed evidence holds: every check, and that it is needed (R-ATT-6).

For each check there is a file that it alone refuses: signed anew by who has the keys and
lies. With the check taken out, from outside, that file is taken for good.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from tests.attested import (
    EVIDENCE_KEY,
    KEYS,
    LOG_KEY,
    STRANGER,
    enveloped,
    event_of,
    forged,
    lines_of,
    payload_of,
    resigned,
    single_byte_changes,
    whole,
)
from tests.unit.application.conftest import Desk, Journey

from sr_core.application import attestation
from sr_core.application.attestation import (
    CHECKS,
    ENVELOPE_CHECKS,
    verify,
)
from sr_core.codec import attestation as file_codec
from sr_core.codec import dsse
from sr_core.codec import statement as statement_codec
from sr_core.codec.attestation import FILE_BYTES_MAX
from sr_core.codec.canonical import parse_json
from sr_core.codec.checkpoint import write_checkpoint
from sr_core.codec.log_proof import LogProof, write_proof
from sr_core.codec.note import Purpose, SigningKey
from sr_core.codec.trust import TrustedKey, parse_trusted_keys
from sr_core.domain.checkpoint import Checkpoint, leaf_of
from sr_core.domain.errors import EventNotUnderstood
from sr_core.domain.judging_errors import AttestationInvalid, SignerNotTrusted
from sr_core.domain.merkle import Frontier, frontier_of, inclusion_path
from sr_core.ports.event_store import BEGINNING

pytestmark = pytest.mark.anyio

EVIDENCE_ONLY = KEYS[:1]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True)
class Files:
    """A file with a proof, one of the same bundle without, and the log's leaves."""

    proven: bytes
    alone: bytes
    leaves: Sequence[bytes]


@pytest.fixture
async def files(desk) -> Files:
    alone = await desk.export()
    await desk.sign(3)
    stored = await desk.journey.stage.log.read(after=BEGINNING, limit=1000)
    leaves = [leaf_of(each.position, each.envelope_hash) for each in stored]
    return Files(await desk.export(), alone, leaves)


def typed_otherwise(files: Files) -> bytes:
    lines = lines_of(files.proven)
    for number in (1, 2):
        statement = payload_of(files.proven, number)
        lines[number - 1] = resigned(statement, payload_type="application/json")
    return whole(lines)


def signed_by_nobody(files: Files) -> bytes:
    lines = lines_of(files.proven)
    lines[0]["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    return whole(lines)


def of_another_predicate(files: Files) -> bytes:
    def change(statement: Any) -> None:
        statement["predicateType"] = "https://in-toto.io/attestation/svr/v0.1"

    return forged(files.proven, result=change)


def claiming(**fields: object) -> Callable[[Files], bytes]:
    def make(files: Files) -> bytes:
        return forged(
            files.proven, bundle=lambda made: made["predicate"].update(fields)
        )

    return make


def with_another_manifest(files: Files) -> bytes:
    """The claim's bundle stays what it was."""

    def change(statement: Any) -> None:
        statement["predicate"]["manifest"]["metadata"]["note"] = "added"

    return forged(files.proven, bundle=change)


def of_an_unsound_bundle(files: Files) -> bytes:
    """All that follows from the manifest is made to fit."""

    def change(manifest: Any) -> None:
        manifest["produced_at"] = "yesterday"

    return of_another_bundle(files.alone, change)


def about_less(files: Files) -> bytes:
    def change(statement: Any) -> None:
        statement["subject"].pop()

    return forged(files.proven, result=change, bundle=change)


def that_failed(files: Files) -> bytes:
    def change(statement: Any) -> None:
        statement["predicate"]["result"] = "FAILED"

    return forged(files.proven, result=change)


def with_another_event(files: Files) -> bytes:
    event = event_of(files.alone) | {"correlation_id": "corr-other"}

    def change(entry: Any) -> None:
        entry["event"] = base64.b64encode(rfc8785.dumps(event)).decode()

    return forged(files.alone, entry=change)


def recorded_otherwise(files: Files) -> bytes:
    """Event and claim agree, and the event is of another verdict."""
    event = event_of(files.alone)
    event["payload"]["verdict"] = "FAIL"
    return with_event(files.alone, event)


def without_its_proof(files: Files) -> bytes:
    return forged(files.proven, entry=lambda entry: entry.update(proof=None))


def in_a_later_checkpoint(files: Files) -> bytes:
    """Genuine, and proven, and not the one that was claimed."""
    leaves = [*files.leaves, bytes(32)]
    tree = frontier_of(leaves, before=Frontier())
    note = Checkpoint(origin="solver-ralph/log", size=tree.size, root=tree.root)
    index = place(files.proven) - 1
    proof = LogProof(
        index=index,
        path=inclusion_path(Frontier(), leaves, index),
        note=write_checkpoint(note, LOG_KEY),
    )
    return forged(
        files.proven, entry=lambda entry: entry.update(proof=write_proof(proof))
    )


def with_another_path(files: Files) -> bytes:
    def change(entry: Any) -> None:
        lines = entry["proof"].split("\n")
        lines[2] = base64.b64encode(bytes(32)).decode()
        entry["proof"] = "\n".join(lines)

    return forged(files.proven, entry=change)


def untouched(files: Files) -> bytes:
    return files.proven


def unproven(files: Files) -> bytes:
    return files.alone


SIGNED = datetime(2026, 1, 9, 12, tzinfo=UTC)
REVOKED = (replace(KEYS[0], bounds={"revoked": SIGNED}), KEYS[1])

ALONE = [
    ("_has_its_type", typed_otherwise, KEYS, "line 1: payloadType"),
    ("_is_signed", signed_by_nobody, KEYS, "line 1: signature: found 'one that is not"),
    ("_has_its_predicates", of_another_predicate, KEYS, "line 1: .*svr"),
    ("_is_believed_then", untouched, REVOKED, "line 1: signature: .* revoked from"),
    (
        "_is_signed_last",
        claiming(signed_at="2026-01-01T00:00:00.000000Z"),
        KEYS,
        "a time after evt_",
    ),
    (
        "_belongs_together",
        claiming(test_result=f"sha256:{64 * '0'}"),
        KEYS,
        "the one that line 2 names",
    ),
    ("_is_the_bundle", with_another_manifest, KEYS, "manifest: found 'one with"),
    ("_is_sound", of_an_unsound_bundle, EVIDENCE_ONLY, "TIME_MALFORMED"),
    ("_has_its_subjects", about_less, KEYS, "line 1: payload: subject: .*blobs/"),
    ("_repeats_the_results", that_failed, KEYS, "line 1: payload: predicate"),
    ("_is_the_event", with_another_event, EVIDENCE_ONLY, "line 3: event: hash"),
    ("_records_the_bundle", recorded_otherwise, EVIDENCE_ONLY, "its verdict is FAIL"),
    ("_has_its_proof", without_its_proof, EVIDENCE_ONLY, "line 3: proof: found 'none'"),
    ("_is_vouched_for", unproven, KEYS, "leads to a checkpoint by solver-ralph/log"),
    ("_is_the_checkpoint", in_a_later_checkpoint, KEYS, "the one that line 2 names"),
    ("_is_included", with_another_path, KEYS, "line 3: proof: found 'a path that"),
]


class TestEachCheck:
    @pytest.mark.parametrize(
        ("name", "make", "keys", "said"), ALONE, ids=[each[0] for each in ALONE]
    )
    async def test_refuses_a_file_that_nothing_else_does(
        self, files, monkeypatch, name, make, keys, said
    ):
        file = make(files)

        with pytest.raises(AttestationInvalid, match=said):
            verify(file, keys)

        for checks in ("CHECKS", "ENVELOPE_CHECKS"):
            rest = tuple(
                each for each in getattr(attestation, checks) if each.__name__ != name
            )
            monkeypatch.setattr(attestation, checks, rest)
        assert verify(file, keys).claim.bundle

    def test_has_such_a_file(self):
        named = {each.__name__ for each in (*CHECKS, *ENVELOPE_CHECKS)}

        assert {each[0] for each in ALONE} == named

    async def test_lets_a_good_file_pass(self, files):
        assert verify(files.proven, KEYS).checkpoint is not None
        assert verify(files.alone, EVIDENCE_ONLY).checkpoint is None


class TestASigner:
    """R-ATT-7: a key signs for one purpose, in its time."""

    async def test_who_is_not_known_is_refused(self, files):
        lines = lines_of(files.proven)
        lines[1] = resigned(payload_of(files.proven, 2), STRANGER)

        with pytest.raises(SignerNotTrusted, match=r"line 2: signature") as error:
            verify(whole(lines), KEYS)

        assert STRANGER.verifier.label in str(error.value)
        assert EVIDENCE_KEY.verifier.label in str(error.value)

    async def test_who_claims_to_be_another_is_refused(self, files):
        lines = lines_of(files.proven)
        lines[1] = resigned(payload_of(files.proven, 2), STRANGER)
        lines[1]["signatures"][0]["keyid"] = EVIDENCE_KEY.verifier.label

        with pytest.raises(AttestationInvalid, match="line 2: signature"):
            verify(whole(lines), KEYS)

    async def test_who_signs_checkpoints_signs_no_evidence(self, files):
        """The same 32 bytes, used for both, are two keys; and no list has both."""
        twin = SigningKey(name="twin", seed=EVIDENCE_KEY.seed)
        lines = lines_of(files.proven)
        lines[1] = resigned(payload_of(files.proven, 2), twin)

        with pytest.raises(SignerNotTrusted):
            verify(whole(lines), (*KEYS, TrustedKey(key=twin.verifier)))

    async def test_of_another_log_is_refused(self, files):
        other = SigningKey(name="other/log", seed=bytes(32)).verifier

        with pytest.raises(SignerNotTrusted, match="line 3: proof: checkpoint"):
            verify(files.proven, (KEYS[0], TrustedKey(key=other)))

    @pytest.mark.parametrize(
        ("bounds", "is_believed"),
        [
            ("from=2026-01-09T12:00:00Z until=2026-01-09T13:00:00Z", True),
            ("from=2026-01-09T13:00:00Z", False),
            ("until=2026-01-09T12:00:00Z", False),
            ("revoked=2026-01-09T12:00:00Z", False),
            ("revoked=2026-01-09T13:00:00Z", True),
        ],
    )
    @pytest.mark.parametrize("index", [0, 1], ids=["evidence", "checkpoint"])
    async def test_is_believed_in_its_time(self, files, bounds, is_believed, index):
        keys = [each.text for each in KEYS]
        keys[index] += f" {bounds}"
        trusted = parse_trusted_keys("\n".join(keys), field="keys")

        if is_believed:
            verify(files.proven, trusted)
        else:
            with pytest.raises(SignerNotTrusted, match="believed at that time"):
                verify(files.proven, trusted)

    async def test_rotates_with_an_overlap(self, files, desk):
        """What the old key signed stays good, the new one is believed, both for a while."""
        new = SigningKey(name="new", seed=bytes(31) + b"1", purpose=Purpose.EVIDENCE)
        end = SIGNED + timedelta(hours=2)
        keys = (
            replace(KEYS[0], bounds={"until": end}),
            TrustedKey(key=new.verifier, bounds={"from": end - timedelta(hours=1)}),
        )
        early = replace(desk.exports, key=new, archive=None)
        early_file = await early.export(await desk.bundle())
        desk.journey.stage.clock.skip(timedelta(hours=1, minutes=30))
        both = [
            await replace(each, archive=None).export(await desk.bundle())
            for each in (early, desk.exports)
        ]
        desk.journey.stage.clock.skip(timedelta(hours=1))
        late = await replace(desk.exports, archive=None).export(await desk.bundle())

        for each in (files.alone, *both):
            verify(each, keys)
        for each in (early_file, late):
            with pytest.raises(SignerNotTrusted):
                verify(each, keys)

    async def test_whose_key_has_ended_speaks_of_no_newer_bundle(self, files):
        """They date the statement back, and the event is newer than that."""
        keys = (replace(KEYS[0], bounds={"revoked": SIGNED}), KEYS[1])
        file = claiming(signed_at="2026-01-09T11:59:59.000000Z")(files)

        with pytest.raises(AttestationInvalid, match="a time after evt_"):
            verify(file, keys)


class TestTheForm:
    """R-ATT-11: whatever comes is refused with a place, and soon."""

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (b"", "file: found '0 whole lines"),
            (b"{}\n{}\n", "file: found '2 whole lines"),
            (b"{}\n{}\n{}", "file"),
            (b"{}\n{}\n{}\n{}\n", "3 lines"),
            (b"{}\n{}\n{}\n", "line 1: found"),
            (b" " * (FILE_BYTES_MAX + 1), "16777216 bytes at most"),
            (b"[" * 100_000 + b"\n{}\n{}\n", "line 1: .*1024 parts at most"),
            (b"[" * 1000 + b"\n{}\n{}\n", "line 1"),
            (b"[" + b"0," * 1024 + b"0]\n{}\n{}\n", "line 1: .*1024 parts at most"),
            (b'{"a":1,"a":1}\n{}\n{}\n', "repeated key a"),
            (b'{"a":"\\ud800"}\n{}\n{}\n', "line 1"),
            (b'{"a":NaN}\n{}\n{}\n', "NaN is no number"),
            (b'{"a":1e400}\n{}\n{}\n', "line 1"),
            (b"\xff\xfe\n{}\n{}\n", "line 1"),
            (b'{"b":1,"a":1}\n{}\n{}\n', "canonical JSON"),
            (b'"' + b"9" * 5000 + b'"\n{}\n{}\n', "line 1"),
            (b"9" * 5000 + b"\n{}\n{}\n", "line 1"),
        ],
        ids=lambda each: repr(each)[:20],
    )
    def test_that_is_none_is_refused(self, data, said):
        with pytest.raises(AttestationInvalid, match=said):
            verify(data, KEYS)

    @pytest.mark.parametrize(
        ("line", "change", "said"),
        [
            (1, {"extra": 1}, "line 1: .*the fields"),
            (1, {"signatures": []}, "line 1: signatures: .*one signature"),
            (1, {"signatures": "none"}, "line 1: signatures"),
            (1, {"signatures": [{"sig": ""}]}, "line 1: signature: .*keyid, sig"),
            (1, {"signatures": [{"sig": 1, "keyid": "a"}]}, "signature: sig"),
            (1, {"signatures": [{"sig": "", "keyid": 1}]}, "signature: keyid"),
            (1, {"payload": "a"}, "line 1: payload: .*base64"),
            (1, {"payload": 7}, "line 1: payload"),
            (1, {"payloadType": 7}, "line 1: payloadType"),
            (1, {"x" * 100_000: 1}, "line 1: found"),
            (1, {"payloadType": "x" * 301}, "300 characters at most"),
            (2, {"payload": "e30="}, "line 2: signature: found 'one that is not"),
            (3, {"mediaType": "text/plain"}, "line 3: .*mediaType"),
            (3, {"event": "%"}, "line 3: event: .*base64"),
            (3, {"event": 7}, "line 3: event"),
            (3, {"proof": 7}, "line 3: proof"),
            (3, {"proof": "no proof"}, "line 3: proof, line 1"),
            (3, {"event": "e30="}, "line 3: event: .*EvidenceBundleRecorded"),
        ],
    )
    async def test_of_a_part_is_refused_where_it_is(self, files, line, change, said):
        lines = lines_of(files.proven)
        lines[line - 1].update(change)

        with pytest.raises(AttestationInvalid, match=said) as error:
            verify(whole(lines), KEYS)

        assert len(str(error.value)) < 1000

    async def test_of_two_signatures_is_refused(self, files):
        """One would do for DSSE; ours have one, so that none can be added."""
        lines = lines_of(files.proven)
        lines[0]["signatures"] *= 2

        with pytest.raises(AttestationInvalid, match="found '2 of them'"):
            verify(whole(lines), KEYS)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"_type": "https://in-toto.io/Statement/v0.1"}, "payload: _type"),
            ({"extra": 1}, "line 1: payload: .*the fields"),
            ({"subject": []}, "payload: subject: .*1 to 10000 subjects"),
            ({"subject": "all"}, "payload: subject"),
            ({"subject": [{"name": "a"}]}, "payload: subject 1"),
            (
                {"subject": [{"name": "a", "digest": {"sha256": "A" * 64}}]},
                "payload: subject 1: .*lower-case",
            ),
            (
                {"subject": 2 * [{"name": "a", "digest": {"sha256": "a" * 64}}]},
                "subject: found 'a'. Give each name once",
            ),
            (
                {"subject": 10_001 * [{"name": "a", "digest": {"sha256": "a" * 64}}]},
                "found '10001 of them'",
            ),
            ({"predicateType": 7}, "payload: predicateType"),
        ],
        ids=lambda each: str(each)[:30],
    )
    async def test_of_a_signed_statement_is_looked_at_too(self, files, change, said):
        file = forged(files.proven, result=lambda made: made.update(change))

        with pytest.raises(AttestationInvalid, match=said):
            verify(file, KEYS)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"extra": 1}, "line 2: payload: predicate: .*extra"),
            ({"events": []}, "line 2: payload: events: found '0 of"),
            ({"events": 7}, "line 2: payload: predicate"),
            ({"manifest": {}}, "evidence manifest"),
            ({"manifest": 7}, "evidence manifest"),
            ({"checkpoint": {"size": 1}}, "line 2: payload: predicate"),
            ({"signed_at": "yesterday"}, "signed_at: found 'yesterday'"),
            ({"signed_at": "2026-02-30T00:00:00Z"}, "signed_at: found '2026-02-30"),
            ({"signed_at": "2026-01-09T12:00:00+00:00"}, "a time in UTC"),
            ({"bundle": 7}, "line 2: payload: predicate"),
        ],
        ids=lambda each: str(each)[:30],
    )
    async def test_of_a_signed_claim_is_looked_at_too(self, files, change, said):
        with pytest.raises(AttestationInvalid, match=said):
            verify(claiming(**change)(files), KEYS)

    async def test_of_a_release_to_come_is_not_judged(self, files):
        event = event_of(files.alone) | {"schema_version": "2"}

        with pytest.raises(EventNotUnderstood, match="1 is the latest known"):
            verify(with_event(files.alone, event), EVIDENCE_ONLY)

    async def test_of_an_event_that_records_another_bundle(self, files):
        event = event_of(files.alone)
        event["payload"]["content_hash"] = f"sha256:{64 * '0'}"

        with pytest.raises(AttestationInvalid, match="it records sha256:0000"):
            verify(with_event(files.alone, event), EVIDENCE_ONLY)

    async def test_of_a_proof_that_nobody_claimed(self, files):
        proof = lines_of(files.proven)[2]["proof"]
        file = forged(files.alone, entry=lambda entry: entry.update(proof=proof))

        with pytest.raises(AttestationInvalid, match="line 3: proof: found 'one'"):
            verify(file, KEYS)

    async def test_of_a_claim_without_a_manifest(self, files):
        file = forged(
            files.proven, bundle=lambda made: made.update(predicate={"bundle": "b"})
        )

        with pytest.raises(AttestationInvalid, match="a predicate with a manifest"):
            verify(file, KEYS)

    async def test_of_a_candidate_that_has_no_such_name(self, files):
        def change(manifest: Any) -> None:
            manifest["candidate_id"] = "cand"

        file = of_another_bundle(files.alone, change)

        with pytest.raises(AttestationInvalid, match="candidate"):
            verify(file, EVIDENCE_ONLY)

    async def test_with_any_byte_changed_is_refused(self, files):
        for each in single_byte_changes(files.proven, 400):
            with pytest.raises(AttestationInvalid):
                verify(each, KEYS)

    @given(st.binary(max_size=300))
    def test_of_any_bytes_is_refused(self, data):
        with pytest.raises(AttestationInvalid):
            verify(data, KEYS)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "payload",
                            "payloadType",
                            "signatures",
                            "keyid",
                            "sig",
                            "event",
                        ]
                    ),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        ),
        st.integers(0, 2),
    )
    def test_of_any_json_is_refused(self, value, line):
        lines = [b"{}", b"{}", b"{}"]
        lines[line] = rfc8785.dumps(value)

        with pytest.raises(AttestationInvalid):
            verify(b"\n".join([*lines, b""]), KEYS)


class TestOneForm:
    """A change of one character that only the strictness of the form refuses."""

    async def test_has_no_room_for_blanks(self, files, monkeypatch):
        file = files.proven.replace(b'{"event"', b'{ "event"')

        with pytest.raises(AttestationInvalid, match=r"line 3: .*canonical JSON"):
            verify(file, KEYS)
        monkeypatch.setattr(
            file_codec, "_line", lambda data, *, what: parse_json(data, what=what)
        )
        assert verify(file, KEYS).claim.bundle

    async def test_has_base64_of_one_reading(self, files, monkeypatch):
        """The last character before the padding has bits that say nothing."""
        lines = lines_of(files.proven)
        signature = lines[0]["signatures"][0]
        assert signature["sig"].endswith("==")
        last = signature["sig"][-3]
        other = ALPHABET[ALPHABET.index(last) ^ 1]
        signature["sig"] = f"{signature['sig'][:-3]}{other}=="

        with pytest.raises(AttestationInvalid, match="line 1: signature: sig"):
            verify(whole(lines), KEYS)
        monkeypatch.setattr(dsse, "decoded", base64.b64decode)
        assert verify(whole(lines), KEYS).claim.bundle

    async def test_has_no_key_twice(self, files, monkeypatch):
        """Of two, Python keeps the last, and another reader may keep the first."""
        statement = base64.b64decode(lines_of(files.proven)[0]["payload"])
        doubled = statement.replace(
            b'"result":"PASSED"', b'"result":"FAILED","result":"PASSED"'
        )

        def change(made: Any) -> None:
            digest = hashlib.sha256(doubled).hexdigest()
            made["predicate"]["test_result"] = f"sha256:{digest}"

        lines = lines_of(forged(files.proven, bundle=change))
        lines[0] = enveloped(
            doubled, seed=EVIDENCE_KEY.seed, key_id=EVIDENCE_KEY.verifier.label
        )

        with pytest.raises(AttestationInvalid, match="repeated key result"):
            verify(whole(lines), KEYS)
        monkeypatch.setattr(
            statement_codec, "parse_json", lambda data, **_: json.loads(data)
        )
        assert verify(whole(lines), KEYS).claim.bundle


LIES: Sequence[object] = (None, True, -1, 1.5, 2**53 - 1, "", "x", [], {}, [None], [{}])


class TestALiar:
    """Who has the keys may sign anything; it is judged all the same (R-ATT-11)."""

    @given(st.data())
    def test_is_told_what_does_not_hold(self, data):
        part = data.draw(st.sampled_from(["result", "bundle", "manifest", "event"]))
        value = data.draw(st.sampled_from(LIES))
        file = exported()

        def change(whole_of_it: Any) -> None:
            *way, last = data.draw(st.sampled_from(places(whole_of_it)))
            for each in way:
                whole_of_it = whole_of_it[each]
            if data.draw(st.booleans()):
                whole_of_it[last] = value
            else:
                del whole_of_it[last]

        match part:
            case "manifest":
                told = of_another_bundle(file, change)
            case "event":
                event = event_of(file)
                change(event)
                told = with_event(file, event)
            case "result":
                told = forged(file, result=change)
            case _:
                told = forged(file, bundle=change)

        with suppress(AttestationInvalid, EventNotUnderstood):
            verify(told, EVIDENCE_ONLY)


def places(value: object) -> list[tuple[Any, ...]]:
    """Where every part of the JSON lies, as the way to it."""
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    return [
        way
        for key, inner in pairs
        for way in [(key,), *((key, *rest) for rest in places(inner))]
    ]


@cache
def exported() -> bytes:
    """A file without a proof, made once."""

    async def made() -> bytes:
        journey = Journey()
        await journey.open()
        await journey.judge()
        return await Desk(journey).export()

    return asyncio.run(made())


def place(file: bytes) -> int:
    events = payload_of(file, 2)["predicate"]["events"]
    (position,) = (
        each["position"]
        for each in events
        if each["event_type"] == "EvidenceBundleRecorded"
    )
    assert isinstance(position, int)
    return position


def with_event(file: bytes, event: Any) -> bytes:
    """The file with another recording event, which the claim names."""
    data = rfc8785.dumps(event)

    def change(statement: Any) -> None:
        for each in statement["predicate"]["events"]:
            if each["event_type"] == "EvidenceBundleRecorded":
                digest = hashlib.sha256(data).hexdigest()
                each["envelope_hash"] = f"sha256:{digest}"

    return forged(
        file,
        bundle=change,
        entry=lambda entry: entry.update(event=base64.b64encode(data).decode()),
    )


def of_another_bundle(file: bytes, change: Callable[[Any], None]) -> bytes:
    """The file with another manifest, and all that names it made to fit."""
    manifest = payload_of(file, 2)["predicate"]["manifest"]
    change(manifest)
    digest = hashlib.sha256(rfc8785.dumps(manifest)).hexdigest()

    def rename(statement: Any) -> None:
        for each in statement["subject"]:
            if each["name"] == "manifest.json":
                each["digest"]["sha256"] = digest

    def claim(statement: Any) -> None:
        rename(statement)
        statement["predicate"]["manifest"] = manifest
        statement["predicate"]["bundle"] = f"sha256:{digest}"

    made = forged(file, result=rename, bundle=claim)
    event = json.loads(json.dumps(event_of(file)))
    event["payload"]["content_hash"] = f"sha256:{digest}"
    return with_event(made, event)
