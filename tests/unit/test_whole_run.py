"""`make test` leaves nothing out, ends at what fails, and skips for known reasons alone."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests import run

ROOT: Final = Path(__file__).parents[2]
SKIPPING: Final = {"skip", "skipif", "xfail", "importorskip", "SkipTest", "skipUnless"}
SKIPS: Final = {
    "contract/test_infisical_live.py": [
        "RUN_INFISICAL_TESTS is not 1: no live Infisical is asked"
    ],
    "minio_server.py": ["SR_TEST_MINIO names no MinIO, and there is none on PATH"],
    "unit/codec/test_sealed_node.py": [
        "there is no node on PATH, whose crypto would read ours"
    ],
    "wiremock_server.py": ["there is no java on PATH, which WireMock needs"],
    "contract/test_sandbox.py": [
        "SR_TEST_WITHOUT_BWRAP=1: nothing is shown of bubblewrap here",
        "the kernel does not count root's processes",
    ],
    "integration/test_stack.py": ["reads processes and sockets from /proc"],
}
"""Every reason for which a test of ours may be left out."""
LEAVING_OUT: Final = {"-k", "-m", "--deselect", "--ignore-glob", "--co", "-x"}


def skips(source: str) -> Iterator[str]:
    """The reason of everything in `source` that leaves a test out; "" where none is."""
    tree = ast.parse(source)
    reasons = {
        id(each.func): _reason(each)
        for each in ast.walk(tree)
        if isinstance(each, ast.Call)
    }
    for each in ast.walk(tree):
        if isinstance(each, ast.Attribute) and each.attr in SKIPPING and _is_of(each):
            yield reasons.get(id(each), "")


def _is_of(attribute: ast.Attribute) -> bool:
    return ast.unparse(attribute.value) in {"pytest", "pytest.mark", "unittest", "mark"}


def _reason(call: ast.Call) -> str:
    given = [*call.args, *(each.value for each in call.keywords)]
    last = given[-1] if given else None
    said = last.value if isinstance(last, ast.Constant) else ""
    return said if isinstance(said, str) else ""


def paths_of(check: str) -> set[str]:
    """The paths that a check hands to pytest, without what it ignores."""
    named = run.CHECKS[check][2:]
    return {each for each in named if (ROOT / each).exists()}


class TestWhatIsChecked:
    def test_nothing_is_left_out(self):
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
        options = settings["tool"]["pytest"]["ini_options"]["addopts"]
        given = [*options, *(it for each in run.CHECKS.values() for it in each[2:])]
        ignored = {
            each.removeprefix("--ignore=")
            for each in given
            if each.startswith("--ignore")
        }

        assert paths_of("tests and scenarios") == {"tests", "scenarios"}
        assert paths_of("rules") == set(run.RULES) == ignored
        assert not [each for each in given if each.split("=")[0] in LEAVING_OUT]

    def test_it_is_what_make_and_the_pipeline_call(self):
        makefile = (ROOT / "Makefile").read_text("utf-8")
        pipeline = (ROOT / ".ci" / "run").read_text("utf-8")

        assert "\n\t@$(VENV)/bin/python tests/run.py\n" in makefile
        assert pipeline.endswith("\nexec make test\n")
        assert "set -euo pipefail" in pipeline

    @pytest.mark.parametrize("status", [0, 1, 5])
    def test_the_first_that_fails_ends_it(self, monkeypatch, tmp_path, status):
        after = tmp_path / "after"
        checks = {
            "first": ["-c", f"raise SystemExit({status})"],
            "second": ["-c", f"open({str(after)!r}, 'w').close()"],
        }
        monkeypatch.setattr(run, "CHECKS", checks)

        ended = run.main()

        assert ended == int(status != 0)
        assert after.exists() is (status == 0)


class TestSkips:
    def test_each_has_its_reason_in_this_list(self):
        found = {
            str(file.relative_to(ROOT / "tests")): [*skips(file.read_text("utf-8"))]
            for file in (ROOT / "tests").rglob("*.py")
        }

        assert {file: sorted(each) for file, each in found.items() if each} == SKIPS

    def test_scenarios_skip_nothing(self):
        for file in (ROOT / "scenarios").rglob("*.py"):
            assert [*skips(file.read_text("utf-8"))] == []

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("pytest.skip('no worker runs')", "no worker runs"),
            ("@pytest.mark.skip\ndef test_it(): ...", ""),
            ("@pytest.mark.skipif(True, reason='none')\nclass T: ...", "none"),
            ("@pytest.mark.xfail(reason='later')\ndef test_it(): ...", "later"),
            ("x = pytest.importorskip('docker')", "docker"),
            ("def test_it():\n    raise unittest.SkipTest", ""),
        ],
    )
    def test_each_way_to_skip_is_noticed(self, source, reason):
        assert [*skips(source)] == [reason]

    def test_what_else_is_called_skip_is_none(self):
        assert [*skips("clock.skip(hours)")] == []
