"""`sr worker outbox` and `sr worker notices`: tell the bus, and hear what it tells.

Neither needs the other, nor the bus, for anything to be true: events are recorded without
them, and a consumer takes from the log what the bus does not bring.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from sr_core.application.notices import NAME
from sr_core.application.outbox import Publisher
from sr_core.bootstrap.bus import consumer, publisher
from sr_core.bootstrap.settings import Settings
from sr_core.cli.health import Place, Pulse, say, serve_health, stop_on_signals
from sr_core.ports.errors import PortError

WAIT_S: Final = 1.0
"""How long a consumer waits for a message before it compares itself with the log."""

KEEP_EVERY: Final = 600
"""After how many rounds without work the outbox is cleared of what is old."""


async def run_outbox(settings: Settings) -> int:
    """Publish until told to stop, and return the exit code."""
    pulse = Pulse()
    stop_on_signals(pulse)
    async with publisher(settings, say) as parts:
        server = await serve_health(
            pulse,
            parts.outbox.head,
            Place(
                host=settings.host,
                port=settings.outbox_health_port,
                setting="SR_OUTBOX_HEALTH_PORT",
            ),
        )
        async with server:
            say(
                f"publishing; health on http://{settings.host}:"
                f"{settings.outbox_health_port}/health"
            )
            await publish(parts, pulse, settings)
    say("stopped")
    return 0


async def publish(parts: Publisher, pulse: Pulse, settings: Settings) -> None:
    """Make rounds until `pulse` says stop; rest only when nothing is left to be done."""
    since_kept = KEEP_EVERY
    while not pulse.stopping.is_set():
        error: str | None = None
        published = 0
        try:
            done = await parts.round()
            published = done.published
            _note_leadership(pulse, is_leader=done.is_leader)
            if published:
                say(f"published {published} events")
            elif done.is_leader and (since_kept := since_kept + 1) > KEEP_EVERY:
                since_kept = 0
                if pruned := await parts.keep(older_than_s=settings.outbox_keep_s):
                    say(f"removed {pruned} rows that were published and verified")
        except PortError as failed:
            error = str(failed)
            if error != pulse.error:
                say(f"the round failed: {failed}")
        pulse.rounds += error is None
        overdue = await _overdue(parts, pulse, settings.outbox_age_max_s)
        pulse.error = error or overdue
        if not published:
            await pulse.rest(settings.outbox_poll_interval_ms / 1000)


def _note_leadership(pulse: Pulse, *, is_leader: bool) -> None:
    if pulse.facts.get("is_leader") is not is_leader:
        say("leading" if is_leader else "standing by: another process publishes")
    pulse.facts["is_leader"] = is_leader


async def _overdue(parts: Publisher, pulse: Pulse, age_max_s: float) -> str | None:
    """Take down how much waits, and return what is wrong with that, if anything."""
    try:
        backlog = await parts.outbox.backlog()
    except PortError as error:
        return str(error)
    pulse.facts["outbox_depth"] = backlog.depth
    pulse.facts["outbox_oldest_seconds"] = round(backlog.oldest_s, 3)
    if backlog.oldest_s <= age_max_s:
        return None
    return f"{backlog.depth} events wait, the oldest for {backlog.oldest_s:.0f} s"


async def run_notices(settings: Settings) -> int:
    """Fill the feed of notices until told to stop, and return the exit code."""
    return await _consume(settings, NAME)


async def _consume(settings: Settings, name: str) -> int:
    pulse = Pulse()
    stop_on_signals(pulse)
    async with consumer(settings, name, say) as parts:

        async def position() -> object:
            return await parts.inbox.position(name)

        server = await serve_health(
            pulse,
            position,
            Place(
                host=settings.host,
                port=settings.consumer_health_port,
                setting="SR_CONSUMER_HEALTH_PORT",
            ),
        )
        async with server:
            say(
                f"consuming as {name}; health on http://{settings.host}:"
                f"{settings.consumer_health_port}/health"
            )

            async def step() -> bool:
                return await parts.round(wait_s=WAIT_S)

            await rounds(step, pulse)
    say("stopped")
    return 0


async def rounds(step: Callable[[], Awaitable[bool]], pulse: Pulse) -> None:
    """Make rounds until `pulse` says stop; one that fails is followed by a rest."""
    while not pulse.stopping.is_set():
        try:
            await step()
        except PortError as failed:
            if pulse.error != str(failed):
                say(f"the round failed: {failed}")
            pulse.error = str(failed)
            await pulse.rest(WAIT_S)
        else:
            pulse.rounds += 1
            pulse.error = None
