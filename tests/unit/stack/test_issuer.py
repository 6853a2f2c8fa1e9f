"""The issuer gives a token to who has the right secret, and says whose roles it found."""

import base64
import json
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import ECKey, KeySet

from pytest_sr.stack.addresses import HUMAN_CLIENT, Client, IssuerAddress, Person
from pytest_sr.stack.issuer import ROLES_CLAIM, Issuer
from pytest_sr.stack.web import Request

WORD = "s:1"
NOW_S = 1_700_000_000
KNOWN = IssuerAddress(
    issuer_url="http://127.0.0.1:1",
    audience="platform",
    clients=(
        Client(
            client_id="sr-agent", client_secret=WORD, subject="m-1", roles=("agent",)
        ),
        Client(client_id="sr-roleless", client_secret=WORD, subject="m-2", roles=()),
    ),
    people=(
        Person(name="alice", password=WORD, subject="p-1", roles=("human", "operator")),
    ),
)
AGENT = {
    "grant_type": "client_credentials",
    "client_id": "sr-agent",
    "client_secret": WORD,
}
ALICE = {
    "grant_type": "password",
    "client_id": HUMAN_CLIENT,
    "username": "alice",
    "password": WORD,
}


@pytest.fixture
def issuer():
    return Issuer(KNOWN, now_s=lambda: NOW_S)


@pytest.fixture
def get(issuer):
    def get(*segments):
        return issuer.application(Request(method="GET", segments=segments)).body

    return get


@pytest.fixture
def ask(issuer):
    def ask(form, **headers):
        return issuer.application(
            Request(
                method="POST",
                segments=("token",),
                headers=headers,
                body=urlencode(form).encode(),
            )
        )

    return ask


@pytest.fixture
def verified(get, ask):
    """The token that a form gets, verified with the published key."""

    def verified(form):
        keys = KeySet.import_key_set(get("keys"))
        return jwt.decode(ask(form).body["access_token"], keys, algorithms=["ES256"])

    return verified


class TestTokens:
    def test_a_machine_is_told_by_its_role(self, verified):
        claims = verified(AGENT).claims

        assert claims[ROLES_CLAIM] == {"agent": {}}
        assert (claims["sub"], claims["azp"]) == ("m-1", "sr-agent")
        assert "amr" not in claims

    def test_a_person_also_by_how_and_when_they_logged_in(self, verified):
        claims = verified(ALICE).claims

        assert claims[ROLES_CLAIM] == {"human": {}, "operator": {}}
        assert (claims["sub"], claims["azp"]) == ("p-1", HUMAN_CLIENT)
        assert (claims["amr"], claims["auth_time"]) == (["pwd"], NOW_S)

    def test_who_has_no_role_has_no_such_claim(self, verified):
        form = {**AGENT, "client_id": "sr-roleless"}

        assert ROLES_CLAIM not in verified(form).claims

    def test_it_is_an_access_token_for_an_hour_and_one_audience(self, verified):
        token = verified(AGENT)

        assert token.header["typ"] == "at+jwt"
        assert token.claims["iss"] == KNOWN.issuer_url
        assert token.claims["aud"] == "platform"
        assert token.claims["exp"] - token.claims["iat"] == 3600

    def test_no_two_are_the_same(self, verified):
        assert verified(AGENT).claims["jti"] != verified(AGENT).claims["jti"]

    def test_another_start_has_another_key(self, ask):
        stranger = Issuer(KNOWN, now_s=lambda: NOW_S)
        published = stranger.application(Request(method="GET", segments=("keys",)))
        assert isinstance(published.body, dict)
        key = ECKey.import_key(published.body["keys"][0])

        with pytest.raises(BadSignatureError):
            jwt.decode(ask(AGENT).body["access_token"], key, algorithms=["ES256"])

    def test_a_client_may_come_with_http_basic(self, ask):
        basic = base64.b64encode(b"sr-agent:s%3A1").decode()

        answer = ask(
            {"grant_type": "client_credentials"}, authorization=f"Basic {basic}"
        )

        assert answer.status == 200


class TestRefusals:
    @pytest.mark.parametrize(
        ("form", "status", "error"),
        [
            ({**AGENT, "client_secret": "wrong"}, 401, "invalid_client"),
            ({**AGENT, "client_secret": ""}, 401, "invalid_client"),
            ({**AGENT, "client_id": "nobody"}, 401, "invalid_client"),
            ({**AGENT, "client_id": HUMAN_CLIENT}, 400, "unauthorized_client"),
            ({**ALICE, "password": "wrong"}, 401, "invalid_grant"),
            ({**ALICE, "username": "nobody"}, 401, "invalid_grant"),
            ({**ALICE, "client_id": "nobody"}, 401, "invalid_client"),
            ({**ALICE, "client_id": "sr-agent"}, 400, "unauthorized_client"),
            ({**AGENT, "grant_type": "implicit"}, 400, "unsupported_grant_type"),
            ({}, 400, "invalid_request"),
        ],
    )
    def test_each_has_the_name_that_oauth_gives_it(self, ask, form, status, error):
        answer = ask(form)

        assert (answer.status, answer.body["error"]) == (status, error)

    def test_broken_basic_credentials_are_a_bad_request(self, ask):
        answer = ask({"grant_type": "client_credentials"}, authorization="Basic %%%")

        assert (answer.status, answer.body["error"]) == (400, "invalid_request")

    def test_there_is_no_other_page(self, issuer):
        answer = issuer.application(Request(method="GET", segments=("token",)))

        assert answer.status == 404


class TestDiscovery:
    def test_it_leads_to_keys_and_tokens(self, get):
        found = get(".well-known", "openid-configuration")

        assert found["issuer"] == KNOWN.issuer_url
        assert found["jwks_uri"] == f"{KNOWN.issuer_url}/keys"
        assert found["token_endpoint"] == f"{KNOWN.issuer_url}/token"

    def test_a_key_says_what_it_is_for_and_keeps_its_secret(self, get):
        (key,) = get("keys")["keys"]

        assert (key["use"], key["alg"], key["crv"]) == ("sig", "ES256", "P-256")
        assert key["kid"]
        assert "d" not in key

    def test_all_of_it_is_json(self, get):
        assert json.dumps(get("keys"))
