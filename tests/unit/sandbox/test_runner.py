"""The runner: each oracle where and as its suite says (SPEC 7.4, R-SBX)."""

from dataclasses import replace

import pytest

from sr_core.adapters.sandbox.runner import SandboxRunner
from sr_core.domain.suite_definition import ExpectedOutput, SuiteDefinition
from sr_core.ports.sandbox import CappedOutput, Ended, Fingerprint, Invocation
from sr_core.testing import BUILD, TickingClock, build_suite

pytestmark = pytest.mark.anyio

NOTHING = CappedOutput(data=b"", bytes_total=0)


class Place:
    """A `Sandbox` that remembers what it was asked to run, and which folders it saw."""

    def __init__(self) -> None:
        self.asked: list[Invocation] = []
        self.folders: list[set[str]] = []

    async def run(self, invocation: Invocation) -> Ended:
        self.asked.append(invocation)
        self.folders.append({each.name for each in invocation.scratch.iterdir()})
        return Ended(
            exit_status=0,
            timed_out=False,
            duration_s=0.1,
            stdout=NOTHING,
            stderr=NOTHING,
        )

    async def fingerprint(self) -> Fingerprint:
        return Fingerprint(
            sandbox="remembering",
            authoritative=False,
            runtime_version="1",
            os="linux",
            arch="x86_64",
            network="none",
            candidate_writable=False,
            scratch_writable=True,
            uid=1,
            environment_names=(),
            visible_pids=1,
            tool_versions={},
        )


@pytest.fixture
def place() -> Place:
    return Place()


def suite(**changes) -> SuiteDefinition:
    whole = build_suite([BUILD], advisory=[])
    return replace(whole, oracles=(replace(whole.oracles[0], **changes),))


async def run(place, tmp_path, definition):
    runner = SandboxRunner(place, clock=TickingClock(), below=tmp_path)
    return await runner.run(definition, {"src/a.py": b"a = 1\n"})


async def test_it_is_told_what_the_suite_says(place, tmp_path):
    await run(place, tmp_path, suite(env={"LANG": "C"}, working_dir="src"))

    (asked,) = place.asked
    assert asked.environment == {"LANG": "C"}
    assert asked.working_dir == "src"


async def test_there_is_a_place_for_everything_that_it_is_to_leave(place, tmp_path):
    outputs = (ExpectedOutput(path="logs/a.log"), ExpectedOutput(path="deep/er/b"))

    await run(place, tmp_path, suite(expected_outputs=outputs))

    assert place.folders == [{"reports", "logs", "deep"}]


async def test_a_folder_that_the_candidate_lacks_is_told_and_nothing_is_run(
    place, tmp_path
):
    seen = await run(place, tmp_path, suite(working_dir="docs"))

    assert place.asked == []
    (oracle,) = seen.oracles
    assert oracle.exit_status is None
    assert oracle.files == {
        "captured/stderr.log": b"the candidate has no folder docs\n"
    }
    assert [*tmp_path.iterdir()] == []
