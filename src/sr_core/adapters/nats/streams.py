"""The stream that a deployment needs: its settings, making it, and reading them back.

    <prefix>-events    <prefix>.events.>    on file, by limits, kept for a week

Postgres is the truth; the stream carries notifications of it (A7), so what is too old
falls out of it and is read from the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from sr_core.adapters.nats.bus import DEADLINE_S, NatsAccess, connected
from sr_core.ports.errors import Unfit

MAX_AGE_S: Final = timedelta(days=7).total_seconds()
DUPLICATES_S: Final = 120.0
UNBOUNDED: Final = -1
_FAILED: Final = (nats.errors.Error, nats.js.errors.Error, TimeoutError)


def event_stream(prefix: str, *, replicas: int = 1) -> StreamConfig:
    """Return the stream of events, as it has to be, on so many servers."""
    return StreamConfig(
        name=f"{prefix}-events",
        subjects=[f"{prefix}.events.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        max_age=MAX_AGE_S,
        duplicate_window=DUPLICATES_S,
        # What is old makes room for what is new, and nothing but age makes it old.
        discard=DiscardPolicy.OLD,
        max_bytes=UNBOUNDED,
        max_msgs=UNBOUNDED,
        num_replicas=replicas,
    )


async def ensure_streams(
    access: NatsAccess, prefix: str, *, replicas: int = 1
) -> tuple[str, ...]:
    """Make the stream, or mend its settings; return what was made or mended.

    Raises:
        Unfit: no connection, or JetStream refuses.

    """
    wanted = event_stream(prefix, replicas=replicas)
    async with _jetstream(access) as jetstream:
        found = await _found(jetstream, wanted)
        if found is None:
            await jetstream.add_stream(wanted)
        elif faults(wanted, found):
            await jetstream.update_stream(wanted)
        else:
            return ()
    return (str(wanted.name),)


async def missing_streams(access: NatsAccess, prefix: str) -> tuple[str, ...]:
    """Return what `ensure_streams` would do; it changes nothing."""
    wanted = event_stream(prefix)
    async with _jetstream(access) as jetstream:
        found = await _found(jetstream, wanted)
    if found is None:
        return (f"stream {wanted.name} is not there",)
    return tuple(f"stream {wanted.name} has {each}" for each in faults(wanted, found))


async def remove_streams(access: NatsAccess, prefix: str) -> None:
    """Take the stream away, with all that is in it; it may be gone already."""
    async with _jetstream(access) as jetstream:
        with suppress(nats.js.errors.NotFoundError):
            await jetstream.delete_stream(str(event_stream(prefix).name))


async def check_streams(access: NatsAccess, prefix: str) -> None:
    """Raise `Unfit` unless the stream is there and as it has to be."""
    wanted = event_stream(prefix)
    async with _jetstream(access) as jetstream:
        found = await _found(jetstream, wanted)
    if found is None:
        raise Unfit(system="JetStream", cause=f"it has no stream {wanted.name}")
    if found_faults := faults(wanted, found):
        cause = f"stream {wanted.name} has {'; '.join(found_faults)}"
        raise Unfit(system="JetStream", cause=cause)


def faults(wanted: StreamConfig, found: StreamConfig) -> tuple[str, ...]:
    """Return in what `found` is not as `wanted`."""
    told = _durable(found)
    return tuple(
        f"{name} {told[name]!r} instead of {value!r}"
        for name, value in _durable(wanted).items()
        if told[name] != value
    )


def _durable(config: StreamConfig) -> Mapping[str, object]:
    return {
        "subjects": sorted(config.subjects or ()),
        "storage": config.storage,
        "retention": config.retention,
        "max_age": config.max_age,
        "duplicate_window": config.duplicate_window,
        "discard": config.discard,
        "max_bytes": config.max_bytes,
        "max_msgs": config.max_msgs,
    }


async def _found(
    jetstream: JetStreamContext, wanted: StreamConfig
) -> StreamConfig | None:
    try:
        info = await jetstream.stream_info(str(wanted.name))
    except nats.js.errors.NotFoundError:
        return None
    return info.config


@asynccontextmanager
async def _jetstream(access: NatsAccess) -> AsyncIterator[JetStreamContext]:
    async with connected(access) as client:
        try:
            yield client.jetstream(timeout=DEADLINE_S)
        except _FAILED as error:
            raise Unfit(system="JetStream", cause=type(error).__name__) from error
