"""An Infisical of the test's own, what lies in it, and who asks it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from pytest_sr.stack.infisical import build_application
from pytest_sr.stack.troubles import Lie, Troubles
from pytest_sr.stack.vault import Place, Vault
from pytest_sr.stack.vault_seeds import ClientSeed, ProjectSeed, Rights
from pytest_sr.stack.web import Request, Response, build_server
from sr_core.adapters.infisical.access import (
    Deadlines,
    InfisicalAccess,
    MachineIdentity,
)
from sr_core.adapters.infisical.kek_source import InfisicalKekSource
from sr_core.domain.kek import Kek, KekRef, parse_kek, parse_kek_id

FOLDER: Final = "/solver-ralph/kek"
PROJECT: Final = "0d9c2c9e-project"
ENVIRONMENT: Final = "dev"
CLIENT: Final = "client-of-the-platform"
WORD: Final = "the word of the platform"
KEK_ID: Final = parse_kek_id("solver-ralph-kek")
TEXTS: Final = {
    1: "base64:E7ptRi4z4wVwQVHEgFNa8ZxAn9rA3hyGKYWBGtC5UtM=",
    2: "base64:wkXvJ2b1Yl5Zr8mCqO3uH0sTfAe9PdGi4hNLxKjIn6E=",
    3: "base64:Q6x7m0vD1yWc2Jt4uZ9pLrHfKsEa8GbNnOiXqYwTgUM=",
}
"""Keys of the tests, which everybody knows; `deploy/infisical-mock` has them too."""
POINTER: Final = f"/api/v4/secrets/{KEK_ID}"
"""Where the versions of the KEK in use are told; its keys are there, @ and a number on."""
A_TOKEN: Final = "a-token-of-somebody"  # noqa: S105 - nobody has it
LOGIN: Final = "auth/universal-auth/login"
RENEW: Final = "auth/token/renew"


def ref(version: int) -> KekRef:
    return KekRef(id=KEK_ID, version=version)


def key(version: int) -> Kek:
    return parse_kek(TEXTS[version], ref=ref(version))


class Clock:
    """Time that passes when told to: that of the server, and ours."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.pauses: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 3, 4, tzinfo=UTC) + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.passed_s

    def passes(self, seconds: float) -> None:
        self.passed_s += seconds

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.passes(seconds)


@dataclass(kw_only=True)
class World:
    """A server with its state in our hands."""

    url: str
    vault: Vault
    troubles: Troubles
    clock: Clock
    folder: Place = field(
        default=Place(project_id=PROJECT, environment=ENVIRONMENT, path=FOLDER)
    )

    def logins(self) -> int:
        return self.troubles.count("POST", LOGIN)

    def reads(self) -> int:
        return self.troubles.count("GET", "")

    def paths(self) -> list[str]:
        return [f"{each.method} {each.segments[-1]}" for each in self.troubles.asked]

    def store(self, name: str, text: str) -> None:
        self.vault.create(self.folder, name, text)

    def value(self, name: str) -> str:
        return self.vault.secret(self.folder, name).latest.value

    def names(self, path: str = FOLDER) -> list[str]:
        place = replace(self.folder, path=path)
        return [each.latest.name for each in self.vault.secrets(place)]


def fill(vault: Vault, *, oldest: int = 2, current: int = 3) -> None:
    """Put the keys of the tests there: of three versions the last two are in use."""
    place = Place(project_id=PROJECT, environment=ENVIRONMENT, path=FOLDER)
    for version, text in TEXTS.items():
        vault.create(place, f"{KEK_ID}@{version}", text)
    vault.create(place, KEK_ID, f"versions:{oldest}-{current}")


@contextmanager
def a_world(
    *,
    client: dict[str, Any] | None = None,
    project: dict[str, Any] | None = None,
    is_empty: bool = False,
) -> Iterator[World]:
    clock, ids = Clock(), count(1)
    vault = Vault(
        clients=[
            ClientSeed(client_id=CLIENT, client_secret=WORD, **(client or {})),
        ],
        projects=[
            ProjectSeed(
                project_id=PROJECT,
                environments=(ENVIRONMENT, "prod"),
                folders=(FOLDER,),
                **(project or {}),
            )
        ],
        now=clock.now,
        fresh_id=lambda: f"id-{next(ids)}",
    )
    if not is_empty:
        fill(vault)
    troubles = Troubles(build_application(vault))
    server = build_server(troubles, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield World(url=url, vault=vault, troubles=troubles, clock=clock)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


def lies(field: str, value: object, only: str = "@") -> Lie:
    """Have what has `only` in its name say something else of itself; the keys, that is."""

    def lie(request: Request, answer: Response) -> Response:
        assert isinstance(answer.body, dict)
        if "secret" not in answer.body or only not in request.segments[-1]:
            return answer
        secret = {**answer.body["secret"], field: value}
        return replace(answer, body={"secret": secret})

    return lie


READER: Final = Rights(read=(FOLDER,), write=(), remove=())
"""What the platform's identity needs, and no more."""


def access(url: str, **changed: Any) -> InfisicalAccess:
    told: dict[str, Any] = {
        "endpoint": url,
        "login": MachineIdentity(client_id=CLIENT, client_secret=WORD),
        "project_id": PROJECT,
        "environment": ENVIRONMENT,
        "deadlines": Deadlines(connect_s=2, read_s=2, total_s=4),
        **changed,
    }
    return InfisicalAccess(**told)


@asynccontextmanager
async def asking(
    url: str, clock: Clock, **changed: Any
) -> AsyncIterator[InfisicalKekSource]:
    source = InfisicalKekSource(
        access(url, **changed),
        monotonic=clock.monotonic,
        sleep=clock.sleep,
        chance=lambda: 1.0,
    )
    try:
        yield source
    finally:
        await source.aclose()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve whatever `talk` writes, byte for byte; give the address and what was asked."""
    asked: list[bytes] = []
    open_talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = asyncio.current_task()
        assert mine is not None
        open_talks.add(mine)
        mine.add_done_callback(open_talks.discard)
        try:
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has hung up
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        for each in [*open_talks]:
            each.cancel()
        if open_talks:
            await asyncio.wait(open_talks, timeout=5)
