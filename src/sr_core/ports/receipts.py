"""Requests that their senders named, so that a repeated one is not done twice (R-API-9).

A request's name is written in the very transaction that records its first events. What
was answered is written once it is known, and never changed.

* SrError
  - PortError
    . RequestRepeated        another try of the same request was recorded first
    . KeyReused              the key names a request that asks for something else
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sr_core.domain.refs import ContentHash
from sr_core.ports.errors import PortError


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestName:
    """How a sender calls its request: unique for this actor at this route."""

    actor_id: str
    route: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRequest:
    """One try of a request; `content_hash` is of all that it asks for."""

    name: RequestName
    content_hash: ContentHash
    attempt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnswer:
    """An answer, byte for byte."""

    status: int
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """That a request was recorded; `answer` is None until it is known."""

    request: NamedRequest
    event_ids: tuple[str, ...]
    answer: StoredAnswer | None = None


class RequestRepeated(PortError):  # noqa: N818 - named for what it says, like Refused
    """Another try of the same request was recorded first; this one changed nothing."""

    code = "IDEMPOTENCY_KEY_IN_PROGRESS"

    def __init__(self, *, key: str, event_ids: tuple[str, ...] = ()) -> None:
        recorded = ", ".join(event_ids) or "its first events"
        super().__init__(
            f"The request with the Idempotency-Key {key!r} has recorded {recorded}, and"
            " its answer is not known yet",
            remedy="Send it again with the same key in a moment; if this lasts, whoever"
            " carried it out is gone, so read what those events are about",
        )


class KeyReused(PortError):  # noqa: N818 - named for what it says, like Refused
    """The key names a request that asked for something else; nothing was done."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self, *, key: str) -> None:
        super().__init__(
            f"The Idempotency-Key {key!r} names another request, with another body,"
            " path or query",
            remedy="Give this request a key of its own",
        )


class Receipts(Protocol):
    """The receipts that a log keeps; they are written by its `append` (`Batch.request`)."""

    async def receipt(self, name: RequestName) -> Receipt | None:
        """Return what is recorded for the request, if anything is.

        Raises:
            Unavailable: no answer in time.

        """
        ...

    async def answered(self, request: NamedRequest, answer: StoredAnswer) -> None:
        """Keep the answer to a recorded request; the first one kept stays.

        Raises:
            Unavailable: no answer in time; it may or may not be kept.

        """
        ...
