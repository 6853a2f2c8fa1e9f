import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519

from sr_core.adapters.oidc.key_set import (
    ANSWER_BYTES_MAX,
    KEYS_MAX,
    KeySetRefused,
    parse_key_set,
)


def as_set(*jwks: Any) -> bytes:
    return json.dumps({"keys": jwks}).encode()


def b64_int(number: int) -> str:
    from joserfc.util import int_to_base64  # noqa: PLC0415 - keys of other shapes only

    return int_to_base64(number)


class TestTrusted:
    """R-API-5: which keys are trusted, and for what."""

    @pytest.mark.parametrize(
        ("alg", "algorithms"),
        [
            ("ES256", {"ES256"}),
            ("ES384", {"ES384"}),
            ("EdDSA", {"EdDSA", "Ed25519"}),
            ("RS256", {"RS256", "PS256"}),
        ],
    )
    def test_a_key_of_a_listed_type(self, signers, alg, algorithms):
        key_set = parse_key_set(signers[alg].key_set())

        assert key_set.keys[f"{alg}-1"].algorithms == algorithms
        assert key_set.ignored == ()

    @pytest.mark.parametrize("alg", ["RS256", "PS256"])
    def test_an_alg_of_its_own_narrows_it(self, signers, alg):
        key_set = parse_key_set(signers["RS256"].key_set(alg=alg))

        assert key_set.keys["RS256-1"].algorithms == {alg}

    @pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
    def test_two_names_of_one_algorithm_stay_together(self, signers, alg):
        key_set = parse_key_set(signers["EdDSA"].key_set(alg=alg))

        assert key_set.keys["EdDSA-1"].algorithms == {"EdDSA", "Ed25519"}

    @pytest.mark.parametrize(
        "purpose", [{"use": "sig"}, {"key_ops": ["verify"]}, {"x5t": "ignored"}]
    )
    def test_a_key_for_signatures(self, signer, purpose):
        assert parse_key_set(signer.key_set(**purpose)).keys

    def test_as_many_keys_as_allowed(self, signer):
        jwks = [{**signer.jwk, "kid": str(number)} for number in range(KEYS_MAX)]

        assert len(parse_key_set(as_set(*jwks)).keys) == KEYS_MAX


class TestLeftOut:
    """R-API-5: each rule violated; the key is ignored, the others still work."""

    @pytest.mark.parametrize(
        ("alg", "changes", "reason"),
        [
            ("EdDSA", {"kid": ""}, "needs a kid"),
            ("EdDSA", {"kid": 7}, "needs a kid"),
            ("EdDSA", {"kid": "k" * 257}, "needs a kid"),
            ("EdDSA", {"use": "enc"}, "use is not sig"),
            ("EdDSA", {"use": None}, "use is not sig"),
            ("EdDSA", {"key_ops": ["encrypt"]}, "key_ops"),
            ("EdDSA", {"key_ops": "verify"}, "key_ops"),
            ("EdDSA", {"d": "AAAA"}, "private part"),
            ("ES256", {"d": "AAAA"}, "private part"),
            ("RS256", {"dp": "AAAA"}, "private part"),
            ("EdDSA", {"k": "AAAA"}, "private part"),
            ("EdDSA", {"kty": "oct"}, "key type"),
            ("EdDSA", {"kty": None}, "key type"),
            ("EdDSA", {"kty": ["OKP"]}, "key type"),
            ("EdDSA", {"kty": "EC"}, "curve"),
            ("EdDSA", {"crv": "Ed448"}, "curve"),
            ("EdDSA", {"crv": "X25519"}, "curve"),
            ("EdDSA", {"x": "AAAA"}, "32 bytes"),
            ("EdDSA", {"x": 3}, "has no x"),
            ("EdDSA", {"alg": "ES256"}, "alg"),
            ("EdDSA", {"alg": ["EdDSA"]}, "alg"),
            ("EdDSA", {"alg": None}, "alg"),
            ("ES256", {"crv": "P-521"}, "curve"),
            ("ES256", {"crv": "secp256k1"}, "curve"),
            ("ES256", {"crv": "P-384"}, "48 bytes"),
            ("ES256", {"alg": "ES384"}, "alg"),
            ("ES256", {"y": "AA"}, "32 bytes"),
            ("ES256", {"y": "A" * 42 + "A="}, "not a key"),
            ("ES256", {"x": "A" * 43, "y": "A" * 42 + "E"}, "not a key"),
            ("RS256", {"alg": "HS256"}, "alg"),
            ("RS256", {"alg": "none"}, "alg"),
            ("RS256", {"alg": "RSA-OAEP"}, "alg"),
            ("RS256", {"e": "AQ"}, "exponent"),
            ("RS256", {"e": "Aw"}, "exponent"),
            ("RS256", {"n": "AQ"}, "2048"),
        ],
    )
    def test_a_key_that_breaks_a_rule(self, signers, alg, changes, reason):
        other = {**signers["ES384"].jwk, "kid": "another"}
        broken = {**signers[alg].jwk, **changes}

        key_set = parse_key_set(as_set(broken, other))

        assert set(key_set.keys) == {"another"}
        assert len(key_set.ignored) == 1
        assert reason in key_set.ignored[0]

    def test_a_secret(self, signer):
        secret = {"kty": "oct", "kid": "s", "alg": "HS256", "k": "A" * 43}

        key_set = parse_key_set(as_set(secret, signer.jwk))

        assert set(key_set.keys) == {signer.jwk["kid"]}

    def test_no_kid(self, signer):
        jwk = {name: value for name, value in signer.jwk.items() if name != "kid"}

        assert not parse_key_set(as_set(jwk)).keys

    def test_a_doubled_kid_drops_both(self, signers):
        first = {**signers["ES256"].jwk, "kid": "twice"}
        second = {**signers["EdDSA"].jwk, "kid": "twice"}

        key_set = parse_key_set(as_set(first, second, signers["ES384"].jwk))

        assert set(key_set.keys) == {"ES384-1"}
        assert len(key_set.ignored) == 2

    def test_a_kid_doubled_by_a_key_that_is_left_out_anyway(self, signers):
        first = {**signers["ES256"].jwk, "kid": "twice"}
        second = {**signers["EdDSA"].jwk, "kid": "twice", "use": "enc"}

        assert not parse_key_set(as_set(first, second)).keys

    @pytest.mark.parametrize("bits", [1024, 2046])
    def test_a_short_rsa_key(self, bits):
        numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
        jwk = {"kty": "RSA", "kid": "r", "n": b64_int(numbers.n), "e": "AQAB"}

        key_set = parse_key_set(as_set(jwk))

        assert not key_set.keys
        assert "2048" in key_set.ignored[0]

    def test_an_rsa_key_too_large_to_check_in_time(self):
        jwk = {"kty": "RSA", "kid": "r", "n": b64_int((1 << 8192) + 1), "e": "AQAB"}

        assert "8192" in parse_key_set(as_set(jwk)).ignored[0]

    def test_real_keys_on_other_curves(self):
        p521 = ec.generate_private_key(ec.SECP521R1()).public_key().public_numbers()
        ed = ed448.Ed448PrivateKey.generate().public_key().public_bytes_raw()
        x = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
        jwks = [
            {"kty": "EC", "crv": "P-521", "x": b64_int(p521.x), "y": b64_int(p521.y)},
            {"kty": "OKP", "crv": "Ed448", "x": b64_int(int.from_bytes(ed))},
            {"kty": "OKP", "crv": "X25519", "x": b64_int(int.from_bytes(x))},
        ]

        key_set = parse_key_set(
            as_set(*({**jwk, "kid": str(n)} for n, jwk in enumerate(jwks)))
        )

        assert not key_set.keys
        assert all("curve" in reason for reason in key_set.ignored)

    @pytest.mark.parametrize("entry", [None, 3, "key", []])
    def test_an_entry_that_is_no_key(self, signer, entry):
        assert set(parse_key_set(as_set(entry, signer.jwk)).keys) == {signer.jwk["kid"]}


class TestRefused:
    """R-API-5: a set from which nothing is taken."""

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"<html>",
            b"[]",
            b"{}",
            b'{"keys": {}}',
            b'{"keys": [], "keys": []}',
            b"\xff",
            b"[" * 60_000,
        ],
        ids=lambda answer: repr(answer[:16]),
    )
    def test_garbage(self, answer):
        with pytest.raises(KeySetRefused):
            parse_key_set(answer)

    def test_one_key_too_many(self, signer):
        jwks = [{**signer.jwk, "kid": str(number)} for number in range(KEYS_MAX + 1)]

        with pytest.raises(KeySetRefused, match="more than 32 keys"):
            parse_key_set(as_set(*jwks))

    def test_one_byte_too_many(self, signer):
        answer = signer.key_set()

        assert parse_key_set(answer.ljust(ANSWER_BYTES_MAX)).keys
        with pytest.raises(KeySetRefused, match="65536 bytes"):
            parse_key_set(answer.ljust(ANSWER_BYTES_MAX + 1))
