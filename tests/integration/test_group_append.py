"""Groups of appends in Postgres: many at once, some at fault, some cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Literal

from sr_core.adapters.postgres import appending
from sr_core.adapters.postgres.appending import Appender
from sr_core.adapters.postgres.connections import (
    ATTEMPTS_MAX,
    at_once,
    connection_pool,
)
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.refs import hash_bytes
from sr_core.ports.errors import Overtaken, Unavailable, VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    IdempotencyMismatch,
    NewEvent,
    Position,
    StreamId,
)
from sr_core.ports.read_model import InsertRow, ProjectionBroken, UpdateRows
from sr_core.ports.receipts import NamedRequest, RequestName, RequestRepeated

pytestmark = pytest.mark.anyio

TABLES = """
CREATE SCHEMA IF NOT EXISTS proj;
CREATE TABLE proj.things (
    thing_id text PRIMARY KEY, state text, count bigint NOT NULL DEFAULT 0,
    position bigint NOT NULL, last_event_id text NOT NULL, last_global_seq bigint NOT NULL
);
CREATE UNIQUE INDEX one_active_thing ON proj.things (state) WHERE state = 'ACTIVE';
"""
NAME = RequestName(actor_id="svc:a:b", route="POST /loops", key="k-1")
REQUEST = NamedRequest(name=NAME, content_hash=hash_bytes(b"body"), attempt="try_1")


def an_event(
    stream: str, stream_seq: int = 1, *changes, kind: str = "LOOP"
) -> NewEvent:
    envelope = f'{{"payload":{{"of":"{stream}","n":{stream_seq}}},"refs":[]}}'.encode()
    return NewEvent(
        event_id=f"evt_{stream}_{stream_seq}",
        stream_id=StreamId(stream),
        stream_kind=kind,
        stream_seq=stream_seq,
        event_type="LoopActivated",
        by=Actor(ActorKind.HUMAN, "ada"),
        occurred_at=datetime(2026, 1, 9, 12, tzinfo=UTC),
        correlation_id=None,
        envelope=envelope,
        envelope_hash=hash_bytes(envelope),
        changes=tuple(changes),
    )


def a_batch(*events: NewEvent, boundary: str = "", expected: int = 0) -> Batch:
    return Batch(
        boundary=StreamId(boundary or events[0].stream_id),
        expected=Position(expected),
        events=events,
    )


def one(stream: str, stream_seq: int = 1, *changes, expected: int = 0) -> Batch:
    return a_batch(an_event(stream, stream_seq, *changes), expected=expected)


def a_thing(thing_id: str, state: str = "NEW") -> InsertRow:
    return InsertRow(table="things", row={"thing_id": thing_id, "state": state})


NO_SUCH_THING = UpdateRows(
    table="things", where={"thing_id": "none"}, values={"state": "OLD"}
)


@pytest.fixture
def dsn(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(TABLES)
    return make_conninfo(database, sslmode="disable", gssencmode="disable")


@pytest.fixture
def owner(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@asynccontextmanager
async def store_on(dsn: str, *, connections_max: int = 8):
    async with connection_pool(
        dsn, connections_max=connections_max, deadline_s=20.0
    ) as pool:
        yield PostgresEventStore(pool)


async def logged(store: PostgresEventStore) -> list[str]:
    return [each.event_id for each in await store.read(after=BEGINNING, limit=10_000)]


async def together(store, *batches):
    return await asyncio.gather(*map(store.append, batches), return_exceptions=True)


async def eventually(look):
    """Return what `look` finds, as soon as it finds something."""
    async with asyncio.timeout(20):
        while (seen := look()) is None:  # noqa: ASYNC110 - Postgres sets no Event
            await asyncio.sleep(0)
    return seen


class TestARaceToMakeAStream:
    """R-EVT-3: exactly one wins, the others learn that they came late."""

    @pytest.mark.parametrize(("racers", "rounds"), [(8, 12), (50, 4)])
    async def test_has_one_winner_and_typed_losers(self, dsn, racers, rounds):
        async with store_on(dsn) as here, store_on(dsn) as there:
            for number in range(rounds):
                stream = f"loop:{number}"
                batches = [
                    a_batch(
                        replace(an_event(stream), event_id=f"evt_{number}_{racer}"),
                    )
                    for racer in range(racers)
                ]
                half = racers // 2

                ended = await asyncio.gather(
                    together(here, *batches[:half]), together(there, *batches[half:])
                )

                kinds = [type(each) for each in (*ended[0], *ended[1])]
                assert kinds.count(tuple) == 1
                assert kinds.count(VersionConflict) == racers - 1
            assert len(await logged(here)) == rounds


class TestAGroup:
    """What one member is told harms no other."""

    async def test_keeps_the_streams_of_each_member_apart(self, dsn):
        first = a_batch(an_event("loop:a"), an_event("run:a", kind="RUN"))
        second = a_batch(an_event("loop:b"), an_event("run:b", kind="RUN"))
        third = a_batch(an_event("loop:c"), an_event("run:a", kind="RUN"))
        async with connection_pool(dsn) as pool:
            told = await Appender(pool).append([first, second, third])

        assert told[:2] == [(1, 2), (3, 4)]
        assert isinstance(told[2], VersionConflict)
        assert told[2].boundary == "run:a"

    async def test_counts_on_within_itself(self, dsn):
        chain = [
            one("loop:a"),
            one("loop:a", 2, expected=1),
            one("loop:a", 3, expected=1),
            one("loop:a", 3, expected=2),
        ]
        async with connection_pool(dsn) as pool:
            told = await Appender(pool).append(
                [*chain[:2], replace(chain[2], events=(late(chain[2]),)), chain[3]]
            )

        assert [told[0], told[1], told[3]] == [(1,), (2,), (3,)]
        assert isinstance(told[2], VersionConflict)
        assert (told[2].expected, told[2].actual) == (1, 2)

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            (NO_SUCH_THING, ProjectionBroken),
            (InsertRow(table="nowhere", row={"n": 1}), ProjectionBroken),
            (a_thing("taken"), ProjectionBroken),
            (a_thing("second", "ACTIVE"), Overtaken),
        ],
        ids=["no row", "no table", "a key that is taken", "a rule's index"],
    )
    async def test_loses_only_what_the_read_model_refuses(self, dsn, change, error):
        async with store_on(dsn) as store:
            await store.append(
                one("loop:0", 1, a_thing("taken"), a_thing("first", "ACTIVE"))
            )

            ended = await together(
                store,
                one("loop:a", 1, a_thing("a")),
                one("loop:b", 1, a_thing("b")),
                one("loop:refused", 1, a_thing("c"), change),
                one("loop:d", 1, a_thing("d")),
            )

            assert type(ended[2]) is error
            assert [ended[0], ended[1], ended[3]] == [(2,), (3,), (4,)]
            assert len(await logged(store)) == 4
        with psycopg.connect(dsn) as connection:
            rows = connection.execute(
                "SELECT thing_id, last_global_seq FROM proj.things ORDER BY 2, 1"
            ).fetchall()
        assert rows == [("first", 1), ("taken", 1), ("a", 2), ("b", 3), ("d", 4)]

    async def test_loses_only_what_is_a_bug(self, dsn):
        """A hash that is not the bytes' own takes nobody with it."""
        liar = a_batch(replace(an_event("loop:liar"), envelope_hash=hash_bytes(b"x")))
        async with store_on(dsn) as store:
            ended = await together(
                store, one("loop:a"), one("loop:b"), liar, one("loop:c")
            )

            assert isinstance(ended[2], AssertionError)
            assert [ended[0], ended[1], ended[3]] == [(1,), (2,), (3,)]

    async def test_answers_those_before_who_met_a_failing_server(self, dsn, owner):
        owner.execute(FAILING)
        async with store_on(dsn) as store:
            ended = await together(
                store,
                *(one(f"loop:{name}") for name in "0"),
                *(one(f"loop:{name}", 1, a_thing(name)) for name in "abcd"),
            )

        assert ended[:2] == [(1,), (2,)]
        kinds = [type(each) for each in ended[2:]]
        assert kinds == [ProjectionBroken, Unavailable, Unavailable]

    async def test_writes_receipts_of_its_members_alone(self, dsn):
        named = [
            replace(one(f"loop:{n}"), request=replace(REQUEST, attempt=f"try_{n}"))
            for n in range(3)
        ]
        other = replace(REQUEST, name=replace(NAME, key="k-2"))
        async with store_on(dsn) as store:
            ended = await together(
                store, one("loop:x"), *named, replace(one("loop:y"), request=other)
            )

            assert [type(each) for each in ended[2:4]] == [RequestRepeated] * 2
            receipt = await store.receipt(NAME)
            assert receipt.event_ids == ("evt_loop:0_1",)
            assert (await store.receipt(other.name)).event_ids == ("evt_loop:y_1",)

    async def test_tells_who_is_in_the_log_already_among_others(self, dsn):
        async with connection_pool(dsn) as pool:
            appender = Appender(pool)
            await appender.append([one("loop:a"), one("loop:b")])

            told = await appender.append(
                [one("loop:c"), one("loop:a"), liar_about(one("loop:b")), one("loop:d")]
            )

        assert [told[0], told[1], told[3]] == [(3,), (1,), (4,)]
        assert isinstance(told[2], IdempotencyMismatch)


FAILING = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.thing_id = 'b' THEN
        RAISE EXCEPTION 'as told' USING ERRCODE = '23514';
    ELSIF NEW.thing_id = 'c' THEN
        RAISE EXCEPTION 'as told' USING ERRCODE = '53200';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fails BEFORE INSERT ON proj.things
    FOR EACH ROW EXECUTE FUNCTION fail();
"""


def late(batch: Batch) -> NewEvent:
    return replace(batch.events[0], event_id="evt_late")


def liar_about(batch: Batch) -> Batch:
    envelope = b'{"payload":{},"refs":[]}'
    event = replace(
        batch.events[0], envelope=envelope, envelope_hash=hash_bytes(envelope)
    )
    return replace(batch, events=(event,))


class TestAConflict:
    """R-EVT-3: it says what is where, so that its reader knows what to read again."""

    async def test_of_a_stream_named_like_its_boundary_is_the_streams(self, dsn):
        async with store_on(dsn) as store:
            await store.append(one("run:x"))
            await store.append(one("loop:a"))

            with pytest.raises(VersionConflict) as conflict:
                await store.append(one("loop:a", 9, expected=2))

        told = conflict.value
        assert (told.boundary, told.expected, told.actual) == ("loop:a", 8, 1)

    async def test_within_a_batch_is_that_of_the_event_that_does_not_follow(self, dsn):
        gap = a_batch(an_event("loop:a"), an_event("loop:a", 3))
        async with store_on(dsn) as store:
            with pytest.raises(VersionConflict) as conflict:
                await store.append(gap)

        assert (conflict.value.expected, conflict.value.actual) == (2, 1)

    @pytest.mark.parametrize("is_known", [False, True], ids=["new", "known"])
    async def test_of_kinds_is_a_bug_and_writes_nothing(self, dsn, is_known):
        """A stream has one kind, and its events have it too."""
        first = an_event("loop:a")
        second = an_event("loop:a", 2, kind="RUN")
        async with store_on(dsn) as store:
            if is_known:
                await store.append(a_batch(first))
            batch = a_batch(second, expected=1) if is_known else a_batch(first, second)

            with pytest.raises(AssertionError):
                await store.append(batch)

            assert len(await logged(store)) == is_known


class TestAnEmptyAppend:
    """R-EVT-6: it writes nothing, lowers nothing, and harms nobody beside it."""

    async def test_in_a_race_changes_nothing(self, dsn):
        empty = Batch(boundary=StreamId("loop:a"), expected=BEGINNING, events=())
        async with store_on(dsn) as store:
            await store.append(one("loop:a"))

            ended = await together(
                store, empty, one("loop:a", 2, expected=1), empty, one("loop:b"), empty
            )

            assert [type(each) for each in ended[::2]] == [AssertionError] * 3
            assert [ended[1], ended[3]] == [(2,), (3,)]
            assert await store.append(one("loop:a", 3, expected=2)) == (4,)

    async def test_is_refused_by_the_function_itself(self, dsn):
        empty = Batch(boundary=StreamId("loop:a"), expected=BEGINNING, events=())
        async with connection_pool(dsn) as pool:
            told = await Appender(pool).append([one("loop:b"), empty, one("loop:c")])

        assert isinstance(told[1], AssertionError)
        assert [told[0], told[2]] == [(1,), (2,)]


class TestAnAppendThatWaited:
    """Whoever has the head sees all that was ever appended, the rows too."""

    async def test_changes_the_row_that_was_added_meanwhile(self, dsn, owner):
        touch = UpdateRows(
            table="things", where={"thing_id": "a"}, increments={"count": 1}
        )
        async with store_on(dsn) as store:
            await store.append(one("loop:0", 1, a_thing("b")))
            with psycopg.connect(dsn) as other:
                other.execute("SELECT 1 FROM es.head FOR UPDATE")
                other.execute(
                    "INSERT INTO proj.things (thing_id, position, last_event_id,"
                    " last_global_seq) VALUES ('a', 1, 'evt', 1)"
                )
                under_way = asyncio.create_task(store.append(one("loop:a", 1, touch)))
                await eventually(lambda: waiting(owner))
                other.commit()

                assert await under_way == (2,)

        told = owner.execute("SELECT count FROM proj.things WHERE thing_id = 'a'")
        assert told.fetchone() == (1,)

    async def test_may_wait_though_it_has_no_right_to_the_head(
        self, app_database, owner
    ):
        owner.execute("GRANT SELECT, INSERT, UPDATE ON proj.things TO sr_app")
        touch = UpdateRows(
            table="things", where={"thing_id": "a"}, increments={"count": 1}
        )
        async with store_on(app_database) as store:
            await store.append(one("loop:a", 1, a_thing("a")))

            assert await store.append(one("loop:b", 1, touch)) == (2,)

    async def test_adds_to_a_number_that_others_add_to(self, dsn, owner):
        def touch(number: int) -> Batch:
            change = UpdateRows(
                table="things", where={"thing_id": "a"}, increments={"count": 1}
            )
            return one(f"loop:{number}", 1, change)

        async with store_on(dsn) as here, store_on(dsn) as there:
            await here.append(one("loop:0", 1, a_thing("a")))

            await asyncio.gather(
                *(
                    store.append(touch(2 * number + offset))
                    for number in range(1, 41)
                    for offset, store in enumerate((here, there))
                )
            )

        told = owner.execute("SELECT count FROM proj.things WHERE thing_id = 'a'")
        assert told.fetchone() == (80,)


def waiting(owner: psycopg.Connection) -> int | None:
    row = owner.execute(
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return row[0] if row else None


REFUSING = """
CREATE SEQUENCE tries;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('tries');
    RAISE EXCEPTION 'as told' USING ERRCODE = {};
END $$;
CREATE TRIGGER refuses BEFORE INSERT ON proj.things
    FOR EACH ROW EXECUTE FUNCTION refuse();
"""


class TestTries:
    """R-EVT-7: what passes is tried again a few times; all else is final."""

    @pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
    async def test_of_what_may_pass_are_bounded(self, dsn, owner, sqlstate):
        owner.execute(SQL(REFUSING).format(Literal(sqlstate)))
        async with store_on(dsn) as store:
            with pytest.raises(Unavailable) as error:
                await store.append(one("loop:a", 1, a_thing("a")))

        assert getattr(error.value.__cause__, "sqlstate", None) == sqlstate
        assert tries(owner) == ATTEMPTS_MAX

    @pytest.mark.parametrize(
        ("sqlstate", "error"),
        [
            ("23514", ProjectionBroken),
            ("22012", ProjectionBroken),
            ("53200", Unavailable),
            ("57014", Unavailable),
        ],
    )
    async def test_of_what_is_final_are_one(self, dsn, owner, sqlstate, error):
        owner.execute(SQL(REFUSING).format(Literal(sqlstate)))
        async with store_on(dsn) as store:
            with pytest.raises(error):
                await store.append(one("loop:a", 1, a_thing("a")))

        assert tries(owner) == 1

    async def test_end_where_the_world_is_well_again(self, dsn, owner):
        owner.execute(SQL(REFUSING).format(Literal("40001")))
        async with store_on(dsn) as store:
            under_way = asyncio.create_task(
                store.append(one("loop:a", 1, a_thing("a")))
            )
            await eventually(lambda: tries(owner))
            owner.execute("DROP TRIGGER refuses ON proj.things")

            assert await under_way == (1,)


def tries(owner: psycopg.Connection) -> int | None:
    row = owner.execute("SELECT last_value FROM tries WHERE is_called").fetchone()
    return row[0] if row else None


class Wire:
    """Carries what client and server say, message by message, and can be cut.

    `cut_after` says how many more messages of the client it carries. Then the server
    reads what it was sent, to the end, and the client hears nothing any more. Is it to
    be `mended`, new connections are taken after that.
    """

    def __init__(self, dsn: str) -> None:
        target = conninfo_to_dict(dsn)
        self._target = (str(target["host"]), int(str(target["port"])))
        self.cut_after: int | None = None
        self.is_cut = asyncio.Event()
        self.is_mended = False

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.is_cut.is_set() and not self.is_mended:
            writer.transport.abort()
            return
        back, there = await asyncio.open_connection(*self._target)
        is_cut = asyncio.Event()
        try:
            with suppress(ExceptionGroup):  # either end may break off
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._ask(reader, there, is_cut))
                    group.create_task(self._answer(back, writer, is_cut))
        finally:
            there.transport.abort()
            writer.transport.abort()

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        there: asyncio.StreamWriter,
        is_cut: asyncio.Event,
    ) -> None:
        """Hand on what the client says; its first message has no type."""
        kind = b""
        with suppress(asyncio.IncompleteReadError):
            while not is_cut.is_set():
                length = await reader.readexactly(4)
                body = await reader.readexactly(int.from_bytes(length, "big") - 4)
                there.write(kind + length + body)
                if self.cut_after is not None:
                    self.cut_after -= 1
                if self.cut_after == 0:
                    self.cut_after = None
                    is_cut.set()
                    self.is_cut.set()
                else:
                    kind = await reader.readexactly(1)
        there.write_eof()

    async def _answer(
        self,
        back: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        is_cut: asyncio.Event,
    ) -> None:
        while data := await back.read(65_536):
            if not is_cut.is_set():
                writer.write(data)
        writer.close()


@asynccontextmanager
async def a_wire(dsn: str) -> AsyncIterator[tuple[str, Wire]]:
    """Yield the address of a wire to the database, and the wire."""
    wire = Wire(dsn)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader, writer) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine runs in a task"
        tasks.add(task)
        await wire.carry(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    named = make_conninfo(dsn, host="127.0.0.1", port=port, application_name="wired")
    try:
        yield named, wire
    finally:
        server.close()
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


TWICE = UpdateRows(table="things", where={"state": "NEW"}, increments={"count": 1})
MESSAGES_MAX = 80


def whole(name: str, *changes, request: NamedRequest = REQUEST) -> Batch:
    """A batch with all that an append can bring: two streams, rows and a receipt."""
    about_loop = an_event(f"loop:{name}", 1, *changes)
    about_run = an_event(f"run:{name}", kind="RUN")
    return replace(a_batch(about_loop, about_run), request=request)


def written(owner: psycopg.Connection) -> dict[str, int]:
    """How many rows there are of all that an append writes, and where the log ends."""
    row = owner.execute(
        "SELECT (SELECT count(*) FROM es.events), (SELECT count(*) FROM es.outbox),"
        " (SELECT count(*) FROM es.request_events), (SELECT count(*) FROM es.requests),"
        " (SELECT count(*) FROM es.streams), (SELECT count(*) FROM es.boundaries),"
        " (SELECT count(*) FROM proj.things), (SELECT global_seq FROM es.head)"
    ).fetchone()
    assert row is not None, "counts are a row"
    names = "events outbox request_events requests streams boundaries things head"
    return dict(zip(names.split(), row, strict=True))


ALL_OF_IT = {
    "events": 2,
    "outbox": 2,
    "request_events": 2,
    "requests": 1,
    "streams": 2,
    "boundaries": 1,
    "things": 1,
    "head": 2,
}
NONE_OF_IT = dict.fromkeys(ALL_OF_IT, 0)


def wired(owner: psycopg.Connection) -> int:
    row = owner.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wired'"
        " AND datname = current_database()"
    ).fetchone()
    assert row is not None, "a count is a row"
    return int(row[0])


async def states_after_cuts(
    dsn: str, owner: psycopg.Connection, batch: Batch
) -> list[dict[str, int]]:
    """What is there when the client's first message was its last, its second, ...

    Ends with the first cut that left anything.
    """
    seen = []
    for number in range(1, MESSAGES_MAX):
        async with (
            a_wire(dsn) as (address, wire),
            store_on(address, connections_max=1) as store,
        ):
            await store.read(after=BEGINNING, limit=1)
            wire.cut_after = number
            under_way = asyncio.create_task(store.append(batch))
            async with asyncio.timeout(20):
                await wire.is_cut.wait()
            await eventually(lambda: wired(owner) == 0 or None)
            under_way.cancel()
            await asyncio.wait({under_way})
        seen.append(written(owner))
        if seen[-1] != NONE_OF_IT:
            break
    return seen


@pytest.mark.parametrize(
    "changes",
    [(a_thing("a"),), (a_thing("a"), TWICE)],
    ids=["in one statement", "in several"],
)
class TestAnAppendThatIsCutOff:
    async def test_is_there_as_a_whole_or_not_at_all(self, dsn, owner, changes):
        """R-EVT-5: after any message of its client, the first to the last."""
        batch = whole("a", *changes)

        seen = await states_after_cuts(dsn, owner, batch)

        assert seen[-1] == ALL_OF_IT
        assert len(seen) > len(changes) * 4
        async with store_on(dsn) as store:
            assert await store.append(batch) == (1, 2)
        assert written(owner) == ALL_OF_IT

    async def test_is_there_once_and_learns_the_truth(self, dsn, owner, changes):
        """R-EVT-4: whichever message was the last that the server heard."""
        told = []
        async with (
            a_wire(dsn) as (address, wire),
            store_on(address, connections_max=1) as store,
        ):
            wire.is_mended = True
            for number in range(1, MESSAGES_MAX):
                row = {"thing_id": f"{number}", "state": "NEW"}
                renamed = replace(changes[0], row=row)
                request = replace(REQUEST, name=replace(NAME, key=f"k-{number}"))
                batch = whole(f"{number}", renamed, *changes[1:], request=request)
                wire.is_cut.clear()
                wire.cut_after = number
                told += await store.append(batch)
                if not wire.is_cut.is_set():
                    break

        assert not wire.is_cut.is_set()
        assert told == list(range(1, len(told) + 1))
        assert written(owner) == {
            name: count * len(told) // 2 for name, count in ALL_OF_IT.items()
        }


async def test_an_append_in_pieces_would_be_seen(dsn, owner, monkeypatch):
    """The cuts of R-EVT-5 can tell: here each statement commits by itself."""
    monkeypatch.setattr(appending, "in_transaction", at_once)

    seen = await states_after_cuts(dsn, owner, whole("a", a_thing("a"), TWICE))

    assert seen[-1] not in (NONE_OF_IT, ALL_OF_IT)
