"""R-EVT-8: every statement on the log as every role; a hole anywhere turns it red."""

from __future__ import annotations

import psycopg
import pytest
from bench.immutability import (
    TABLES,
    Cell,
    Said,
    cells,
    expected,
    measure,
    observe,
    statements,
    table_of,
)

pytestmark = pytest.mark.anyio


async def holes(database: str) -> set[tuple[str, str, str]]:
    return {
        (each.cell.table, each.cell.statement, each.cell.role)
        for each in await measure(database)
        if each.is_hole
    }


async def test_postgres_says_what_it_has_to(database):
    findings = await measure(database)

    assert [each for each in findings if each.is_hole] == []
    assert len({each.cell for each in findings}) == len(findings) == 570
    assert " 0 holes" in table_of(findings)


class TestTheMatrix:
    """It turns red: each guard is taken away, and the cell that it kept is named."""

    @pytest.mark.parametrize(
        ("harm", "hole"),
        [
            ("GRANT UPDATE ON es.events TO sr_app",
             ("events", "SELECT FOR UPDATE", "sr_app")),
            ("GRANT INSERT ON es.outbox TO PUBLIC", ("outbox", "INSERT", "sr_reader")),
            ("GRANT sr_owner TO sr_app", ("head", "UPDATE", "sr_app")),
            ("GRANT SET ON PARAMETER session_replication_role TO sr_app",
             ("the session", "SET replica", "sr_app")),
            ("DROP TRIGGER events_never_change ON es.events",
             ("events", "MERGE DELETE", "sr_owner")),
            ("ALTER TABLE es.events ENABLE TRIGGER events_never_change",
             ("events", "UPDATE", "superuser")),
            ("ALTER TABLE es.streams DISABLE TRIGGER streams_stay",
             ("streams", "TRUNCATE", "sr_owner")),
            ("DROP TRIGGER outbox_keeps_unpublished ON es.outbox",
             ("outbox", "DELETE", "superuser")),
            ("DROP TRIGGER outbox_keeps_its_message ON es.outbox",
             ("outbox", "UPDATE", "sr_owner")),
        ],
    )  # fmt: skip
    async def test_names_the_hole(self, database, harm, hole):
        with psycopg.connect(database) as owner:
            owner.execute(harm)

        try:
            found = await holes(database)
        finally:
            with psycopg.connect(database) as owner:  # what belongs to the server
                owner.execute("REVOKE sr_owner FROM sr_app")
                owner.execute(
                    "REVOKE SET ON PARAMETER session_replication_role FROM sr_app"
                )

        assert hole in found

    async def test_takes_a_statement_that_touched_nothing_for_a_hole(self, database):
        await measure(database)
        with psycopg.connect(database) as owner:
            owner.execute("CREATE RULE none AS ON UPDATE TO es.head DO INSTEAD NOTHING")

        found = {each.cell: each.said for each in observe(database) if each.is_hole}

        assert found[Cell("head", "UPDATE", "superuser", "origin")] is Said.NOTHING


class TestWhatIsPossible:
    """What no guard stops, `sr log verify` finds."""

    @pytest.mark.parametrize("statement", ["INSERT", "UPDATE", "DELETE"])
    @pytest.mark.parametrize("table", [each for each in TABLES if each != "outbox"])
    async def test_is_found_by_verifying(self, signed_log, table, statement):
        await signed_log.grow(up_to=6)
        await signed_log.sign()
        before = await signed_log.verify()

        signed_log.forger.do(harm(table, statement))

        assert before.code == 0
        assert (await signed_log.verify()).code == 1


def harm(table: str, statement: str) -> str:
    """The statement, for one who has the triggers off; the head has one row only."""
    if (table, statement) == ("head", "INSERT"):
        return "UPDATE es.head SET global_seq = 999"
    return statements(table)[statement]


def test_what_is_possible_is_so_only_for_who_owns_it():
    roles = {each.role for each, _ in cells() if expected(each) is Said.POSSIBLE}

    assert roles == {"sr_owner", "superuser"}
