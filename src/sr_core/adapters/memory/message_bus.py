"""A stream in a list, which can lose what it has acknowledged."""

from __future__ import annotations

from collections.abc import Sequence

from sr_core.ports.event_store import Position
from sr_core.ports.message_bus import Fenced, Held, Message, StreamEnd


class MemoryMessageBus:
    """A `MessageBus`, and the stream behind it; None stands where a message was."""

    def __init__(self) -> None:
        self._stream: list[Message | None] = []
        self._ids: set[str] = set()

    async def end(self) -> StreamEnd:
        """See `MessageBus.end`."""
        there = [number for number, it in enumerate(self._stream, start=1) if it]
        last = await self.held(there[-1]) if there else None
        return StreamEnd(stream_seq=len(self._stream), last=last)

    async def publish(self, messages: Sequence[Message], *, after: int) -> None:
        """See `MessageBus.publish`."""
        for number, each in enumerate(messages, start=after):
            if number != len(self._stream):
                raise Fenced(expected=number, why=f"it ends at {len(self._stream)}")
            if each.event_id in self._ids:
                raise Fenced(expected=number, why="a message of that id is there")
            self._stream.append(each)
            self._ids.add(each.event_id)

    async def held(self, stream_seq: int) -> Held | None:
        """See `MessageBus.held`."""
        message = self.message(stream_seq)
        if message is None:
            return None
        return Held(
            stream_seq=stream_seq,
            position=message.position,
            event_id=message.event_id,
            envelope_hash=message.envelope_hash,
        )

    def message(self, stream_seq: int) -> Message | None:
        """Return the message of that number, if it is there."""
        if not 0 < stream_seq <= len(self._stream):
            return None
        return self._stream[stream_seq - 1]

    def positions(self) -> list[Position]:
        """Return the places in the log that the messages tell of, in their order."""
        return [each.position for each in self._stream if each is not None]

    def lose(self, *stream_seqs: int) -> None:
        """Let the messages of these numbers be gone."""
        for each in stream_seqs:
            message = self._stream[each - 1]
            assert message is not None, "what is there can be lost"
            self._ids.discard(message.event_id)
            self._stream[each - 1] = None

    def begin_anew(self) -> None:
        """Let the stream be another, without messages."""
        self._stream.clear()
        self._ids.clear()
