"""Claims about answers, rows and stored objects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pytest_sr.checks.base import (
    Finding,
    View,
    differences,
    held,
    undecided,
    violated,
)
from pytest_sr.history import ObjectSeen, Sample
from pytest_sr.registry import check


@check("answer")
def answer(
    view: View,
    *,
    answer: object,
    status: int,
    code: str | None = None,
    body: Mapping[str, object] | None = None,
) -> Finding:
    """The system answered a step like this.

    Args:
        answer: the step's name, such as ${verify}
        status: the HTTP status
        code: the stable code of a refusal
        body: what the answer's body holds

    """
    if not isinstance(answer, Mapping) or "answer" not in answer:
        return undecided("this is no step that the system answered")
    if not _is_within(view, answer):
        return undecided("it was answered outside of this part of the story")
    said = answer["answer"]
    asked: dict[str, object] = {"status": status}
    if code is not None:
        asked["code"] = code
    if body is not None:
        asked["body"] = body
    if found := differences(asked, said):
        return violated(f"{'; '.join(found)} ({said['body']})")
    return held(f"{said['status']} {said['code']}".rstrip())


@check("attempts")
def attempts(
    view: View,
    *,
    attempts: object,
    each: Mapping[str, object],
    at_least: int = 1,
) -> Finding:
    """Every one of several attempts was answered like this.

    Args:
        attempts: the name of the step that made them
        each: status and code that every one has
        at_least: how many there must be

    """
    if isinstance(attempts, Mapping) and not _is_within(view, attempts):
        return undecided("they were made outside of this part of the story")
    made = attempts.get("attempts") if isinstance(attempts, Mapping) else None
    if not isinstance(made, Mapping) or len(made) < max(at_least, 1):
        count = len(made) if isinstance(made, Mapping) else 0
        return undecided(f"{count} attempts were made, not {at_least} or more")
    wrong = {name: said for name, said in made.items() if differences(each, said)}
    if wrong:
        return violated(f"{len(wrong)} of {len(made)} were not: {wrong}")
    return held(f"{len(made)} of {len(made)}")


@check("projection")
def projection(
    view: View,
    *,
    projection: str,
    id: str,  # noqa: A002 - the word that scenarios use
    has: Mapping[str, object],
) -> Finding:
    """A row of the read model holds this, at the end of this part of the story.

    Args:
        projection: the table, such as loops
        id: the row's primary key
        has: what its columns hold

    """
    if not view.samples:
        return undecided("the read model was not read in this part of the story")
    rows = view.samples[-1].rows
    if projection not in rows:
        return undecided(f"there is no table {projection}; there are {sorted(rows)}")
    row = rows[projection].get(id)
    if row is None:
        return violated(f"{projection} has no row {id}")
    if found := differences(has, row):
        return violated("; ".join(found))
    return held(f"{projection} {id} holds it")


@check("no_row")
def no_row(view: View, *, no_row: str, where: Mapping[str, object]) -> Finding:
    """The read model has no such row, though something was tried.

    Args:
        no_row: the table
        where: what its columns would hold

    """
    if not view.samples or not view.answers:
        return undecided("nothing was tried or read in this part of the story")
    rows = view.samples[-1].rows
    if no_row not in rows:
        return undecided(f"there is no table {no_row}; there are {sorted(rows)}")
    columns = {column for row in rows[no_row].values() for column in row}
    if columns and (unknown := sorted(where.keys() - columns)):
        return undecided(f"{no_row} has no column {unknown[0]}")
    found = [key for key, row in rows[no_row].items() if not differences(where, row)]
    if found:
        return violated(f"{no_row} has {', '.join(found)}")
    return held(f"no such row among {len(rows[no_row])}")


@check("bundle")
def bundle(
    view: View,
    *,
    bundle: str,
    verdict: Literal["PASS", "FAIL", "ERROR"],
    results: Mapping[str, object],
    measured: tuple[str, ...] = (),
) -> Finding:
    """The store holds the whole evidence bundle, every byte of it what its name says.

    Args:
        bundle: the hash of its manifest
        verdict: what the manifest says of the run
        results: what it says each oracle said
        measured: what its environment fingerprint must say something of

    """
    if not view.samples:
        return undecided("the store was not read in this part of the story")
    sample = view.samples[-1]
    manifest = _manifest(sample, bundle)
    if manifest is None:
        return violated(f"the store has no manifest with the hash {bundle}")
    if lost := _lost(sample, bundle, manifest):
        return violated(f"of the blobs it names, these are not there: {lost}")
    judged = {each["oracle_id"]: each["status"] for each in manifest["results"]}
    said: dict[str, object] = {"verdict": manifest["verdict"], "results": judged}
    asked: dict[str, object] = {"verdict": verdict, "results": results}
    if found := differences(asked, said):
        return violated("; ".join(found))
    if extra := judged.keys() - results.keys():
        return violated(f"it has results of {sorted(extra)} too")
    fingerprint = manifest["environment_fingerprint"]
    if unsaid := [each for each in measured if not fingerprint.get(each)]:
        return violated(f"its fingerprint says nothing of {', '.join(unsaid)}")
    return held(f"{len(manifest['artifacts'])} blobs and the manifest, all intact")


@check("candidate")
def candidate(view: View, *, candidate: str) -> Finding:
    """The store holds every file of the candidate, and its name is their list's hash.

    Args:
        candidate: the candidate's identifier, such as ${made.candidate}

    """
    made = [
        each
        for each in view.history.events
        if each.event_type == "CandidateMaterialized"
        and each.payload.get("candidate_id") == candidate
    ]
    if not made or not view.samples:
        return undecided(f"there is no {candidate} to look at")
    manifest: Any = made[0].payload["manifest"]
    listed = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    digest = f"sha256:{hashlib.sha256(listed.encode()).hexdigest()}"
    if digest not in candidate.split("|"):
        return violated(f"the hash of its files' list is {digest}")
    lost = [
        each["path"]
        for each in manifest["files"]
        if not _holds(view.samples[-1], each["content_hash"], each["size"])
    ]
    if lost:
        return violated(f"the store does not hold {', '.join(lost)}")
    return held(f"{len(manifest['files'])} files, under {digest}")


@check("stored")
def stored(
    view: View, *, stored: str, as_: Literal["intact", "missing", "corrupted"]
) -> Finding:
    """The store holds a bundle's manifest intact, or not, at the end of this part.

    Args:
        stored: the hash of the manifest
        as_: what is found when it is read and hashed

    """
    if not view.samples:
        return undecided("the store was not read in this part of the story")
    key = f"{_folder(stored)}/manifest.json"
    was_there = any(_at(each, key) for each in view.history.samples)
    if not stored or (as_ != "intact" and not was_there):
        return undecided(f"the store was never seen to hold {stored or 'it'}")
    found = _at(view.samples[-1], key)
    state = "missing"
    if found is not None:
        state = "intact" if found.sha256 == stored else "corrupted"
    if state != as_:
        return violated(f"it is {state}")
    return held(f"it is {state}")


def _is_within(view: View, result: Mapping[str, object]) -> bool:
    """Whether the step that gave `result` was taken in this part of the story."""
    return any(each.result is result for each in view.answers)


def _manifest(sample: Sample, bundle: str) -> Mapping[str, Any] | None:
    found = _at(sample, f"{_folder(bundle)}/manifest.json")
    if found is None or found.sha256 != bundle or not isinstance(found.document, dict):
        return None
    return found.document


def _lost(sample: Sample, bundle: str, manifest: Mapping[str, Any]) -> list[str]:
    """Return the names of blobs that are not there as the manifest says."""
    lost = []
    for each in manifest["artifacts"]:
        digest = each["content_hash"]
        key = f"{_folder(bundle)}/blobs/{digest.removeprefix('sha256:')}"
        found = _at(sample, key)
        if found is None or (found.sha256, found.size) != (digest, each["size"]):
            lost.append(each["name"])
    return lost


def _at(sample: Sample, suffix: str) -> ObjectSeen | None:
    return next(
        (each for key, each in sample.objects.items() if key.endswith(suffix)), None
    )


def _holds(sample: Sample, digest: str, size: int) -> bool:
    found = _at(sample, f"/sha256/{digest.removeprefix('sha256:')}")
    return found is not None and (found.sha256, found.size) == (digest, size)


def _folder(bundle: str) -> str:
    return f"sha256/{bundle.removeprefix('sha256:')}"
