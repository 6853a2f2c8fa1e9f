"""R-API-2: every route against every kind of caller, from the application's own routes.

What a route says of itself is compared with what it does to nine callers. The table of
what the routes say is a page of its own, which is read by people: `authority.md`.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Final

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

import sr_core.api.app as face
from sr_core.adapters.memory.actor_kinds import MemoryKindBindings
from sr_core.adapters.oidc import identity as oidc
from sr_core.adapters.oidc.actor_kinds import KindRules
from sr_core.adapters.oidc.identity import OidcIdentity, OidcSettings
from sr_core.api.app import Face, build_app, build_description
from sr_core.api.authority import ANYONE, OPEN, Authority
from sr_core.api.description import Operation
from sr_core.domain.actors import ActorKind
from sr_core.domain.integrity import PORTAL_ROLE
from sr_core.testing import NOON, Stage, TokenTable

pytestmark = pytest.mark.anyio

ISSUER: Final = "https://id.example"
NOW: Final = datetime(2026, 1, 9, 12, tzinfo=UTC)
ROLES: Final = sorted(
    {role for each in build_description().operations for role in each.authority.roles}
    | set(PORTAL_ROLE.values())
)
PERSON: Final = {"azp": "web", "amr": ["pwd"], "auth_time": 1, "roles": ["human"]}
BAD: Final[Mapping[str, Mapping[str, Any]]] = {
    "expired": {"exp": 1},
    "wrong audience": {"aud": "other"},
    "wrong issuer": {"iss": "https://other.example"},
    "ID token": {"nonce": "n"},
}
GOOD: Final[Mapping[str, tuple[ActorKind, Mapping[str, Any]]]] = {
    "agent": (ActorKind.AGENT, {"azp": "coder", "roles": ["agent"], "sub": "a"}),
    "human without role": (ActorKind.HUMAN, {**PERSON, "sub": "b"}),
    "human": (ActorKind.HUMAN, {**PERSON, "roles": ["human", *ROLES], "sub": "c"}),
    "system": (ActorKind.SYSTEM, {"azp": "core", "roles": ["system"], "sub": "d"}),
}
CALLERS: Final = ("nobody", *BAD, *GOOD)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Signs what it is asked to; its keys are served on loopback."""

    def __init__(self) -> None:
        self._key = ed25519.Ed25519PrivateKey.generate()
        x = b64(self._key.public_key().public_bytes_raw())
        jwk = {"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x, "use": "sig"}
        self.keys = json.dumps({"keys": [jwk]}).encode()

    def token(self, **claims: Any) -> str:
        head = {"alg": "EdDSA", "kid": "k", "typ": "at+jwt"}
        whole = {"iss": ISSUER, "aud": "sr", "sub": "s", "exp": NOW.timestamp() + 60}
        parts = [json.dumps(each).encode() for each in (head, {**whole, **claims})]
        signed = ".".join(map(b64, parts))
        return f"{signed}.{b64(self._key.sign(signed.encode()))}"

    def headers(self, caller: str) -> dict[str, str]:
        if caller == "nobody":
            return {}
        claims = GOOD[caller][1] if caller in GOOD else {**PERSON, **BAD[caller]}
        return {"authorization": f"Bearer {self.token(**claims)}"}


@dataclass
class Front:
    """How an application that believes one issuer is asked."""

    issuer: Issuer
    keys_uri: str
    app: Face

    async def answers(
        self, operations: tuple[Operation, ...]
    ) -> dict[tuple[Operation, str], httpx.Response]:
        """What each operation answers to each caller."""
        kinds = KindRules(frozenset({"web"}), frozenset({"coder"}), frozenset({"core"}))
        identity = OidcIdentity(
            OidcSettings(
                issuer=ISSUER, audience="sr", jwks_uri=self.keys_uri, kinds=kinds
            ),
            now=lambda: NOW,
            monotonic=time.monotonic,
            bindings=MemoryKindBindings(),
        )
        self.app.serve(Stage().platform, identity, [])
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://sr") as http:
            got = {
                (operation, caller): await http.request(
                    operation.method,
                    re.sub(r"{\w+}", "x", operation.path),
                    headers=self.issuer.headers(caller),
                )
                for operation in operations
                for caller in CALLERS
            }
        await identity.aclose()
        return got

    async def mismatches(self, operations: tuple[Operation, ...]) -> list[str]:
        """The cells in which an operation does otherwise than it says."""
        answers = await self.answers(operations)
        return [
            f"{operation.method} {operation.path} answers {answer.status_code} "
            f"to {caller}, not {wanted}"
            for (operation, caller), answer in answers.items()
            if not fits(answer.status_code, wanted := expected(operation, caller))
        ]


def routed() -> Face:
    """The routes, which look up with each request who may ask: a test may change that."""
    real = face.authority_of

    def now(handler: Any) -> Authority:
        current = face.authority_of
        return real(handler) if current is now else current(handler)

    with pytest.MonkeyPatch.context() as while_built:
        while_built.setattr(face, "authority_of", now)
        return build_app(Stage().platform, TokenTable({}), [])


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    issuer = Issuer()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(issuer.keys)

        def log_message(self, *_: object) -> None:
            """Say nothing: the tests look at the answers."""

    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield Front(issuer, f"http://127.0.0.1:{server.server_port}/keys", routed())
        server.shutdown()
        thread.join()


def expected(operation: Operation, caller: str) -> str:
    """What the operation says of itself: heard, 401 or 403."""
    authority = operation.authority
    if authority.kinds is None or (caller == "nobody" and authority.is_optional):
        return "heard"
    if caller not in GOOD:
        return "401"
    kind, claims = GOOD[caller]
    has_role = not authority.roles or bool(authority.roles & set(claims["roles"]))
    return "heard" if kind in authority.kinds and has_role else "403"


def fits(status: int, wanted: str) -> bool:
    return status not in {401, 403, 500} if wanted == "heard" else str(status) == wanted


OPERATIONS: Final = build_description().operations
GUARDED: Final = tuple(
    each for each in OPERATIONS if each.authority not in {OPEN, ANYONE}
)


async def test_every_route_does_what_it_says(front):
    assert await front.mismatches(OPERATIONS) == []


def test_every_kind_of_expectation_occurs():
    cells = [expected(each, caller) for each in OPERATIONS for caller in CALLERS]

    assert set(cells) == {"heard", "401", "403"}
    assert len(cells) == 9 * len(OPERATIONS) > 300


@pytest.mark.parametrize("operation", GUARDED, ids=lambda each: each.path)
async def test_a_route_without_its_guard_is_noticed(front, monkeypatch, operation):
    real = face.authority_of

    def lost(handler: Any) -> Authority:
        is_it = handler.opt.get("authority") == operation.authority
        return (
            ANYONE if is_it and operation.path in paths_of(handler) else real(handler)
        )

    monkeypatch.setattr(face, "authority_of", lost)

    assert await front.mismatches((operation,))


def paths_of(handler: Any) -> set[str]:
    """The full paths of a registered handler, as the description writes them."""
    return {
        re.sub(r":\w+}", "}", f"{prefix}{path}".rstrip("/"))
        for path in handler.paths
        for prefix in ("", face.GOVERNED_PATH)
    }


@pytest.mark.parametrize(
    ("name", "without"),
    [
        ("check_claims", lambda *_, **__: None),
        ("verified_claims", None),
    ],
)
async def test_a_token_that_is_not_checked_is_noticed(
    front, monkeypatch, name: str, without: Callable[..., None] | None
):
    def unverified(jws: Any, _: object) -> Any:
        claims = json.loads(jws.payload)
        return {**claims, "exp": NOON.timestamp() + 60, "aud": "sr", "iss": ISSUER}

    monkeypatch.setattr(oidc, name, without or unverified)
    whoami = tuple(each for each in OPERATIONS if each.path.endswith("/protected"))

    assert await front.mismatches(whoami)
