"""Claims about the dependency graph and its markers, as the database holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pytest_sr.checks.base import Finding, View, held, undecided, violated
from pytest_sr.history import Row
from pytest_sr.registry import check

Relation = Literal[
    "about",
    "acknowledges",
    "affects",
    "approved_by",
    "depends_on",
    "in_scope_of",
    "produces",
    "relates_to",
    "releases",
    "supersedes",
    "supported_by",
    "verifies",
]


@check("edge")
def edge(view: View, *, edge: Relation, source: str, target: str) -> Finding:
    """The graph has this edge, at the end of this part of the story.

    Args:
        edge: the relation, such as depends_on
        source: where it leads from, such as Candidate/${made.candidate}
        target: where it leads to, such as GovernedArtifact/SR-DIRECTIVE

    """
    rows = _rows(view, "graph.edges")
    if isinstance(rows, Finding):
        return rows
    found = [
        row
        for row in rows.values()
        if (row["src_id"], row["edge_type"], row["dst_id"]) == (source, edge, target)
    ]
    if not found:
        leads = sorted(
            f"{row['edge_type']} {row['dst_id']}"
            for row in rows.values()
            if row["src_id"] == source
        )
        return violated(f"from {source} there is only: {', '.join(leads) or 'nothing'}")
    if len(found) > 1:
        return violated(f"it is there {len(found)} times")
    return held(f"{source} {edge} {target}")


@check("stale")
def stale(
    view: View,
    *,
    stale: str,
    root: str,
    reason: str,
    open: bool = True,  # noqa: A002 - the word that scenarios use
) -> Finding:
    """A node has a marker of this root and reason, at the end of this part of the story.

    Args:
        stale: the node, such as Candidate/${made.candidate}
        root: what changed, such as GovernedArtifact/SR-DIRECTIVE
        reason: such as MANUAL_MARK
        open: whether nobody has resolved it

    """
    rows = _rows(view, "graph.stale_nodes")
    if isinstance(rows, Finding):
        return rows
    markers = [
        row
        for row in rows.values()
        if f"{row['dependent_kind']}/{row['dependent_id']}" == stale
    ]
    fitting = [
        row
        for row in markers
        if f"{row['root_kind']}/{row['root_id']}" == root
        and row["reason_code"] == reason
        and (row["resolved_at"] is None) is open
    ]
    if not fitting:
        told = [
            f"{row['reason_code']} of {row['root_kind']}/{row['root_id']}, "
            f"{'open' if row['resolved_at'] is None else 'resolved'}"
            for row in markers
        ]
        return violated(f"it has {'; '.join(told) or 'no marker'}")
    return held(f"{stale} is marked by {root}")


def _rows(view: View, table: str) -> Mapping[str, Row] | Finding:
    if not view.samples:
        return undecided("the read model was not read in this part of the story")
    rows = view.samples[-1].rows
    if table not in rows:
        return undecided(f"there is no table {table}; there are {sorted(rows)}")
    return rows[table]
