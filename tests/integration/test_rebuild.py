"""The read model made anew while the platform goes on (R-EVT-11, R-EVT-12)."""

from __future__ import annotations

import asyncio
import importlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from bench.logs import batches

from sr_core.adapters.postgres import statements
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.graph import PostgresGraph
from sr_core.adapters.postgres.rebuilding import PostgresRebuildSite
from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application import projections
from sr_core.application import replay as replaying
from sr_core.application.rebuild import Rebuilt, rebuild
from sr_core.application.replay import EventPoisoned, LogDisordered, LogEmpty
from sr_core.domain.graph import Node
from sr_core.domain.loop import StopTriggered
from sr_core.domain.refs import RefKind
from sr_core.ports.errors import Unavailable
from sr_core.ports.event_store import BEGINNING
from sr_core.ports.metrics import Histogram
from sr_core.ports.read_copy import (
    Projected,
    ReadModelUnfit,
    RebuildUnderWay,
)
from sr_core.ports.read_model import UpdateRows

pytestmark = pytest.mark.anyio

END_REBUILD = """
SELECT pg_terminate_backend(pid) FROM pg_locks
 WHERE locktype = 'advisory'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
VACUUMS_WAITED_FOR = """
SELECT count(*) FROM pg_locks WHERE mode = 'ShareUpdateExclusiveLock' AND NOT granted
"""
DUMP = """
SELECT table_schema || '.' || table_name, md5(query_to_xml(format(
           'SELECT t::text AS t FROM %I.%I AS t ORDER BY 1', table_schema, table_name),
           true, false, '')::text)
  FROM information_schema.tables
 WHERE table_schema IN ('proj', 'graph') ORDER BY 1
"""


@pytest.fixture
def owner(logged: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(logged, autocommit=True) as connection:
        yield connection


def live_rows(owner: psycopg.Connection) -> list[tuple[Any, ...]]:
    return owner.execute(DUMP).fetchall()


def facts(owner: psycopg.Connection) -> list[tuple[Any, ...]]:
    return owner.execute(statements.DESCRIBE_TABLES, {"suffix": ""}).fetchall()


def schemas(owner: psycopg.Connection) -> set[str]:
    found = owner.execute(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information)'"
    )
    return {name for (name,) in found}


async def rebuilt(
    dsn: str, *, batch: int = 100, metrics: PrometheusMetrics | None = None
) -> Rebuilt:
    async with connection_pool(dsn) as pool:
        return await rebuild(
            PostgresEventStore(pool),
            PostgresRebuildSite(dsn),
            metrics or PrometheusMetrics(),
            batch=batch,
        )


class TestARightReadModel:
    """What follows from the log already, is there again."""

    async def test_is_the_same_afterwards(self, logged, owner):
        before = live_rows(owner), facts(owner), schemas(owner)

        found = await rebuilt(logged)

        assert found.compared.rows == 0
        assert found.events == 520
        assert (live_rows(owner), facts(owner), schemas(owner)) == before
        assert schemas(owner) == {"public", "es", "proj", "graph"}

    @pytest.mark.parametrize("batch", [1, 7, 519, 520, 5000])
    async def test_is_the_same_however_many_events_are_applied_at_a_time(
        self, logged, batch
    ):
        found = await rebuilt(logged, batch=batch)

        assert found.compared.rows == 0

    async def test_keeps_its_grants(self, logged, owner):
        owner.execute("GRANT SELECT, INSERT ON proj.loops TO pg_monitor")
        owner.execute("GRANT UPDATE (goal) ON proj.loops TO pg_monitor")
        before = facts(owner)

        await rebuilt(logged)

        assert facts(owner) == before
        may = "SELECT has_table_privilege('pg_monitor', 'proj.loops', 'INSERT'),"
        may += " has_column_privilege('pg_monitor', 'proj.loops', 'goal', 'UPDATE')"
        assert owner.execute(may).fetchone() == (True, True)

    async def test_is_written_to_and_read_as_before(self, logged, owner):
        (node,) = owner.execute(
            "SELECT n.node_type, n.label FROM graph.nodes AS n"
            " WHERE n.node_type = 'Loop' AND EXISTS (SELECT FROM graph.edges AS e"
            " WHERE e.src_id = n.node_id AND e.edge_type = 'depends_on')"
            " ORDER BY n.node_id LIMIT 1"
        ).fetchall()
        async with connection_pool(logged) as pool:
            store, graph = PostgresEventStore(pool), PostgresGraph(pool)
            await graph.dependencies(
                Node(kind=RefKind(node[0]), id=node[1]), depth_max=3
            )
            await rebuilt(logged)

            for each in batches(1, 600, after=520):
                await store.append(each)
            walked = await graph.dependencies(
                Node(kind=RefKind(node[0]), id=node[1]), depth_max=3
            )

        assert walked
        marked = owner.execute("SELECT graph.has_unresolved_staleness(%s)", ["Loop/x"])
        assert marked.fetchone() == (False,)
        assert (await rebuilt(logged)).compared.rows == 0

    async def test_is_timed(self, logged):
        metrics = PrometheusMetrics()

        found = await rebuilt(logged, metrics=metrics)

        (measured,) = metrics.reading().distributions[Histogram.REBUILD].values()
        assert measured.count == 1
        assert measured.total_s == pytest.approx(found.took_s)


class TestAWrongReadModel:
    """What differs from the log is told by table, key and column, and mended."""

    @pytest.mark.parametrize(
        ("harm", "table", "column"),
        [
            (
                "UPDATE proj.loops SET goal = 'eve' WHERE position = {0}",
                "proj.loops",
                "goal",
            ),
            (
                "UPDATE proj.loops SET budgets = '{{}}' WHERE position = {0}",
                "proj.loops",
                "budgets",
            ),
            ("DELETE FROM proj.freeze_records", "proj.freeze_records", None),
            (
                """INSERT INTO graph.nodes SELECT 'Loop/x', 'Loop', 'x', created_at, meta,
                position, last_event_id, last_global_seq FROM graph.nodes LIMIT 1""",
                "graph.nodes",
                None,
            ),
        ],
        ids=["a cell", "a cell of JSON", "rows are gone", "a row too many"],
    )
    async def test_is_told_and_mended(self, logged, owner, harm, table, column):
        right = live_rows(owner)
        first = owner.execute("SELECT min(position) FROM proj.loops").fetchone()
        owner.execute(harm.format(*first))

        found = await rebuilt(logged)

        assert found.compared.rows >= 1
        assert {(each.table, each.column) for each in found.compared.differences} == {
            (table, column)
        }
        assert live_rows(owner) == right
        assert (await rebuilt(logged)).compared.rows == 0

    async def test_is_told_with_both_values(self, logged, owner):
        owner.execute("UPDATE proj.loops SET goal = 'eve'")

        found = await rebuilt(logged)

        first = found.compared.differences[0]
        assert (first.live, first.replayed) == ("eve", "a goal")
        assert first.key.keys() == {"loop_id"}


class Vacuumed(PostgresRebuildSite):
    """A site where a table is locked as a vacuum of it does, until `vacuum` is closed."""

    def __init__(self, dsn: str, table: LiteralString) -> None:
        super().__init__(dsn)
        self.vacuum = psycopg.connect(dsn)
        self.table = table

    @asynccontextmanager
    async def open(self):
        async with super().open() as copy:
            self.vacuum.execute(
                f"LOCK TABLE {self.table} IN SHARE UPDATE EXCLUSIVE MODE"
            )
            yield copy


class TestMeanwhile:
    """Appends go on while the read model is made anew."""

    async def test_what_is_appended_is_in_it(self, logged):
        async with connection_pool(logged) as pool:
            store = PostgresEventStore(pool)

            async def appends() -> None:
                for each in batches(1, 1100, after=520):
                    await store.append(each)

            async with asyncio.TaskGroup() as group:
                group.create_task(appends())
                found = await rebuilt(logged, batch=25)

        assert found.compared.rows == 0
        again = await rebuilt(logged)
        assert again.compared.rows == 0
        assert again.events > 1000

    @pytest.mark.parametrize("table", ["proj.loops", "graph_shadow.edges"])
    async def test_no_append_waits_for_a_vacuum(self, logged, owner, table):
        async with connection_pool(logged) as pool:
            store = PostgresEventStore(pool)
            site = Vacuumed(logged, table)
            rebuilding = asyncio.create_task(rebuild(store, site, PrometheusMetrics()))
            async with asyncio.timeout(20):
                # The server tells nobody who waits.
                while owner.execute(VACUUMS_WAITED_FOR).fetchone() == (0,):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            appended = [await store.append(each) for each in batches(1, 530, after=520)]
            assert not rebuilding.done()
            site.vacuum.close()
            found = await rebuilding

        assert (found.compared.rows, found.events) == (0, appended[-1][-1])

    async def test_a_second_rebuild_is_refused(self, logged):
        async with PostgresRebuildSite(logged).open():
            with pytest.raises(RebuildUnderWay):
                await rebuilt(logged)


class Killed(Exception):  # noqa: N818 - named for what it says
    """The process ended here."""


class Interrupted(PostgresRebuildSite):
    """A site whose process ends after so many applied batches."""

    def __init__(self, dsn: str, after: int) -> None:
        super().__init__(dsn)
        self.left = after

    @asynccontextmanager
    async def open(self):
        async with super().open() as copy:
            real = copy.apply

            async def apply(events: Sequence[Projected]) -> None:
                self.left -= 1
                if self.left < 0:
                    raise Killed
                await real(events)

            copy.apply = apply  # type: ignore[method-assign]  # for this copy alone
            yield copy


class TestKilled:
    """R-EVT-11: whenever it ends, the live rows are untouched and the next run is clean."""

    @pytest.fixture
    def kills(self, monkeypatch):
        monkeypatch.syspath_prepend(Path(__file__).parents[2])
        return importlib.import_module("bench.rebuild_kills")

    @pytest.mark.parametrize("after", [0, 1, 3, 5, 6])
    async def test_after_any_batch(self, logged, owner, after):
        before = live_rows(owner)
        async with connection_pool(logged) as pool:
            with pytest.raises(Killed):
                await rebuild(
                    PostgresEventStore(pool),
                    Interrupted(logged, after=min(after, 5)),
                    PrometheusMetrics(),
                    batch=100,
                )

        assert live_rows(owner) == before
        assert (await rebuilt(logged)).compared.rows == 0

    def test_by_the_operating_system(self, logged, owner, deployed):
        before = live_rows(owner)
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*SR, "log", "rebuild", "--batch", "1"],
            env=deployed(logged),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        position = 0
        while not position and process.poll() is None:
            made = owner.execute(
                "SELECT to_regclass('proj_shadow.checkpoint')"
            ).fetchone()
            if made != (None,):
                read = owner.execute("SELECT position FROM proj_shadow.checkpoint")
                (position,) = read.fetchone() or (0,)

        process.send_signal(signal.SIGKILL)
        process.communicate()

        assert process.returncode == -signal.SIGKILL
        assert 0 < position < 520
        assert live_rows(owner) == before
        ended = sr(deployed(logged), "log", "rebuild")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert live_rows(owner) == before

    def test_at_random(self, kills, capfd):
        status = kills.main(["--kills", "3", "--events", "500"])
        assert status == 0, capfd.readouterr().out

    @pytest.mark.parametrize(
        ("found", "status"),
        [
            ({}, 0),
            ({"wrong": 1}, 1),
            ({"lost": 1}, 1),
            ({"differing": 1}, 1),
            ({"late": 4}, 2),
            ({"acknowledged": []}, 2),
            ({"control_wrong": 0}, 2),
        ],
    )
    def test_and_what_it_shows_is_judged(self, kills, found, status):
        shown = {"kills": 4, "acknowledged": [1], "control_wrong": 1, **found}
        assert kills.verdict(kills.Found(**shown)) == status

    async def test_by_the_database(self, logged, owner):
        before = live_rows(owner)
        async with connection_pool(logged) as pool:
            store = PostgresEventStore(pool)

            async def cut_off() -> None:
                async with PostgresRebuildSite(logged).open() as copy:
                    await replaying.replay(store, copy, after=BEGINNING, batch=100)
                    owner.execute(END_REBUILD)

            with pytest.raises(Unavailable):
                await cut_off()

        assert live_rows(owner) == before
        assert (await rebuilt(logged)).compared.rows == 0


class TestAPoisonEvent:
    """R-EVT-12: it stops the rebuild and is named; it is never passed over."""

    @pytest.fixture
    def stops(self, owner):
        row = owner.execute(
            "SELECT min(global_seq) FROM es.events WHERE event_type = 'StopTriggered'"
        ).fetchone()
        return row[0]

    async def test_whose_projection_raises(self, logged, owner, monkeypatch, stops):
        before = live_rows(owner)
        real = projections.changes_of

        def changes_of(event: Any, on: Any) -> Any:
            if isinstance(event, StopTriggered):
                raise KeyError(event.trigger)
            return real(event, on)

        monkeypatch.setattr(replaying, "changes_of", changes_of)
        with pytest.raises(EventPoisoned) as raised:
            await rebuilt(logged)

        said = raised.value
        assert (said.position, said.event_type, said.projection) == (
            stops,
            "StopTriggered",
            "loops",
        )
        assert "KeyError" in said.reason
        assert live_rows(owner) == before
        assert schemas(owner) == {"public", "es", "proj", "graph"}
        monkeypatch.undo()
        assert (await rebuilt(logged)).compared.rows == 0

    async def test_that_a_table_refuses(self, logged, owner, monkeypatch, stops):
        before = live_rows(owner)
        real = projections.changes_of

        def changes_of(event: Any, on: Any) -> Any:
            changes = real(event, on)
            twice = changes[:1] if isinstance(event, StopTriggered) else ()
            return (*changes, *twice)

        monkeypatch.setattr(replaying, "changes_of", changes_of)
        with pytest.raises(EventPoisoned, match="duplicate key") as raised:
            await rebuilt(logged)

        assert raised.value.position == stops
        assert live_rows(owner) == before

    async def test_that_finds_no_row(self, logged, monkeypatch, stops):
        real = projections.changes_of
        nowhere = UpdateRows(
            table="loops", where={"loop_id": "loop_0"}, values={"goal": "none"}
        )

        def changes_of(event: Any, on: Any) -> Any:
            lost = (nowhere,) if isinstance(event, StopTriggered) else ()
            return (*real(event, on), *lost)

        monkeypatch.setattr(replaying, "changes_of", changes_of)
        with pytest.raises(EventPoisoned, match="no row is there") as raised:
            await rebuilt(logged)

        assert raised.value.position == stops

    async def test_that_is_missing(self, logged, owner):
        owner.execute(
            "ALTER TABLE es.events DISABLE TRIGGER events_never_change;"
            "DELETE FROM es.events WHERE global_seq = 300"
        )

        with pytest.raises(LogDisordered, match="no event at position 300"):
            await rebuilt(logged)


class TestWhatCannotBeJudged:
    async def test_a_log_without_events(self, database):
        with pytest.raises(LogEmpty):
            await rebuilt(database)

    @pytest.mark.parametrize(
        ("made", "named"),
        [
            ("CREATE VIEW public.v AS SELECT goal FROM proj.loops", "view v"),
            (
                """CREATE FUNCTION public.f() RETURNS SETOF proj.loops LANGUAGE sql
                AS 'SELECT * FROM proj.loops'""",
                "function f()",
            ),
            (
                "CREATE TABLE public.t (loop_id text REFERENCES proj.loops (loop_id))",
                "constraint t_loop_id_fkey",
            ),
            (
                """CREATE TRIGGER g BEFORE UPDATE ON proj.loops FOR EACH STATEMENT
                EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
                "trigger g",
            ),
        ],
        ids=["a view", "a function", "a foreign key", "a trigger"],
    )
    async def test_what_a_copy_cannot_replace(self, logged, owner, made, named):
        owner.execute(made)

        with pytest.raises(ReadModelUnfit) as raised:
            await rebuilt(logged)

        assert named in str(raised.value).replace("public.", "")


SR = [sys.executable, "-P", "-m", "sr_core.cli"]


def sr(
    environment: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [*SR, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


class TestTheCommand:
    """`sr log rebuild` says in its exit status what it found."""

    def test_says_that_all_was_right(self, logged, deployed):
        said = sr(deployed(logged), "log", "rebuild")

        assert said.returncode == 0
        assert "rebuilt from 520 events in" in said.stdout
        assert said.stdout.endswith("every live row was what the log gives\n")

    def test_says_what_was_wrong(self, logged, owner, deployed):
        owner.execute("UPDATE proj.loops SET goal = 'eve'")

        said = sr(deployed(logged), "log", "rebuild")

        assert said.returncode == 1
        assert 'goal: live "eve", from the log "a goal"' in said.stdout
        assert "live rows were not what the log gives, and are now" in said.stdout

    def test_says_that_it_could_not_judge(self, database, deployed):
        said = sr(deployed(database), "log", "rebuild")

        assert (said.returncode, said.stdout) == (2, "")
        assert "The log holds no event" in said.stderr
