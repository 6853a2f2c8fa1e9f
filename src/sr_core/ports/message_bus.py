"""The bus: a stream of notifications of the log, each there once and in its order (A7).

The stream may lose what it has acknowledged. What it says of itself is therefore a hint
of where to look, and never a reason to hold an event for done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sr_core.domain.refs import ContentHash
from sr_core.ports.errors import PortError
from sr_core.ports.event_store import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One event on its way: the envelope of SPEC 11.2, and what its headers repeat."""

    topic: str
    body: bytes
    event_id: str
    position: Position
    envelope_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A message that the stream holds, as its headers tell it.

    `position` is None where they do not: someone else put the message there.
    """

    stream_seq: int
    position: Position | None
    event_id: str
    envelope_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnd:
    """Where the stream ends.

    `stream_seq` is the number that it gave out last, 0 before the first; a purge does
    not take it back. `last` is the last message that is still there.
    """

    stream_seq: int
    last: Held | None


class Fenced(PortError):  # noqa: N818 - named for what it says, like Refused
    """The stream does not end where we thought: someone else wrote, or it is another."""

    code = "FENCED"

    def __init__(self, *, expected: int, why: str) -> None:
        super().__init__(
            f"The stream was to end at {expected}, and {why}",
            remedy="Look at where it ends, and go on from there",
        )
        self.expected = expected


class MessageBus(Protocol):
    """The stream, for its one publisher."""

    async def end(self) -> StreamEnd:
        """Return where the stream ends.

        Raises:
            Unavailable: no answer in time, or there is no stream.

        """
        ...

    async def publish(self, messages: Sequence[Message], *, after: int) -> None:
        """Append the messages, the first of them as number `after` + 1.

        Raises:
            Fenced: the stream does not end at `after`; from the first message that was
                refused on, none is there.
            Unavailable: no answer in time; the messages may be there up to any of them.

        """
        ...

    async def held(self, stream_seq: int) -> Held | None:
        """Return the message of that number, None if it is not there.

        Raises:
            Unavailable: no answer in time.

        """
        ...
