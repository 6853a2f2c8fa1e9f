"""A small OIDC issuer with a real key: who has the right secret gets a signed token.

    python -m pytest_sr.stack.issuer SEED     (a file that the supervisor writes)

Machines come with client credentials, people with a password through a public client,
which stands for their login in a browser. Roles are written as Zitadel writes them: an
object keyed by role; who has no role has no such claim. The key is made at start and
never leaves the process.
"""

import base64
import binascii
import hmac
import json
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from secrets import token_hex
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

from joserfc import jwt
from joserfc.jwk import ECKey

from pytest_sr.stack.addresses import HUMAN_CLIENT, Client, IssuerAddress, Person
from pytest_sr.stack.web import (
    Application,
    Request,
    Response,
    build_server,
    one_at_a_time,
)

ROLES_CLAIM: Final = "urn:zitadel:iam:org:project:roles"
TOKEN_LIFETIME_S: Final = 3600
ALGORITHM: Final = "ES256"

_GRANTS: Final = ("client_credentials", "password")
_NOT_STORED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class _Denied(Exception):  # noqa: N818 - what OAuth calls it
    """No token, and why, in OAuth's words (RFC 6749, 5.2)."""

    def __init__(self, *, status: HTTPStatus, error: str, description: str) -> None:
        """Keep what the answer is made of."""
        self.status = status
        self.error = error
        self.description = description
        super().__init__(description)


class Issuer:
    """Who is known here, and the key that vouches for them."""

    def __init__(self, known: IssuerAddress, *, now_s: Callable[[], int]) -> None:
        """Make a fresh key; `now_s` gives the seconds since 1970."""
        self._known = known
        self._now_s = now_s
        self._clients = {each.client_id: each for each in known.clients}
        self._people = {each.name: each for each in known.people}
        self._key = ECKey.generate_key(
            "P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True
        )

    def application(self, request: Request) -> Response:
        """Answer one request."""
        match request.method, *request.segments:
            case ["GET", ".well-known", "openid-configuration"]:
                return Response(status=HTTPStatus.OK, body=self._configuration())
            case ["GET", "keys"]:
                keys = [self._key.as_dict(private=False)]
                return Response(status=HTTPStatus.OK, body={"keys": keys})
            case ["POST", "token"]:
                return self._token(request)
            case _:
                return _error(
                    HTTPStatus.NOT_FOUND, "not_found", "There is no such page"
                )

    def _configuration(self) -> dict[str, object]:
        url = self._known.issuer_url
        return {
            "issuer": url,
            "jwks_uri": f"{url}/keys",
            "token_endpoint": f"{url}/token",
            "grant_types_supported": list(_GRANTS),
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
        }

    def _token(self, request: Request) -> Response:
        try:
            access_token = self._granted(request)
        except _Denied as denied:
            return _error(denied.status, denied.error, denied.description)
        return Response(
            status=HTTPStatus.OK,
            headers=_NOT_STORED,
            body={
                "access_token": access_token,
                "token_type": "Bearer",
                "expires_in": TOKEN_LIFETIME_S,
            },
        )

    def _granted(self, request: Request) -> str:
        form = dict(parse_qsl(request.body.decode("utf-8", errors="replace")))
        client_id, secret = _credentials(request, form)
        match form.get("grant_type"):
            case "client_credentials":
                client = self._client(client_id, secret)
                return self._signed(client, azp=client.client_id)
            case "password":
                self._check_public(client_id)
                person = self._person(
                    form.get("username", ""), form.get("password", "")
                )
                login = {"amr": ["pwd"], "auth_time": self._now_s()}
                return self._signed(person, azp=HUMAN_CLIENT, **login)
            case None:
                raise _bad(error="invalid_request", description="grant_type is missing")
            case _:
                raise _bad(
                    error="unsupported_grant_type",
                    description=f"Known are {', '.join(_GRANTS)}",
                )

    def _client(self, client_id: str, secret: str) -> Client:
        if client_id == HUMAN_CLIENT:
            raise _bad(
                error="unauthorized_client",
                description="People come with grant_type=password",
            )
        client = self._clients.get(client_id)
        if client is None or not _same(client.client_secret, secret):
            raise _Denied(
                status=HTTPStatus.UNAUTHORIZED,
                error="invalid_client",
                description="Unknown client or secret",
            )
        return client

    def _check_public(self, client_id: str) -> None:
        if client_id in self._clients:
            raise _bad(
                error="unauthorized_client",
                description=f"Only {HUMAN_CLIENT} brings people",
            )
        if client_id != HUMAN_CLIENT:
            raise _Denied(
                status=HTTPStatus.UNAUTHORIZED,
                error="invalid_client",
                description="Unknown client",
            )

    def _person(self, name: str, password: str) -> Person:
        person = self._people.get(name)
        if person is None or not _same(person.password, password):
            raise _Denied(
                status=HTTPStatus.UNAUTHORIZED,
                error="invalid_grant",
                description="Unknown person or password",
            )
        return person

    def _signed(self, who: Client | Person, *, azp: str, **login: object) -> str:
        now_s = self._now_s()
        granted: dict[str, object] = {role: {} for role in who.roles}
        roles = {ROLES_CLAIM: granted} if granted else {}
        claims: dict[str, Any] = {
            "iss": self._known.issuer_url,
            "sub": who.subject,
            "aud": self._known.audience,
            "azp": azp,
            "iat": now_s,
            "exp": now_s + TOKEN_LIFETIME_S,
            "jti": token_hex(16),
            **roles,
            **login,
        }
        header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": self._key.kid}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Return client and secret, from HTTP's basic scheme or else from the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _bad(
            error="invalid_request", description="The basic credentials are no base64"
        ) from error
    client_id, _, secret = decoded.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _bad(*, error: str, description: str) -> _Denied:
    return _Denied(status=HTTPStatus.BAD_REQUEST, error=error, description=description)


def _error(status: HTTPStatus, error: str, description: str) -> Response:
    body = {"error": error, "error_description": description}
    return Response(status=status, body=body, headers=_NOT_STORED)


# The program


def _wall_clock_s() -> int:
    return int(time.time())  # noqa: TID251 - a server of its own; tokens carry wall-clock seconds


def build_issuer(seed: Mapping[str, Any]) -> Issuer:
    """Return the issuer that `seed`, the supervisor's JSON, asks for."""
    known = IssuerAddress(
        issuer_url=seed["issuer_url"],
        audience=seed["audience"],
        clients=tuple(Client(**each) for each in seed["clients"]),
        people=tuple(Person(**each) for each in seed["people"]),
    )
    return Issuer(known, now_s=_wall_clock_s)


def build_application(seed: Mapping[str, Any]) -> Application:
    """Return the server's function from a request to its answer."""
    return one_at_a_time(build_issuer(seed).application)


def main(arguments: list[str]) -> None:
    """Serve until told to stop by a signal."""
    seed = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    build_server(
        build_application(seed), host=seed["host"], port=seed["port"]
    ).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
