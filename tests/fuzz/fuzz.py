"""Fuzz the HTTP face on real services: as a human, an agent and the system (R-API-12).

    python tests/fuzz/fuzz.py --seconds 1200

Each actor has a third of the time. No answer may be 500 or above, every answer has to be
of the status, the media type, the headers and the form that `/openapi.json` says; and of
all operations, most have to have succeeded, or the run shows nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import seeds  # type: ignore[import-not-found]  # it lies beside this program

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.stack.client import StackProcess
from pytest_sr.world.accounts import Accounts, ActorName
from pytest_sr.world.world import Template, World, why_unsandboxed, world
from sr_core.api.app import build_description

ACTORS: Final[tuple[ActorName, ...]] = ("human", "agent", "system")
REACHED_MIN: Final = 0.8
ROUNDS_MAX: Final = 4
ANSWER_S_MAX: Final = 60

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
HERE: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of it: what the fuzzer said of each actor's run, and what was answered."""

    said: dict[str, str]
    failed: tuple[str, ...]
    statuses: dict[str, Counter[int]]
    reached: frozenset[str]
    operations: frozenset[str]

    @property
    def reached_share(self) -> float:
        """How many of the operations succeeded at least once."""
        return len(self.reached & self.operations) / len(self.operations)

    @property
    def holds(self) -> bool:
        """Whether no check failed, in a run that shows something."""
        return not self.failed and self.reached_share >= REACHED_MIN

    def __str__(self) -> str:
        total = sum(sum(each.values()) for each in self.statuses.values())
        missed = sorted(self.operations - self.reached)
        share = f"{self.reached_share:.0%} of {len(self.operations)} succeeded"
        return "\n".join(
            [
                *(self.said[actor] for actor in self.failed),
                f"{total} requests to {len(self.statuses)} operations; {share}",
                *(f"never succeeded: {each}" for each in missed),
                *(f"failed as {each}" for each in self.failed),
            ]
        )


async def fuzz(stack: StackAddresses, *, seconds: int, seed: int) -> Verdict:
    """Fuzz a fresh platform on the services for so long, or a few times that.

    A slow machine gets more time, up to `ROUNDS_MAX` rounds, until enough was reached; a
    check that fails ends it.
    """
    sandbox = "plain" if await why_unsandboxed(stack) else "bubblewrap"
    accounts = Accounts(stack.issuer)
    with TemporaryDirectory() as folder:
        async with world(
            stack, Template(stack), accounts, system="server", sandbox=sandbox
        ) as made:
            place = Path(folder)
            known = await seeds.play(made)
            (place / "seeds.json").write_text(json.dumps(known), encoding="utf-8")
            return await _rounds(made, accounts, place, seconds // len(ACTORS), seed)


async def _rounds(
    made: World, accounts: Accounts, place: Path, seconds: int, seed: int
) -> Verdict:
    """Fuzz until enough was reached, a check failed, or the rounds are over."""
    number = 0
    while True:
        said = await _round(made, accounts, place, max(1, seconds), seed + number)
        verdict = _verdict(said, place / "answers")
        number += 1
        if verdict.failed or verdict.holds or number == ROUNDS_MAX:
            return verdict


async def _round(
    made: World, accounts: Accounts, place: Path, seconds: int, seed: int
) -> dict[str, tuple[int, str]]:
    """Fuzz once as each actor, and return what the fuzzer said, with its exit code."""
    return {
        actor: await _run(made, await accounts.headers(actor), place, seconds, seed)
        for actor in ACTORS
    }


async def _run(
    made: World, headers: dict[str, str], place: Path, seconds: int, seed: int
) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "schemathesis.cli",
        "run",
        f"{made.url}/openapi.json",
        "--url",
        made.url,
        "--checks",
        ",".join(CHECKS),
        "--max-time",
        str(seconds),
        "--seed",
        str(seed),
        "--generation-database",
        "none",
        "--request-timeout",
        str(ANSWER_S_MAX),  # a busy machine is slow, and that is no finding
        "--no-color",
        "--no-shrink",
        "--continue-on-failure",
        "--warnings",
        "off",
        "--suppress-health-check",
        "all",
        *(f"--header={name}: {value}" for name, value in headers.items()),
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": str(HERE),
            "SCHEMATHESIS_HOOKS": "fuzz_hooks",
            "FUZZ_SEEDS": str(place / "seeds.json"),
            "FUZZ_ANSWERS": str(place / "answers"),
            "FUZZ_TURN": str(seed * 101),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None, "it has ended"
    return process.returncode, said.decode(errors="replace")


def _verdict(said: dict[str, tuple[int, str]], answers: Path) -> Verdict:
    statuses: dict[str, Counter[int]] = {}
    lines = answers.read_text(encoding="utf-8").splitlines() if answers.exists() else []
    for line in lines:
        answer = json.loads(line)
        statuses.setdefault(answer["operation"], Counter())[answer["status"]] += 1
    reached = {
        name
        for name, counts in statuses.items()
        if any(200 <= status < 300 for status in counts)
    }
    return Verdict(
        said={actor: text for actor, (_, text) in said.items()},
        failed=tuple(actor for actor, (code, _) in said.items() if code),
        statuses=statuses,
        reached=frozenset(reached),
        operations=frozenset(
            f"{each.method} {each.path}"
            for each in build_description().operations
            if each.path != "/openapi.json"  # the fuzzer reads it, and does not fuzz it
        ),
    )


def main(arguments: Sequence[str]) -> int:
    """Fuzz, say what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Fuzz the HTTP face.")
    parser.add_argument("--seconds", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    with StackProcess() as process:
        stack = process.start(print)
        verdict = asyncio.run(fuzz(stack, seconds=chosen.seconds, seed=chosen.seed))
    sys.stdout.write(f"{verdict}\n")
    return 0 if verdict.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
