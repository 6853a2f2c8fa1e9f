"""`sr worker governor`: look after all loops, until it is told to stop.

A round looks at every active loop once. What cannot be reached makes the round fail,
which the health endpoint tells, and the next round is another try. SIGTERM and SIGINT
end the work after the round that is under way: a round leaves nothing half done, and
neither does a process that is killed in the middle of one.
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

from sr_core.application.governor import CHORES, Evaluated, Governor
from sr_core.application.recorder import Asked
from sr_core.bootstrap.compose import running
from sr_core.bootstrap.settings import Settings
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput, SrError
from sr_core.domain.governor import DecisionType
from sr_core.ports.errors import PortError
from sr_core.ports.event_store import BEGINNING

GOVERNOR: Final = Actor(ActorKind.SYSTEM, "svc:governor:worker")
"""The actor of what the governor starts."""

DEADLINE_S: Final = 5.0
"""How long the log has to answer, and a client of the health endpoint to ask."""

REQUEST_BYTES_MAX: Final = 8192

Look = Callable[[], Awaitable[object]]


@dataclass
class Pulse:
    """How the latest round went; `error` says what kept it from ending well."""

    rounds: int = 0
    error: str | None = "no round has ended yet"
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


async def run(settings: Settings) -> int:
    """Govern until told to stop, and return the exit code."""
    pulse = Pulse()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, pulse.stopping.set)
    async with running(settings) as parts:
        governor = Governor(
            platform=parts.platform,
            chores=CHORES,
            at_once_max=settings.governor_max_concurrent_loops,
            is_dry_run=settings.governor_dry_run,
        )
        store = parts.platform.recorder.store

        async def look() -> object:
            return await store.read(after=BEGINNING, limit=1)

        server = await serve_health(
            pulse, look, settings.host, settings.governor_health_port
        )
        async with server:
            _say(
                f"governing; health on http://{settings.host}:"
                f"{settings.governor_health_port}/health"
            )
            await govern(governor, pulse, settings.governor_poll_interval_ms / 1000)
    _say("stopped")
    return 0


async def govern(governor: Governor, pulse: Pulse, rest_s: float) -> None:
    """Make rounds, each `rest_s` after the one before, until `pulse` says stop."""
    while not pulse.stopping.is_set():
        try:
            found = await governor.evaluate_all(Asked(by=GOVERNOR))
        except PortError as error:
            pulse.error = str(error)
            _say(f"the round failed: {error}")
        else:
            pulse.rounds += 1
            failed = [each for each in found if isinstance(each.error, PortError)]
            pulse.error = str(failed[0].error) if failed else None
            for each in found:
                _tell(each)
        with suppress(TimeoutError):
            await asyncio.wait_for(pulse.stopping.wait(), rest_s)


async def serve_health(
    pulse: Pulse, look: Look, host: str, port: int
) -> asyncio.Server:
    """Return a server that answers 200 while governing works, 503 while it does not.

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
        return await asyncio.start_server(answer, host, port, limit=REQUEST_BYTES_MAX)
    except OSError as error:
        raise MalformedInput(
            field="SR_GOVERNOR_HEALTH_PORT",
            found=port,
            expected=f"a port that can be listened on ({error.strerror})",
        ) from error


async def _answer(head: bytes, pulse: Pulse, look: Look) -> bytes:
    method, _, rest = head.partition(b" ")
    path = rest.partition(b" ")[0]
    if method != b"GET" or path not in {b"/health", b"/ready"}:
        return _response(HTTPStatus.NOT_FOUND, {"error": "ask GET /health"})
    error = pulse.error or await _unreachable(look)
    status = HTTPStatus.SERVICE_UNAVAILABLE if error else HTTPStatus.OK
    told = "unhealthy" if error else "healthy"
    return _response(status, {"status": told, "rounds": pulse.rounds, "error": error})


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


def _response(status: HTTPStatus, body: dict[str, object]) -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(data)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + data


def _tell(each: Evaluated) -> None:
    """Say what was done; that a loop waits on is not worth a line."""
    if each.error is not None:
        _say(f"{each.loop_id}: {each.error}")
    elif each.evaluation and (
        each.evaluation.decision_type is not DecisionType.DEFER_ITERATION
    ):
        found = each.evaluation
        _say(f"{each.loop_id}: {found.decision_type}, {found.rationale}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
