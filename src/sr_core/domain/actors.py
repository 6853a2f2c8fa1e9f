"""Who acts, and with what standing.

An actor is a kind and an identifier; the log records both with every event (C-EVT-1,
C-TB-1). Roles say what the actor may do at this moment: they take part in
authorisation and in nothing else, so two actors that differ in roles alone are one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sr_core.domain.errors import AuthorityRequired, MalformedInput

ACTOR_ID_CHARS_MAX: Final = 512
"""Enough for a hashed issuer and the longest subject that OpenID Connect allows."""


class ActorKind(StrEnum):
    """The three kinds of actor; only a human binds (C-TB-1)."""

    HUMAN = "HUMAN"
    AGENT = "AGENT"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor, by a name that stays the same from session to session (C-TB-5)."""

    kind: ActorKind
    actor_id: str
    roles: frozenset[str] = field(default=frozenset(), compare=False)

    def require(self, kind: ActorKind, *, action: str) -> None:
        """Raise `AuthorityRequired` unless this actor is of `kind`."""
        if self.kind is not kind:
            raise AuthorityRequired(
                action=action, required=f"an actor of kind {kind}", actor=str(self)
            )

    def require_role(self, role: str, *, action: str) -> None:
        """Raise `AuthorityRequired` unless this actor holds `role`."""
        if role not in self.roles:
            raise AuthorityRequired(
                action=action, required=f"an actor with role {role!r}", actor=str(self)
            )

    def require_one_of(self, roles: Collection[str], *, action: str) -> None:
        """Raise `AuthorityRequired` unless this actor holds one of `roles`."""
        if self.roles.isdisjoint(roles):
            named = " or ".join(repr(each) for each in sorted(roles))
            raise AuthorityRequired(
                action=action, required=f"an actor with role {named}", actor=str(self)
            )

    def __str__(self) -> str:
        return f"{self.kind} {self.actor_id}"


def parse_actor(kind: str, actor_id: str) -> Actor:
    """Return the actor that the log calls `kind` and `actor_id`; it holds no roles.

    Raises:
        MalformedInput: no such kind, or a name that is empty, too long or unprintable.

    """
    is_bounded = 0 < len(actor_id) <= ACTOR_ID_CHARS_MAX
    if not (is_bounded and actor_id.isprintable()):
        raise MalformedInput(
            field="actor id",
            found=actor_id[:ACTOR_ID_CHARS_MAX],
            expected=f"1 to {ACTOR_ID_CHARS_MAX} printable characters",
        )
    return Actor(_parse_kind(kind), actor_id)


def _parse_kind(text: str) -> ActorKind:
    try:
        return ActorKind(text)
    except ValueError:
        kinds = ", ".join(ActorKind)
        raise MalformedInput(
            field="actor kind", found=text, expected=f"one of {kinds}"
        ) from None
