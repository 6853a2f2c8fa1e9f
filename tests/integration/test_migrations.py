"""Migrations: each applied once, in order, and never rewritten."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import psycopg
import pytest

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.migrate import (
    MigrationChanged,
    MigrationFailed,
    MigrationMisnamed,
    MigrationMissing,
    MigrationOutOfOrder,
    Migrator,
    find_migrations,
    migrations_folder,
    schema_version,
)
from sr_core.ports.errors import Unavailable

pytestmark = pytest.mark.anyio

FIRST = "0001_things.sql"
SECOND = "0003_more_things.sql"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FIRST).write_text("CREATE TABLE things (n int);")
    (tmp_path / SECOND).write_text(
        "CREATE TABLE more (n int); INSERT INTO more VALUES (1);"
    )
    (tmp_path / "README.md").write_text("Not a migration.")
    return tmp_path


@pytest.fixture
def dsn(empty_database: str) -> str:
    return empty_database


def tables(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return {name for (name,) in rows}


def files(migrations) -> list[str]:
    return [each.file for each in migrations]


class TestApplying:
    async def test_takes_them_in_order_and_once(self, dsn, folder):
        migrator = Migrator(dsn, folder=folder)
        assert files(await migrator.pending()) == [FIRST, SECOND]

        assert files(await migrator.apply()) == [FIRST, SECOND]

        assert await migrator.apply() == await migrator.pending() == ()
        assert tables(dsn) == {"things", "more"}
        async with connection_pool(dsn) as pool:
            assert await schema_version(pool) == 3

    async def test_goes_on_where_it_stopped(self, dsn, folder):
        shutil.move(folder / SECOND, folder / "later")
        await Migrator(dsn, folder=folder).apply()
        shutil.move(folder / "later", folder / SECOND)

        assert files(await Migrator(dsn, folder=folder).apply()) == [SECOND]

    async def test_is_done_by_one_of_several(self, dsn, folder):
        runners = [Migrator(dsn, folder=folder).apply() for _ in range(4)]

        applied = await asyncio.gather(*runners)

        assert sorted(map(len, applied)) == [0, 0, 0, 2]

    async def test_rolls_back_what_fails_and_names_it(self, dsn, folder):
        (folder / SECOND).write_text("CREATE TABLE more (n int); SELECT 1 / 0;")

        with pytest.raises(
            MigrationFailed, match=r"0003_more_things\.sql was rolled back"
        ):
            await Migrator(dsn, folder=folder).apply()

        assert tables(dsn) == {"things"}
        assert files(await Migrator(dsn, folder=folder).pending()) == [SECOND]

    async def test_says_so_where_nobody_listens(self, folder):
        nowhere = "postgresql://sr@127.0.0.1:1/sr"

        with pytest.raises(Unavailable, match="Postgres"):
            await Migrator(nowhere, folder=folder).apply()


class TestLooking:
    async def test_changes_nothing(self, dsn, folder):
        await Migrator(dsn, folder=folder).pending()

        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT to_regnamespace('es')").fetchone()
        assert row == (None,)
        async with connection_pool(dsn) as pool:
            assert await schema_version(pool) == 0


class TestARecordThatDisagrees:
    """What is released is never rewritten; the message says which file, and what to do."""

    @pytest.fixture(autouse=True)
    async def applied(self, dsn, folder):
        await Migrator(dsn, folder=folder).apply()

    @pytest.fixture(params=["pending", "apply"])
    def run(self, request, dsn, folder):
        return getattr(Migrator(dsn, folder=folder), request.param)

    async def test_refuses_a_changed_file(self, run, folder):
        (folder / FIRST).write_text("CREATE TABLE things (n bigint);")

        with pytest.raises(MigrationChanged, match=r"0001_things\.sql has changed"):
            await run()

    async def test_refuses_a_renamed_file(self, run, folder):
        shutil.move(folder / FIRST, folder / "0001_items.sql")

        with pytest.raises(MigrationChanged, match=r"0001_items\.sql has changed"):
            await run()

    async def test_refuses_a_missing_file(self, run, folder):
        (folder / SECOND).unlink()

        with pytest.raises(
            MigrationMissing, match=r"0003_more_things\.sql was applied"
        ):
            await run()

    async def test_refuses_one_that_comes_too_late(self, run, folder):
        (folder / "0002_too_late.sql").write_text("SELECT 1;")

        with pytest.raises(
            MigrationOutOfOrder, match=r"0002_too_late\.sql is not applied"
        ):
            await run()


class TestNames:
    @pytest.mark.parametrize(
        "name", ["4_x.sql", "0004-x.sql", "0004_X.sql", "0003_x.sql"]
    )
    def test_of_another_form_are_refused(self, folder, name):
        (folder / name).write_text("SELECT 1;")

        with pytest.raises(MigrationMisnamed, match=name):
            find_migrations(folder)

    def test_of_ours_are_in_order(self):
        first, *_ = find_migrations(migrations_folder())

        assert first.file == "0001_event_log.sql"
