"""Keys with which these tests sign, and claims that would be accepted."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(frozen=True)
class Signer:
    """A private key that signs whatever it is told to."""

    alg: str
    jwk: dict[str, Any]
    sign_bytes: Callable[[bytes], bytes]

    def header(self, **changes: Any) -> dict[str, Any]:
        return {"alg": self.alg, "kid": self.jwk["kid"], "typ": "at+jwt", **changes}

    def token(self, payload: Any, header: Any = None) -> str:
        """Return a compact JWS; `bytes` for either part are taken as they are."""
        parts = [self.header() if header is None else header, payload]
        raw = [p if isinstance(p, bytes) else json.dumps(p).encode() for p in parts]
        signing_input = ".".join(map(b64, raw))
        return f"{signing_input}.{b64(self.sign_bytes(signing_input.encode()))}"

    def key_set(self, **changes: Any) -> bytes:
        return json.dumps({"keys": [{**self.jwk, **changes}]}).encode()


def _ec(alg: str, curve: ec.EllipticCurve, digest: SHA256 | SHA384) -> Signer:
    private = ec.generate_private_key(curve)
    width = curve.key_size // 8
    point = private.public_key().public_numbers()

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(width) + s.to_bytes(width)

    jwk = {
        "kty": "EC",
        "kid": f"{alg}-1",
        "crv": f"P-{curve.key_size}",
        "x": b64(point.x.to_bytes(width)),
        "y": b64(point.y.to_bytes(width)),
    }
    return Signer(alg, jwk, sign)


def _ed25519(alg: str) -> Signer:
    private = ed25519.Ed25519PrivateKey.generate()
    x = b64(private.public_key().public_bytes_raw())
    return Signer(
        alg,
        {"kty": "OKP", "kid": f"{alg}-1", "crv": "Ed25519", "x": x},
        private.sign,
    )


def _rsa(alg: str, private: rsa.RSAPrivateKey) -> Signer:
    pad = (
        padding.PKCS1v15()
        if alg == "RS256"
        else padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size)
    )
    numbers = private.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "kid": f"{alg}-1",
        "n": b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)),
        "e": b64(numbers.e.to_bytes(3)),
    }
    return Signer(alg, jwk, lambda data: private.sign(data, pad, SHA256()))


@pytest.fixture(scope="session")
def signers() -> dict[str, Signer]:
    """One signer for each algorithm that is allowed."""
    rsa_key = rsa.generate_private_key(65537, 2048)
    made = [
        _ec("ES256", ec.SECP256R1(), SHA256()),
        _ec("ES384", ec.SECP384R1(), SHA384()),
        _ed25519("EdDSA"),
        _ed25519("Ed25519"),
        _rsa("RS256", rsa_key),
        _rsa("PS256", rsa_key),
    ]
    return {signer.alg: signer for signer in made}


@pytest.fixture(scope="session")
def signer(signers: dict[str, Signer]) -> Signer:
    return signers["Ed25519"]


@pytest.fixture
def claims() -> Callable[..., dict[str, Any]]:
    """Claims of a human who logged in; a change to None leaves the claim out."""

    def build(**changes: Any) -> dict[str, Any]:
        whole = {
            "iss": "https://id.example",
            "aud": "sr",
            "sub": "alice",
            "azp": "web",
            "exp": 1000,
            "iat": 900,
            "nbf": 900,
            "amr": ["pwd", "otp"],
            "auth_time": 890,
            "roles": ["human", "release"],
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    return build
