"""How a worker lives: until it is told to stop, and with an endpoint that tells how it is.

`GET /health` answers 200 while the latest round went well and the log can be read, 503
while that is not so, with the reason. SIGTERM and SIGINT end the work after the round
that is under way.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from sr_core.domain.errors import MalformedInput, SrError

DEADLINE_S: Final = 5.0
"""How long the log has to answer, and a client of the health endpoint to ask."""

REQUEST_BYTES_MAX: Final = 8192

Look = Callable[[], Awaitable[object]]


@dataclass
class Pulse:
    """How the latest round went; `error` says what kept it from ending well.

    `facts` are told beside it, by name.
    """

    rounds: int = 0
    error: str | None = "no round has ended yet"
    facts: dict[str, object] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def rest(self, seconds: float) -> None:
        """Wait that long, or until the work is told to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the endpoint listens, and the setting that says so."""

    host: str
    port: int
    setting: str


def stop_on_signals(pulse: Pulse) -> None:
    """Have SIGTERM and SIGINT tell the work to stop."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, pulse.stopping.set)


def say(line: str) -> None:
    """Print a line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def serve_health(pulse: Pulse, look: Look, place: Place) -> asyncio.Server:
    """Return a server that answers 200 while the work goes well, 503 while it does not.

    Each request has the log read anew by `look`, so that an answer is about now.

    Raises:
        MalformedInput: the port cannot be listened on.

    """

    async def answer(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(
            TimeoutError,
            ConnectionError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
        ):
            async with asyncio.timeout(DEADLINE_S * 2):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(await _answer(head, pulse, look))
                await writer.drain()
        writer.close()

    try:
        return await asyncio.start_server(
            answer, place.host, place.port, limit=REQUEST_BYTES_MAX
        )
    except OSError as error:
        raise MalformedInput(
            field=place.setting,
            found=place.port,
            expected=f"a port that can be listened on ({error.strerror})",
        ) from error


async def _answer(head: bytes, pulse: Pulse, look: Look) -> bytes:
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0]
    if method == b"GET" and path == b"/metrics":
        return _response(HTTPStatus.OK, _gauges(pulse), "text/plain; version=0.0.4")
    if method != b"GET" or path not in {b"/health", b"/ready"}:
        return _response(HTTPStatus.NOT_FOUND, json.dumps({"error": "ask GET /health"}))
    error = pulse.error or await _unreachable(look)
    status = HTTPStatus.SERVICE_UNAVAILABLE if error else HTTPStatus.OK
    told = "unhealthy" if error else "healthy"
    body = {"status": told, "rounds": pulse.rounds, "error": error, **pulse.facts}
    return _response(status, json.dumps(body))


async def _unreachable(look: Look) -> str | None:
    """Return why the log cannot be read at this moment, if it cannot."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            await look()
    except TimeoutError:
        return f"the log gave no answer within {DEADLINE_S:g} s"
    except SrError as error:
        return str(error)
    return None


def _gauges(pulse: Pulse) -> str:
    """Return the facts that are numbers, in Prometheus' text format."""
    numbers = {
        name: value
        for name, value in {"rounds": pulse.rounds, **pulse.facts}.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return "".join(
        f"# TYPE sr_{name} gauge\nsr_{name} {value}\n"
        for name, value in numbers.items()
    )


def _response(
    status: HTTPStatus, text: str, media_type: str = "application/json"
) -> bytes:
    data = text.encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: {media_type}\r\n"
        f"content-length: {len(data)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + data
