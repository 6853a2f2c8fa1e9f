"""The steps of restricted evidence: handed in, read, rewrapped, erased; and its KEK.

What is secret is always the same few bytes (`pytest_sr.world.clear`), so that claims can
say that they are nowhere in the clear.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final, Literal
from urllib.parse import quote

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.results import (
    Commanded,
    EvidenceHandedIn,
    Nothing,
    Told,
    text,
)
from pytest_sr.steps.runner import made_blobs, made_manifest
from pytest_sr.world import operator
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.clear import SECRET
from pytest_sr.world.world import World

BLOB: Final = "secret.txt"


@step("evidence.hand-in-secret")
async def hand_in_secret(
    world: World,
    *,
    run: str,
    classification: Literal["RESTRICTED", "CONFIDENTIAL"] = "RESTRICTED",
    by: ActorName = "system",
) -> EvidenceHandedIn:
    """Hand in a bundle for a run that has a secret blob, secret.txt, among open ones."""
    await world.keeper.prepare()
    manifest = await made_manifest(world, run=run, by=by)
    secret = {
        "name": BLOB,
        "media_type": "text/plain",
        "size": len(SECRET),
        "content_hash": f"sha256:{hashlib.sha256(SECRET).hexdigest()}",
        "classification": classification,
    }
    blobs = {**made_blobs(manifest), BLOB: base64.b64encode(SECRET).decode()}
    manifest["artifacts"].append(secret)
    body = {"manifest": manifest, "blobs": blobs}
    answer = await world.ask(by, "POST", f"{API}/evidence", body)
    return EvidenceHandedIn(
        answer=answer, run=run, evidence=text(answer, "content_hash")
    )


@step("evidence.read")
async def read_evidence(
    world: World, *, bundle: str, blob: str = BLOB, by: ActorName = "human"
) -> Told:
    """Read one blob of a bundle.

    Args:
        blob: its name; that of the secret one, if none is said

    """
    path = f"{API}/evidence/{bundle}/blobs/{quote(blob)}"
    return Told(answer=await world.ask(by, "GET", path))


@step("evidence.status")
async def evidence_status(
    world: World, *, bundle: str, by: ActorName = "bystander"
) -> Told:
    """Ask whether every part of a bundle can be read as it was written."""
    return Told(answer=await world.ask(by, "GET", f"{API}/evidence/{bundle}/status"))


@step("evidence.erase")
async def erase_evidence(
    world: World,
    *,
    bundle: str,
    rationale: str = "a scenario decides",
    by: ActorName = "human",
) -> Told:
    """Have the keys of all that is sealed in a bundle removed."""
    path = f"{API}/evidence/{bundle}/erase"
    return Told(answer=await world.ask(by, "POST", path, {"rationale": rationale}))


@step("evidence.rewrap")
async def rewrap_evidence(world: World) -> Commanded:
    """Move all key records to the current version of the KEK, as `sr evidence rewrap`."""
    return Commanded(failure=await operator.rewrap(world.environment))


@step("kek.forgotten")
async def forget_keks(world: World) -> Nothing:
    """Wait until no process still goes by a KEK that it asked for before."""
    del world
    await operator.keks_forgotten()
    return Nothing()


@step("kek.rotate")
async def rotate_kek(world: World) -> Commanded:
    """Make a version of the KEK that seals from now on, as `sr kek rotate`.

    It ends when every process has to have noticed.
    """
    return await _kept(world, below=None)


@step("kek.retire")
async def retire_kek(world: World, *, below: int) -> Commanded:
    """Let no version of the KEK below a number be used, as `sr kek retire`.

    It ends when every process has to have noticed.

    Args:
        below: the oldest that stays in use

    """
    return await _kept(world, below=below)


async def _kept(world: World, *, below: int | None) -> Commanded:
    await world.keeper.prepare()
    return Commanded(failure=await operator.keep_kek(world.environment, below=below))
