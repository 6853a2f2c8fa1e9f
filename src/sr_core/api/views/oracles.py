"""Answers about oracle suites (SPEC 5.6)."""

from __future__ import annotations

from datetime import datetime

from sr_core.api.views.base import Accepted, Page, View
from sr_core.domain.actors import ActorKind
from sr_core.domain.oracle_suite import SuiteDefinition, SuitePhase
from sr_core.ports.read_model import Row


class SuiteView(View, kw_only=True):
    """One oracle suite, in short."""

    suite_id: str
    suite_hash: str
    suite_version: str
    description: str
    state: SuitePhase
    status: str
    oracle_count: int
    oci_image: str | None
    oci_image_digest: str | None
    network_mode: str
    runtime: str | None
    semantic_set_id: str | None
    registered_at: datetime
    registered_by_kind: ActorKind
    registered_by_id: str
    changed_at: datetime | None = None


class SuiteVersionView(View, kw_only=True):
    """One definition that a suite had, and how it came by it."""

    version_id: str
    suite_hash: str
    previous_hash: str | None = None
    change: str
    rationale: str | None = None
    weakenings: list[str]
    approval_id: str | None = None
    recorded_at: datetime
    recorded_by_kind: ActorKind
    recorded_by_id: str


class SuiteDetail(SuiteView, kw_only=True):
    """One oracle suite, complete, with every definition that it ever had."""

    definition: SuiteDefinition
    versions: list[SuiteVersionView]


class SuitePage(Page):
    """Some oracle suites."""

    oracle_suites: list[SuiteView]


class SuiteDefined(Accepted, kw_only=True):
    """A suite was registered or defined anew, under the hash of its definition."""

    suite_id: str
    suite_hash: str


def suite_columns(row: Row) -> dict[str, object]:
    """Return what a suite's row says in short of its definition."""
    definition = row["definition"]
    assert isinstance(definition, dict), "a definition is stored whole"
    constraints = definition["environment_constraints"]
    sets = [each["semantic"] for each in definition["oracles"] if each["semantic"]]
    return {
        "suite_version": definition["suite_version"],
        "description": definition["description"],
        "oracle_count": len(definition["oracles"]),
        "oci_image": constraints["oci_image"],
        "oci_image_digest": constraints["oci_image_digest"],
        "network_mode": constraints["network"],
        "runtime": constraints["runtime"],
        "semantic_set_id": sets[0]["semantic_set_id"] if sets else None,
    }
