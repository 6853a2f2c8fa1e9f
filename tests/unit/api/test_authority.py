"""R-API-2: every route names who may ask, and nobody else is heard."""

import pytest
from litestar import get
from litestar.testing import TestClient

from sr_core.api import routes
from sr_core.api.app import build_app
from sr_core.api.authority import (
    ANYONE,
    HUMAN,
    OPERATOR,
    SYSTEM,
    WORKER,
    human_with,
)
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import AuthorityRequired
from sr_core.ports.identity import NotAuthenticated
from sr_core.testing import Stage

KINDS = {
    "anyone": (ANYONE, set(ActorKind)),
    "human": (HUMAN, {ActorKind.HUMAN}),
    "system": (SYSTEM, {ActorKind.SYSTEM}),
    "operator": (OPERATOR, {ActorKind.HUMAN, ActorKind.SYSTEM}),
    "worker": (WORKER, {ActorKind.AGENT, ActorKind.SYSTEM}),
}


class Strangers:
    """An `Identity` that knows nobody."""

    async def actor_of(self, token: str) -> Actor:
        raise NotAuthenticated(reason=f"{len(token)} characters that prove nothing")


def is_heard(authority, actor) -> bool:
    try:
        authority.require(actor, action="asking")
    except AuthorityRequired:
        return False
    return True


@pytest.mark.parametrize("name", KINDS)
def test_only_its_kinds_are_heard(name):
    authority, kinds = KINDS[name]

    assert {each for each in ActorKind if is_heard(authority, Actor(each, "x"))} == (
        kinds
    )


@pytest.mark.parametrize(
    ("roles", "heard"),
    [((), False), (("a",), True), (("b", "c"), True), (("c",), False)],
)
def test_a_human_needs_one_of_the_roles(roles, heard):
    actor = Actor(ActorKind.HUMAN, "x", frozenset(roles))

    assert is_heard(human_with("a", "b"), actor) is heard


@pytest.mark.parametrize("kind", [ActorKind.AGENT, ActorKind.SYSTEM])
def test_a_role_makes_no_human(kind):
    assert not is_heard(human_with("a"), Actor(kind, "x", frozenset({"a"})))


def test_an_application_with_a_route_that_names_none_is_not_built(monkeypatch):
    @get("/unguarded")
    async def unguarded() -> None:
        """Answer whoever asks."""

    monkeypatch.setattr("sr_core.api.app.ROUTERS", (*routes.ROUTERS, unguarded))

    with pytest.raises(AssertionError, match="names no authority"):
        build_app(Stage().platform, Strangers(), [])


def test_one_that_names_it_is_built(monkeypatch):
    @get("/guarded", authority=ANYONE)
    async def guarded() -> None:
        """Answer whoever has a token."""

    monkeypatch.setattr("sr_core.api.app.ROUTERS", (*routes.ROUTERS, guarded))

    with TestClient(build_app(Stage().platform, Strangers(), [])) as client:
        assert client.get("/api/v1/guarded").status_code == 401
