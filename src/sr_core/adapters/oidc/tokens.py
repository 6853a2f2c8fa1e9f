"""From the text of a token to claims that can be relied on (R-API-4).

    text --parse_jws--> Jws --verified_claims--> claims --check_claims--> ours, now

`parse_jws` believes nothing; what it finds only chooses among keys that are trusted
already. Nothing in a token can bring a key, a place to get one, or a way round the
check. Reasons never quote the token, so that they may be logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from sr_core.adapters.oidc.encoding import (
    NotStrict,
    decode_base64url,
    parse_json_object,
)
from sr_core.adapters.oidc.key_set import ALGORITHMS, KID_CHARS_MAX, TrustedKey
from sr_core.ports.identity import NotAuthenticated

TOKEN_CHARS_MAX: Final = 16 * 1024
SUBJECT_CHARS_MAX: Final = 255
LEEWAY_S_MAX: Final = 60.0

_PARTS: Final = 3
_HEADER_NAMES: Final = frozenset({"alg", "kid", "typ"})
_TYPES: Final = frozenset({"at+jwt", "JWT"})
_ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash"})


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS, taken apart and not yet believed."""

    alg: str
    kid: str
    typ: str | None
    signing_input: bytes
    payload: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Whose tokens count, for whom, and how far clocks may differ."""

    issuer: str
    audience: str
    leeway_s: float


def parse_jws(token: str) -> Jws:
    """Return `token` taken apart: one signature, compact, canonical, plain header.

    Raises:
        NotAuthenticated: it is anything else.

    """
    if len(token) > TOKEN_CHARS_MAX:
        raise NotAuthenticated(reason=f"longer than {TOKEN_CHARS_MAX} characters")
    parts = token.split(".")
    if len(parts) != _PARTS:
        raise NotAuthenticated(reason="not a compact JWS of three parts")
    try:
        header, payload, signature = map(decode_base64url, parts)
        members = parse_json_object(header)
    except NotStrict as error:
        raise NotAuthenticated(reason="not strict base64url and JSON") from error
    alg, kid, typ = _parse_header(members)
    return Jws(
        alg=alg,
        kid=kid,
        typ=typ,
        signing_input=token.rpartition(".")[0].encode("ascii"),
        payload=payload,
        signature=signature,
    )


def _parse_header(members: Mapping[str, object]) -> tuple[str, str, str | None]:
    if not members.keys() <= _HEADER_NAMES:
        raise NotAuthenticated(reason="a header member other than alg, kid and typ")
    alg, kid, typ = (members.get(name) for name in ("alg", "kid", "typ"))
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise NotAuthenticated(reason="an algorithm that is not allowed")
    if not isinstance(kid, str) or not 0 < len(kid) <= KID_CHARS_MAX:
        raise NotAuthenticated(reason="no kid")
    if "typ" in members and not isinstance(typ, str):
        raise NotAuthenticated(reason="a typ that is no text")
    return alg, kid, typ if isinstance(typ, str) else None


def verify_signature(jws: Jws, key: TrustedKey) -> None:
    """Raise `NotAuthenticated` unless `key` made the signature, as it may."""
    if jws.kid != key.kid or jws.alg not in key.algorithms:
        raise NotAuthenticated(reason="an algorithm that is not the key's")
    algorithm = JWSRegistry.algorithms[jws.alg]
    try:
        algorithm.check_key(key.public)
        is_genuine = algorithm.verify(jws.signing_input, jws.signature, key.public)
    except (JoseError, ValueError) as error:
        raise NotAuthenticated(reason="a signature that cannot be read") from error
    if not is_genuine:
        raise NotAuthenticated(reason="the signature is not the key's")


def verified_claims(jws: Jws, key: TrustedKey) -> dict[str, object]:
    """Return the claims of `jws`, once `key` has vouched for every byte of it.

    Raises:
        NotAuthenticated: the signature is not the key's, or signs no JSON object.

    """
    verify_signature(jws, key)
    try:
        return parse_json_object(jws.payload)
    except NotStrict as error:
        raise NotAuthenticated(reason="the claims are not strict JSON") from error


def check_claims(
    jws: Jws, claims: Mapping[str, object], rules: ClaimRules, *, now_s: float
) -> None:
    """Raise `NotAuthenticated` unless this is an access token, ours, and current."""
    _check_type(jws, claims)
    if claims.get("iss") != rules.issuer:
        raise NotAuthenticated(reason="another issuer")
    _check_audience(claims, rules.audience)
    _check_times(claims, rules.leeway_s, now_s)
    subject = claims.get("sub")
    is_named = isinstance(subject, str) and 0 < len(subject) <= SUBJECT_CHARS_MAX
    if not (is_named and str(subject).isascii() and str(subject).isprintable()):
        raise NotAuthenticated(reason="no subject")


def _check_type(jws: Jws, claims: Mapping[str, object]) -> None:
    """Refuse what is no access token: an ID token tells a client who logged in."""
    if jws.typ not in _TYPES:
        raise NotAuthenticated(reason="a typ that is not an access token's")
    if _ID_TOKEN_CLAIMS & claims.keys():
        raise NotAuthenticated(reason="an ID token")
    if jws.typ == "JWT" and "azp" not in claims:
        raise NotAuthenticated(reason="a JWT that names no client, as ID tokens do")


def _check_audience(claims: Mapping[str, object], audience: str) -> None:
    match claims.get("aud"):
        case str(single):
            is_ours = single == audience
        case list(several):
            is_ours = audience in several and all(isinstance(s, str) for s in several)
            if not isinstance(claims.get("azp"), str):
                raise NotAuthenticated(reason="several audiences and no client")
        case _:
            is_ours = False
    if not is_ours:
        raise NotAuthenticated(reason="another audience")


def _check_times(claims: Mapping[str, object], leeway_s: float, now_s: float) -> None:
    expires = _numeric_date(claims, "exp")
    if expires is None or now_s - leeway_s >= expires:
        raise NotAuthenticated(reason="expired, or without expiry")
    for name in ("nbf", "iat"):
        begins = _numeric_date(claims, name)
        if begins is not None and now_s + leeway_s < begins:
            raise NotAuthenticated(reason=f"not valid yet by its {name}")


def _numeric_date(claims: Mapping[str, object], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAuthenticated(reason=f"an {name} that is no time")
    return value
