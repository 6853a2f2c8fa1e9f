"""The replay proof: live rows, two replays, and controls (R-EVT-15, SPEC 12.2)."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import bench.logs
import psycopg
import pytest
from bench.logs import batches

from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.proving import PostgresProofSite, PostgresProving
from sr_core.adapters.system import SystemClock, UlidSource
from sr_core.application import replay as replaying
from sr_core.application.projections import changes_of
from sr_core.application.proof import Proof, Prover, Verdict, replayed
from sr_core.application.replay import EventPoisoned, LogDisordered
from sr_core.ports.read_model import InsertRow, RowChange, UpdateRows

pytestmark = pytest.mark.anyio

Changes = tuple[RowChange, ...]
Mutant = Callable[[Any, Any], Changes]

SR = [sys.executable, "-P", "-m", "sr_core.cli"]


@pytest.fixture
def owner(logged: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(logged, autocommit=True) as connection:
        yield connection


async def proved(dsn: str) -> Proof:
    """Return the proof, with the second replay in a session of its own."""
    site, clock = PostgresProofSite(dsn), SystemClock()
    async with connection_pool(dsn) as pool:
        store = PostgresEventStore(pool)

        async def elsewhere(moment: str, _: int):
            async with site.open(moment) as copy:
                return await replayed(store, copy, batch=17)

        prover = Prover(
            store=store,
            site=site,
            elsewhere=elsewhere,
            clock=clock,
            ids=UlidSource(clock),
        )
        return await prover.prove(batch=200)


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
    """`sr log prove` compares with a process of another environment."""

    def test_proves_what_is_right(self, logged, owner, deployed, tmp_path):
        file = tmp_path / "proof.json"

        said = sr(deployed(logged), "log", "prove", "--json", str(file))

        assert (said.returncode, said.stderr) == (0, "")
        assert "PROVED: 520 events give the live rows" in said.stdout
        kept = json.loads(file.read_text())
        first, last = owner.execute(
            "SELECT min(event_id), max(event_id) FROM es.events"
            " WHERE global_seq IN (1, 520)"
        ).fetchone()
        assert kept["deterministic"] is True
        assert (kept["first_event_id"], kept["last_event_id"]) == (first, last)
        hashes = {value for key, value in kept.items() if "_state_hash" in key}
        assert len(hashes) == 1
        assert [each["is_found"] for each in kept["controls"]] == [True, True, True]
        assert [each["sets_match"] for each in kept["plans"]] == [True]
        assert kept["discrepancies"] == []

    def test_refutes_what_is_wrong(self, logged, owner, deployed, tmp_path):
        owner.execute("UPDATE proj.loops SET goal = 'eve'")
        file = tmp_path / "proof.json"

        said = sr(deployed(logged), "log", "prove", "--json", str(file))

        assert said.returncode == 1
        assert 'goal: live "eve", from the log "a goal"' in said.stdout
        kept = json.loads(file.read_text())
        assert kept["verdict"] == "REFUTED"
        found = kept["discrepancies"][0]
        assert (found["table"], found["field"]) == ("proj.loops", "goal")
        assert (found["original_value"], found["replayed_value"]) == ("eve", "a goal")

    def test_judges_nothing_without_events(self, database, deployed):
        said = sr(deployed(database), "log", "prove")

        assert said.returncode == 2
        assert "INVALID: the log holds no event" in said.stdout


REPLAY = [
    sys.executable,
    "-P",
    "-c",
    """import asyncio, os, sys; from sr_core.cli.log_replay import run
sys.exit(asyncio.run(run(sys.argv[1:], os.environ)))""",
]
"""`sr log replay` without the rest of the command line, which takes long to load."""

ENVIRONMENTS: list[Mapping[str, str]] = [
    {"TZ": "UTC", "PYTHONHASHSEED": "0"},
    {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "PYTHONHASHSEED": "2"},
    {"LC_ALL": "C", "PYTHONHASHSEED": "3"},
    {"LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
    {"PGTZ": "Asia/Kathmandu", "PGDATESTYLE": "German"},
    {"PYTHONHASHSEED": "4294967295", "PYTHONOPTIMIZE": "1"},
    {"BATCH": "1", "TZ": "Antarctica/Troll"},
]


class TestDeterminism:
    """R-EVT-15: wherever it is replayed, the log gives the same."""

    def test_eight_environments_give_one_digest(self, logged, deployed):
        said = []
        for each in ENVIRONMENTS:
            batch = each.get("BATCH", "200")
            ran = subprocess.run(  # noqa: S603 - our own command
                [*REPLAY, "--batch", batch],
                env={**deployed(logged), **each},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert ran.returncode == 0, ran.stderr
            said.append(ran.stdout)

        assert len(said) == 8
        assert len(set(said)) == 1
        assert json.loads(said[0])["compared"]["rows"] == 0


class TestAProof:
    """It can fail, and leaves nothing behind."""

    async def test_leaves_nothing_behind(self, logged, owner):
        before = owner.execute("SELECT count(*) FROM pg_class").fetchone()

        proof = await proved(logged)

        assert proof.verdict is Verdict.PROVED
        assert owner.execute("SELECT count(*) FROM pg_class").fetchone() == before

    async def test_is_about_one_moment(self, logged):
        async with connection_pool(logged) as pool:
            store = PostgresEventStore(pool)

            async def appends() -> None:
                for each in batches(1, 700, after=520):
                    await store.append(each)

            async with asyncio.TaskGroup() as group:
                group.create_task(appends())
                proof = await proved(logged)

        assert proof.verdict is Verdict.PROVED
        assert 520 <= proof.end <= 700
        assert (await proved(logged)).end == 700

    async def test_is_none_if_a_changed_cell_is_not_found(self, logged, monkeypatch):
        async def falsify(_: PostgresProving) -> str:
            return "nothing was changed"

        monkeypatch.setattr(PostgresProving, "falsify", falsify)

        assert (await proved(logged)).verdict is Verdict.INVALID

    async def test_is_none_if_a_hole_is_not_found(self, logged, monkeypatch):
        monkeypatch.setattr(replaying, "_require_order", lambda *_, **__: None)

        assert (await proved(logged)).verdict is Verdict.INVALID

    @pytest.mark.parametrize(
        ("harm", "found"),
        [
            ("DELETE FROM es.events WHERE global_seq = 300", "where"),
            (
                "UPDATE es.events SET stream_seq = 99 WHERE global_seq = 520",
                "number 99",
            ),
            (
                "DELETE FROM es.events WHERE global_seq = 520",
                "no event at position 520",
            ),
        ],
        ids=["an event is gone", "a number is another", "the tail is gone"],
    )
    async def test_asks_for_a_whole_log(self, logged, owner, harm, found):
        owner.execute(f"ALTER TABLE es.events DISABLE TRIGGER USER; {harm}")

        with pytest.raises(LogDisordered, match=f"{found}|no event at position"):
            await proved(logged)

    async def test_asks_for_the_bytes_that_were_hashed(self, logged, owner):
        owner.execute(
            "ALTER TABLE es.events DISABLE TRIGGER USER;"
            "UPDATE es.events SET envelope = convert_to(replace(convert_from("
            "envelope, 'UTF8'), 'a goal', 'a gaol'), 'UTF8') WHERE global_seq ="
            " (SELECT min(global_seq) FROM es.events WHERE event_type = 'LoopCreated')"
        )

        with pytest.raises(EventPoisoned, match="bytes with the hash"):
            await proved(logged)


def drops(event: Any, on: Any) -> Changes:
    changes = changes_of(event, on)
    return () if type(event).__name__ == "GovernorDecisionRecorded" else changes


def doubles(event: Any, on: Any) -> Changes:
    return tuple(
        replace(each, increments={name: 2 * n for name, n in each.increments.items()})
        if isinstance(each, UpdateRows)
        else each
        for each in changes_of(event, on)
    )


def defaults(event: Any, on: Any) -> Changes:
    return tuple(
        replace(each, row={**each.row, "goal": ""})
        if isinstance(each, InsertRow) and each.table == "loops"
        else each
        for each in changes_of(event, on)
    )


def is_off_by_one(event: Any, on: Any) -> Changes:
    return tuple(
        replace(each, row={**each.row, "sequence": each.row["sequence"] + 1})  # type: ignore[operator]
        if isinstance(each, InsertRow) and each.table == "iterations"
        else each
        for each in changes_of(event, on)
    )


def looks_at_another_clock(event: Any, on: Any) -> Changes:
    return changes_of(event, replace(on, at=on.at.replace(microsecond=1)))


def reorders() -> Mutant:
    """Hold a bundle's rows back until the next run is completed."""
    held: list[RowChange] = []
    seen: set[str] = set()

    def reordered(event: Any, on: Any) -> Changes:
        changes = changes_of(event, on)
        if on.event_id in seen:  # another replay begins
            held.clear()
            seen.clear()
        seen.add(on.event_id)
        match type(event).__name__:
            case "EvidenceBundleRecorded":
                held.extend(changes)
                return ()
            case "RunCompleted":
                late, held[:] = (*held,), []
                return (*late, *changes)
            case _:
                return changes

    return reordered


MUTANTS: Mapping[str, Callable[[], Mutant]] = {
    "drop": lambda: drops,
    "double": lambda: doubles,
    "reorder": reorders,
    "default": lambda: defaults,
    "off by one": lambda: is_off_by_one,
    "another clock": lambda: looks_at_another_clock,
}


@pytest.mark.parametrize("kind", MUTANTS)
class TestAWrongProjector:
    """Whichever of the two was wrong, the live rows' or the replay's, it is found."""

    async def test_in_the_replay_is_found(self, logged, monkeypatch, kind):
        monkeypatch.setattr(replaying, "changes_of", MUTANTS[kind]())

        proof = await proved(logged)

        assert proof.verdict is Verdict.REFUTED
        assert all(each.compared.rows for each in proof.replays)

    async def test_in_the_live_rows_is_found(self, database, monkeypatch, kind):
        monkeypatch.setattr(bench.logs, "changes_of", MUTANTS[kind]())
        async with connection_pool(database) as pool:
            store = PostgresEventStore(pool)
            for each in batches(1, 420):
                await store.append(each)

        proof = await proved(database)

        assert proof.verdict is Verdict.REFUTED
        assert proof.replays[0].compared == proof.replays[1].compared
