"""A case's world on the real stack: its own, gone afterwards, in both kinds of system."""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from minio import Minio

from pytest_sr.history import Row
from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.stack.client import StackProcess
from pytest_sr.steps import loops, platform
from pytest_sr.world.accounts import Accounts
from pytest_sr.world.world import SystemKind, Template, World, WorldError, world

pytestmark = pytest.mark.anyio

KINDS: list[SystemKind] = ["in-process", "server"]


@dataclass(frozen=True)
class Place:
    """Where worlds are made."""

    stack: StackAddresses
    template: Template
    accounts: Accounts

    def world(
        self, system: SystemKind = "in-process", sandbox: str = "plain"
    ) -> AbstractAsyncContextManager[World]:
        return world(
            self.stack, self.template, self.accounts, system=system, sandbox=sandbox
        )

    def databases(self) -> set[str]:
        with psycopg.connect(self.stack.postgres.dsn("postgres")) as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE 'sr_case_%'"
            ).fetchall()
        return {name for (name,) in rows}

    def buckets(self) -> set[str]:
        admin = Minio(
            self.stack.s3.endpoint,
            access_key=self.stack.s3.admin.access_key,
            secret_key=self.stack.s3.admin.secret_key,
            secure=False,
            region=self.stack.s3.region,
        )
        return {str(each.name) for each in admin.list_buckets()}


@pytest.fixture(scope="module")
def stack() -> Iterator[StackAddresses]:
    """A stack of these tests' own: they say what is left in all of it."""
    with StackProcess() as process:
        yield process.start(print)


@pytest.fixture(scope="module")
def shared_template(stack: StackAddresses) -> Template:
    return Template(stack)


@pytest.fixture
async def where(
    stack: StackAddresses, shared_template: Template
) -> AsyncIterator[Place]:
    """Somewhere to make worlds, in which nothing may be left."""
    place = Place(stack, shared_template, Accounts(stack.issuer))
    before = (place.databases(), place.buckets(), servers())
    yield place
    assert (place.databases(), place.buckets(), servers()) == before


def servers() -> set[int]:
    """The processes of `sr serve` that we started and that still run."""
    found = set()
    for each in Path("/proc").iterdir():
        if not each.name.isdecimal():
            continue
        try:
            parent = (each / "stat").read_text().rpartition(")")[2].split()[1]
            command = (each / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if int(parent) == os.getpid() and b"serve" in command:
            found.add(int(each.name))
    return found


class TestIsolation:
    """D11: cases run at once and see nothing of each other."""

    async def test_two_worlds_do_not_see_each_other_s_rows(self, where):
        async with where.world() as one, where.world() as two:
            made = await loops.create_loop(one)

            assert list((await one.channel.rows())["loops"]) == [made.loop]
            assert (await two.channel.rows())["loops"] == {}
            started = await two.channel.log()
            assert {each.stream_id for each in started} == {"gov:artifacts"}
            assert await two.channel.position() == len(started)
            mine = {each.event_id for each in await one.channel.log()}
            assert mine.isdisjoint({each.event_id for each in started})

    async def test_two_worlds_do_not_see_each_other_s_objects(self, where):
        async with where.world() as one, where.world() as two:
            await platform.prepare_candidate(one)

            mine = await one.channel.objects()
            assert mine
            assert all(
                key.startswith((*map("{}/".format, one.buckets.names),)) for key in mine
            )
            assert await two.channel.objects() == {}

    async def test_the_log_alone_gives_the_rows(self, where):
        """C-EVT-7: every row of every table, those of the graph among them."""
        async with where.world() as one:
            await platform.prepare_candidate(one)

            replayed, live = await one.replayed(), await one.channel.rows()

        assert _said(replayed) == _said(live)
        for table in ("loops", "candidates", "oracle_suites", "graph.edges"):
            assert live[table], table


def _said(tables: Mapping[str, Mapping[str, Row]]) -> object:
    """What the log has said, by table and key; anything else is NULL in a table."""
    return {
        table: {
            key: {name: value for name, value in row.items() if value is not None}
            for key, row in rows.items()
        }
        for table, rows in tables.items()
    }


class TestEnd:
    """Nothing of a world is left, however it ended; the fixture looks."""

    @pytest.mark.parametrize("system", KINDS)
    async def test_nothing_is_left(self, where, system):
        async with where.world(system) as one:
            await platform.prepare_candidate(one)
            assert where.databases()
            assert set(one.buckets.names) <= where.buckets()

    @pytest.mark.parametrize("system", KINDS)
    async def test_nothing_is_left_after_an_exception(self, where, system):
        with pytest.raises(LookupError):
            async with where.world(system):
                raise LookupError


class TestServer:
    """The system in a process of its own, as in a deployment."""

    async def test_it_answers_and_stops_at_the_end(self, where):
        async with where.world("server") as one:
            running = servers()
            answer = await one.ask("nobody", "GET", "/health")
            made = await loops.create_loop(one)

        assert len(running) == 1
        assert servers() == set()
        assert answer.is_accepted
        assert made.answer.is_accepted

    async def test_in_process_there_is_none(self, where):
        async with where.world() as one:
            assert servers() == set()
            assert (await one.ask("nobody", "GET", "/health")).is_accepted

    async def test_one_that_cannot_start_is_told_with_its_status(self, where):
        with pytest.raises(WorldError, match=r"`sr serve` ended with status [1-9]"):
            async with where.world("server", sandbox="no-such-thing"):
                pass

    async def test_settings_of_ours_are_not_its_settings(self, where, monkeypatch):
        monkeypatch.setenv("SR_DATABASE_COLOUR", "blue")  # which it would refuse

        async with where.world("server") as one:
            assert (await one.ask("nobody", "GET", "/health")).is_accepted
