"""Tests 1 to 19 of the loops' plan, each a scenario file, for Python tests to use.

The file of test 7 is named `test-07…`, below a folder `loops`. All nineteen have to be
there: a plan of which a part is missing proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.collect import Bench
from pytest_sr.judge import judge
from pytest_sr.parse import parse_file
from pytest_sr.report.terminal import tell
from pytest_sr.report.transcript import Transcript
from pytest_sr.run import Variant
from pytest_sr.scenario import Verdict, bind, worst
from pytest_sr.session import SUFFIX

COUNT: Final = 19
FOLDER: Final = "loops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one test: a transcript of each case."""

    transcripts: tuple[Transcript, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict; of no case at all, INVALID."""
        return worst(each.verdict for each in self.transcripts)

    def __str__(self) -> str:
        return "\n".join(tell(each) for each in self.transcripts)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopTest:
    """One of the nineteen tests: its number and its scenario files."""

    number: int
    files: tuple[Path, ...]
    bench: Bench | None = None

    @property
    def name(self) -> str:
        """Its name, such as ``test-07``."""
        return f"test-{self.number:02}"

    def run(self) -> Outcome:
        """Run every case of its scenarios, each in a world of its own.

        Raises:
            ScenarioRefused: a file is no scenario.

        """
        assert self.bench is not None, "the fixture gives a bench"
        transcripts = []
        for path in self.files:
            scenario = parse_file(path, CATALOGUE, shown_as=path.name)
            for case in scenario.cases:
                bound = bind(scenario, case)
                history, seconds = self.bench.run(bound, Variant())
                transcripts.append(
                    Transcript(
                        node_id=f"{path.name}::{case.name or scenario.name}",
                        scenario=bound,
                        history=history,
                        judgement=judge(bound, history, CATALOGUE.checks),
                        duration_s=seconds,
                    )
                )
        return Outcome(transcripts=tuple(transcripts))


def find(root: Path) -> tuple[LoopTest, ...]:
    """Return the nineteen tests whose files lie in a folder `loops` below `root`.

    Raises:
        pytest.UsageError: one of them has no file, or a file is of no test.

    """
    files: dict[int, list[Path]] = defaultdict(list)
    for path in sorted(root.rglob(f"{FOLDER}/test-*{SUFFIX}")):
        number = path.name.removeprefix("test-")[:2]
        if not number.isdecimal() or not 1 <= int(number) <= COUNT:
            message = f"{path} is none of test-01 to test-{COUNT}: rename it"
            raise pytest.UsageError(message)
        files[int(number)].append(path)
    if missing := [f"{each:02}" for each in range(1, COUNT + 1) if each not in files]:
        message = (
            f"no file {FOLDER}/test-NN*{SUFFIX} below {root} for test "
            f"{', '.join(missing)}: write it, or run pytest where it lies"
        )
        raise pytest.UsageError(message)
    return tuple(
        LoopTest(number=number, files=tuple(found))
        for number, found in sorted(files.items())
    )
