"""What every `ReadModel` owes its callers; run over each adapter there is."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sr_core.ports.event_store import Position
from sr_core.ports.read_model import EnsureRow, InsertRow, Page, UpdateRows

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 1, 9, 12, 0, 0, 123456, tzinfo=UTC)


def a_thing(thing_id: str, **columns) -> InsertRow:
    return InsertRow(table="things", row={"thing_id": thing_id, **columns})


@pytest.fixture
def change(log, events):
    """Append one event, in a boundary of its own, with these changes."""

    async def append(*changes):
        number = len(await log.store.read(after=Position(0), limit=1000))
        batch = events.one(f"loop:{number}", 1, *changes)
        await log.store.append(batch)
        return batch.events[0].event_id

    return append


class TestARow:
    async def test_reads_back_with_the_event_that_made_it(self, log, change):
        tags = {"a": [1, 2.5, None, True], "b": {"c": "ü"}}
        event_id = await change(
            a_thing("a", state="NEW", count=3, tags=tags, made_at=NOON)
        )

        row = await log.read_model.row("things", {"thing_id": "a"})

        assert row == {
            "thing_id": "a",
            "state": "NEW",
            "count": 3,
            "tags": tags,
            "made_at": NOON,
            "position": 1,
            "last_event_id": event_id,
            "last_global_seq": 1,
        }

    async def test_that_is_not_there_is_none(self, log):
        assert await log.read_model.row("things", {"thing_id": "a"}) is None

    async def test_holds_sequences_as_lists(self, log, change):
        await change(a_thing("a", tags=("x", ("y",))))

        assert (await log.read_model.row("things", {"thing_id": "a"}))["tags"] == [
            "x",
            ["y"],
        ]

    async def test_is_nobody_elses_to_change(self, log, change):
        tags = ["x"]
        await change(a_thing("a", tags=tags))
        tags.append("y")
        (await log.read_model.row("things", {"thing_id": "a"}))["tags"].append("z")

        row = await log.read_model.row("things", {"thing_id": "a"})

        assert row["tags"] == ["x"]

    async def test_may_not_smuggle_in_a_statement(self, log, change):
        name = "a'; DROP TABLE proj.things; --"
        await change(a_thing(name))

        assert (await log.read_model.row("things", {"thing_id": name})) is not None


class TestAnEnsuredRow:
    async def test_is_added_where_none_is(self, log, change):
        row = {"thing_id": "a", "state": "NEW"}
        event_id = await change(EnsureRow(table="things", row=row, key=("thing_id",)))

        found = await log.read_model.row("things", {"thing_id": "a"})

        assert (found["state"], found["last_event_id"]) == ("NEW", event_id)

    async def test_leaves_the_one_that_is_there(self, log, change):
        first = await change(a_thing("a", state="NEW"))
        row = {"thing_id": "a", "state": "OTHER"}
        await change(EnsureRow(table="things", row=row, key=("thing_id",)))

        page = await log.read_model.rows("things", {})

        assert [(each["state"], each["last_event_id"]) for each in page.rows] == [
            ("NEW", first)
        ]

    async def test_may_lie_in_a_named_schema(self, log, change):
        row = {"thing_id": "a", "state": "NEW"}
        await change(EnsureRow(table="proj.things", row=row, key=("thing_id",)))

        assert await log.read_model.row("proj.things", {"thing_id": "a"}) is not None


class TestAnUpdate:
    async def test_sets_adds_and_says_who(self, log, change):
        await change(a_thing("a", state="NEW", count=3, tags=[]))
        event_id = await change(
            UpdateRows(
                table="things",
                where={"thing_id": "a", "state": "NEW"},
                values={"state": "DONE", "tags": {"x": 1}},
                increments={"count": 2},
            )
        )

        row = await log.read_model.row("things", {"thing_id": "a"})

        assert (row["state"], row["tags"], row["count"]) == ("DONE", {"x": 1}, 5)
        assert (row["last_event_id"], row["last_global_seq"]) == (event_id, 2)
        assert row["position"] == 1

    async def test_changes_every_row_that_equals(self, log, change):
        await change(*(a_thing(each, state=each[0]) for each in ("a1", "a2", "b1")))
        await change(
            UpdateRows(table="things", where={"state": "a"}, values={"state": "c"})
        )

        page = await log.read_model.rows("things", {"state": "c"})

        assert {row["thing_id"] for row in page.rows} == {"a1", "a2"}

    async def test_sees_what_the_same_event_did_before(self, log, change):
        more = UpdateRows(
            table="things", where={"thing_id": "a"}, increments={"count": 1}
        )
        await change(a_thing("a", count=0), more, more)

        assert (await log.read_model.row("things", {"thing_id": "a"}))["count"] == 2

    async def test_may_match_none_where_it_says_so(self, log, change):
        await change(
            UpdateRows(
                table="things",
                where={"thing_id": "a"},
                values={"state": "DONE"},
                may_match_none=True,
            )
        )

        assert await log.read_model.rows("things", {}) == Page(rows=(), total=0)


class TestRows:
    async def test_come_oldest_first_whatever_changed_last(self, log, change):
        for name in ("c", "a", "b"):
            await change(a_thing(name, state="NEW"))
        await change(
            UpdateRows(table="things", where={"thing_id": "c"}, values={"count": 1})
        )

        page = await log.read_model.rows("things", {"state": "NEW"})

        assert [row["thing_id"] for row in page.rows] == ["c", "a", "b"]

    async def test_come_in_pages_that_know_the_total(self, log, change):
        for name in "abcde":
            await change(a_thing(name))

        page = await log.read_model.rows("things", {}, limit=2, offset=2)

        assert [row["thing_id"] for row in page.rows] == ["c", "d"]
        assert page.total == 5

    async def test_past_the_end_are_none_of_the_total(self, log, change):
        await change(a_thing("a"))

        assert await log.read_model.rows("things", {}, offset=9) == Page(
            rows=(), total=1
        )

    async def test_are_found_by_what_they_lack(self, log, change):
        await change(a_thing("a", state=None), a_thing("b", state="NEW"))

        page = await log.read_model.rows("things", {"state": None})

        assert [row["thing_id"] for row in page.rows] == ["a"]

    async def test_are_found_by_json_and_time(self, log, change):
        await change(a_thing("a", tags=["x"], made_at=NOON), a_thing("b", tags=["y"]))

        page = await log.read_model.rows("things", {"tags": ["x"], "made_at": NOON})

        assert [row["thing_id"] for row in page.rows] == ["a"]
