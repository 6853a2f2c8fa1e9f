"""Who may ask for what over HTTP; the one place where a route's authority is made.

Every route names its authority. It is checked before the body is read; the rule in the
domain checks again, and is the truth. An application with a route that names none is not
built (R-API-2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import AuthorityRequired


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """The kinds of actor that may ask; and the roles, of which one must be held.

    `kinds` is None where no token is asked for; where it is optional, one that is given
    has to be good.
    """

    kinds: frozenset[ActorKind] | None
    roles: frozenset[str] = frozenset()
    is_optional: bool = False

    def require(self, by: Actor, *, action: str) -> None:
        """Raise `AuthorityRequired` unless `by` has this authority."""
        assert self.kinds is not None, "an open route asks for nobody"
        if by.kind not in self.kinds:
            raise AuthorityRequired(
                action=action,
                required=f"an actor of kind {' or '.join(sorted(self.kinds))}",
                actor=str(by),
            )
        if self.roles and not self.roles & by.roles:
            raise AuthorityRequired(
                action=action,
                required=f"an actor with role {' or '.join(sorted(self.roles))}",
                actor=str(by),
            )


def human_with(*roles: str) -> Authority:
    """Return the authority of humans who hold one of `roles`."""
    return Authority(kinds=frozenset({ActorKind.HUMAN}), roles=frozenset(roles))


OPEN: Final = Authority(kinds=None)
"""No token is asked for."""

OPTIONAL: Final = Authority(kinds=frozenset(ActorKind), is_optional=True)
"""A token is not needed; one that is given has to be good."""

ANYONE: Final = Authority(kinds=frozenset(ActorKind))
"""Whoever has a token of any kind."""

HUMAN: Final = Authority(kinds=frozenset({ActorKind.HUMAN}))
SYSTEM: Final = Authority(kinds=frozenset({ActorKind.SYSTEM}))

OPERATOR: Final = Authority(kinds=frozenset({ActorKind.HUMAN, ActorKind.SYSTEM}))
"""Whoever runs loops: a human or the system, never an agent."""

WORKER: Final = Authority(kinds=frozenset({ActorKind.AGENT, ActorKind.SYSTEM}))
"""Whoever does the work: an agent or the system."""
