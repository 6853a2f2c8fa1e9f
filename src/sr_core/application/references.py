"""What can be referred to, by category: rows of the read model as typed refs (SPEC 5.6).

Every ref is made as a `Ref`, so it passes the check that any ref of a caller has to pass:
what is found here can be handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sr_core.codec.canonical import canonical
from sr_core.domain.errors import NotFound
from sr_core.domain.ids import parse_candidate_id, parse_suite_id
from sr_core.domain.ref_builders import bundle_ref, candidate_ref, suite_ref
from sr_core.domain.refs import Ref, RefKind, RefRelation, parse_content_hash
from sr_core.ports.read_model import ReadModel, Row

_DEPENDS: Final = RefRelation.DEPENDS_ON


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of thing to refer to: its rows, and how each reads as a ref.

    `kinds` are the kinds that its refs may have, `kind_column` the column that tells them
    apart where there are several.
    """

    table: str
    kinds: frozenset[RefKind]
    rel: RefRelation
    build: Callable[[Row], Ref]
    where: Row
    kind_column: str | None = None

    def narrowed(self, kind: RefKind | None) -> Row:
        """Return what a row has to equal to be of `kind`."""
        if kind is None or self.kind_column is None:
            return self.where
        return {**self.where, self.kind_column: kind.upper()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Referable:
    """One page of refs, and how many there are in all."""

    refs: tuple[Ref, ...]
    total: int


def _plain(
    kind: RefKind, key: str, *told: str, rel: RefRelation = _DEPENDS
) -> Callable[[Row], Ref]:
    """Return the builder of a ref whose kind needs no hash; `told` columns are its meta."""

    def build(row: Row) -> Ref:
        return Ref(kind=kind, id=_text(row[key]), rel=rel, meta=_meta(row, told))

    return build


def _candidate(row: Row) -> Ref:
    return candidate_ref(parse_candidate_id(_text(row["candidate_id"])), _DEPENDS)


def _bundle(row: Row) -> Ref:
    found = parse_content_hash(_text(row["content_hash"]))
    return bundle_ref(found, RefRelation.SUPPORTED_BY)


def _suite(row: Row) -> Ref:
    return suite_ref(
        parse_suite_id(_text(row["suite_id"])),
        parse_content_hash(_text(row["suite_hash"])),
        _DEPENDS,
    )


def _exception(row: Row) -> Ref:
    return Ref(
        kind=RefKind(_text(row["kind"]).capitalize()),
        id=_text(row["exception_id"]),
        rel=_DEPENDS,
        meta=_meta(row, ("scope", "expires_at", "status")),
    )


def _artifact(row: Row) -> Ref:
    return Ref(
        kind=RefKind.GOVERNED_ARTIFACT,
        id=_text(row["artifact_id"]),
        rel=_DEPENDS,
        meta={
            "content_hash": _text(row["content_hash"]),
            "version": _text(row["version"]),
            "type_key": _text(row["artifact_type"]),
        },
    )


def _template(row: Row) -> Ref:
    """Return a template's ref, at the stage where work that follows it begins."""
    definition: Any = row["definition"]
    return Ref(
        kind=RefKind.PROCEDURE_TEMPLATE,
        id=_text(row["name"]),
        rel=_DEPENDS,
        meta={
            "content_hash": _text(row["content_hash"]),
            "current_stage_id": _text(definition["initial_stage_id"]),
        },
    )


def _record(row: Row) -> Ref:
    return Ref(
        kind=RefKind.RECORD,
        id=_text(row["record_id"]),
        rel=RefRelation.RELATES_TO,
        meta={
            "content_hash": _text(row["content_hash"]),
            "type_key": _text(row["record_type"]),
        },
    )


def _defined(type_key: str, kind: RefKind, build: Callable[[Row], Ref]) -> Category:
    """Return the category of the definitions of one type, in the versions in force."""
    return Category(
        table="config_definitions",
        kinds=frozenset({kind}),
        rel=_DEPENDS,
        build=build,
        where={"type_key": type_key, "is_current": True},
    )


def _only(
    table: str, kind: RefKind, build: Callable[[Row], Ref], rel: RefRelation = _DEPENDS
) -> Category:
    return Category(
        table=table, kinds=frozenset({kind}), rel=rel, build=build, where={}
    )


_IN_SCOPE: Final = RefRelation.IN_SCOPE_OF
_RELATES: Final = RefRelation.RELATES_TO
_EXCEPTIONS: Final = frozenset({RefKind.DEFERRAL, RefKind.DEVIATION, RefKind.WAIVER})

CATEGORIES: Final[Mapping[str, Category]] = {
    "agent-definitions": _defined(
        "config.agent_definition",
        RefKind.AGENT_DEFINITION,
        _plain(RefKind.AGENT_DEFINITION, "name", "content_hash"),
    ),
    "approvals": _only(
        "approvals",
        RefKind.APPROVAL,
        _plain(RefKind.APPROVAL, "approval_id", "portal_id", "decision", rel=_RELATES),
        _RELATES,
    ),
    "candidates": _only("candidates", RefKind.CANDIDATE, _candidate),
    "decisions": _only(
        "decisions",
        RefKind.DECISION,
        _plain(RefKind.DECISION, "decision_id", "trigger", rel=_RELATES),
        _RELATES,
    ),
    "documents": Category(
        table="governed_artifacts",
        kinds=frozenset({RefKind.GOVERNED_ARTIFACT}),
        rel=_DEPENDS,
        build=_artifact,
        where={"in_effect": True},
    ),
    "evidence-bundles": _only(
        "evidence_bundles",
        RefKind.EVIDENCE_BUNDLE,
        _bundle,
        RefRelation.SUPPORTED_BY,
    ),
    "exceptions": Category(
        table="exceptions",
        kinds=_EXCEPTIONS,
        rel=_DEPENDS,
        build=_exception,
        where={},
        kind_column="kind",
    ),
    "freeze-records": _only(
        "freeze_records",
        RefKind.FREEZE,
        _plain(RefKind.FREEZE, "freeze_id", "baseline_id", rel=_RELATES),
        _RELATES,
    ),
    "gating-policies": _defined(
        "config.gating_policy",
        RefKind.GATING_POLICY,
        _plain(RefKind.GATING_POLICY, "name", "content_hash"),
    ),
    "governed-artifacts": _only(
        "governed_artifacts", RefKind.GOVERNED_ARTIFACT, _artifact
    ),
    "intakes": Category(
        table="intakes",
        kinds=frozenset({RefKind.INTAKE}),
        rel=_DEPENDS,
        build=_plain(RefKind.INTAKE, "intake_id", "content_hash", "work_unit_id"),
        where={"status": "active"},
    ),
    "iteration-summaries": Category(
        table="iterations",
        kinds=frozenset({RefKind.ITERATION}),
        rel=_DEPENDS,
        build=_plain(RefKind.ITERATION, "iteration_id", "loop_id", "sequence"),
        where={"state": "COMPLETED"},
    ),
    "loops": _only(
        "loops",
        RefKind.LOOP,
        _plain(RefKind.LOOP, "loop_id", "state", rel=_IN_SCOPE),
        _IN_SCOPE,
    ),
    "oracle-suites": _only("oracle_suites", RefKind.ORACLE_SUITE, _suite),
    "records": _only(
        "human_judgment_records",
        RefKind.RECORD,
        _record,
        _RELATES,
    ),
    "runs": _only(
        "runs",
        RefKind.RUN,
        _plain(RefKind.RUN, "run_id", "candidate_id", "state", rel=_RELATES),
        _RELATES,
    ),
    "semantic-sets": _defined(
        "config.semantic_set",
        RefKind.SEMANTIC_SET,
        _plain(RefKind.SEMANTIC_SET, "name", "content_hash"),
    ),
    "templates": _defined(
        "config.procedure_template", RefKind.PROCEDURE_TEMPLATE, _template
    ),
    "work-surfaces": _only(
        "work_surfaces",
        RefKind.WORK_SURFACE,
        _plain(RefKind.WORK_SURFACE, "work_surface_id", "content_hash", "status"),
    ),
}
"""What can be browsed, by the name that stands in the path."""

_PART_OF_ANOTHER: Final = frozenset({"documents"})
"""Categories whose rows another one has too: all together they are listed once."""


async def browse(
    rows: ReadModel, category: str, *, limit: int, offset: int
) -> Referable:
    """Return a page of what is in one category, oldest first, or raise `NotFound`."""
    if category not in CATEGORIES:
        names = ", ".join(CATEGORIES)
        raise NotFound(kind=f"category of references ({names})", identifier=category)
    return await _page(rows, [(CATEGORIES[category], None)], limit, offset)


async def browse_all(
    rows: ReadModel,
    *,
    kind: RefKind | None,
    rel: RefRelation | None,
    limit: int,
    offset: int,
) -> Referable:
    """Return a page over all categories, one after the other, oldest first in each."""
    fitting = [
        (each, kind)
        for name, each in CATEGORIES.items()
        if name not in _PART_OF_ANOTHER
        and kind in (None, *each.kinds)
        and rel in (None, each.rel)
    ]
    return await _page(rows, fitting, limit, offset)


async def _page(
    rows: ReadModel,
    categories: Iterable[tuple[Category, RefKind | None]],
    limit: int,
    offset: int,
) -> Referable:
    refs: list[Ref] = []
    total = 0
    for category, kind in categories:
        found = await rows.rows(
            category.table,
            category.narrowed(kind),
            limit=limit - len(refs),
            offset=max(offset - total, 0),
        )
        refs += [category.build(row) for row in found.rows]
        total += found.total
    return Referable(refs=tuple(refs), total=total)


def _meta(row: Row, names: Iterable[str]) -> Mapping[str, str]:
    return {name: _text(row[name]) for name in names if row.get(name) is not None}


def _text(value: Any) -> str:  # noqa: ANN401 - a column holds anything
    """Return a column's value as a ref's meta holds it: JSON, if it is no text."""
    if isinstance(value, str):
        return value
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return canonical(value).decode()
