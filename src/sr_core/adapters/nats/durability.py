"""Whether what the bus acknowledges lasts: asked of the server, not assumed (R-OUT-10).

    nats-server 2.12.1 lost 14 % of what it had acknowledged in a power cut, because it
    syncs every two minutes unless told otherwise. 2.12.3 is the first that mends what was
    found then. How a server syncs, only its monitoring page tells.

An unsafe bus loses notifications, never events: consumers heal from the log. It costs
them time, so a deployment may refuse to publish to one.
"""

from __future__ import annotations

from typing import Final

import httpx
from nats.js.api import StorageType

from sr_core.adapters.nats.bus import DEADLINE_S, NatsAccess, connected
from sr_core.adapters.nats.link import FAILED
from sr_core.adapters.nats.streams import event_stream
from sr_core.ports.errors import Unfit

VERSION_MIN: Final = (2, 12, 3)


async def unsafe_facts(
    access: NatsAccess, prefix: str, *, replicas: int, monitor_url: str
) -> tuple[str, ...]:
    """Return why what the bus acknowledges may be lost; nothing if nothing says so.

    Raises:
        Unfit: there is no connection, or no such stream.

    """
    return (
        *await _of_the_stream(access, prefix, replicas),
        *await _of_syncing(monitor_url),
    )


async def _of_the_stream(
    access: NatsAccess, prefix: str, replicas: int
) -> tuple[str, ...]:
    name = str(event_stream(prefix).name)
    async with connected(access) as client:
        version = client.connected_server_version
        try:
            info = await client.jetstream(timeout=DEADLINE_S).stream_info(name)
        except FAILED as error:
            cause = f"it does not tell of the stream {name}"
            raise Unfit(system="JetStream", cause=cause) from error
    found = info.config.num_replicas or 1
    facts = {
        f"the server has version {version}, which is older than 2.12.3": (
            (version.major, version.minor, version.patch) < VERSION_MIN
        ),
        f"the stream has {found} of {replicas} replicas": found < replicas,
        "the stream is not on file": info.config.storage != StorageType.FILE,
    }
    return tuple(fact for fact, holds in facts.items() if holds)


async def _of_syncing(monitor_url: str) -> tuple[str, ...]:
    if not monitor_url:
        return ("how the server syncs is not known: SR_NATS_MONITOR_URL is not set",)
    try:
        async with httpx.AsyncClient(timeout=DEADLINE_S) as client:
            answer = await client.get(f"{monitor_url.rstrip('/')}/varz")
            answer.raise_for_status()
            told = answer.json()["jetstream"]["config"]
            syncs = bool(told.get("sync_always", False))
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        ValueError,
        KeyError,
        TypeError,
    ) as error:
        return (f"the server's monitoring page tells nothing, {type(error).__name__}",)
    if syncs:
        return ()
    return ("the server acknowledges before it syncs: set sync_interval to always",)
