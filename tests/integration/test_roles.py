"""SPEC 10, R-EVT-8: the roles of the log, who makes them, and what each may do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pytest_sr.stack.addresses import PostgresAddress, StackAddresses
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.migrate import (
    MigrationForbidden,
    Migrator,
    find_migrations,
    migrations_folder,
)
from sr_core.adapters.postgres.server import find_role_gaps
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.refs import hash_bytes
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import Batch, NewEvent, Position, StreamId

pytestmark = pytest.mark.anyio

ROLES = ("sr_app", "sr_owner", "sr_publisher", "sr_reader")
ENVELOPE = b'{"payload":{},"refs":[]}'
A_WORD = secrets.token_hex(12)


class Server(Protocol):
    address: PostgresAddress

    def execute(self, statement: str, database: str = "postgres") -> None: ...


def a_batch(name: str) -> Batch:
    stream = StreamId(f"loop:{name}")
    event = NewEvent(
        event_id=f"evt_{name}",
        stream_id=stream,
        stream_kind="LOOP",
        stream_seq=1,
        event_type="LoopActivated",
        by=Actor(ActorKind.HUMAN, "ada"),
        occurred_at=datetime(2026, 1, 9, 12, tzinfo=UTC),
        correlation_id=None,
        envelope=ENVELOPE,
        envelope_hash=hash_bytes(ENVELOPE),
        changes=(),
    )
    return Batch(boundary=stream, expected=Position(0), events=(event,))


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def append(app_database: str) -> AsyncIterator[object]:
    async with connection_pool(app_database) as pool:
        yield PostgresEventStore(pool).append


class TestTheRoles:
    def test_are_groups_that_nobody_logs_in_as(self, owner):
        rows = owner.execute(
            "SELECT rolname, rolcanlogin, rolsuper, rolcreaterole FROM pg_roles"
            " WHERE rolname = ANY (%s) ORDER BY 1",
            [list(ROLES)],
        ).fetchall()

        assert rows == [(role, False, False, False) for role in ROLES]

    async def test_are_as_they_have_to_be(self, database):
        assert await find_role_gaps(database) == ()

    @pytest.mark.parametrize(
        ("harm", "gap"),
        [
            ("GRANT UPDATE ON es.head TO sr_app", "sr_app may UPDATE es.head"),
            ("GRANT DELETE ON es.events TO PUBLIC", "sr_reader may DELETE es.events"),
            ("REVOKE SELECT ON proj.loops FROM sr_app", "sr_app may not SELECT proj.loops"),
            ("REVOKE USAGE ON SCHEMA graph FROM sr_reader",
             "sr_reader may not use schema graph"),
            ("REVOKE UPDATE (published_at) ON es.outbox FROM sr_publisher",
             "sr_publisher may not UPDATE es.outbox.published_at"),
            ("REVOKE INSERT ON es.kek_wraps FROM sr_app",
             "sr_app may not INSERT es.kek_wraps"),
            ("REVOKE UPDATE (wraps) ON es.kek_wraps FROM sr_app",
             "sr_app may not UPDATE es.kek_wraps.wraps"),
            ("REVOKE EXECUTE ON FUNCTION es.append FROM sr_app",
             "sr_app may not call es.append"),
            ("GRANT EXECUTE ON FUNCTION es.append TO PUBLIC",
             "sr_reader may call es.append"),
            ("ALTER FUNCTION es.append SECURITY INVOKER",
             "es.append does not run as its owner"),
            ("ALTER TABLE proj.runs OWNER TO postgres",
             "proj.runs belongs to postgres, not to sr_owner"),
            ("ALTER TABLE es.events ENABLE TRIGGER events_never_change",
             "trigger events_never_change of es.events is not always on"),
            ("DROP TRIGGER head_stays ON es.head",
             "trigger head_stays of es.head is not there"),
        ],
    )  # fmt: skip
    async def test_are_missed_where_somebody_changed_them(
        self, database, owner, harm, gap
    ):
        owner.execute(harm)

        assert gap in await find_role_gaps(database)


class TestThePlatformsUser:
    """It is a member of `sr_app` alone."""

    def test_is_who_the_platform_under_test_is(self, stack, app_database):
        with psycopg.connect(app_database) as connection:
            row = connection.execute(
                "SELECT current_user, rolsuper, ARRAY(SELECT r.rolname::text"
                " FROM pg_roles AS r WHERE NOT r.rolsuper"
                " AND r.rolname LIKE 'sr%%' AND pg_has_role(r.oid, 'MEMBER')"
                " ORDER BY 1) FROM pg_roles WHERE rolname = current_user"
            ).fetchone()

        assert row == (stack.postgres.app.user, False, ["sr_app", "sr_platform"])

    async def test_appends(self, append, owner):
        assert await append(a_batch("a")) == (1,)

        assert owner.execute("SELECT event_id FROM es.events").fetchall() == [
            ("evt_a",)
        ]

    async def test_does_not_append_where_it_may_not_call_the_function(
        self, append, owner
    ):
        owner.execute("REVOKE EXECUTE ON FUNCTION es.append FROM sr_app")

        with pytest.raises(Unavailable):
            await append(a_batch("a"))


class TestTheFunction:
    """What runs as its owner looks nothing up where its caller puts things."""

    SNARE = "CREATE TYPE pg_temp.jsonb AS ENUM ('mine'); SET search_path = pg_temp, es"
    CALL = (
        "SELECT outcome FROM es.append(sizes => '{1}', expected => '{0}',"
        " boundaries => '{loop:a}', event_ids => '{evt_a}', stream_ids => '{loop:a}',"
        " stream_kinds => '{LOOP}', stream_seqs => '{1}', event_types => '{A}',"
        " actor_kinds => '{HUMAN}', actor_ids => '{ada}',"
        " occurred_at => '{2026-01-09 12:00Z}', correlation_ids => '{c}',"
        " envelopes => ARRAY[%(envelope)b], envelope_hashes => ARRAY[%(hash)s])"
    )

    def called(self, dsn: str) -> list[tuple[str]]:
        values = {"envelope": ENVELOPE, "hash": hash_bytes(ENVELOPE)}
        with psycopg.connect(dsn) as connection:
            connection.execute(self.SNARE)
            return connection.execute(self.CALL, values).fetchall()

    def test_does_not_fall_into_a_snare(self, app_database):
        assert self.called(app_database) == [("appended",)]

    def test_would_if_temporary_things_came_first(self, app_database, owner):
        owner.execute("ALTER FUNCTION es.append SET search_path = pg_catalog, es")

        with pytest.raises(psycopg.Error, match=r"mine|enum|jsonb"):
            self.called(app_database)


class TestAFreshServer:
    """The roles belong to the server: who makes them, and what they say who may not."""

    @pytest.fixture
    def server(self, start) -> Server:
        made: Server = start(f"fresh_{secrets.token_hex(4)}")
        return made

    async def test_has_them_made_by_two_databases_at_once(self, server):
        names = [f"db_{number}" for number in range(3)]
        for each in names:
            server.execute(f"CREATE DATABASE {each}")
        dsns = [server.address.dsn(each) for each in names]

        await asyncio.gather(*(Migrator(each).apply() for each in dsns))

        assert [await find_role_gaps(each) for each in dsns] == [()] * 3

    async def test_lets_an_owner_of_the_database_make_them_who_may_make_roles(
        self, server
    ):
        dsn = self.deployer(server, "CREATEROLE")

        await Migrator(dsn).apply()

        assert await find_role_gaps(dsn) == ()
        assert await Migrator(dsn).apply() == ()

    async def test_tells_anybody_else_the_way_out_and_it_is_one(self, server):
        dsn = self.deployer(server, "")

        with pytest.raises(MigrationForbidden) as refused:
            await Migrator(dsn).apply()
        said = str(refused.value)
        hint = said.partition("in this database: ")[2].partition("\n")[0]
        server.execute(hint.rpartition(";")[0], "log")
        await Migrator(dsn).apply()

        assert "SR_DATABASE_OWNER_URL" in said
        assert await find_role_gaps(dsn) == ()

    async def test_lets_nobody_begin_who_may_make_nothing(self, server):
        server.execute(f"CREATE ROLE guest LOGIN PASSWORD '{A_WORD}'")
        dsn = make_conninfo(
            server.address.dsn("postgres"), user="guest", password=A_WORD
        )

        with pytest.raises(MigrationForbidden, match=r"0001_event_log\.sql"):
            await Migrator(dsn).apply()

    def deployer(self, server: Server, right: str) -> str:
        server.execute(f"CREATE ROLE deployer LOGIN PASSWORD '{A_WORD}' {right}")
        server.execute("CREATE DATABASE log OWNER deployer")
        return make_conninfo(
            server.address.dsn("log"), user="deployer", password=A_WORD
        )


class TestALaterMigration:
    """It is applied as the owner, and what it makes is granted by default."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for each in find_migrations(migrations_folder()):
            (tmp_path / each.file).write_bytes(each.sql)
        (tmp_path / "9999_later.sql").write_text(
            "CREATE TABLE es.later (n int); CREATE TABLE proj.later (n int);"
            "CREATE FUNCTION es.later() RETURNS int LANGUAGE sql RETURN 1;"
        )
        return tmp_path

    @pytest.fixture
    def member(self, stack: StackAddresses, database: str) -> Iterator[str]:
        """The address for a user who is a member of `sr_owner` and nothing more."""
        name = sql.Identifier(f"member_{secrets.token_hex(4)}")
        with psycopg.connect(
            stack.postgres.dsn("postgres"), autocommit=True
        ) as connection:
            made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE sr_owner")
            connection.execute(made.format(name, sql.Literal(A_WORD)))
            yield make_conninfo(database, user=name.as_string()[1:-1], password=A_WORD)
            connection.execute(sql.SQL("DROP ROLE {}").format(name))

    async def test_by_a_member_of_the_owner(self, member, folder, database, owner):
        await Migrator(member, folder=folder).apply()

        assert await find_role_gaps(database) == ()
        assert owner.execute(
            "SELECT has_table_privilege('sr_app', 'es.later', 'SELECT'),"
            "       has_table_privilege('sr_app', 'es.later', 'INSERT'),"
            "       has_table_privilege('sr_app', 'proj.later', 'INSERT, UPDATE'),"
            "       has_table_privilege('sr_app', 'proj.later', 'DELETE'),"
            "       has_function_privilege('sr_app', 'es.later()', 'EXECUTE')"
        ).fetchone() == (True, False, True, False, False)

    async def test_by_a_superuser(self, database, folder):
        await Migrator(database, folder=folder).apply()

        assert await find_role_gaps(database) == ()

    async def test_is_refused_to_the_platforms_user(self, app_database, folder):
        with pytest.raises(MigrationForbidden, match="member of sr_owner"):
            await Migrator(app_database, folder=folder).apply()
