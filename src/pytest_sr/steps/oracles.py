"""The oracles that scenarios may put into a suite, by name.

`build` and `unit_tests` judge for real. The others are real programs too, each wrong in
one way that a runner has to notice. `rolling` passes every time and leaves another
artifact every time: it draws it at random, so no sandbox can make it repeat itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_REPORT: Final = """
import json, sys
json.dump(
    {
        "schema": "sr.oracle_result.v1",
        "oracle_id": sys.argv[1],
        "status": sys.argv[2],
        "started_at": "2026-01-09T12:00:00Z",
        "completed_at": "2026-01-09T12:00:01Z",
        "duration_ms": 1000,
        "exit_code": 0,
        "summary": "a program of a scenario said so",
    },
    open("/scratch/reports/result.json", "w"),
)
sys.exit(int(sys.argv[3]))
"""
_GARBAGE: Final = (
    'open("/scratch/reports/result.json", "w").write("{\\"status\\": PASS")'
)


_RANDOM: Final = """
import uuid
from pathlib import Path
Path("/scratch/artifacts/output.txt").write_text(str(uuid.uuid4()))
"""


def _shipped(name: str) -> Mapping[str, object]:
    return {
        "oracle_id": f"oracle:{name}",
        "argv": [
            "python3",
            "-I",
            "-B",
            f"/oracles/{name}.py",
            "--oracle-id",
            f"oracle:{name}",
        ],
        "report": f"reports/{name}.json",
        "timeout_s": 60,
    }


def _odd(name: str, argv: list[str]) -> Mapping[str, object]:
    return {
        "oracle_id": f"oracle:{name}",
        "argv": argv,
        "report": "reports/result.json",
        "timeout_s": 60,
    }


def _saying(name: str, status: str, exit_status: int) -> Mapping[str, object]:
    program = ["python3", "-I", "-B", "-c", _REPORT]
    return _odd(name, [*program, f"oracle:{name}", status, str(exit_status)])


ORACLES: Final[Mapping[str, Mapping[str, object]]] = {
    "build": _shipped("build"),
    "unit_tests": _shipped("unit_tests"),
    "silent": _odd("silent", ["true"]),
    "skipping": _saying("skipping", "SKIPPED", 0),
    "erring": _saying("erring", "ERROR", 0),
    "garbling": _odd("garbling", ["python3", "-I", "-B", "-c", _GARBAGE]),
    "contradicting": _saying("contradicting", "PASS", 3),
    "lint": _saying("lint", "FAIL", 1),
    "rolling": {
        **_odd(
            "rolling",
            [
                *("python3", "-I", "-B", "-c", _RANDOM + _REPORT),
                *("oracle:rolling", "PASS", "0"),
            ],
        ),
        "expected_outputs": [
            {"path": "artifacts/output.txt", "content_type": "text/plain"}
        ],
    },
}
