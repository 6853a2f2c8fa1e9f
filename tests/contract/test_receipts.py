"""What every `EventStore` owes a request that its sender named (R-API-9, R-EVT-5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sr_core.domain.refs import hash_bytes
from sr_core.ports.errors import VersionConflict
from sr_core.ports.event_store import BEGINNING, Position
from sr_core.ports.read_model import ProjectionBroken, UpdateRows
from sr_core.ports.receipts import (
    NamedRequest,
    RequestName,
    RequestRepeated,
    StoredAnswer,
)

pytestmark = pytest.mark.anyio

LOOP = "loop:loop_1"
OTHER = "loop:loop_2"
NAME = RequestName(actor_id="svc:a:b", route="POST /loops", key="k-1")
FIRST = NamedRequest(name=NAME, content_hash=hash_bytes(b"body"), attempt="try_1")
SECOND = replace(FIRST, attempt="try_2")
ANSWER = StoredAnswer(status=201, media_type="application/json", body=b'{"a": 1}\n')


@pytest.fixture
def store(log):
    return log.store


async def length(store):
    return len(await store.read(after=BEGINNING, limit=100))


class TestAReceipt:
    async def test_is_written_with_the_events(self, store, events):
        batch = replace(events.one(LOOP), request=FIRST)

        await store.append(batch)

        receipt = await store.receipt(NAME)
        assert receipt.request == FIRST
        assert receipt.event_ids == (batch.events[0].event_id,)
        assert receipt.answer is None

    async def test_names_all_events_of_its_request_in_their_order(self, store, events):
        one = replace(events.one(LOOP), request=FIRST)
        two = replace(events.one(OTHER), request=FIRST)
        await store.append(one)
        await store.append(two)

        receipt = await store.receipt(NAME)

        assert receipt.event_ids == (one.events[0].event_id, two.events[0].event_id)

    async def test_of_another_name_is_another(self, store, events):
        await store.append(replace(events.one(LOOP), request=FIRST))

        for other in (
            replace(NAME, key="k-2"),
            replace(NAME, route="POST /runs"),
            replace(NAME, actor_id="svc:a:c"),
        ):
            assert await store.receipt(other) is None

    async def test_an_unnamed_request_has_none(self, store, events):
        await store.append(events.one(LOOP))

        assert await store.receipt(NAME) is None


class TestASecondTry:
    async def test_changes_nothing(self, store, events):
        await store.append(replace(events.one(LOOP), request=FIRST))

        with pytest.raises(RequestRepeated, match="'k-1'"):
            await store.append(replace(events.one(OTHER), request=SECOND))

        assert await length(store) == 1
        assert (await store.history(OTHER)).position == BEGINNING
        assert (await store.receipt(NAME)).request == FIRST

    async def test_one_of_fifty_at_once_is_recorded(self, store, events):
        batches = [
            replace(
                events.one(f"loop:{number}"),
                request=replace(FIRST, attempt=f"try_{number}"),
            )
            for number in range(50)
        ]

        ended = await asyncio.gather(
            *map(store.append, batches), return_exceptions=True
        )

        assert sorted(type(each).__name__ for each in ended) == [
            *["RequestRepeated"] * 49,
            "tuple",
        ]
        assert await length(store) == 1


class TestAnAppendThatFails:
    """R-EVT-5: events and receipt stand or fall together."""

    async def test_leaves_no_receipt_where_it_came_late(self, store, events):
        await store.append(events.one(LOOP))

        with pytest.raises(VersionConflict):
            await store.append(replace(events.one(LOOP, 2), request=FIRST))

        assert await store.receipt(NAME) is None

    async def test_leaves_none_where_a_row_cannot_change(self, store, events):
        change = UpdateRows(table="things", where={"thing_id": "none"})
        batch = events.one(LOOP, 1, change, expected=Position(0))

        with pytest.raises(ProjectionBroken):
            await store.append(replace(batch, request=FIRST))

        assert await store.receipt(NAME) is None
        assert await length(store) == 0


class TestAnAnswer:
    async def test_is_kept_byte_for_byte(self, store, events):
        await store.append(replace(events.one(LOOP), request=FIRST))

        await store.answered(FIRST, ANSWER)

        assert (await store.receipt(NAME)).answer == ANSWER

    async def test_the_first_one_stays(self, store, events):
        await store.append(replace(events.one(LOOP), request=FIRST))
        await store.answered(FIRST, ANSWER)

        await store.answered(FIRST, replace(ANSWER, body=b"other"))

        assert (await store.receipt(NAME)).answer == ANSWER

    async def test_is_given_by_whom_was_recorded(self, store, events):
        await store.append(replace(events.one(LOOP), request=FIRST))

        with pytest.raises(AssertionError, match="who was recorded"):
            await store.answered(SECOND, ANSWER)

        assert (await store.receipt(NAME)).answer is None
