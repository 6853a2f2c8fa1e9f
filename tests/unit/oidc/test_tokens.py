import base64
import hashlib
import hmac
import json
import warnings
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.adapters.oidc.key_set import TrustedKey, parse_key_set
from sr_core.adapters.oidc.tokens import (
    TOKEN_CHARS_MAX,
    ClaimRules,
    check_claims,
    parse_jws,
    verified_claims,
)
from sr_core.ports.identity import NotAuthenticated

RULES = ClaimRules(issuer="https://id.example", audience="sr", leeway_s=60)
NOW_S = 950


def key_of(signer: Any, **changes: Any) -> TrustedKey:
    (key,) = parse_key_set(signer.key_set(**changes)).keys.values()
    return key


def read(token: str, signer: Any, *, now_s: float = NOW_S) -> dict[str, object]:
    jws = parse_jws(token)
    found = verified_claims(jws, key_of(signer))
    check_claims(jws, found, RULES, now_s=now_s)
    return found


def b64(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class TestAccepted:
    @pytest.mark.parametrize(
        "alg", ["ES256", "ES384", "EdDSA", "Ed25519", "RS256", "PS256"]
    )
    def test_every_allowed_algorithm(self, signers, claims, alg):
        token = signers[alg].token(claims())

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read(token, signers[alg]) == claims()

    @pytest.mark.parametrize("typ", ["at+jwt", "JWT"])
    def test_every_allowed_type(self, signer, claims, typ):
        read(signer.token(claims(), signer.header(typ=typ)), signer)

    @pytest.mark.parametrize("aud", ["sr", ["sr"], ["other", "sr"]])
    def test_our_audience_alone_or_among_others(self, signer, claims, aud):
        read(signer.token(claims(aud=aud)), signer)

    @pytest.mark.parametrize(
        ("changes", "now_s"),
        [
            ({"exp": 1000}, 1059),
            ({"exp": 1000.5}, 1060),
            ({"nbf": 1010}, 950),
            ({"iat": 1010}, 950),
            ({"nbf": None, "iat": None}, 950),
        ],
    )
    def test_clocks_may_differ_by_the_leeway(self, signer, claims, changes, now_s):
        read(signer.token(claims(**changes)), signer, now_s=now_s)

    def test_the_longest_token(self, signer, claims):
        short = len(signer.token(claims(pad="")))
        room = (TOKEN_CHARS_MAX - short) * 3 // 4 - 2

        token = signer.token(claims(pad="x" * room))

        assert TOKEN_CHARS_MAX - 4 <= len(token) <= TOKEN_CHARS_MAX
        read(token, signer)


class TestHeader:
    """R-API-4: nothing in a header can bring a key or a way round the check."""

    @pytest.mark.parametrize(
        "member",
        [
            {"jwk": {"kty": "OKP"}},
            {"jku": "https://evil.example/keys"},
            {"x5u": "https://evil.example/chain"},
            {"x5c": ["AAAA"]},
            {"x5t": "AAAA"},
            {"crit": ["exp"], "exp": 1},
            {"crit": []},
            {"b64": False},
            {"zip": "DEF"},
            {"enc": "A256GCM"},
            {"cty": "JWT"},
            {"whatever": 1},
        ],
        ids=lambda member: next(iter(member)),
    )
    def test_no_other_member(self, signer, claims, member):
        token = signer.token(claims(), signer.header(**member))

        with pytest.raises(NotAuthenticated) as caught:
            read(token, signer)

        assert caught.value.reason == "a header member other than alg, kid and typ"

    @pytest.mark.parametrize(
        "alg",
        [
            *("none", "None", "NONE", "HS256", "HS512", "ES512", "RS384", "RS1"),
            *("ES256K", "Ed448", "dir", "", None, 7, ["Ed25519"]),
        ],
    )
    def test_no_other_algorithm(self, signer, claims, alg):
        token = signer.token(claims(), signer.header(alg=alg))

        with pytest.raises(NotAuthenticated) as caught:
            parse_jws(token)

        assert caught.value.reason == "an algorithm that is not allowed"

    @pytest.mark.parametrize("kid", ["", None, 7, ["a"], "k" * 257])
    def test_no_token_without_a_key_by_name(self, signer, claims, kid):
        with pytest.raises(NotAuthenticated, match="no valid access token") as caught:
            parse_jws(signer.token(claims(), signer.header(kid=kid)))

        assert caught.value.reason == "no kid"

    @pytest.mark.parametrize("typ", ["dpop+jwt", "jwt", "AT+JWT", "id_token", ""])
    def test_no_other_type(self, signer, claims, typ):
        with pytest.raises(NotAuthenticated) as caught:
            read(signer.token(claims(), signer.header(typ=typ)), signer)

        assert caught.value.reason == "a typ that is not an access token's"

    @pytest.mark.parametrize("typ", [None, 7, ["JWT"]])
    def test_a_type_is_text(self, signer, claims, typ):
        with pytest.raises(NotAuthenticated):
            parse_jws(signer.token(claims(), signer.header(typ=typ)))

    def test_a_type_has_to_be_there(self, signer, claims):
        header = {"alg": signer.alg, "kid": signer.jwk["kid"]}

        with pytest.raises(NotAuthenticated) as caught:
            read(signer.token(claims(), header), signer)

        assert caught.value.reason == "a typ that is not an access token's"

    def test_no_member_twice(self, signer, claims):
        header = b'{"alg":"none",' + json.dumps(signer.header()).encode()[1:]

        with pytest.raises(NotAuthenticated):
            parse_jws(signer.token(claims(), header))


class TestForgery:
    """R-API-4: a signature counts only if a trusted key made it, as it may."""

    def test_no_signature(self, signer, claims):
        token = signer.token(claims())

        with pytest.raises(NotAuthenticated):
            read(token.rpartition(".")[0] + ".", signer)

    def test_none_with_nothing_to_check(self, signer, claims):
        header = b64(json.dumps({"alg": "none", "kid": signer.jwk["kid"]}).encode())

        with pytest.raises(NotAuthenticated):
            read(f"{header}.{b64(json.dumps(claims()).encode())}.", signer)

    def test_hmac_keyed_with_the_public_key(self, signers, claims):
        signer = signers["RS256"]
        public = key_of(signer).public.as_pem(private=False)
        header = b64(json.dumps(signer.header(alg="HS256")).encode())
        signing_input = f"{header}.{b64(json.dumps(claims()).encode())}"
        mac = hmac.new(public, signing_input.encode(), hashlib.sha256).digest()

        with pytest.raises(NotAuthenticated):
            read(f"{signing_input}.{b64(mac)}", signer)

    def test_another_key_under_the_same_name(self, signers, claims):
        forged = signers["EdDSA"].token(
            claims(), signers["EdDSA"].header(kid="Ed25519-1")
        )

        with pytest.raises(NotAuthenticated) as caught:
            read(forged, signers["Ed25519"])

        assert caught.value.reason == "the signature is not the key's"

    @pytest.mark.parametrize(
        ("alg", "claimed"),
        [
            ("ES256", "RS256"),
            ("RS256", "ES256"),
            ("ES256", "ES384"),
            ("EdDSA", "ES256"),
        ],
    )
    def test_an_algorithm_of_another_type_of_key(self, signers, claims, alg, claimed):
        token = signers[alg].token(claims(), signers[alg].header(alg=claimed))

        with pytest.raises(NotAuthenticated) as caught:
            read(token, signers[alg])

        assert caught.value.reason == "an algorithm that is not the key's"

    def test_an_algorithm_that_the_key_declines(self, signers, claims):
        jws = parse_jws(signers["PS256"].token(claims()))

        with pytest.raises(NotAuthenticated) as caught:
            verified_claims(jws, key_of(signers["PS256"], alg="RS256"))

        assert caught.value.reason == "an algorithm that is not the key's"

    def test_the_library_stands_behind_our_own_check(self, signers, claims):
        key = replace(
            key_of(signers["EdDSA"], kid="ES256-1"), algorithms=frozenset({"ES256"})
        )
        jws = parse_jws(signers["ES256"].token(claims()))

        with pytest.raises(NotAuthenticated) as caught:
            verified_claims(jws, key)

        assert caught.value.reason == "a signature that cannot be read"

    def test_a_key_of_another_name(self, signer, claims):
        jws = parse_jws(signer.token(claims()))

        with pytest.raises(NotAuthenticated):
            verified_claims(jws, key_of(signer, kid="another"))

    def test_every_single_character_counts(self, signer, claims):
        token = signer.token(claims())
        changed = [
            token[:at] + other + token[at + 1 :]
            for at in range(len(token))
            for other in "AB_.="
            if other != token[at]
        ]

        accepted = [text for text in changed if is_accepted(text, signer)]

        assert len(changed) > 1000
        assert not accepted

    @pytest.mark.parametrize("alg", ["ES256", "ES384", "RS256", "PS256", "Ed25519"])
    @pytest.mark.parametrize("size", [0, 1, 31, 64, 96, 256, 512])
    def test_zeros_of_any_length(self, signers, claims, alg, size):
        token = signers[alg].token(claims()).rpartition(".")[0]

        assert not is_accepted(f"{token}.{b64(bytes(size))}", signers[alg])


def is_accepted(token: str, signer: Any) -> bool:
    try:
        read(token, signer)
    except NotAuthenticated:
        return False
    return True


class TestForm:
    """R-API-4: one signature, compact, canonical."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda token: token + "=",
            lambda token: token + "==",
            lambda token: token + "\n",
            lambda token: " " + token,
            lambda token: token + ".",
            lambda token: "." + token,
            lambda token: token + "." + token.rpartition(".")[2],
            lambda token: token + ".AAAA.AAAA",
            lambda token: token.replace(".", "=.", 1),
            lambda token: token.replace(".", ". ", 1),
            lambda token: token.replace(".", "é.", 1),
            lambda token: token.replace(".", "\ud800.", 1),
            lambda token: token.rpartition(".")[0],
            lambda _: "",
            lambda _: "..",
            lambda _: "a.b.c",
        ],
    )
    def test_nothing_around_or_between(self, signer, claims, change):
        with pytest.raises(NotAuthenticated):
            read(change(signer.token(claims())), signer)

    def test_unused_bits(self, signer, claims):
        token = signer.token(claims())
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        assert len(token.rpartition(".")[2]) % 4 == 2, "64 bytes leave 4 bits unused"
        last = alphabet[alphabet.index(token[-1]) + 1]

        with pytest.raises(NotAuthenticated) as caught:
            read(token[:-1] + last, signer)

        assert caught.value.reason == "not strict base64url and JSON"

    @pytest.mark.parametrize("signatures", [1, 2])
    def test_json_serialisation(self, signer, claims, signatures):
        protected, payload, signature = signer.token(claims()).split(".")
        one = {"protected": protected, "signature": signature}
        flat = json.dumps({"payload": payload, **one})
        general = json.dumps({"payload": payload, "signatures": [one] * signatures})

        assert not is_accepted(flat, signer)
        assert not is_accepted(general, signer)

    def test_encrypted(self, signer):
        header = b64(b'{"alg":"dir","enc":"A256GCM"}')

        with pytest.raises(NotAuthenticated) as caught:
            read(f"{header}..AAAA.AAAA.AAAA", signer)

        assert caught.value.reason == "not a compact JWS of three parts"

    def test_a_token_in_a_token(self, signer, claims):
        with pytest.raises(NotAuthenticated) as caught:
            read(signer.token(signer.token(claims()).encode()), signer)

        assert caught.value.reason == "the claims are not strict JSON"

    @pytest.mark.parametrize("room", [TOKEN_CHARS_MAX, 100_000])
    def test_too_long(self, signer, claims, room):
        with pytest.raises(NotAuthenticated) as caught:
            parse_jws(signer.token(claims(pad="x" * room)))

        assert caught.value.reason == "longer than 16384 characters"

    @given(st.text() | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*"))
    def test_whatever_comes_the_answer_is_no(self, text):
        with pytest.raises(NotAuthenticated):
            parse_jws(text)


class TestClaims:
    """R-API-4: an access token, of our issuer, for us, now."""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"iss": None}, "another issuer"),
            ({"iss": "https://id.example/"}, "another issuer"),
            ({"iss": "https://ID.example"}, "another issuer"),
            ({"iss": ["https://id.example"]}, "another issuer"),
            ({"aud": None}, "another audience"),
            ({"aud": "other"}, "another audience"),
            ({"aud": "sr2"}, "another audience"),
            ({"aud": ""}, "another audience"),
            ({"aud": []}, "another audience"),
            ({"aud": ["other"]}, "another audience"),
            ({"aud": ["sr", 7]}, "another audience"),
            ({"aud": [["sr"]]}, "another audience"),
            ({"aud": {"sr": 1}}, "another audience"),
            ({"aud": ["sr"], "azp": None}, "several audiences and no client"),
            ({"aud": ["sr"], "azp": ["web"]}, "several audiences and no client"),
            ({"exp": None}, "expired, or without expiry"),
            ({"exp": 890}, "expired, or without expiry"),
            ({"exp": 0}, "expired, or without expiry"),
            ({"exp": -1}, "expired, or without expiry"),
            ({"exp": "1000"}, "an exp that is no time"),
            ({"exp": True}, "an exp that is no time"),
            ({"exp": [1000]}, "an exp that is no time"),
            ({"nbf": 1011}, "not valid yet by its nbf"),
            ({"iat": 1011}, "not valid yet by its iat"),
            ({"nbf": 10**400}, "not valid yet by its nbf"),
            ({"nbf": "0"}, "an nbf that is no time"),
            ({"iat": False}, "an iat that is no time"),
            ({"sub": None}, "no subject"),
            ({"sub": ""}, "no subject"),
            ({"sub": 7}, "no subject"),
            ({"sub": "a" * 256}, "no subject"),
            ({"sub": "a\nb"}, "no subject"),
            ({"sub": "alicé"}, "no subject"),
            ({"nonce": "n"}, "an ID token"),
            ({"at_hash": "h"}, "an ID token"),
            ({"c_hash": "h"}, "an ID token"),
        ],
    )
    def test_each_rule_broken(self, signer, claims, changes, reason):
        with pytest.raises(NotAuthenticated) as caught:
            read(signer.token(claims(**changes)), signer)

        assert caught.value.reason == reason

    def test_a_plain_jwt_names_its_client(self, signer, claims):
        token = signer.token(claims(azp=None), signer.header(typ="JWT"))

        with pytest.raises(NotAuthenticated) as caught:
            read(token, signer)

        assert caught.value.reason == "a JWT that names no client, as ID tokens do"

    @pytest.mark.parametrize(
        "payload",
        [
            b'{"sub":"alice","sub":"bob"}',
            b'{"roles":{"human":{},"human":{}}}',
            b'{"exp":NaN}',
            b'{"exp":1e999}',
            b'["claims"]',
            b"null",
            b"",
            b"\xff",
        ],
    )
    def test_claims_are_one_strict_object(self, signer, payload):
        with pytest.raises(NotAuthenticated) as caught:
            read(signer.token(payload), signer)

        assert caught.value.reason == "the claims are not strict JSON"

    def test_an_expiry_beyond_every_float_is_no_error(self, signer, claims):
        read(signer.token(claims(exp=10**400)), signer)


class TestWords:
    def test_one_message_for_the_outside(self, signer, claims):
        messages = set()
        for changes in ({"iss": "x"}, {"aud": "x"}, {"exp": 0}, {"nonce": "n"}):
            with pytest.raises(NotAuthenticated) as caught:
                read(signer.token(claims(**changes)), signer)
            messages.add((caught.value.code, str(caught.value)))

        assert len(messages) == 1
        assert messages.pop()[0] == "NOT_AUTHENTICATED"
