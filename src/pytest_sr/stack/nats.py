"""NATS with JetStream on files, every message synced before it is acknowledged."""

import json
import signal
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Final

from pytest_sr.stack.accounts import current
from pytest_sr.stack.addresses import NatsAddress
from pytest_sr.stack.plan import Launch, Plan
from pytest_sr.stack.ports import LOOPBACK, PortBook

_CONNECT_S: Final = 2

# The blank before each brace is needed: without it the server takes the brace for a
# part of the word.
_CONFIGURATION: Final = """\
server_name: {name}
listen: {listen}
http: {http}
jetstream {{
  store_dir: {store}
  max_memory_store: 256MB
  max_file_store: 4GB
  sync_interval: always
}}
authorization {{
  user: {user}
  password: {password}
}}
"""


def plan(program: Path, directory: Path, ports: PortBook) -> Plan[NatsAddress]:
    """Return how to run a server that keeps its streams below `directory`."""
    port, monitor_port = ports.take(), ports.take()
    address = NatsAddress(
        url=f"nats://{LOOPBACK}:{port}",
        user="sr",
        password=token_urlsafe(24),
        monitor_url=f"http://{LOOPBACK}:{monitor_port}",
    )
    configuration = directory / "nats.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        _CONFIGURATION.format(
            name=json.dumps(f"sr-{token_hex(4)}"),
            listen=json.dumps(f"{LOOPBACK}:{port}"),
            http=json.dumps(f"{LOOPBACK}:{monitor_port}"),
            store=json.dumps(str(directory / "jetstream")),
            user=json.dumps(address.user),
            password=json.dumps(address.password),
        ),
        encoding="utf-8",
    )
    return Plan(
        launch=Launch(
            argv=(str(program), "--config", str(configuration)),
            directory=directory,
            environment={"PATH": "/usr/bin:/bin", "HOME": str(directory)},
            account=current(),
            stop_signal=signal.SIGTERM,
        ),
        address=address,
        port=port,
        probe=lambda: probe(address),
    )


def probe(address: NatsAddress) -> None:
    """Have a message acknowledged by a stream, and remove the stream."""
    import asyncio  # noqa: PLC0415 - only who probes needs it

    asyncio.run(_probe(address))


async def _probe(address: NatsAddress) -> None:
    import nats  # noqa: PLC0415 - only who probes needs the driver

    async def ignore(_: Exception) -> None:
        """Leave the error to the call that met it."""

    connection = await nats.connect(
        address.url,
        user=address.user,
        password=address.password,
        connect_timeout=_CONNECT_S,
        allow_reconnect=False,
        error_cb=ignore,
    )
    try:
        jetstream = connection.jetstream()
        stream = f"probe-{token_hex(4)}"
        await jetstream.add_stream(name=stream, subjects=[stream])
        await jetstream.publish(stream, b"probe")
        await jetstream.delete_stream(stream)
    finally:
        await connection.close()
