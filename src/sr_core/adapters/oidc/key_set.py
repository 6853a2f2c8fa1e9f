"""Which published keys we trust, and for which algorithms (R-API-5).

Libraries take more than they should: short RSA keys, sets that mix secrets with public
keys, weak moduli. So every key passes this filter first. A key that fails is left out,
with its reason; the others go on working. A set that cannot be read at all is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from sr_core.adapters.oidc.encoding import (
    NotStrict,
    decode_base64url,
    parse_json_object,
)

ANSWER_BYTES_MAX: Final = 64 * 1024
KEYS_MAX: Final = 32
KID_CHARS_MAX: Final = 256
RSA_BITS_MIN: Final = 2048
RSA_BITS_MAX: Final = 8192
_RSA_EXPONENT_MIN: Final = 65537

_Jwk = dict[str, str | list[str]]

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: Final[Mapping[str, tuple[int, frozenset[str]]]] = {
    "P-256": (32, frozenset({"ES256"})),
    "P-384": (48, frozenset({"ES384"})),
}
_ED25519_BYTES: Final = 32
_ED25519_ALGORITHMS: Final = frozenset({"EdDSA", "Ed25519"})
_RSA_ALGORITHMS: Final = frozenset({"RS256", "PS256"})

ALGORITHMS: Final = _ED25519_ALGORITHMS.union(
    _RSA_ALGORITHMS, *(algorithms for _, algorithms in _CURVES.values())
)
"""Every algorithm that any trusted key may have signed with; nothing symmetric."""

# Keys of the Infineon library have moduli that are powers of 65537 modulo each of these
# primes (ROCA, CVE-2017-15361); of others, about one in 2^27 has.
_ROCA_PRIMES: Final = (
    *(3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73),
    *(79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157),
    *(163, 167),
)


class KeySetRefused(ValueError):  # noqa: N818 - named for what it says, like Refused
    """The answer is not a key set that anything can be taken from."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)


class _Unfit(Exception):  # noqa: N818 - never leaves this module
    """One key fails the filter."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key, and the algorithms that it may have signed with."""

    kid: str
    public: ECKey | OKPKey | RSAKey
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeySet:
    """The trusted keys by their `kid`, and why each of the others was left out."""

    keys: Mapping[str, TrustedKey]
    ignored: tuple[str, ...]


def parse_key_set(answer: bytes) -> KeySet:
    """Return what can be trusted of `answer`, a JWK Set as published.

    Raises:
        KeySetRefused: too large, too many keys, or not a JWK Set.

    """
    entries = _entries(answer)
    kids = Counter(kid for entry in entries if isinstance(kid := entry.get("kid"), str))
    keys: dict[str, TrustedKey] = {}
    ignored: list[str] = []
    for entry in entries:
        try:
            key = _trusted(entry, kids)
        except _Unfit as error:
            ignored.append(f"kid {entry.get('kid')!r:.80}: {error}")
        else:
            keys[key.kid] = key
    return KeySet(keys=keys, ignored=tuple(ignored))


def _entries(answer: bytes) -> list[dict[str, object]]:
    if len(answer) > ANSWER_BYTES_MAX:
        raise KeySetRefused(
            reason=f"the key set has more than {ANSWER_BYTES_MAX} bytes"
        )
    try:
        entries = parse_json_object(answer).get("keys")
    except NotStrict as error:
        raise KeySetRefused(reason=f"the key set is {error}") from error
    if not isinstance(entries, list):
        raise KeySetRefused(reason="the key set has no list of keys")
    if len(entries) > KEYS_MAX:
        raise KeySetRefused(reason=f"the key set has more than {KEYS_MAX} keys")
    return [entry if isinstance(entry, dict) else {} for entry in entries]


def _trusted(entry: Mapping[str, object], kids: Mapping[str, int]) -> TrustedKey:
    kid = _kid(entry, kids)
    _check_purpose(entry)
    importer = _IMPORTERS.get(str(entry.get("kty")))
    if importer is None:
        raise _Unfit(reason=f"key type {entry.get('kty')!r:.20} is not trusted")
    try:
        public, algorithms = importer(entry)
    except (JoseError, ValueError) as error:
        raise _Unfit(reason=f"not a key of its type: {type(error).__name__}") from error
    return TrustedKey(kid, public, _narrowed(entry, algorithms))


def _kid(entry: Mapping[str, object], kids: Mapping[str, int]) -> str:
    kid = entry.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_CHARS_MAX:
        raise _Unfit(reason=f"needs a kid of 1 to {KID_CHARS_MAX} characters")
    if kids[kid] > 1:
        raise _Unfit(reason="more than one key has this kid, so none is trusted")
    return kid


def _check_purpose(entry: Mapping[str, object]) -> None:
    if exposed := sorted(_PRIVATE_MEMBERS & entry.keys()):
        raise _Unfit(
            reason=f"publishes its private part {exposed}; replace this key at once"
        )
    if entry.get("use", "sig") != "sig":
        raise _Unfit(reason="its use is not sig")
    operations = entry.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise _Unfit(reason="its key_ops do not let it verify")


def _narrowed(
    entry: Mapping[str, object], algorithms: frozenset[str]
) -> frozenset[str]:
    """Return the algorithms left once the key's own `alg`, if any, has its say."""
    if "alg" not in entry:
        return algorithms
    declared = entry["alg"]
    if not isinstance(declared, str) or declared not in algorithms:
        raise _Unfit(reason=f"alg {declared!r:.20} is not one for this key")
    # EdDSA and Ed25519 are two names of one algorithm (RFC 9864).
    return algorithms if algorithms == _ED25519_ALGORITHMS else frozenset({declared})


def _material(entry: Mapping[str, object], member: str) -> tuple[str, bytes]:
    text = entry.get(member)
    if not isinstance(text, str):
        raise _Unfit(reason=f"has no {member}")
    return text, decode_base64url(text)


def _ec(entry: Mapping[str, object]) -> tuple[ECKey, frozenset[str]]:
    curve = str(entry.get("crv"))
    if curve not in _CURVES:
        raise _Unfit(reason=f"curve {curve:.20} is not trusted")
    width, algorithms = _CURVES[curve]
    (x, x_bytes), (y, y_bytes) = _material(entry, "x"), _material(entry, "y")
    if len(x_bytes) != width or len(y_bytes) != width:
        raise _Unfit(reason=f"a coordinate of {curve} has {width} bytes")
    jwk: _Jwk = {"kty": "EC", "crv": curve, "x": x, "y": y}
    return ECKey.import_key(jwk), algorithms


def _okp(entry: Mapping[str, object]) -> tuple[OKPKey, frozenset[str]]:
    curve = str(entry.get("crv"))
    if curve != "Ed25519":
        raise _Unfit(reason=f"curve {curve:.20} is not trusted")
    x, x_bytes = _material(entry, "x")
    if len(x_bytes) != _ED25519_BYTES:
        raise _Unfit(reason=f"an Ed25519 key has {_ED25519_BYTES} bytes")
    jwk: _Jwk = {"kty": "OKP", "crv": curve, "x": x}
    return OKPKey.import_key(jwk), _ED25519_ALGORITHMS


def _rsa(entry: Mapping[str, object]) -> tuple[RSAKey, frozenset[str]]:
    (n, n_bytes), (e, e_bytes) = _material(entry, "n"), _material(entry, "e")
    modulus, exponent = int.from_bytes(n_bytes), int.from_bytes(e_bytes)
    if not RSA_BITS_MIN <= modulus.bit_length() <= RSA_BITS_MAX:
        raise _Unfit(
            reason=f"an RSA key here has {RSA_BITS_MIN} to {RSA_BITS_MAX} bits"
        )
    if exponent < _RSA_EXPONENT_MIN:
        raise _Unfit(reason=f"its exponent is below {_RSA_EXPONENT_MIN}")
    if _is_roca(modulus):
        raise _Unfit(
            reason="its modulus can be factored (ROCA); replace this key at once"
        )
    return RSAKey.import_key({"kty": "RSA", "n": n, "e": e}), _RSA_ALGORITHMS


def _is_roca(modulus: int) -> bool:
    return all(
        modulus % prime in {pow(65537, power, prime) for power in range(prime)}
        for prime in _ROCA_PRIMES
    )


_Importer = Callable[
    [Mapping[str, object]], tuple[ECKey | OKPKey | RSAKey, frozenset[str]]
]
_IMPORTERS: Final[Mapping[str, _Importer]] = {"EC": _ec, "OKP": _okp, "RSA": _rsa}
