"""The steps of a runner elsewhere: it carries out a run itself and hands in what it left.

What it hands in is made up here: a scenario that plays the runner shows what the
platform makes of it, never what oracles found.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final, Literal

from pytest_sr.registry import step
from pytest_sr.steps.loops import API
from pytest_sr.steps.platform import SUITE, chosen
from pytest_sr.steps.results import EvidenceHandedIn, RunMade, SuiteMade, Told, text
from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import World

_BEGAN: Final = "2026-01-09T12:00:00.000000Z"
_ENDED: Final = "2026-01-09T12:00:01.000000Z"
_PLACE: Final = {"sandbox": "told", "network": "none", "candidate_writable": "false"}


@step("suite.rebase")
async def rebase_suite(
    world: World,
    *,
    oracles: tuple[str, ...],
    suite: str = SUITE,
    by: ActorName = "human",
) -> SuiteMade:
    """Decide that a suite is another one from now on: these oracles, with more time.

    Args:
        oracles: as in suite.register; one that is left out makes it weaker

    """
    body = {
        "oracles": [{**each, "timeout_s": 120} for each in chosen(oracles)],
        "rationale": "a scenario decides",
    }
    answer = await world.ask(by, "POST", f"{API}/oracles/suites/{suite}/rebase", body)
    return SuiteMade(answer=answer, suite=suite, suite_hash=text(answer, "suite_hash"))


@step("run.start-elsewhere")
async def start_elsewhere(
    world: World, *, candidate: str, suite: str = SUITE, by: ActorName = "system"
) -> RunMade:
    """Start a run that a runner elsewhere carries out; it waits for its evidence."""
    body = {
        "candidate_id": candidate,
        "oracle_suite_id": suite,
        "execution": "external",
    }
    answer = await world.ask(by, "POST", f"{API}/runs", body)
    return RunMade(
        answer=answer,
        loop=text(answer, "loop_id"),
        iteration=text(answer, "iteration_id"),
        candidate=candidate,
        run=text(answer, "run_id"),
        evidence="",
        suite=suite,
    )


@step("evidence.hand-in")
async def hand_in(
    world: World,
    *,
    run: str,
    says: Literal["PASS", "FAIL"] = "PASS",
    blobs: Literal["as declared", "altered", "undeclared", "left out"] = "as declared",
    without: str | None = None,
    by: ActorName = "system",
) -> EvidenceHandedIn:
    """Hand in a bundle for a run: every oracle of its suite says the same.

    Args:
        blobs: altered has other bytes than the manifest names, undeclared one more
        without: an oracle of which it says nothing, such as oracle:build

    """
    manifest = await made_manifest(world, run=run, says=says, without=without, by=by)
    answer = await world.ask(
        by,
        "POST",
        f"{API}/evidence",
        {"manifest": manifest, "blobs": made_blobs(manifest, blobs)},
    )
    return EvidenceHandedIn(
        answer=answer, run=run, evidence=text(answer, "content_hash")
    )


@step("run.complete")
async def complete_run(
    world: World,
    *,
    run: str,
    outcome: Literal["SUCCESS", "FAILURE"] = "SUCCESS",
    by: ActorName = "system",
) -> Told:
    """End a run that was carried out elsewhere, and declare how."""
    path = f"{API}/runs/{run}/complete"
    return Told(answer=await world.ask(by, "POST", path, {"outcome": outcome}))


async def made_manifest(
    world: World,
    *,
    run: str,
    says: str = "PASS",
    without: str | None = None,
    by: ActorName = "system",
) -> dict[str, Any]:
    """Return the manifest of a bundle in which every oracle of the suite says the same."""
    told = (await world.ask(by, "GET", f"{API}/runs/{run}")).body
    path = f"{API}/oracles/suites/{told.get('oracle_suite_id')}"
    suite = (await world.ask(by, "GET", path)).body
    whoami = (await world.ask("system", "GET", f"{API}/whoami")).body
    by_id = str(whoami.get("actor_id"))
    return _manifest(told, suite, says=says, without=without, by=by_id)


def _manifest(
    run: Mapping[str, Any],
    suite: Mapping[str, Any],
    *,
    says: str,
    without: str | None,
    by: str,
) -> dict[str, Any]:
    oracles = suite.get("definition", {}).get("oracles", [])
    judged = [each for each in oracles if each["oracle_id"] != without]
    results = [_result(each, says) for each in judged]
    return {
        "artifact_type": "evidence.gate_packet",
        "artifact_version": "v1",
        "bundle_id": f"bundle_{str(run.get('run_id')).removeprefix('run_')}",
        "run_id": run.get("run_id"),
        "candidate_id": run.get("candidate_id"),
        "oracle_suite_id": run.get("oracle_suite_id"),
        "oracle_suite_hash": run.get("oracle_suite_hash"),
        "results": results,
        "context": {
            "environment_fingerprint": _PLACE,
            "loop_id": run.get("loop_id"),
            "iteration_id": run.get("iteration_id"),
        },
        "artifacts": [
            {
                "name": part["path"],
                "media_type": part["media_type"],
                "size": len(_data(part["path"])),
                "content_hash": part["sha256"],
            }
            for each in results
            for part in each["artifacts"]
        ],
        "verdict": says,
        "attribution": {"actor_kind": "SYSTEM", "actor_id": by},
        "produced_at": _ENDED,
        "run_started_at": _BEGAN,
        "run_completed_at": _ENDED,
    }


def _result(oracle: Mapping[str, Any], says: str) -> dict[str, Any]:
    name = f"{oracle['oracle_id']}/{oracle['report']}"
    digest = hashlib.sha256(_data(name)).hexdigest()
    part = {
        "path": name,
        "media_type": "application/json",
        "sha256": f"sha256:{digest}",
    }
    return {
        "oracle_id": oracle["oracle_id"],
        "classification": oracle["classification"],
        "status": says,
        "summary": "a scenario said so",
        "started_at": _BEGAN,
        "finished_at": _ENDED,
        "artifacts": [part],
    }


def _data(name: str) -> bytes:
    """Return the bytes of a blob: its own name."""
    return name.encode()


def made_blobs(manifest: Mapping[str, Any], how: str = "as declared") -> dict[str, str]:
    """Return the blobs that the manifest names, in base64, or others."""
    names = [each["name"] for each in manifest["artifacts"]]
    blobs = {name: _data(name) for name in names}
    if how == "altered":
        blobs[names[0]] = b"other bytes"
    elif how == "undeclared":
        blobs["undeclared.txt"] = b"nobody named me"
    elif how == "left out":
        del blobs[names[0]]
    return {name: base64.b64encode(data).decode() for name, data in blobs.items()}
