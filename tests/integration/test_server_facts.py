"""R-EVT-16, R-EVT-17: over which servers the platform starts, seen on real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from typing import Protocol

import psycopg
import pytest

from pytest_sr.stack.addresses import PostgresAddress, StackAddresses
from pytest_sr.stack.postgres import admit_users
from pytest_sr.world.world import Buckets, environment
from sr_core.adapters.postgres.connections import connection_pool, in_transaction
from sr_core.adapters.postgres.health import check_database
from sr_core.adapters.postgres.server import (
    DatabaseReadOnly,
    DatabaseUnsafe,
    read_server,
)
from sr_core.application.health import Dependency, Readiness
from sr_core.bootstrap.compose import dependencies, migrate, running
from sr_core.bootstrap.settings import Settings, parse_settings
from sr_core.ports.errors import Unavailable

pytestmark = pytest.mark.anyio

SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")


class Server(Protocol):
    address: PostgresAddress

    def execute(self, statement: str, database: str = "postgres") -> None: ...


@pytest.fixture(scope="module")
def server(start) -> Server:
    """A server that is as it has to be, with a log in it."""
    made: Server = start("safe")
    asyncio.run(migrate(made.address.dsn("postgres")))
    admit_users(made.address)
    return made


@pytest.fixture(scope="module")
def replica(start, server) -> Server:
    """A server that follows that one."""
    made: Server = start("replica", standby_of=server)
    return made


@pytest.fixture
def settings(stack: StackAddresses, server: Server) -> Settings:
    """A deployment over that server, as a platform's user."""
    told = environment(stack, "x", Buckets("case"), sandbox="plain")
    return parse_settings(
        {**told, "SR_DATABASE_URL": server.address.app_dsn("postgres")}
    )


@contextmanager
def switched_off(server: Server, setting: str) -> Iterator[None]:
    server.execute(f"ALTER SYSTEM SET {setting} = off")
    server.execute("SELECT pg_reload_conf()")
    try:
        _await(server, setting, "off")
        yield
    finally:
        server.execute(f"ALTER SYSTEM RESET {setting}")
        server.execute("SELECT pg_reload_conf()")
        _await(server, setting, "on")


def _await(server: Server, setting: str, value: str) -> None:
    """Return once new sessions see the setting: a reload is told by a signal."""
    for _ in range(10_000):
        with psycopg.connect(server.address.dsn("postgres")) as connection:
            row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        if row == (value,):
            return
    pytest.fail(f"{setting} never became {value}")


async def started(settings: Settings) -> None:
    async with AsyncExitStack() as exits:
        await exits.enter_async_context(running(settings))


def database_check(settings: Settings) -> Dependency:
    return next(each for each in dependencies(settings) if each.name == "postgresql")


class TestASafeServer:
    async def test_has_nothing_to_tell_and_strict_settings_start(self, settings):
        await started(replace(settings, database_strict=True))

        assert await read_server(settings.database_url) == ()


class TestAnUnsafeServer:
    @pytest.mark.parametrize("setting", SETTINGS)
    async def test_is_told_by_readiness_and_refused_by_strict_settings(
        self, server, settings, setting, caplog
    ):
        with switched_off(server, setting):
            (checked,) = await Readiness([database_check(settings)]).checked()
            strict = replace(settings, database_strict=True)
            (refused,) = await Readiness([database_check(strict)]).checked()
            await started(settings)
            with pytest.raises(DatabaseUnsafe, match=f"{setting} is off"):
                await started(strict)

        assert checked.error is None
        (note,) = checked.notes
        assert note.startswith(f"database-unsafe: {setting} is off")
        assert f"{setting} is off" in str(refused.error)
        assert f"unsafe for the log: {setting} is off" in caplog.text

    async def test_without_checksums_is_found_out(self, start):
        bare: Server = start("bare", checksums=False)

        facts = await read_server(bare.address.dsn("postgres"))

        assert any(each.startswith("data_checksums is off") for each in facts)


class TestOurUser:
    async def test_is_told_to_be_a_superuser(self, server, settings):
        as_superuser = server.address.dsn("postgres")

        assert await read_server(as_superuser) == (
            "our user is a superuser, whom nothing is refused",
        )
        with pytest.raises(DatabaseUnsafe, match="superuser"):
            await started(
                replace(settings, database_url=as_superuser, database_strict=True)
            )

    @pytest.mark.parametrize(
        "grant", ["GRANT sr_owner TO {}", "GRANT UPDATE ON es.events TO {}"]
    )
    async def test_is_told_to_have_more_rights_than_it_needs(
        self, server, settings, grant
    ):
        user = server.address.app.user
        server.execute(grant.format(user))
        try:
            facts = await read_server(settings.database_url)
        finally:
            taken = (
                grant.format(user).replace("GRANT", "REVOKE").replace(" TO ", " FROM ")
            )
            server.execute(taken)

        assert facts == ("our user may write to es.events past es.append",)
        assert await read_server(settings.database_url) == ()


class TestAReplica:
    """R-EVT-16: what is decided is decided over the primary."""

    async def test_is_refused_at_the_start(self, settings, replica):
        url = replica.address.app_dsn("postgres")

        with pytest.raises(DatabaseReadOnly, match="it is a replica"):
            await started(replace(settings, database_url=url))

    async def test_is_not_ready(self, replica):
        with pytest.raises(DatabaseReadOnly, match="it is a replica"):
            await check_database(replica.address.app_dsn("postgres"))

    async def test_is_no_server_for_a_command_after_a_failover_either(self, replica):
        async def work(connection: psycopg.AsyncConnection[object]) -> None:
            await connection.execute("SELECT 1")

        pool = connection_pool(replica.address.app_dsn("postgres"), deadline_s=1.0)
        async with pool:
            with pytest.raises(Unavailable):
                await in_transaction(pool, work)

    async def test_is_passed_over_for_the_primary(self, server, replica):
        address, other = server.address, replica.address
        both = address.app_dsn("postgres").replace(
            f"@{address.host}:{address.port}",
            f"@{other.host}:{other.port},{address.host}:{address.port}",
        )

        async def work(connection: psycopg.AsyncConnection[object]) -> object:
            cursor = await connection.execute(
                "SELECT pg_is_in_recovery() AS is_replica"
            )
            return await cursor.fetchone()

        async with connection_pool(both) as pool:
            assert await in_transaction(pool, work) == {"is_replica": False}


async def test_transactions_that_are_read_only_are_refused(server, settings):
    user = server.address.app.user
    server.execute(f"ALTER ROLE {user} SET default_transaction_read_only = on")
    try:
        with pytest.raises(DatabaseReadOnly, match="default_transaction_read_only"):
            await started(settings)
    finally:
        server.execute(f"ALTER ROLE {user} RESET default_transaction_read_only")
