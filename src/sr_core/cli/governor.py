"""`sr worker governor`: look after all loops, until it is told to stop.

A round looks at every active loop once. What cannot be reached makes the round fail,
which the health endpoint tells, and the next round is another try. SIGTERM and SIGINT
end the work after the round that is under way: a round leaves nothing half done, and
neither does a process that is killed in the middle of one.
"""

from __future__ import annotations

from typing import Final

from sr_core.application.governor import CHORES, Evaluated, Governor
from sr_core.application.recorder import Asked
from sr_core.bootstrap.compose import running
from sr_core.bootstrap.event_log import require_continued
from sr_core.bootstrap.settings import Settings
from sr_core.cli.health import Place, Pulse, say, serve_health, stop_on_signals
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.governor import DecisionType
from sr_core.ports.errors import PortError
from sr_core.ports.event_store import BEGINNING

GOVERNOR: Final = Actor(ActorKind.SYSTEM, "svc:governor:worker")
"""The actor of what the governor starts."""


async def run(settings: Settings) -> int:
    """Govern until told to stop, and return the exit code."""
    await require_continued(settings)
    pulse = Pulse()
    stop_on_signals(pulse)
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
            pulse,
            look,
            Place(
                host=settings.host,
                port=settings.governor_health_port,
                setting="SR_GOVERNOR_HEALTH_PORT",
            ),
        )
        async with server:
            say(
                f"governing; health on http://{settings.host}:"
                f"{settings.governor_health_port}/health"
            )
            await govern(governor, pulse, settings.governor_poll_interval_ms / 1000)
    say("stopped")
    return 0


async def govern(governor: Governor, pulse: Pulse, rest_s: float) -> None:
    """Make rounds, each `rest_s` after the one before, until `pulse` says stop."""
    while not pulse.stopping.is_set():
        try:
            found = await governor.evaluate_all(Asked(by=GOVERNOR))
        except PortError as error:
            pulse.error = str(error)
            say(f"the round failed: {error}")
        else:
            pulse.rounds += 1
            failed = [each for each in found if isinstance(each.error, PortError)]
            pulse.error = str(failed[0].error) if failed else None
            for each in found:
                _tell(each)
        await pulse.rest(rest_s)


def _tell(each: Evaluated) -> None:
    """Say what was done; that a loop waits on is not worth a line."""
    if each.error is not None:
        say(f"{each.loop_id}: {each.error}")
    elif each.evaluation and (
        each.evaluation.decision_type is not DecisionType.DEFER_ITERATION
    ):
        found = each.evaluation
        say(f"{each.loop_id}: {found.decision_type}, {found.rationale}")
