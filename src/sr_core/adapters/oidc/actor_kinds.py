"""From the claims of a genuine token to an actor (R-API-1).

A kind needs two proofs that agree: the client is registered for it, and the one role
that names a kind is its role. A human needs a third: that somebody logged in.

| kind   | client in      | role   | and                   | actor id                  |
|--------|----------------|--------|-----------------------|---------------------------|
| HUMAN  | human_clients  | human  | `amr` and `auth_time` | oidc_sub:<hash iss>:<sub> |
| AGENT  | agent_clients  | agent  |                       | agent:<azp>:<sub>         |
| SYSTEM | system_clients | system |                       | svc:<azp>:<sub>           |

Whatever is missing, doubled or in another form proves nothing; no kind is a default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput
from sr_core.ports.identity import NotIdentified

ZITADEL_ROLES_CLAIM: Final = "urn:zitadel:iam:org:project:roles"
LIST_ROLES_CLAIM: Final = "roles"
CLIENT_CHARS_MAX: Final = 200

_KIND_OF_ROLE: Final[Mapping[str, ActorKind]] = {
    "human": ActorKind.HUMAN,
    "agent": ActorKind.AGENT,
    "system": ActorKind.SYSTEM,
}
assert set(_KIND_OF_ROLE.values()) == set(ActorKind), "every kind has its role"


@dataclass(frozen=True, slots=True)
class KindRules:
    """Which clients speak for humans, which for agents, which for our own services."""

    human_clients: frozenset[str]
    agent_clients: frozenset[str]
    system_clients: frozenset[str]

    def __post_init__(self) -> None:
        clients = self.human_clients | self.agent_clients | self.system_clients
        listed = map(len, (self.human_clients, self.agent_clients, self.system_clients))
        if len(clients) != sum(listed):
            raise MalformedInput(
                field="identity clients",
                found="one client under two kinds",
                expected="each client under one kind of actor",
            )
        for client in clients:
            _check_client(client)

    def kind_of(self, client: object) -> ActorKind | None:
        """Return the kind that `client` is registered for, or None."""
        if not isinstance(client, str):
            return None
        if client in self.human_clients:
            return ActorKind.HUMAN
        if client in self.agent_clients:
            return ActorKind.AGENT
        if client in self.system_clients:
            return ActorKind.SYSTEM
        return None


def _check_client(client: str) -> None:
    """Refuse a colon: it separates the parts of an actor's id."""
    is_bounded = 0 < len(client) <= CLIENT_CHARS_MAX
    if not (is_bounded and client.isprintable() and ":" not in client):
        raise MalformedInput(
            field="identity client",
            found=client[:CLIENT_CHARS_MAX],
            expected=f"1 to {CLIENT_CHARS_MAX} printable characters without a colon",
        )


def actor_from_claims(claims: Mapping[str, object], rules: KindRules) -> Actor:
    """Return whom `claims`, verified ones, prove to be asking.

    Raises:
        NotIdentified: they leave the kind of actor open.

    """
    client = claims.get("azp")
    kind = rules.kind_of(client)
    if kind is None:
        raise NotIdentified(reason="its client is registered for no kind of actor")
    roles = _parse_roles(claims)
    if {_KIND_OF_ROLE[role] for role in roles & _KIND_OF_ROLE.keys()} != {kind}:
        raise NotIdentified(reason=f"a client for {kind} whose roles say otherwise")
    if kind is ActorKind.HUMAN and not _has_logged_in(claims):
        raise NotIdentified(reason="nothing shows that a human logged in")
    return Actor(kind, _actor_id(kind, claims), roles)


def _has_logged_in(claims: Mapping[str, object]) -> bool:
    methods, moment = claims.get("amr"), claims.get("auth_time")
    has_methods = isinstance(methods, list) and all(
        isinstance(method, str) and method for method in methods
    )
    return bool(has_methods and methods) and type(moment) is int


def _actor_id(kind: ActorKind, claims: Mapping[str, object]) -> str:
    subject = claims["sub"]
    match kind:
        case ActorKind.HUMAN:
            issuer = hashlib.sha256(str(claims["iss"]).encode()).hexdigest()
            return f"oidc_sub:{issuer}:{subject}"
        case ActorKind.AGENT:
            return f"agent:{claims['azp']}:{subject}"
        case ActorKind.SYSTEM:
            return f"svc:{claims['azp']}:{subject}"
        case _:
            assert_never(kind)


def _parse_roles(claims: Mapping[str, object]) -> frozenset[str]:
    """Return the roles; where both claims stand, they have to say the same."""
    found = []
    if ZITADEL_ROLES_CLAIM in claims:
        found.append(_parse_role_object(claims[ZITADEL_ROLES_CLAIM]))
    if LIST_ROLES_CLAIM in claims:
        found.append(_parse_role_list(claims[LIST_ROLES_CLAIM]))
    if not found:
        raise NotIdentified(reason="no roles")
    if any(roles != found[0] for roles in found):
        raise NotIdentified(reason="two claims of roles that differ")
    return found[0]


def _parse_role_object(value: object) -> frozenset[str]:
    """Return the names in Zitadel's form: each role with the organisations granting it."""
    if not isinstance(value, dict):
        raise NotIdentified(reason="roles that are not Zitadel's object")
    if not all(isinstance(granting, dict) for granting in value.values()):
        raise NotIdentified(reason="a role in Zitadel's object that holds no object")
    return _named(list(value))


def _parse_role_list(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise NotIdentified(reason="roles that are not a list")
    return _named(value)


def _named(roles: list[object]) -> frozenset[str]:
    names = frozenset(role for role in roles if isinstance(role, str) and role)
    if len(names) != len(roles):
        raise NotIdentified(reason="a role that is empty, doubled or no text")
    return names
