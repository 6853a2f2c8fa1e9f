"""Rows read as refs that can be handed in (SPEC 5.6, SPEC 3)."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.application.references import browse, browse_all
from sr_core.domain.errors import NotFound
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.ports.event_store import NewEvent, Position, StreamId
from sr_core.ports.read_model import InsertRow
from sr_core.testing import HUMAN, NOON, SOME_HASH, ulid

pytestmark = pytest.mark.anyio

ARTIFACT = {
    "artifact_id": "SR-SPEC",
    "artifact_type": "governance.technical_spec",
    "version": "1.0.0",
    "content_hash": SOME_HASH,
    "in_effect": True,
}
DEFINITION = {"content_hash": SOME_HASH, "is_current": True, "definition": {}}


class Rows:
    """A read model, and a hand to write into it."""

    def __init__(self) -> None:
        self.model = MemoryReadModel()
        self._numbers = count(1)

    def add(self, table: str, **row: Any) -> None:
        number = next(self._numbers)
        event = NewEvent(
            event_id=f"evt_{number}",
            stream_id=StreamId("a"),
            stream_kind="LOOP",
            stream_seq=number,
            event_type="Told",
            by=HUMAN,
            occurred_at=NOON,
            correlation_id=None,
            envelope=b"{}",
            envelope_hash=SOME_HASH,
            changes=(InsertRow(table=table, row=row),),
        )
        self.model.apply([(Position(number), event)])


@pytest.fixture
def rows() -> Rows:
    return Rows()


class TestCategories:
    """Each kind of row has the meta that its kind of ref needs."""

    @pytest.mark.parametrize(
        ("category", "table", "row", "kind", "meta"),
        [
            (
                "governed-artifacts",
                "governed_artifacts",
                ARTIFACT,
                RefKind.GOVERNED_ARTIFACT,
                {
                    "content_hash": SOME_HASH,
                    "version": "1.0.0",
                    "type_key": "governance.technical_spec",
                },
            ),
            (
                "intakes",
                "intakes",
                {
                    "intake_id": "intake:1",
                    "status": "active",
                    "content_hash": SOME_HASH,
                    "work_unit_id": "WU-1",
                },
                RefKind.INTAKE,
                {"content_hash": SOME_HASH, "work_unit_id": "WU-1"},
            ),
            (
                "templates",
                "config_definitions",
                {
                    **DEFINITION,
                    "type_key": "config.procedure_template",
                    "name": "proc:MEMO",
                    "definition": {"initial_stage_id": "stage:FRAME"},
                },
                RefKind.PROCEDURE_TEMPLATE,
                {"content_hash": SOME_HASH, "current_stage_id": "stage:FRAME"},
            ),
            (
                "agent-definitions",
                "config_definitions",
                {**DEFINITION, "type_key": "config.agent_definition", "name": "a"},
                RefKind.AGENT_DEFINITION,
                {"content_hash": SOME_HASH},
            ),
            (
                "records",
                "human_judgment_records",
                {
                    "record_id": f"rec_{ulid(1)}",
                    "record_type": "record.evaluation_note",
                    "content_hash": SOME_HASH,
                },
                RefKind.RECORD,
                {"content_hash": SOME_HASH, "type_key": "record.evaluation_note"},
            ),
            (
                "exceptions",
                "exceptions",
                {
                    "exception_id": f"exc_{ulid(1)}",
                    "kind": "DEVIATION",
                    "status": "ACTIVE",
                    "scope": {"loop_id": "loop_1"},
                    "expires_at": NOON,
                },
                RefKind.DEVIATION,
                {
                    "status": "ACTIVE",
                    "scope": '{"loop_id":"loop_1"}',
                    "expires_at": NOON.isoformat(),
                },
            ),
        ],
    )
    async def test_a_row_reads_as_a_ref(self, rows, category, table, row, kind, meta):
        rows.add(table, **row)

        page = await browse(rows.model, category, limit=10, offset=0)

        (ref,) = page.refs
        assert (ref.kind, ref.meta, page.total) == (kind, meta, 1)

    async def test_of_an_unknown_one_the_known_are_told(self, rows):
        with pytest.raises(NotFound, match="oracle-suites"):
            await browse(rows.model, "ghosts", limit=10, offset=0)

    async def test_a_definition_that_is_not_in_force_is_not_listed(self, rows):
        named = {"type_key": "config.gating_policy", "name": "p"}
        rows.add("config_definitions", **{**DEFINITION, **named, "is_current": False})

        page = await browse(rows.model, "gating-policies", limit=10, offset=0)

        assert page.total == 0

    async def test_an_artifact_in_effect_is_a_document_and_listed_once(self, rows):
        rows.add("governed_artifacts", **ARTIFACT)

        documents = await browse(rows.model, "documents", limit=10, offset=0)
        everything = await browse_all(
            rows.model, kind=None, rel=None, limit=10, offset=0
        )

        assert documents.refs == everything.refs
        assert everything.total == 1


class TestFilters:
    """Kind and relation narrow what is listed, exceptions by their own kind."""

    @pytest.mark.parametrize(
        ("kind", "found"),
        [(RefKind.DEVIATION, 1), (RefKind.WAIVER, 0), (RefKind.LOOP, 0), (None, 1)],
    )
    async def test_an_exception_is_found_by_its_kind(self, rows, kind, found):
        rows.add("exceptions", exception_id="exc_1", kind="DEVIATION", status="ACTIVE")

        page = await browse_all(rows.model, kind=kind, rel=None, limit=10, offset=0)

        assert (len(page.refs), page.total) == (found, found)

    @pytest.mark.parametrize(
        ("rel", "found"), [(RefRelation.DEPENDS_ON, 1), (RefRelation.RELATES_TO, 0)]
    )
    async def test_a_ref_is_found_by_its_relation(self, rows, rel, found):
        rows.add("governed_artifacts", **ARTIFACT)

        page = await browse_all(rows.model, kind=None, rel=rel, limit=10, offset=0)

        assert page.total == found
