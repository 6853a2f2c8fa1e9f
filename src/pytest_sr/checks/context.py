"""Claims about what iterations start from, read from the log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from pytest_sr.checks.base import Finding, View, differences, held, undecided, violated
from pytest_sr.history import Logged
from pytest_sr.registry import check

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")


@check("context")
def context(
    view: View,
    *,
    iteration: str,
    kind: str,
    ids: tuple[str, ...],
    rel: Literal["depends_on", "in_scope_of", "supported_by"] = "depends_on",
    meta: tuple[str, ...] = (),
    content_hash: str | None = None,
) -> Finding:
    """An iteration started from exactly these things of a kind, in this relation.

    Args:
        iteration: the iteration, such as ${first.iteration}
        kind: what they are, such as GovernedArtifact
        ids: their names, in any order; [] if there are none
        rel: how they are related
        meta: what each ref has to say, with something in it; hashes are hashes
        content_hash: what each is pinned to

    """
    starts = [each for each in view.events if _starts(each, iteration)]
    if len(starts) != 1:
        return undecided(f"{len(starts)} starts of {iteration} are in this part")
    (start,) = starts
    refs = [each for each in start.refs if (each["kind"], each["rel"]) == (kind, rel)]
    found = sorted(str(each["id"]) for each in refs)
    if found != sorted(ids):
        return violated(f"it started from {found}, not from {sorted(ids)}")
    pinned = {"content_hash": content_hash} if content_hash is not None else {}
    for each in refs:
        if other := differences(pinned, each["meta"]):
            return violated(f"of the ref to {each['id']}, {'; '.join(other)}")
        if unsaid := _unsaid(each["meta"], meta):
            return violated(f"the ref to {each['id']} has no {unsaid}: {each['meta']}")
    return held(f"{len(refs)} refs", position=start.position)


def _starts(event: Logged, iteration: str) -> bool:
    return (
        event.event_type == "IterationStarted"
        and event.payload.get("iteration_id") == iteration
    )


def _unsaid(said: object, names: tuple[str, ...]) -> str | None:
    """Return the first of `names` that the meta does not say, or not in its form."""
    if not isinstance(said, Mapping):
        return "meta"
    return next((name for name in names if not _is_said(name, said.get(name))), None)


def _is_said(name: str, value: object) -> bool:
    if not isinstance(value, str) or not value:
        return False
    return bool(_HASH.fullmatch(value)) if name.endswith("_hash") else True
