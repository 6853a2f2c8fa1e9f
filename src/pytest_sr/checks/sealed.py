"""Claims about what is restricted: how it lies in the store, and where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from pytest_sr.checks.base import Finding, View, held, undecided, violated
from pytest_sr.history import Sample
from pytest_sr.registry import check
from pytest_sr.world.clear import is_in_clear


@check("sealed")
def sealed(
    view: View,
    *,
    sealed: str,
    kek_versions: tuple[str, ...],
    classification: Literal["RESTRICTED", "CONFIDENTIAL"] = "RESTRICTED",
    blob: str = "secret.txt",
) -> Finding:
    """A bundle's manifest names the container of a blob, which lies with its key records.

    Args:
        sealed: the hash of the bundle's manifest
        kek_versions: those of the key records that there are, in order; [] if erased
        classification: what the manifest says of it
        blob: its name in the bundle

    """
    if not view.samples:
        return undecided("the store was not read in this part of the story")
    sample = view.samples[-1]
    artifact = _artifact(sample, sealed, blob)
    if artifact is None:
        return violated(f"the store has no manifest {sealed} that names {blob}")
    said = (artifact.get("is_sealed"), artifact.get("classification"))
    if said != (True, classification):
        return violated(f"the manifest says of {blob}: {artifact}")
    digest = str(artifact["content_hash"])
    bundle_hex, digest_hex = _hex(sealed), _hex(digest)
    found = [
        each
        for key, each in sample.objects.items()
        if key.endswith(f"-restricted/sha256/{bundle_hex}/blobs/{digest_hex}")
    ]
    if [(each.sha256, each.size) for each in found] != [(digest, artifact["size"])]:
        return violated(f"its container {digest} is not there, or is another: {found}")
    records = [*_versions(sample, f"-restricted/keys/{bundle_hex}/{digest_hex}/")]
    if records != [*kek_versions]:
        return violated(f"its key records are under {records}, not {[*kek_versions]}")
    return held(f"a container, and key records under {records}")


@check("not_in_clear")
def not_in_clear(
    view: View, *, not_in_clear: Literal["store", "log", "answers"]
) -> Finding:
    """Nothing of such a kind has the scenario's secret in the clear.

    Args:
        not_in_clear: all stored objects, all events, or all answers of steps

    """
    looked = [*_LOOKED[not_in_clear](view)]
    if not looked:
        return undecided("there was nothing to look at in this part of the story")
    if found := sorted({name for name, is_there in looked if is_there}):
        return violated(f"it is in {', '.join(found)}")
    return held(f"in none of {len(looked)}")


@check("commanded")
def commanded(view: View, *, commanded: object, failure: str) -> Finding:
    """An operator's command ended with this failure.

    Args:
        commanded: the step's name, such as ${rewrap}
        failure: the code of its error; empty if it was carried out

    """
    if not isinstance(commanded, Mapping) or "failure" not in commanded:
        return undecided("this is no command")
    if not any(each.result is commanded for each in view.answers):
        return undecided("it was given outside of this part of the story")
    if commanded["failure"] != failure:
        return violated(f"it ended with {commanded['failure'] or 'no failure'}")
    return held(f"it ended with {failure or 'no failure'}")


def _artifact(sample: Sample, bundle: str, blob: str) -> Mapping[str, Any] | None:
    for key, each in sample.objects.items():
        if key.endswith(f"-evidence/sha256/{_hex(bundle)}/manifest.json"):
            document: Any = each.document
            if each.sha256 != bundle or not isinstance(document, Mapping):
                return None
            named = [it for it in document["artifacts"] if it["name"] == blob]
            return named[0] if len(named) == 1 else None
    return None


def _stored(view: View) -> Iterator[tuple[str, bool]]:
    for sample in view.samples:
        for key, each in sample.objects.items():
            yield key, each.in_clear


def _logged(view: View) -> Iterator[tuple[str, bool]]:
    for each in view.events:
        said = (each.payload, each.refs)
        yield f"{each.event_type} at {each.position}", _has(said)


def _answered(view: View) -> Iterator[tuple[str, bool]]:
    for each in view.answers:
        yield f"{each.step} at {each.place}", _has(each.result)


_LOOKED: Final[Mapping[str, Callable[[View], Iterator[tuple[str, bool]]]]] = {
    "store": _stored,
    "log": _logged,
    "answers": _answered,
}


def _versions(sample: Sample, folder: str) -> Iterator[str]:
    """Yield the KEK versions that key records in the folder are named for."""
    for key in sorted(sample.objects):
        _, is_in_it, name = key.partition(folder)
        if is_in_it:
            yield name.partition(".")[0].lstrip("0")


def _has(said: object) -> bool:
    return is_in_clear(json.dumps(said, default=str).encode())


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
