"""The event log in Postgres, where things go wrong: readers, rewriters, dead servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.refs import hash_bytes
from sr_core.ports.errors import Overtaken, PortError, Unavailable, VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    NewEvent,
    Position,
    StreamId,
)
from sr_core.ports.read_model import InsertRow, ProjectionBroken, UpdateRows

pytestmark = pytest.mark.anyio

T = TypeVar("T")
ENVELOPE = b'{"payload":{"goal":"a goal"},"refs":[{"id":"loop_1"}]}'


def a_batch(name: str, stream_seq: int = 1, expected: int = 0, changes=()) -> Batch:
    stream = StreamId(f"loop:{name}")
    event = NewEvent(
        event_id=f"evt_{name}_{stream_seq}",
        stream_id=stream,
        stream_kind="LOOP",
        stream_seq=stream_seq,
        event_type="LoopActivated",
        by=Actor(ActorKind.HUMAN, "ada"),
        occurred_at=datetime(2026, 1, 9, 12, tzinfo=UTC),
        correlation_id="corr_1",
        envelope=ENVELOPE,
        envelope_hash=hash_bytes(ENVELOPE),
        changes=tuple(changes),
    )
    return Batch(boundary=stream, expected=Position(expected), events=(event,))


@asynccontextmanager
async def store_on(dsn: str, *, deadline_s: float = 5.0):
    async with connection_pool(dsn, deadline_s=deadline_s) as pool:
        yield PostgresEventStore(pool)


@pytest.fixture
def owner(database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def waiting_backend(owner: psycopg.Connection) -> int | None:
    row = owner.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return row[0] if row else None


async def eventually(look: Callable[[], T | None]) -> T:
    """Return what `look` finds, as soon as it finds something."""
    async with asyncio.timeout(10):
        while (seen := look()) is None:  # noqa: ASYNC110 - Postgres sets no Event
            await asyncio.sleep(0)
    return seen


class TestTheRecord:
    async def test_can_be_asked_for_what_the_envelope_says(self, database, owner):
        async with store_on(database) as store:
            await store.append(a_batch("a"))

        row = owner.execute(
            "SELECT payload, refs, actor_kind, actor_id, correlation_id, envelope"
            " FROM es.readable_events"
        ).fetchone()

        assert row == (
            {"goal": "a goal"},
            [{"id": "loop_1"}],
            "HUMAN",
            "ada",
            "corr_1",
            ENVELOPE,
        )

    async def test_says_the_kind_of_its_stream(self, database, owner):
        """What a name begins with says no kind: `ws:` is that of work surfaces."""
        batch = a_batch("a")
        event = replace(
            batch.events[0], stream_id=StreamId("ws:1"), stream_kind="WORK_SURFACE"
        )
        async with store_on(database) as store:
            await store.append(replace(batch, events=(event,)))

        told = owner.execute(
            "SELECT event.stream_kind, stream.stream_kind"
            " FROM es.events AS event JOIN es.streams AS stream USING (stream_id)"
        ).fetchall()

        assert told == [("WORK_SURFACE", "WORK_SURFACE")]

    async def test_goes_to_the_outbox_with_its_topic(self, database, owner):
        async with store_on(database) as store:
            await store.append(a_batch("a"))

        rows = owner.execute(
            "SELECT global_seq, topic, published_at FROM es.outbox"
        ).fetchall()

        assert rows == [(1, "sr.events.LOOP.LoopActivated", None)]

    async def test_keeps_head_boundary_and_stream_in_step(self, database, owner):
        async with store_on(database) as store:
            await store.append(a_batch("a"))
            await store.append(a_batch("a", 2, expected=1))
            (_, last) = await store.read(after=BEGINNING, limit=9)

        state = owner.execute(
            "SELECT global_seq, head.chain_hash, position, stream_version"
            " FROM es.head, es.boundaries, es.streams"
        ).fetchall()

        assert state == [(2, last.chain_hash, 2, 2)]


class TestARewriter:
    """R-EVT-8: what is recorded has happened, whoever asks."""

    @pytest.mark.parametrize("role", ["origin", "replica"])
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE es.events SET actor_id = 'eve'",
            "UPDATE es.events SET actor_id = 'eve' WHERE false",
            "DELETE FROM es.events",
            "TRUNCATE es.events CASCADE",
        ],
    )
    async def test_is_refused(self, database, owner, role, statement):
        async with store_on(database) as store:
            await store.append(a_batch("a"))
        owner.execute(f"SET session_replication_role = {role}")

        with pytest.raises(psycopg.errors.RestrictViolation) as error:
            owner.execute(statement)

        assert "what is recorded has happened" in str(error.value)
        assert error.value.diag.message_hint == (
            "Append an event that corrects the earlier one."
        )
        assert owner.execute("SELECT actor_id FROM es.events").fetchall() == [("ada",)]

    async def test_makes_no_second_head(self, owner):
        with pytest.raises(psycopg.errors.IntegrityError):
            owner.execute("INSERT INTO es.head DEFAULT VALUES")
        with pytest.raises(psycopg.errors.IntegrityError):
            owner.execute("INSERT INTO es.head (is_only) VALUES (false)")


NAIVE = """
CREATE TABLE naive (seq bigserial PRIMARY KEY);
CREATE TABLE proj.slow (
    n int, position bigint, last_event_id text, last_global_seq bigint);
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(random() * 0.004);
    RETURN NEW;
END $$;
CREATE TRIGGER dawdles AFTER INSERT ON naive
    FOR EACH ROW EXECUTE FUNCTION dawdle();
CREATE TRIGGER dawdles AFTER INSERT ON proj.slow
    FOR EACH ROW EXECUTE FUNCTION dawdle();
"""
WRITERS = 8
APPENDS = 40


class TestAReader:
    """R-EVT-1: who polls past the last number seen misses nothing."""

    @pytest.fixture(autouse=True)
    def tables(self, owner):
        owner.execute("CREATE SCHEMA IF NOT EXISTS proj")
        owner.execute(NAIVE)

    async def test_of_the_log_misses_nothing(self, database):
        async with connection_pool(database, connections_max=WRITERS + 1) as pool:
            store = PostgresEventStore(pool)

            async def write(writer: int) -> None:
                slow = InsertRow(table="slow", row={"n": 1})
                broken = UpdateRows(table="slow", where={"n": 0}, values={"n": 0})
                for number in range(APPENDS):
                    changes = (slow, broken) if number % 5 == 0 else (slow,)
                    with suppress(ProjectionBroken):
                        await store.append(
                            a_batch(f"{writer}_{number}", changes=changes)
                        )

            async def read(after: int) -> list[int]:
                events = await store.read(after=Position(after), limit=1000)
                return [each.position for each in events]

            seen = await follow(write, read)

        assert seen == list(range(1, WRITERS * APPENDS * 4 // 5 + 1))

    async def test_misses_nothing_while_writers_are_killed(self, database, owner):
        """R-EVT-1, R-EVT-2: conflicts and dead backends leave no hole."""
        lost: list[int] = []
        async with AsyncExitStack() as stack:
            named = make_conninfo(database, application_name="writers")
            stores = [
                PostgresEventStore(await stack.enter_async_context(each))
                for each in (connection_pool(named, deadline_s=20) for _ in range(4))
            ]

            async def write(writer: int) -> None:
                store = stores[writer % len(stores)]
                slow = InsertRow(table="slow", row={"n": 1})
                for number in range(APPENDS):
                    name = f"{writer}_{number}"
                    if number % 5 == 0:
                        with suppress(VersionConflict):
                            await store.append(a_batch(f"{name}_late", expected=1))
                    await until_told(store, a_batch(name, changes=(slow,)))
                    if number % 8 == writer:
                        lost.extend(kill_a_writer(owner))

            async with connection_pool(database) as pool:
                reader = PostgresEventStore(pool)

                async def read(after: int) -> list[int]:
                    events = await reader.read(after=Position(after), limit=1000)
                    return [each.position for each in events]

                seen = await follow(write, read)
                everything = await read(0)

        assert lost
        assert seen == everything == list(range(1, WRITERS * APPENDS + 1))

    async def test_of_a_sequence_misses_some(self, database):
        async def write(_writer: int) -> None:
            async with await psycopg.AsyncConnection.connect(database) as connection:
                for _ in range(APPENDS):
                    await connection.execute("INSERT INTO naive DEFAULT VALUES")
                    await connection.commit()

        async with await psycopg.AsyncConnection.connect(
            database, autocommit=True
        ) as connection:

            async def read(after: int) -> list[int]:
                cursor = await connection.execute(
                    "SELECT seq FROM naive WHERE seq > %s ORDER BY seq", [after]
                )
                return [seq for (seq,) in await cursor.fetchall()]

            seen = await follow(write, read)
            everything = await read(0)

        assert len(everything) == WRITERS * APPENDS
        assert len(everything) - len(seen) > 0


async def until_told(store: PostgresEventStore, batch: Batch) -> None:
    """Append the batch again until it is known to be there."""
    for _ in range(9):
        with suppress(Unavailable):
            await store.append(batch)
            return
    msg = "a server that is killed now and then answers in the end"
    raise AssertionError(msg)


def kill_a_writer(owner: psycopg.Connection) -> list[int]:
    """End one of the writers' backends, a busy one if there is one."""
    rows = owner.execute(
        "SELECT pid, pg_terminate_backend(pid) FROM ("
        " SELECT pid FROM pg_stat_activity WHERE application_name = 'writers'"
        " AND datname = current_database()"
        " ORDER BY state = 'idle', random() LIMIT 1) AS chosen"
    ).fetchall()
    return [pid for pid, is_sent in rows if is_sent]


async def follow(
    write: Callable[[int], Awaitable[None]], read: Callable[[int], Awaitable[list[int]]]
) -> list[int]:
    """Return what a reader sees that polls past its last number while others write."""
    seen: list[int] = []

    async def poll() -> int:
        found = await read(seen[-1] if seen else 0)
        seen.extend(found)
        return len(found)

    writing = asyncio.gather(*map(write, range(WRITERS)))
    while not writing.done():
        await poll()
    await writing
    while await poll():
        pass
    return seen


class TestALockThatIsHeld:
    """R-EVT-7: tried again, within bounds."""

    async def test_makes_the_append_wait_and_try_again(self, database, owner):
        async with store_on(database, deadline_s=2) as store:
            with holding_the_head(database) as holder:
                appending = asyncio.create_task(store.append(a_batch("a")))
                first = await eventually(lambda: waiting_transaction(owner))
                await eventually(
                    lambda: (waiting_transaction(owner) or first) != first or None
                )
                holder.rollback()

                assert await appending == (1,)

    async def test_for_too_long_is_unavailable(self, database):
        async with store_on(database, deadline_s=0.4) as store:
            with holding_the_head(database), pytest.raises(Unavailable) as error:
                await store.append(a_batch("a"))

            assert error.value.__cause__ is not None
            assert await store.append(a_batch("a")) == (1,)

    async def test_in_a_ring_ends(self, database, owner):
        """The append holds the boundary and wants the head; another the reverse."""
        name = conninfo_to_dict(database)["dbname"]
        owner.execute(f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '20ms'")
        async with store_on(database) as store:
            await store.append(a_batch("a"))
            with holding_the_head(database) as other:
                other.execute("SET deadlock_timeout = '60s'")
                appending = asyncio.create_task(store.append(a_batch("a", 2, 1)))
                await eventually(lambda: waiting_backend(owner))
                await asyncio.to_thread(
                    other.execute, "SELECT 1 FROM es.boundaries FOR UPDATE"
                )
                other.rollback()

                assert await appending == (2,)


class TestTheOrderOfLocks:
    """Who waits for a stream holds none that comes after it, so no ring can form."""

    @pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
    async def test_is_that_of_the_names(self, database, owner, is_known):
        make = "INSERT INTO es.streams (stream_id, stream_kind) VALUES (%s, 'LOOP')"
        if is_known:
            for name in ("loop:a", "loop:b"):
                owner.execute(make, [name])
        take = (
            "SELECT 1 FROM es.streams WHERE stream_id = %s FOR UPDATE"
            if is_known
            else make
        )
        (second,), (first,) = a_batch("b").events, a_batch("a").events
        batch = Batch(
            boundary=StreamId("loop:a"), expected=BEGINNING, events=(second, first)
        )
        async with store_on(database) as store:
            with psycopg.connect(database) as holder:
                holder.execute(take, ["loop:a"])
                appending = asyncio.create_task(store.append(batch))
                await eventually(lambda: waiting_backend(owner))

                with psycopg.connect(database) as passer_by:
                    passer_by.execute("SET lock_timeout = '200ms'")
                    passer_by.execute(take, ["loop:b"])
                    passer_by.rollback()

                holder.rollback()
            assert await appending == (1, 2)


def waiting_transaction(owner: psycopg.Connection) -> datetime | None:
    """When the waiting transaction began: another one is another attempt."""
    row = owner.execute(
        "SELECT xact_start FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return row[0] if row else None


@contextmanager
def holding_the_head(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT 1 FROM es.head FOR UPDATE")
        yield connection
        connection.rollback()


class TestADatabaseThatIsNotReady:
    async def test_is_unavailable_until_it_is_migrated(self, empty_database):
        async with store_on(empty_database) as store:
            with pytest.raises(Unavailable):
                await store.append(a_batch("a"))
            with pytest.raises(Unavailable):
                await store.history(StreamId("loop:a"))


class TestAServerThatIsGone:
    """The world failed: `Unavailable`, with the driver's error as its cause."""

    async def test_that_ended_under_an_append_is_asked_again(self, database, owner):
        async with store_on(database) as store:
            with holding_the_head(database):
                appending = asyncio.create_task(store.append(a_batch("a")))
                pid = await eventually(lambda: waiting_backend(owner))
                owner.execute("SELECT pg_terminate_backend(%s)", [pid])
                await eventually(lambda: waiting_backend(owner))

            assert await appending == (1,)
            assert await store.append(a_batch("b")) == (2,)

    async def test_that_ended_while_idle_is_not_noticed(self, database, owner):
        async with store_on(database) as store:
            await store.append(a_batch("a"))
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

            assert await store.append(a_batch("b")) == (2,)

    async def test_that_refuses_connections_is_unavailable(self):
        async with store_on("postgresql://sr@127.0.0.1:1/sr", deadline_s=0.3) as store:
            for ask in (
                store.append(a_batch("a")),
                store.history(StreamId("loop:a")),
                store.boundary_of(StreamId("loop:a")),
                store.read(after=BEGINNING, limit=1),
            ):
                with pytest.raises(Unavailable, match="Postgres gave no usable answer"):
                    await ask

    async def test_that_stops_answering_is_unavailable_in_time(self, database):
        async with (
            proxy_to(database) as (proxied, flowing),
            store_on(proxied, deadline_s=0.5) as store,
        ):
            await store.append(a_batch("a"))
            flowing.clear()

            async with asyncio.timeout(2):
                with pytest.raises(Unavailable):
                    await store.append(a_batch("b"))

            # It may have been written all the same: who asks again is told, once.
            flowing.set()
            assert await store.append(a_batch("b")) == (2,)
            assert len(await store.read(after=BEGINNING, limit=9)) == 2


@asynccontextmanager
async def proxy_to(dsn: str):
    """Yield the address of a proxy, and an event: data goes on only while it is set."""
    target = conninfo_to_dict(dsn)
    flowing = asyncio.Event()
    flowing.set()
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader, writer) -> None:
        try:
            while data := await reader.read(65536):
                await flowing.wait()
                writer.write(data)
        finally:
            writer.close()

    async def accept(reader, writer) -> None:
        there, back = await asyncio.open_connection(
            str(target["host"]), str(target["port"])
        )
        for ends in ((reader, back), (there, writer)):
            tasks.add(asyncio.create_task(pump(*ends)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield make_conninfo(dsn, host="127.0.0.1", port=port), flowing
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class TestAProjectionThatIsBroken:
    """The table refuses what the event asks for: nothing at all is written."""

    @pytest.mark.parametrize(
        "change",
        [
            InsertRow(table="nowhere", row={"n": 1}),
            InsertRow(table="narrow", row={"m": 1}),
            InsertRow(table="narrow", row={"n": None}),
            InsertRow(table="narrow", row={"n": "many"}),
            UpdateRows(table="narrow", where={"m": 1}, values={"n": 1}),
        ],
        ids=["no table", "no column", "no value", "no number", "no column to find"],
    )
    async def test_leaves_nothing_behind(self, database, owner, change):
        owner.execute("CREATE SCHEMA IF NOT EXISTS proj")
        owner.execute(
            "CREATE TABLE proj.narrow (n int NOT NULL, position bigint,"
            " last_event_id text, last_global_seq bigint)"
        )
        async with store_on(database) as store:
            with pytest.raises(ProjectionBroken) as error:
                await store.append(a_batch("a", changes=[change]))

            assert isinstance(error.value.__cause__, psycopg.Error)
            assert list(await store.read(after=BEGINNING, limit=9)) == []
            assert await store.append(a_batch("a")) == (1,)


class TestAnIndexThatKeepsARule:
    """What only one may have is refused as overtaken; any other clash is a bug."""

    @pytest.fixture
    def things(self, owner) -> None:
        owner.execute(
            "CREATE SCHEMA IF NOT EXISTS proj;"
            "CREATE TABLE proj.things (thing_id text PRIMARY KEY, state text,"
            " position bigint, last_event_id text, last_global_seq bigint);"
            "CREATE UNIQUE INDEX one_active_thing ON proj.things (state)"
            " WHERE state = 'ACTIVE'"
        )

    @pytest.mark.usefixtures("things")
    @pytest.mark.parametrize(
        ("taken", "error"),
        [
            ({"thing_id": "b", "state": "ACTIVE"}, Overtaken),
            ({"thing_id": "a", "state": "NEW"}, ProjectionBroken),
        ],
        ids=["the rule's index", "the primary key"],
    )
    async def test_is_told_apart(self, database, owner, taken, error):
        first = InsertRow(table="things", row={"thing_id": "a", "state": "ACTIVE"})
        async with store_on(database) as store:
            await store.append(a_batch("one", changes=[first]))

            with pytest.raises(PortError) as raised:
                await store.append(
                    a_batch("two", changes=[InsertRow(table="things", row=taken)])
                )

        assert type(raised.value) is error
        count = owner.execute("SELECT count(*) FROM es.events").fetchone()
        assert count == (1,)
