"""One case's world: a database, buckets, tokens and a system under test.

The system is the real one, composed as in a deployment. In-process its HTTP face is
called without a socket; as a server it is `sr serve` in a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import httpx
import psycopg
from minio import Minio
from psycopg import sql
from psycopg.rows import dict_row

from pytest_sr.history import Row
from pytest_sr.stack.addresses import HUMAN_CLIENT, StackAddresses
from pytest_sr.stack.postgres import admit_users
from pytest_sr.world.accounts import Accounts, ActorName
from pytest_sr.world.channel import Channel, RawEvent, keyed, plain_row
from pytest_sr.world.door import Door
from pytest_sr.world.keeper import Keeper
from sr_core.adapters.sandbox.choose import choose_sandbox
from sr_core.bootstrap.compose import drop_streams, make_streams, migrate, running
from sr_core.bootstrap.replay import replayed
from sr_core.bootstrap.settings import parse_settings
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.refs import ContentHash
from sr_core.ports.event_store import Position, StoredEvent, StreamId
from sr_core.ports.sandbox import SandboxUnavailable

SystemKind: TypeAlias = Literal["in-process", "server"]

EVENTS: Final = tuple(sorted(EVENT_TYPES))
"""The types of event that the platform may record."""

ANSWER_S_MAX: Final = 120.0
SERVER_READY_S_MAX: Final = 30.0


class WorldError(Exception):
    """The world could not be made, which says nothing about the system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the system said; `code` is that of a problem document, or empty."""

    status: int
    code: str
    body: Mapping[str, object]

    @property
    def is_accepted(self) -> bool:
        """Whether the system did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - what HTTP calls success


class Template:
    """A database with every migration applied, cloned for each case."""

    def __init__(self, stack: StackAddresses) -> None:
        self._stack = stack
        self._name: str | None = None

    async def clone(self) -> str:
        """Return the name of a fresh database, empty and at the current version."""
        async with await psycopg.AsyncConnection.connect(
            self._stack.postgres.dsn("postgres"), autocommit=True
        ) as admin:
            if self._name is None:
                self._name = await self._made(admin)
            name = f"sr_case_{secrets.token_hex(6)}"
            await admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                    sql.Identifier(name), sql.Identifier(self._name)
                )
            )
        return name

    async def drop(self, name: str) -> None:
        """Take a case's database away."""
        async with await psycopg.AsyncConnection.connect(
            self._stack.postgres.dsn("postgres"), autocommit=True
        ) as admin:
            await admin.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )

    async def _made(self, admin: psycopg.AsyncConnection) -> str:
        name = f"sr_template_{secrets.token_hex(6)}"
        await admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        await migrate(self._stack.postgres.dsn(name))
        await asyncio.to_thread(admit_users, self._stack.postgres)
        return name


class Buckets:
    """The names of one case's buckets."""

    def __init__(self, case: str) -> None:
        slug = case.replace("_", "-")
        self.evidence = f"{slug}-evidence"
        self.restricted = f"{slug}-restricted"
        self.candidates = f"{slug}-candidates"
        self.attachments = f"{slug}-attachments"

    @property
    def names(self) -> Sequence[str]:
        """All of them."""
        return (self.evidence, self.restricted, self.candidates, self.attachments)


class World:
    """What steps, faults and the runner act on."""

    def __init__(
        self,
        *,
        stack: StackAddresses,
        buckets: Buckets,
        channel: Channel,
        client: httpx.AsyncClient,
        accounts: Accounts,
        keeper: Keeper,
        store: Door | None,
        environment: Mapping[str, str],
    ) -> None:
        self.stack = stack
        self.buckets = buckets
        self.channel = channel
        self.keeper = keeper
        self.store = store
        self.environment = environment
        self._client = client
        self._accounts = accounts

    @property
    def url(self) -> str:
        """Where the system is, if it is a server."""
        return str(self._client.base_url).rstrip("/")

    async def ask(
        self,
        actor: ActorName,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        """Send a request as `actor` and return what the system said."""
        answer = await self._client.request(
            method, path, json=body, headers=await self._accounts.headers(actor)
        )
        return _told(method, path, answer)

    async def upload(
        self, actor: ActorName, path: str, *, filename: str, data: bytes
    ) -> Answer:
        """Send a file in a form as `actor` and return what the system said."""
        answer = await self._client.post(
            path,
            files={"file": (filename, data, "text/plain")},
            headers=await self._accounts.headers(actor),
        )
        return _told("POST", path, answer)

    async def replayed(self) -> Mapping[str, Mapping[str, Row]]:
        """Return the rows, by table and primary key, that the log alone gives."""
        made = replayed(_stored(each) for each in await self.channel.raw_log())
        return {
            table: keyed(map(plain_row, made.get(table, ())), key)
            for table, key in (await self.channel.keys()).items()
        }


def _told(method: str, path: str, answer: httpx.Response) -> Answer:
    try:
        said = answer.json()
    except ValueError as error:
        message = f"{method} {path} was answered with no JSON: {answer.text[:200]!r}"
        raise WorldError(message) from error
    return Answer(
        status=answer.status_code,
        code=str(said.get("code", "")),
        body=said,
    )


@asynccontextmanager
async def world(
    stack: StackAddresses,
    template: Template,
    accounts: Accounts,
    *,
    system: SystemKind,
    sandbox: str,
    store_behind_door: bool = False,
) -> AsyncIterator[World]:
    """Make a world and take it away when the block ends.

    The system asks the object store itself, or through a door that a fault needs.

    Raises:
        WorldError: it could not be made.

    """
    async with AsyncExitStack() as exits:
        database = await template.clone()
        exits.push_async_callback(template.drop, database)
        buckets = Buckets(database)
        admin = _admin(stack)
        for name in buckets.names:
            await asyncio.to_thread(admin.make_bucket, name)
            exits.push_async_callback(asyncio.to_thread, _empty_and_drop, admin, name)
        keeper = Keeper(stack.infisical, database)
        exits.push_async_callback(keeper.close)
        await keeper.prepare()
        told = {
            **environment(stack, database, buckets, sandbox=sandbox),
            **keeper.environment,
        }
        store = Door(stack.s3.endpoint) if store_behind_door else None
        if store is not None:
            exits.callback(store.close)
            store.open()
            told["SR_MINIO_ENDPOINT"] = store.address
        # What the case says of a sandbox is the system's to judge.
        settings = parse_settings({**told, "SR_SANDBOX": "plain"})
        await make_streams(settings)
        exits.push_async_callback(drop_streams, settings)
        start = _in_process if system == "in-process" else _server
        client = await exits.enter_async_context(start(told))
        connection = await psycopg.AsyncConnection.connect(
            stack.postgres.dsn(database), autocommit=True, row_factory=dict_row
        )
        exits.push_async_callback(connection.close)
        yield World(
            stack=stack,
            buckets=buckets,
            channel=Channel(connection, stack.s3, buckets=buckets.names),
            client=client,
            accounts=accounts,
            keeper=keeper,
            store=store,
            environment=told,
        )


async def why_unsandboxed(stack: StackAddresses) -> str | None:
    """Return why oracles cannot be kept in on this machine; None if they can."""
    try:
        below = Path(stack.directory)
        await choose_sandbox(None, allow_plain=False, below=below)
    except SandboxUnavailable as error:
        return error.found
    return None


def environment(
    stack: StackAddresses, database: str, buckets: Buckets, *, sandbox: str
) -> dict[str, str]:
    """Return the environment that a deployment on this stack would have."""
    return {
        "SR_LOG_LEVEL": "warn",
        "SR_SANDBOX": sandbox,
        "SR_SANDBOX_DIRECTORY": stack.directory,
        "SR_DATABASE_URL": stack.postgres.app_dsn(database),
        "SR_MINIO_ENDPOINT": stack.s3.endpoint,
        "SR_MINIO_ACCESS_KEY": stack.s3.app.access_key,
        "SR_MINIO_SECRET_KEY": stack.s3.app.secret_key,
        "SR_MINIO_REGION": stack.s3.region,
        "SR_MINIO_TLS": "false",
        "SR_MINIO_EVIDENCE_BUCKET": buckets.evidence,
        "SR_MINIO_RESTRICTED_BUCKET": buckets.restricted,
        "SR_MINIO_CANDIDATES_BUCKET": buckets.candidates,
        "SR_MINIO_ATTACHMENTS_BUCKET": buckets.attachments,
        "SR_NATS_URL": stack.nats.url,
        "SR_NATS_USER": stack.nats.user,
        "SR_NATS_PASSWORD": stack.nats.password,
        "SR_NATS_STREAM_PREFIX": database.replace("_", "-"),
        "SR_OIDC_ISSUER": stack.issuer.issuer_url,
        "SR_OIDC_AUDIENCE": stack.issuer.audience,
        "SR_OIDC_JWKS_URI": f"{stack.issuer.issuer_url}/keys",
        "SR_OIDC_HUMAN_CLIENTS": HUMAN_CLIENT,
        "SR_OIDC_AGENT_CLIENTS": "sr-agent",
        "SR_OIDC_SYSTEM_CLIENTS": "sr-system",
    }


@asynccontextmanager
async def _in_process(told: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    from sr_core.api.app import build_app  # noqa: PLC0415 - a file is refused without it

    async with running(parse_settings(told)) as parts:
        app = build_app(parts.platform, parts.identity, parts.dependencies)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://system", timeout=ANSWER_S_MAX
        ) as client:
            yield client


@asynccontextmanager
async def _server(told: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-c",
        "from sr_core.cli.main import main; main()",
        "serve",
        env={**_inherited(), **told, "SR_PORT": str(port)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None, "it was started with a pipe"
        async with asyncio.timeout(SERVER_READY_S_MAX):
            line = await process.stdout.readline()
        if not line.startswith(b"serving"):
            message = f"`sr serve` ended with status {await process.wait()}"
            raise WorldError(message)
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=ANSWER_S_MAX, trust_env=False
        ) as client:
            await _answering(client, process)
            yield client
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answering(client: httpx.AsyncClient, server: Process) -> None:
    """Return when the server accepts connections, or raise `WorldError` if it is gone."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + SERVER_READY_S_MAX
    while server.returncode is None and loop.time() < deadline:
        try:
            await client.get("/health")
        except httpx.ConnectError:
            await asyncio.sleep(0.02)
        else:
            return
    message = f"`sr serve` took no connection; its status is {server.returncode}"
    raise WorldError(message)


def _inherited() -> dict[str, str]:
    """Return our environment without settings of ours, which the case gives itself."""
    ours = ("SR_", "INFISICAL_")
    return {
        name: text for name, text in os.environ.items() if not name.startswith(ours)
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _admin(stack: StackAddresses) -> Minio:
    return Minio(
        stack.s3.endpoint,
        access_key=stack.s3.admin.access_key,
        secret_key=stack.s3.admin.secret_key,
        secure=False,
        region=stack.s3.region,
    )


def _empty_and_drop(admin: Minio, bucket: str) -> None:
    for each in admin.list_objects(bucket, recursive=True):
        admin.remove_object(bucket, str(each.object_name))
    admin.remove_bucket(bucket)


def _stored(event: RawEvent) -> StoredEvent:
    return StoredEvent(
        position=Position(event.global_seq),
        boundary=StreamId(event.boundary),
        stream_id=StreamId(event.stream_id),
        stream_seq=event.stream_seq,
        event_id=event.event_id,
        event_type=event.event_type,
        envelope=event.envelope,
        envelope_hash=ContentHash(event.envelope_hash),
        chain_hash=event.chain_hash,
    )
