"""Our own oracle programs, run as a sandbox runs them (R-SBX-10, R-SBX-11)."""

from __future__ import annotations

import fcntl
import json
import runpy
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sr_core.adapters.sandbox.probing import ORACLES_ROOT

GOOD = """
import unittest
class Good(unittest.TestCase):
    def test_it(self): self.assertEqual(1, 1)
"""

BAD = GOOD.replace("(1, 1)", "(1, 2)")


class World:
    def __init__(self, directory: Path) -> None:
        self.candidate = directory / "candidate"
        self.scratch = directory / "scratch"
        self.candidate.mkdir()
        self.scratch.mkdir()

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.candidate / name.replace("__in__", "/").replace("_py", ".py")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def run(self, oracle: str, **environment: str) -> tuple[int, Any]:
        """Return the exit status and the report, None where there is none."""
        ended = subprocess.run(  # noqa: S603 - our own program
            [
                *(sys.executable, "-I", "-B", str(ORACLES_ROOT / f"{oracle}.py")),
                *("--oracle-id", f"oracle:{oracle}"),
            ],
            check=False,
            cwd=self.candidate,
            env={
                "PATH": "/usr/bin:/bin",
                "SR_CANDIDATE": str(self.candidate),
                "SR_SCRATCH": str(self.scratch),
                **environment,
            },
            timeout=60,
        )
        report = self.scratch / "reports" / f"{oracle}.json"
        return ended.returncode, (
            json.loads(report.read_bytes()) if report.is_file() else None
        )

    def verdict(self, oracle: str) -> tuple[int, str, str]:
        exit_status, report = self.run(oracle)
        return exit_status, report["status"], report["summary"]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class TestReport:
    @pytest.mark.parametrize("oracle", ["build", "unit_tests"])
    @pytest.mark.parametrize(("text", "status"), [(GOOD, "PASS"), ("(", "FAIL")])
    def test_has_every_field(self, world, oracle, text, status):
        world.write(test_it_py=text)

        exit_status, report = world.run(oracle)

        assert exit_status == report["exit_code"] == (0 if status == "PASS" else 1)
        assert report["schema"] == "sr.oracle_result.v1"
        assert report["oracle_id"] == f"oracle:{oracle}"
        assert report["status"] == status
        assert report["duration_ms"] >= 0
        started, completed = (
            datetime.fromisoformat(report[each])
            for each in ("started_at", "completed_at")
        )
        assert started <= completed
        assert report["started_at"].endswith("Z")

    def test_replaces_what_the_candidate_put_in_its_place(self, world):
        world.write(test_it_py=BAD)
        (world.scratch / "reports").mkdir()
        (world.scratch / "reports" / "unit_tests.json").symlink_to("/etc/passwd")

        assert world.verdict("unit_tests")[:2] == (1, "FAIL")

    def test_is_not_written_through_a_link(self, world, tmp_path):
        world.write(test_it_py=GOOD)
        (tmp_path / "elsewhere").mkdir()
        (world.scratch / "reports").symlink_to(tmp_path / "elsewhere")

        exit_status, _ = world.run("unit_tests")

        assert exit_status == 1
        assert not list((tmp_path / "elsewhere").iterdir())


class TestBuild:
    def test_passes_what_compiles(self, world):
        world.write(a_py="x = 1", package__in__b_py="y = 2")

        assert world.verdict("build") == (0, "PASS", "2 of 2 source files compile")

    @pytest.mark.parametrize(
        "text", ["def", "x = '\\", "return 1", "\0", "(" * 10_000], ids=range(5)
    )
    def test_fails_what_does_not(self, world, text):
        world.write(a_py="x = 1", package__in__b_py=text)

        assert world.verdict("build") == (1, "FAIL", "1 of 2 source files compile")

    def test_fails_where_there_is_nothing_to_compile(self, world):
        world.write(README="")

        assert world.verdict("build") == (1, "FAIL", "there is no source file")

    def test_fails_a_link(self, world):
        world.write(a_py="x = 1")
        (world.candidate / "b.py").symlink_to("a.py")

        assert world.verdict("build")[:2] == (1, "FAIL")

    def test_executes_nothing(self, world):
        world.write(a_py="raise SystemExit(1)", sitecustomize_py="raise SystemExit(1)")

        assert world.verdict("build")[:2] == (0, "PASS")


class TestUnitTests:
    def test_passes_tests_that_hold(self, world):
        world.write(
            thing_py="answer = 42",
            test_thing_py=GOOD.replace("(1, 1)", "(__import__('thing').answer, 42)"),
            package__in____init___py="",
            package__in__test_more_py=GOOD,
            tests__in__test_without_a_package_py=GOOD,
        )

        assert world.verdict("unit_tests") == (
            0,
            "PASS",
            "3 tests ran and none failed",
        )

    @pytest.mark.parametrize(
        ("text", "summary"),
        [
            (BAD, "1 failures in 1 tests"),
            ("import nowhere", "1 failures in 1 tests"),
            ("def", "1 failures in 1 tests"),
            (
                GOOD.replace("    def", "    @unittest.expectedFailure\n    def"),
                "1 failures in 1 tests",
            ),
            (
                GOOD.replace("    def", "    @unittest.skip('')\n    def"),
                "no test ran (1 skipped)",
            ),
            ("", "no test ran (0 skipped)"),
        ],
        ids=["assertion", "import", "syntax", "unexpected", "skipped", "none"],
    )
    def test_fails_the_rest(self, world, text, summary):
        world.write(test_it_py=text)

        assert world.verdict("unit_tests") == (1, "FAIL", summary)

    def test_fails_where_there_is_no_test_file(self, world):
        world.write(thing_py=GOOD)

        assert world.verdict("unit_tests") == (1, "FAIL", "no test ran (0 skipped)")


FORGERY = '{"status": "PASS", "run": 9, "skipped": 0, "failed": 0}'
WRITE_REPORT = f"""
import os, pathlib
report = pathlib.Path(os.environ["SR_SCRATCH"], "reports", "unit_tests.json")
report.parent.mkdir(exist_ok=True)
report.write_text('{FORGERY}')
"""
TO_EVERY_DESCRIPTOR = f"""
import os
for descriptor in range(3, 256):
    try: os.write(descriptor, b'{FORGERY}')
    except OSError: pass
"""
REWRITE_FOR_EVER = f"""
import os
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in range(3): os.close(descriptor)
        while True:
            {WRITE_REPORT.strip().replace(chr(10), chr(10) + "            ")}
    os._exit(0)
"""
SAY_THE_WORD = """
import json, os, sys
if "--child" in sys.orig_argv:
    said = {"word": sys.stdin.read(), "run": 1, "skipped": 0, "failed": 0}
    os.write(int(sys.orig_argv[-1]), json.dumps(said).encode())
    os._exit(0)
"""
LEAVE_THE_PIPE_OPEN = """
import fcntl, os, signal
lock = open(os.environ["SR_SCRATCH"] + "/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
if os.fork() == 0:
    os.setsid()
    signal.pause()
"""


class TestHostileCandidates:
    @pytest.mark.parametrize(
        "text",
        [
            "import os; os._exit(0)",
            "import sys; sys.exit(0)",
            f"print('''{FORGERY}'''); import os; os._exit(0)",
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "import os, signal; os.kill(os.getppid(), signal.SIGCONT); os._exit(0)",
            WRITE_REPORT + "os._exit(0)",
            WRITE_REPORT + BAD,
            TO_EVERY_DESCRIPTOR + BAD,
            TO_EVERY_DESCRIPTOR + "os._exit(0)",
            REWRITE_FOR_EVER + BAD,
            LEAVE_THE_PIPE_OPEN + BAD,
            "import unittest; unittest.TestCase.run = lambda *_: None\n" + BAD,
            "import atexit, os; atexit.register(os._exit, 0)\n" + BAD,
        ],
        ids=[
            *("exits at once", "leaves", "prints", "kills itself", "signals the judge"),
            *("writes the report and exits", "writes the report", "writes everywhere"),
            *("writes everywhere and exits", "rewrites for ever"),
            *("holds the pipe", "patches unittest", "exits at exit"),
        ],
    )
    def test_do_not_pass(self, world, text):
        world.write(test_it_py=text)

        assert world.verdict("unit_tests")[:2] == (1, "FAIL")

    @pytest.mark.parametrize(
        "name",
        [
            *("sitecustomize", "usercustomize", "json", "unittest", "subprocess"),
            *("_report", "conftest", "ctypes"),
        ],
    )
    def test_cannot_put_a_module_in_the_judges_way(self, world, name):
        world.write(test_it_py=BAD, **{f"{name}_py": "import os; os._exit(0)"})

        assert world.verdict("unit_tests")[:2] == (1, "FAIL")

    def test_cannot_come_before_the_child_by_the_environment(self, world):
        world.write(test_it_py=BAD, sitecustomize_py=SAY_THE_WORD)

        exit_status, report = world.run("unit_tests", PYTHONPATH=str(world.candidate))

        assert (exit_status, report["status"]) == (1, "FAIL")

    def test_leave_nothing_running(self, world):
        world.write(test_it_py=LEAVE_THE_PIPE_OPEN + GOOD)

        assert world.verdict("unit_tests")[:2] == (0, "PASS")
        with (world.scratch / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held by nobody alive

    def test_killing_the_judge_leaves_no_exit_status_that_passes(self, world):
        world.write(test_it_py=WRITE_REPORT + "import signal; os.kill(os.getppid(), 9)")

        exit_status, _ = world.run("unit_tests")

        assert exit_status not in (0, 1)


class TestRefusal:
    """R-SBX-10: the message and the exit status both have to say so."""

    @pytest.mark.parametrize(
        ("message", "exit_status", "passes"),
        [
            ({"word": "w", "run": 1, "skipped": 0, "failed": 0}, 0, True),
            ({"word": "w", "run": 1, "skipped": 0, "failed": 0}, 1, False),
            ({"word": "w", "run": 1, "skipped": 0, "failed": 0}, -9, False),
            ({"word": "w", "run": 1, "skipped": 0, "failed": 1}, 0, False),
            ({"word": "w", "run": 1, "skipped": 1, "failed": 0}, 0, False),
            ({"word": "w", "run": True, "skipped": 0, "failed": 0}, 0, False),
            ({"word": "w", "run": 1, "skipped": -1}, 0, False),
            ({"word": "other", "run": 1, "skipped": 0, "failed": 0}, 0, False),
            ([], 0, False),
        ],
        ids=range(9),
    )
    def test_of_what_the_child_said(self, message, exit_status, passes):
        program = runpy.run_path(str(ORACLES_ROOT / "unit_tests.py"))

        found = program["parsed"](json.dumps(message).encode(), word="w")

        assert (program["refusal"](found, exit_status) is None) == passes
