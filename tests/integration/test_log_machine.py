"""R-EVT-18: the log in Postgres against a list, whatever is done to it, in any order.

`python -m bench.machine --examples 2000` runs it for long.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.postgres.connections import Pool, connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.chain import link
from sr_core.domain.refs import hash_bytes
from sr_core.ports.errors import PortError, Unavailable, VersionConflict
from sr_core.ports.event_store import (
    BEGINNING,
    Batch,
    IdempotencyMismatch,
    NewEvent,
    Position,
    StreamId,
)
from sr_core.ports.read_model import (
    EnsureRow,
    InsertRow,
    ProjectionBroken,
    Row,
    RowChange,
    UpdateRows,
)

EXAMPLES = int(os.environ.get("SR_LOG_MACHINE_EXAMPLES", "8"))
STEPS = 25
TABLE = """
CREATE SCHEMA IF NOT EXISTS proj;
CREATE TABLE proj.things (
    thing_id text PRIMARY KEY, state text, count bigint NOT NULL,
    position bigint NOT NULL, last_event_id text NOT NULL, last_global_seq bigint NOT NULL
);
"""
T = TypeVar("T")
Answer = tuple[Position, ...] | type[PortError]

NAMES = st.sampled_from("abc")
STORES = st.integers(0, 1)
KINDS = st.lists(st.sampled_from(["insert", "ensure", "touch", "none"]), max_size=2)


@dataclass(frozen=True)
class Plan:
    """What a batch is made of; `late` says how far behind its decision is."""

    boundary: str
    streams: tuple[str, ...]
    kinds: tuple[str, ...]
    late: int


PLANS = st.builds(
    Plan,
    boundary=NAMES,
    streams=st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    kinds=KINDS.map(tuple),
    late=st.sampled_from([0, 0, 0, 1]),
)


class LogMachine(RuleBasedStateMachine):
    """Two stores over one database, which processes of their own could be; and a list.

    The log goes on from example to example. What is before `self.base` is of others.
    """

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.application = f"machine_{secrets.token_hex(4)}"
        self.dsn = make_conninfo(dsn, application_name=self.application)
        self.owner = psycopg.connect(dsn, autocommit=True, row_factory=dict_row)
        self.pools: list[Pool] = []
        self.stores: list[PostgresEventStore] = []
        for _ in range(2):
            self.do(self.begin())
        row = self.owner.execute(
            "SELECT global_seq, chain_hash FROM es.head"
        ).fetchone()
        assert row is not None, "the log has a head"
        self.base: int = row["global_seq"]
        self.chain_before: bytes = row["chain_hash"]
        self.numbers = count(1)
        self.rows = MemoryReadModel()
        self.model = MemoryEventStore(self.rows)
        self.appended: list[Batch] = []

    def do(self, work: Coroutine[object, object, T]) -> T:
        return self.runner.run(work)

    async def begin(self) -> None:
        pool = connection_pool(self.dsn, connections_max=2, deadline_s=20)
        await pool.open()
        self.pools.append(pool)
        self.stores.append(PostgresEventStore(pool))

    def teardown(self) -> None:
        for pool in self.pools:
            self.do(pool.close())
        self.owner.close()
        self.runner.close()

    # What is appended, in terms of the list, whose positions begin at 1.

    def a_batch(self, plan: Plan) -> Batch:
        boundary = StreamId(f"loop:{self.application}_{plan.boundary}")
        history = self.do(self.model.history(boundary))
        versions: dict[str, int] = {}
        for event in self.do(self.model.read(after=BEGINNING, limit=10_000)):
            versions[event.stream_id] = event.stream_seq
        events = []
        for place, name in enumerate(plan.streams):
            stream = f"run:{self.application}_{plan.boundary}{name}"
            versions[stream] = versions.get(stream, 0) + 1
            changes = [self.a_change(kind, name) for kind in plan.kinds if not place]
            events.append(self.an_event(stream, versions[stream], *changes))
        return Batch(
            boundary=boundary,
            expected=Position(history.position - plan.late),
            events=tuple(events),
        )

    def a_change(self, kind: str, name: str) -> RowChange:
        thing = f"{self.application}_{name}"
        row: Row = {"thing_id": thing, "state": "NEW", "count": 0}
        match kind:
            case "insert":
                fresh = {**row, "thing_id": f"{thing}_{next(self.numbers)}"}
                return InsertRow(table="things", row=fresh)
            case "ensure":
                return EnsureRow(table="things", row=row, key=("thing_id",))
            case _:
                return UpdateRows(
                    table="things",
                    where={"thing_id": thing},
                    increments={"count": 1},
                    may_match_none=kind == "none",
                )

    def an_event(self, stream: str, stream_seq: int, *changes: RowChange) -> NewEvent:
        number = next(self.numbers)
        envelope = f'{{"payload":{{"number":{number}}},"refs":[]}}'.encode()
        return NewEvent(
            event_id=f"evt_{self.application}_{number}",
            stream_id=StreamId(stream),
            stream_kind="RUN",
            stream_seq=stream_seq,
            event_type="RunStarted",
            by=Actor(ActorKind.SYSTEM, "sr"),
            occurred_at=datetime(2026, 1, 9, 12, tzinfo=UTC),
            correlation_id=None,
            envelope=envelope,
            envelope_hash=hash_bytes(envelope),
            changes=changes,
        )

    # The same, asked of the list and of the log.

    def expected(self, batch: Batch) -> Answer:
        try:
            told = self.do(self.model.append(batch))
        except PortError as error:
            return type(error)
        if batch not in self.appended:
            self.appended.append(batch)
        return tuple(Position(self.base + each) for each in told)

    def shifted(self, batch: Batch) -> Batch:
        """The batch as the log has to be told it: its positions begin further on."""
        expected = self.base + batch.expected if batch.expected > 0 else batch.expected
        return replace(batch, expected=Position(expected))

    async def answer(self, store: int, batch: Batch) -> Answer:
        try:
            return await self.stores[store].append(self.shifted(batch))
        except (VersionConflict, IdempotencyMismatch, ProjectionBroken) as error:
            return type(error)

    @rule(store=STORES, plan=PLANS)
    def append(self, store: int, plan: Plan) -> None:
        batch = self.a_batch(plan)

        told = self.do(self.answer(store, batch))

        assert told == self.expected(batch)

    @rule(store=STORES, plans=st.lists(PLANS, min_size=2, max_size=6))
    def append_many(self, store: int, plans: list[Plan]) -> None:
        """One store appends in the order in which it was asked."""
        batches = [self.a_batch(plan) for plan in plans]

        async def all_at_once() -> list[Answer]:
            return await asyncio.gather(*(self.answer(store, each) for each in batches))

        assert self.do(all_at_once()) == [self.expected(each) for each in batches]

    @precondition(lambda self: self.appended)
    @rule(store=STORES, data=st.data())
    def append_again(self, store: int, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(self.appended))

        told = self.do(self.answer(store, batch))

        assert told == self.expected(batch) != ()

    @precondition(lambda self: self.appended)
    @rule(store=STORES, data=st.data())
    def append_with_other_bytes(self, store: int, data: st.DataObject) -> None:
        batch = data.draw(st.sampled_from(self.appended))
        (first, *others) = batch.events
        forged = replace(first, envelope=b"{}", envelope_hash=hash_bytes(b"{}"))
        other = replace(batch, events=(forged, *others))

        assert self.do(self.answer(store, other)) is IdempotencyMismatch
        assert self.expected(other) is IdempotencyMismatch

    @rule(store=STORES, plan=PLANS, ticks=st.integers(0, 12))
    def append_and_lose_the_server(self, store: int, plan: Plan, ticks: int) -> None:
        batch = self.a_batch(plan)

        async def cut_off() -> Answer | None:
            under_way = asyncio.create_task(self.answer(store, batch))
            for _ in range(ticks):
                await asyncio.sleep(0)
            self.end_backends()
            try:
                return await under_way
            except Unavailable:
                return None

        told = self.do(cut_off()) or self.do(self.answer(1 - store, batch))
        assert told == self.expected(batch)

    @rule(store=STORES, plan=PLANS, ticks=st.integers(0, 12))
    def append_and_crash(self, store: int, plan: Plan, ticks: int) -> None:
        """The process ends in the midst; another asks again for what it asked for."""
        batch = self.a_batch(plan)

        async def ended() -> None:
            under_way = asyncio.create_task(self.answer(store, batch))
            for _ in range(ticks):
                await asyncio.sleep(0)
            under_way.cancel()
            with suppress(asyncio.CancelledError):
                await under_way

        self.do(ended())
        self.restart(store)
        assert self.do(self.answer(store, batch)) == self.expected(batch)

    @rule(store=STORES)
    def restart(self, store: int) -> None:
        self.do(self.pools.pop(store).close())
        self.stores.pop(store)
        self.do(self.begin())

    def end_backends(self) -> None:
        self.owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = %s",
            [self.application],
        )

    # What holds after every step.

    @invariant()
    def the_log_is_the_list(self) -> None:
        log = self.do(self.stores[0].read(after=Position(self.base), limit=10_000))
        model = self.do(self.model.read(after=BEGINNING, limit=10_000))
        told = [(each.event_id, each.stream_id, each.stream_seq) for each in log]
        assert told == [
            (each.event_id, each.stream_id, each.stream_seq) for each in model
        ]
        assert [each.position for each in log] == [
            self.base + each.position for each in model
        ]
        chain = self.chain_before
        for each in log:
            chain = link(chain, each.position, each.envelope_hash)
            assert each.chain_hash == chain
        head = self.owner.execute(
            "SELECT global_seq, chain_hash FROM es.head"
        ).fetchone()
        assert head == {"global_seq": self.base + len(model), "chain_hash": chain}
        outbox = self.owner.execute(
            "SELECT global_seq FROM es.outbox WHERE global_seq > %s ORDER BY 1",
            [self.base],
        ).fetchall()
        assert [row["global_seq"] for row in outbox] == [each.position for each in log]

    @rule()
    def rebuild(self) -> None:
        """The rows are those that the log alone gives, from its first event on."""
        anew = MemoryReadModel()
        log = self.do(self.stores[0].read(after=Position(self.base), limit=10_000))
        by_id = {e.event_id: e for batch in self.appended for e in batch.events}
        anew.apply((each.position, by_id[each.event_id]) for each in log)
        found = self.owner.execute(
            "SELECT * FROM proj.things WHERE starts_with(thing_id, %s)",
            [self.application],
        ).fetchall()
        wanted = anew.tables().get("things", ())
        assert sorted(map(repr, map(sorted, (row.items() for row in found)))) == sorted(
            map(repr, map(sorted, (row.items() for row in wanted)))
        )


@pytest.fixture
def dsn(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(TABLE)
    return database


def machine_of(dsn: str):
    def build() -> LogMachine:
        return LogMachine(dsn)

    return build


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def test_the_log_does_what_the_list_does(dsn):
    run_state_machine_as_test(
        machine_of(dsn),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=SLOW,
        ),
    )


BROKEN = {
    "the version check": ("IF actual <> asked THEN", "IF false THEN"),
    "what is there already": (
        "IF known_ids && event_ids[first_event:last_event] THEN",
        "IF false THEN",
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_log_that_forgets_a_rule_is_found(dsn, rule):
    """The machine can see: a rule is taken out of `es.append`, and it finds out."""
    was, now = BROKEN[rule]
    with psycopg.connect(dsn, autocommit=True) as owner:
        row = owner.execute(
            "SELECT pg_get_functiondef('es.append'::regproc)"
        ).fetchone()
        assert row is not None, "the function is there"
        assert was in row[0]
        owner.execute(row[0].replace(was, now, 1).encode())

    # What depends on the moment may not come a second time: that too is found.
    with pytest.raises((AssertionError, Flaky)):
        run_state_machine_as_test(
            machine_of(dsn),
            settings=settings(
                max_examples=50,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=SLOW,
            ),
        )
