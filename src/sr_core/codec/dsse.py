"""DSSE envelopes: bytes of a named type, and a signature over both (DSSE 1.0).

    {"payload": "<base64>", "payloadType": "…", "signatures": [{"keyid": …, "sig": …}]}

What is signed is the pre-authentication encoding (PAE), in which each part is preceded
by its length, so that no two pairs of type and payload are the same bytes. The keyid is
a hint that nobody signs; ours is `VerifierKey.label`.

An envelope of ours has one signature, and base64 of the standard alphabet alone. DSSE
lets others be written otherwise: this reads our own files, not everybody's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sr_core.codec.note import SigningKey, decoded, encoded
from sr_core.domain.errors import MalformedInput

TEXT_CHARS_MAX: Final = 300
"""How long a type and a keyid are at most; a key's name has 255 characters at most."""
_FIELDS: Final = {"payload", "payloadType", "signatures"}
_SIGNATURE: Final = {"keyid", "sig"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What one envelope holds; `key_id` is what it says of its signer, unsigned."""

    payload_type: str
    payload: bytes
    key_id: str
    signature: bytes

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is over."""
        return pae(self.payload_type, self.payload)


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding; lengths are in bytes."""
    name = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def sealed(payload_type: str, payload: bytes, key: SigningKey) -> Envelope:
    """Return the envelope around `payload`, signed by `key`."""
    return Envelope(
        payload_type=payload_type,
        payload=payload,
        key_id=key.verifier.label,
        signature=key.sign(pae(payload_type, payload)),
    )


def envelope_json(envelope: Envelope) -> Mapping[str, object]:
    """Return what the envelope is in JSON."""
    signature = {"keyid": envelope.key_id, "sig": encoded(envelope.signature)}
    return {
        "payload": encoded(envelope.payload),
        "payloadType": envelope.payload_type,
        "signatures": [signature],
    }


def read_envelope(raw: object, *, what: str) -> Envelope:
    """Return the envelope that the JSON value `raw` is; no signature is checked here.

    Raises:
        MalformedInput: it is none of ours; `what` names it.

    """
    envelope = _fields(raw, _FIELDS, what=what)
    signatures = envelope["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise MalformedInput(
            field=f"{what}: signatures",
            found=f"{len(signatures)} of them"
            if isinstance(signatures, list)
            else signatures,
            expected="one signature",
        )
    where = f"{what}: signature"
    signature = _fields(signatures[0], _SIGNATURE, what=where)
    return Envelope(
        payload_type=_text(envelope["payloadType"], what=f"{what}: payloadType"),
        payload=_bytes(envelope["payload"], what=f"{what}: payload"),
        key_id=_text(signature["keyid"], what=f"{where}: keyid"),
        signature=_bytes(signature["sig"], what=f"{where}: sig"),
    )


def _fields(raw: object, names: set[str], *, what: str) -> Mapping[str, object]:
    if isinstance(raw, dict) and raw.keys() == names:
        return raw
    found = sorted(raw) if isinstance(raw, dict) else type(raw).__name__
    raise MalformedInput(
        field=what, found=found, expected=f"the fields {', '.join(sorted(names))}"
    )


def _text(value: object, *, what: str) -> str:
    if isinstance(value, str) and len(value) <= TEXT_CHARS_MAX:
        return value
    raise MalformedInput(
        field=what,
        found=str(value)[:40],
        expected=f"a text of {TEXT_CHARS_MAX} characters at most",
    )


def _bytes(value: object, *, what: str) -> bytes:
    data = decoded(value) if isinstance(value, str) else None
    if data is None:
        raise MalformedInput(
            field=what,
            found=str(value)[:40],
            expected="base64 in the standard alphabet, padded, without anything else",
        )
    return data
