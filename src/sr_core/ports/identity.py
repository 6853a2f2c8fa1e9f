"""Who is asking: from the token of a request to the actor behind it.

* SrError
  - NotAuthenticated         the token proves nothing
  - NotIdentified            the token is genuine, the actor's kind stays unproved

A kind is proved or there is none (R-API-1): no token makes a HUMAN for want of
anything better.
"""

from __future__ import annotations

from typing import Protocol

from sr_core.domain.actors import Actor
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


class Identity(Protocol):
    """What turns a bearer token into an actor."""

    async def actor_of(self, token: str) -> Actor:
        """Return the actor whom `token`, an access token, was issued to.

        Raises:
            NotAuthenticated: missing, malformed, forged, expired or not for us.
            NotIdentified: genuine, but it does not prove the actor's kind.
            Unavailable: the identity provider has been silent for too long to judge.

        """
        ...
