"""Who is asking: from the token of a request to the actor behind it.

* SrError
  - NotAuthenticated         the token proves nothing
  - NotIdentified            the token is genuine, the actor's kind stays unproved
  - KindChanged              it proves another kind than this subject is bound to

A kind is proved or there is none (R-API-1): no token makes a HUMAN for want of
anything better.
"""

from __future__ import annotations

from typing import Protocol

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import SrError


class NotAuthenticated(SrError):  # noqa: N818 - named for what it says, like Refused
    """No valid token; why not is in `reason`, for the log and not for the caller."""

    code = "NOT_AUTHENTICATED"

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            "The request carries no valid access token",
            remedy="Send a current access token of the configured issuer",
        )
        self.reason = reason


class NotIdentified(SrError):  # noqa: N818 - named for what it says, like Refused
    """A genuine token that proves no kind of actor; `reason` is for the log."""

    code = "ACTOR_KIND_UNPROVEN"

    def __init__(self, *, reason: str) -> None:
        super().__init__(
            "The access token does not prove whether a human, an agent or a system"
            " is asking",
            remedy="Have the client and its one role registered, and log in again",
        )
        self.reason = reason


class KindChanged(SrError):  # noqa: N818 - named for what it says, like Refused
    """A genuine token, of another kind than its subject first proved to be (R-API-1)."""

    code = "ACTOR_KIND_CHANGED"

    def __init__(self, *, bound: ActorKind, proved: ActorKind) -> None:
        super().__init__(
            f"The access token proves a {proved}, and its subject is bound to {bound}",
            remedy="Use an account of its own for each kind of actor",
        )
        self.bound = bound
        self.proved = proved


class KindBindings(Protocol):
    """Which kind of actor each subject is, once and for all."""

    async def bind(self, subject: str, kind: ActorKind) -> ActorKind:
        """Bind `subject` to `kind` unless it is bound, and return what it is bound to.

        Raises:
            Unavailable: no answer in time.

        """
        ...


class Identity(Protocol):
    """What turns a bearer token into an actor."""

    async def actor_of(self, token: str) -> Actor:
        """Return the actor whom `token`, an access token, was issued to.

        Raises:
            NotAuthenticated: missing, malformed, forged, expired or not for us.
            NotIdentified: genuine, but it does not prove the actor's kind.
            KindChanged: its subject first proved to be of another kind.
            Unavailable: the identity provider has been silent for too long to judge,
                or what the subject is bound to cannot be read.

        """
        ...
