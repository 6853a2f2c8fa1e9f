"""The stream of events, for its publisher (R-OUT-1 to 4).

Every message says how the stream has to end before it. The server keeps to that, without
a window of time: a second copy, or a message of somebody who was overtaken, is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from nats.js import JetStreamContext
from nats.js.api import PubAck, RawStreamMsg
from nats.js.errors import APIError, NotFoundError

from sr_core.adapters.nats.bus import NatsAccess
from sr_core.adapters.nats.link import Link
from sr_core.domain.refs import ContentHash
from sr_core.ports.event_store import Position
from sr_core.ports.message_bus import Fenced, Held, Message, StreamEnd

POSITION_HEADER: Final = "Sr-Global-Seq"
HASH_HEADER: Final = "Sr-Event-Hash"
PREVIOUS_HEADER: Final = "Sr-Previous-Stream-Seq"
ID_HEADER: Final = "Nats-Msg-Id"
EXPECTED_HEADER: Final = "Nats-Expected-Last-Sequence"
EXPECTED_ID_HEADER: Final = "Nats-Expected-Last-Msg-Id"
STREAM_HEADER: Final = "Nats-Expected-Stream"

WRONG_END: Final = frozenset({10070, 10071})
"""The server's codes for another last message id, and for another last number."""
NO_MESSAGE: Final = 10037
TOPIC_PREFIX: Final = "sr."
"""What the topics of the outbox begin with; a deployment's own prefix replaces it."""


class NatsMessageBus:
    """A `MessageBus` over the stream `<prefix>-events`."""

    def __init__(self, access: NatsAccess, prefix: str) -> None:
        self._link = Link(access)
        self._prefix = prefix
        self._stream = f"{prefix}-events"

    async def aclose(self) -> None:
        """Close the connection."""
        await self._link.drop()

    async def end(self) -> StreamEnd:
        """See `MessageBus.end`."""
        async with self._link.use() as jetstream:
            # In this order: what comes in between, the server refuses us afterwards.
            info = await jetstream.stream_info(self._stream)
            last = await self._last(jetstream)
            return StreamEnd(stream_seq=info.state.last_seq, last=last)

    async def publish(self, messages: Sequence[Message], *, after: int) -> None:
        """See `MessageBus.publish`."""
        async with self._link.use() as jetstream:
            # The first goes alone: whoever was overtaken has it refused, and sends no more.
            await self._publish(jetstream, messages[0], after=after)
            # The rest go all at once, and not by `publish_async`, which in nats-py 2.16
            # loses the server's refusals. Tasks start in their order, so the messages do.
            sent = [
                asyncio.create_task(
                    self._publish(jetstream, each, after=number, behind=before.event_id)
                )
                for number, (before, each) in enumerate(
                    pairwise(messages), start=after + 1
                )
            ]
            try:
                for one in sent:
                    await one
            finally:
                await _let_go(sent)

    async def held(self, stream_seq: int) -> Held | None:
        """See `MessageBus.held`."""
        async with self._link.use() as jetstream:
            try:
                return _held(await jetstream.get_msg(self._stream, seq=stream_seq))
            except APIError as error:
                if error.err_code == NO_MESSAGE:
                    return None
                raise

    async def _last(self, jetstream: JetStreamContext) -> Held | None:
        try:
            last = await jetstream.get_last_msg(
                self._stream, f"{self._prefix}.events.>"
            )
        except NotFoundError as error:
            if error.err_code == NO_MESSAGE:
                return None
            raise
        return _held(last)

    async def _publish(
        self,
        jetstream: JetStreamContext,
        message: Message,
        *,
        after: int,
        behind: str | None = None,
    ) -> None:
        """Publish one message, to be number `after` + 1, right behind that of that id.

        By number alone a message would be taken whose predecessor was refused, if somebody
        else's had come in its place.
        """
        subject = f"{self._prefix}.{message.topic.removeprefix(TOPIC_PREFIX)}"
        headers = {
            ID_HEADER: message.event_id,
            EXPECTED_HEADER: str(after),
            STREAM_HEADER: self._stream,
            POSITION_HEADER: str(message.position),
            HASH_HEADER: message.envelope_hash,
            PREVIOUS_HEADER: str(after),
        }
        if behind is not None:
            headers[EXPECTED_ID_HEADER] = behind
        try:
            ack = await jetstream.publish(subject, message.body, headers=headers)
        except APIError as error:
            if error.err_code not in WRONG_END:
                raise
            why = "the server says that it does not"
            raise Fenced(expected=after, why=why) from error
        _require(ack, after=after)


async def _let_go(sent: Sequence[asyncio.Task[None]]) -> None:
    """Leave nothing behind: neither a task, nor an error that nobody has looked at."""
    for each in sent:
        each.cancel()
    await asyncio.gather(*sent, return_exceptions=True)


def _require(ack: PubAck, *, after: int) -> None:
    """Raise `Fenced` unless the message became the next of the stream.

    Within its window the server takes a message whose id it knows for a copy, and says
    yes without storing or comparing it.
    """
    if ack.duplicate or ack.seq != after + 1:
        raise Fenced(expected=after, why=f"a message of that id is number {ack.seq}")


def _held(message: RawStreamMsg) -> Held:
    headers = message.headers or {}
    return Held(
        stream_seq=int(message.seq or 0),
        position=position_of(headers),
        event_id=headers.get(ID_HEADER, ""),
        envelope_hash=ContentHash(headers.get(HASH_HEADER, "")),
    )


def position_of(headers: dict[str, str]) -> Position | None:
    """Return the place in the log that the headers name, if they name one."""
    told = headers.get(POSITION_HEADER, "")
    is_place = told.isascii() and told.isdigit() and len(told) < len(str(2**63))
    return Position(int(told)) if is_place and int(told) > 0 else None
