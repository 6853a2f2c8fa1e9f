"""Claims about refs: what each says has its form, and is so of what it points at.

What is pointed at is read from the rows, past the system; nothing here uses the system's
own code for hashes, versions or kinds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from pytest_sr.checks.base import Finding, View, differences, held, undecided, violated
from pytest_sr.history import Logged, Row
from pytest_sr.registry import EventName, check

Kind = Literal[
    "Candidate",
    "Deferral",
    "Deviation",
    "EvidenceBundle",
    "GovernedArtifact",
    "Intake",
    "Iteration",
    "Loop",
    "OracleSuite",
    "ProcedureTemplate",
    "Record",
    "Waiver",
]

Tables: TypeAlias = Mapping[str, Mapping[str, Row]]
Meta: TypeAlias = Mapping[str, Any]

_HASH: Final = r"sha256:[0-9a-f]{64}"
_NUMBER: Final = r"(?:0|[1-9][0-9]*)"
_NAMES: Final = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"

FORMS: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "applies_to": re.compile(r"[A-Z_]+:[A-Za-z0-9._-]+"),
        "content_hash": re.compile(_HASH),
        "current_stage_id": re.compile(r"stage:[A-Za-z0-9._-]+"),
        "expires_at": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"),
        "scope": re.compile(r"per-candidate|per-loop|per-baseline|time-boxed"),
        "suite_hash": re.compile(_HASH),
        "type_key": re.compile(r"[a-z]+\.[a-z_]+(?:\.[a-z_]+)*"),
        "version": re.compile(
            rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_NAMES})?(?:\+{_NAMES})?"
        ),
    }
)
"""The one form of each thing that a ref's meta may say (SPEC 3)."""


@check("every_ref")
def every_ref(
    view: View,
    *,
    every_ref: Kind,
    says: tuple[str, ...],
    of: EventName | None = None,
) -> Finding:
    """Every ref to a kind in the log, at least one, says all this in its exact form.

    Args:
        every_ref: the kind that is pointed at, such as OracleSuite
        says: what its meta has to say, such as suite_hash
        of: the type of the events that are looked at, if not all

    """
    if unknown := sorted({*says} - FORMS.keys()):
        return undecided(f"nobody knows the form of {unknown[0]}")
    found = [
        (each, ref)
        for each in view.events
        for ref in each.refs
        if ref["kind"] == every_ref and of in {None, each.event_type}
    ]
    if not found or not says:
        return undecided(f"there is no ref to a {every_ref} to look at")
    for event, ref in found:
        if wrong := _ill_formed(ref["meta"], says):
            where = f"{event.event_type} at {event.position}"
            return violated(f"{where}, of {every_ref} {ref['id']}: {wrong}")
    return held(f"{len(found)} of {len(found)} refs")


@check("dereferenced")
def dereferenced(
    view: View, *, iteration: str, kind: Kind, at_least: int = 1
) -> Finding:
    """All of a kind that an iteration started from is there, and as its refs say.

    Args:
        iteration: the iteration, such as ${first.iteration}
        kind: what is pointed at, such as Intake
        at_least: how many there must be

    """
    if not view.samples:
        return undecided("the read model was not read in this part of the story")
    if (look_up := _LOOK_UPS.get(kind)) is None:
        return undecided(f"no iteration starts from a {kind}")
    starts = [each for each in view.events if _starts(each, iteration)]
    if len(starts) != 1:
        return undecided(f"{len(starts)} starts of {iteration} are in this part")
    (start,) = starts
    refs = [each for each in start.refs if each["kind"] == kind]
    if len(refs) < max(at_least, 1):
        return violated(f"it started from {len(refs)} of {kind}, not {at_least}")
    rows = view.samples[-1].rows
    for each in refs:
        identifier, meta = str(each["id"]), each["meta"]
        if not isinstance(meta, Mapping):
            return violated(f"the ref to {identifier} has no meta")
        if wrong := next(look_up(rows, identifier, meta), None):
            return violated(f"{kind} {identifier} {wrong}")
    return held(f"{len(refs)} refs, all as they say", position=start.position)


@check("started_from")
def started_from(
    view: View, *, started_from: str, hold: Mapping[str, object]
) -> Finding:
    """An iteration started from something like this.

    Args:
        started_from: the iteration, such as ${first.iteration}
        hold: what the ref holds: kind, rel, id, meta

    """
    starts = [each for each in view.events if _starts(each, started_from)]
    if len(starts) != 1:
        return undecided(f"{len(starts)} starts of {started_from} are in this part")
    (start,) = starts
    if any(not differences(hold, each) for each in start.refs):
        return held(f"at {start.position}", position=start.position)
    carried = [f"{each['kind']} {each['rel']} {each['id']}" for each in start.refs]
    return violated(f"it started from {carried}")


def _starts(event: Logged, iteration: str) -> bool:
    return (
        event.event_type == "IterationStarted"
        and event.payload.get("iteration_id") == iteration
    )


def _ill_formed(meta: object, names: tuple[str, ...]) -> str | None:
    """Return the first of `names` that is not said in its form."""
    said = meta if isinstance(meta, Mapping) else {}
    for name in names:
        value = said.get(name)
        if not isinstance(value, str) or not FORMS[name].fullmatch(value):
            return f"{name} is {value!r}"
    return None


# How each kind is looked up: what is wrong with the ref is yielded, if anything is.


def _there(table: str) -> Callable[[Tables, str, Meta], Iterator[str]]:
    def look_up(rows: Tables, identifier: str, _: Meta) -> Iterator[str]:
        if identifier not in rows.get(table, {}):
            yield f"is not in {table}"

    return look_up


def _equal(
    table: str, columns: Mapping[str, str]
) -> Callable[[Tables, str, Meta], Iterator[str]]:
    """Return a look-up: each of the meta is what the row's column holds."""

    def look_up(rows: Tables, identifier: str, meta: Meta) -> Iterator[str]:
        yield from _differing(rows.get(table, {}).get(identifier), meta, columns, table)

    return look_up


def _artifact(rows: Tables, identifier: str, meta: Meta) -> Iterator[str]:
    table = "governed_artifacts"
    key = f"{identifier},{meta.get('content_hash')}"
    columns = {
        "content_hash": "content_hash",
        "type_key": "artifact_type",
        "version": "version",
    }
    yield from _differing(rows.get(table, {}).get(key), meta, columns, table)


def _candidate(rows: Tables, identifier: str, meta: Meta) -> Iterator[str]:
    if meta.get("content_hash") not in identifier.split("|"):
        yield f"has another hash in its name than {meta.get('content_hash')}"
    columns = {"content_hash": "content_hash"}
    row = rows.get("candidates", {}).get(identifier)
    yield from _differing(row, meta, columns, "candidates")


def _iteration(rows: Tables, identifier: str, meta: Meta) -> Iterator[str]:
    row = rows.get("iterations", {}).get(identifier)
    if row is None:
        yield "is not in iterations"
        return
    ended = {name: row.get(name) for name in ("outcome", "state", "summary")}
    told = json.dumps(
        ended, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    digest = f"sha256:{hashlib.sha256(told).hexdigest()}"
    if meta.get("content_hash") != digest:
        yield f"has content_hash {meta.get('content_hash')}; how it ended has {digest}"


def _template(rows: Tables, identifier: str, meta: Meta) -> Iterator[str]:
    versions = [
        row
        for row in rows.get("config_definitions", {}).values()
        if (row["name"], row["content_hash"]) == (identifier, meta.get("content_hash"))
    ]
    if not versions:
        yield f"has no version {meta.get('content_hash')} in config_definitions"
        return
    definition: Any = versions[0]["definition"]
    stages = [each["stage_id"] for each in definition["stages"]]
    if meta.get("current_stage_id") not in stages:
        yield f"has no stage {meta.get('current_stage_id')}, only {stages}"


def _exception(kind: str) -> Callable[[Tables, str, Meta], Iterator[str]]:
    def look_up(rows: Tables, identifier: str, meta: Meta) -> Iterator[str]:
        row = rows.get("exceptions", {}).get(identifier)
        columns = {"scope": "scope_kind"}
        yield from _differing(row, meta, columns, "exceptions")
        if row is None:
            return
        if row["kind"] != kind.upper():
            yield f"is a {row['kind']}"
        ends = str(row["expires_at"]).replace("+00:00", "Z")
        if _ends(str(meta.get("expires_at"))) != _ends(ends):
            yield f"ends {meta.get('expires_at')}; the row says {ends}"

    return look_up


def _ends(moment: str) -> str:
    """Return the moment without a fraction of nothing."""
    return re.sub(r"\.0+Z$", "Z", moment)


def _differing(
    row: Row | None, meta: Meta, columns: Mapping[str, str], table: str
) -> Iterator[str]:
    if row is None:
        yield f"is not in {table}"
        return
    for name, column in columns.items():
        if meta.get(name) != row.get(column):
            yield f"has {name} {meta.get(name)!r}; its {column} is {row.get(column)!r}"


_BY_HASH: Final = {"content_hash": "content_hash"}
_LOOK_UPS: Final[Mapping[str, Callable[[Tables, str, Meta], Iterator[str]]]] = (
    MappingProxyType(
        {
            "Candidate": _candidate,
            "Deferral": _exception("Deferral"),
            "Deviation": _exception("Deviation"),
            "GovernedArtifact": _artifact,
            "Intake": _equal("intakes", _BY_HASH),
            "Iteration": _iteration,
            "Loop": _there("loops"),
            "OracleSuite": _equal(
                "oracle_suites",
                {"content_hash": "suite_hash", "suite_hash": "suite_hash"},
            ),
            "ProcedureTemplate": _template,
            "Record": _equal("human_judgment_records", _BY_HASH),
            "Waiver": _exception("Waiver"),
        }
    )
)
