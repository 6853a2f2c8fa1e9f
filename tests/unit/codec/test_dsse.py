"""DSSE envelopes, against the protocol's published vectors."""

from __future__ import annotations

import base64

import pytest

from sr_core.codec.dsse import envelope_json, pae, read_envelope, sealed
from sr_core.codec.note import Purpose, SigningKey
from sr_core.domain.errors import MalformedInput

IN_TOTO = "application/vnd.in-toto+json"
STATEMENT = b'{"_type":"https://in-toto.io/Statement/v1"}'
KEY = SigningKey(
    name="A",
    seed=bytes.fromhex(
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    ),
    purpose=Purpose.EVIDENCE,
)
VECTORS = [
    (
        IN_TOTO,
        STATEMENT,
        (
            "445353457631203238206170706c69636174696f6e2f766e642e696e2d746f746f2b6a736f6e20"
            "3433207b225f74797065223a2268747470733a2f2f696e2d746f746f2e696f2f53746174656d65"
            "6e742f7631227d"
        ),
        (
            "2WAfaHm5jluo0w+0rk8uVkluELJYWjSmU9x7EUzx+AyteDGJ4/nqyJXfmAUVFIAoQafWm7AxBZNw5M9i"
            "xNHiCA=="
        ),
    ),
    (
        "application/vnd.exämple+json",
        STATEMENT,
        (
            "445353457631203239206170706c69636174696f6e2f766e642e6578c3a46d706c652b6a736f6e"
            "203433207b225f74797065223a2268747470733a2f2f696e2d746f746f2e696f2f53746174656d"
            "656e742f7631227d"
        ),
        (
            "xmSk/ug66ysT7ayhkCIjhAq42zgZXSsEWuzUaNL7w2eGAdF/NU6/fRXPtmfN+5DNSAs5/i2lUnHjbbjP"
            "su0tAw=="
        ),
    ),
    (
        IN_TOTO,
        b"",
        (
            "445353457631203238206170706c69636174696f6e2f766e642e696e2d746f746f2b6a736f6e20"
            "3020"
        ),
        (
            "gSggCAaTLTYyRH6FIDBem6meyIynsYy8RTHVzwx9tnTb7Bg/1jMWnuVgI/gffqmbsC2VX5/jHfkkDqsj"
            "7CDbDg=="
        ),
    ),
]
"""Type, payload, PAE and the signature of `KEY`, from the protocol's repository."""


class TestTheProtocol:
    def test_encodes_the_example_of_its_text(self):
        assert pae("http://example.com/HelloWorld", b"hello world") == (
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        )

    @pytest.mark.parametrize(("payload_type", "payload", "encoded", "sig"), VECTORS)
    def test_is_what_we_sign(self, payload_type, payload, encoded, sig):
        made = sealed(payload_type, payload, KEY)

        assert pae(payload_type, payload).hex() == encoded
        assert base64.b64encode(made.signature).decode() == sig
        assert KEY.verifier.has_signed(made.signed_bytes, base64.b64decode(sig))

    def test_keeps_type_and_payload_apart(self):
        assert pae("a", b"b c") != pae("a b", b"c")
        assert not KEY.verifier.has_signed(
            pae("application/json", STATEMENT), base64.b64decode(VECTORS[0][3])
        )


class TestAnEnvelope:
    def test_is_the_json_of_the_protocol(self):
        payload_type, payload, _, sig = VECTORS[0]

        said = envelope_json(sealed(payload_type, payload, KEY))

        assert said == {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"keyid": KEY.verifier.label, "sig": sig}],
        }

    def test_reads_back(self):
        made = sealed(IN_TOTO, STATEMENT, KEY)

        assert read_envelope(envelope_json(made), what="it") == made

    @pytest.mark.parametrize(
        "text", ["_-8=", "/+8", "/+8= ", "/+8=\n", "/+9=", "/=8=", "é", "//+8==="]
    )
    def test_in_another_base64_is_refused(self, text):
        raw = {"payload": text, "payloadType": IN_TOTO, "signatures": [{}]}
        raw["signatures"] = [{"keyid": "A", "sig": ""}]

        with pytest.raises(MalformedInput, match=r"it: payload: .*standard alphabet"):
            read_envelope(raw, what="it")
