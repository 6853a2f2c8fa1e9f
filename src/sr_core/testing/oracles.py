"""Oracles that are functions, and a runner that runs them instead of programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from sr_core.codec.evidence import RESULT_SCHEMA
from sr_core.domain.ids import OracleId
from sr_core.domain.oracle_suite import (
    Oracle,
    SuiteDefinition,
)
from sr_core.ports.oracle_runner import OracleSeen, RunSeen
from sr_core.testing.values import FINGERPRINT, TickingClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What one scripted oracle leaves: its report, its exit status, other files."""

    report: bytes | None
    exit_status: int | None = 0
    files: Mapping[str, bytes] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


Script: TypeAlias = Callable[[Oracle, Mapping[str, bytes]], Left]
"""A program as a function of its own definition and the candidate's files."""


def build_report(oracle_id: str, status: str, /, **changes: object) -> bytes:
    """Return a report of the form ``sr.oracle_result.v1``; a change to ... leaves out."""
    whole = {
        "schema": RESULT_SCHEMA,
        "oracle_id": oracle_id,
        "status": status,
        "started_at": "2026-01-09T12:00:00Z",
        "completed_at": "2026-01-09T12:00:01Z",
        "duration_ms": 1000,
        "exit_code": 0 if status == "PASS" else 1,
        "summary": f"{status} by script",
        **changes,
    }
    return json.dumps(
        {name: value for name, value in whole.items() if value is not ...}
    ).encode()


def passes(oracle: Oracle, _: Mapping[str, bytes]) -> Left:
    """Judge that all is well."""
    return Left(report=build_report(oracle.oracle_id, "PASS"))


def fails(oracle: Oracle, _: Mapping[str, bytes]) -> Left:
    """Judge that something is wrong."""
    return Left(report=build_report(oracle.oracle_id, "FAIL"), exit_status=1)


def says_nothing(_: Oracle, __: Mapping[str, bytes]) -> Left:
    """End well without having judged."""
    return Left(report=None)


class ScriptedRunner:
    """An `OracleRunner` whose oracles are functions; one not named passes.

    Those in `left_out` are not run at all.
    """

    def __init__(self, scripts: Mapping[OracleId, Script] | None = None) -> None:
        self.scripts = dict(scripts or {})
        self.left_out: set[OracleId] = set()
        self.fingerprint: dict[str, str] = dict(FINGERPRINT)
        self.clock = TickingClock()

    async def run(self, suite: SuiteDefinition, files: Mapping[str, bytes]) -> RunSeen:
        """See `OracleRunner.run`."""
        return RunSeen(
            fingerprint=dict(self.fingerprint),
            oracles=tuple(
                self._seen(each, files)
                for each in suite.oracles
                if each.oracle_id not in self.left_out
            ),
        )

    def _seen(self, oracle: Oracle, files: Mapping[str, bytes]) -> OracleSeen:
        started_at = self.clock.now()
        left = self.scripts.get(oracle.oracle_id, passes)(oracle, dict(files))
        report = {} if left.report is None else {oracle.report: left.report}
        return OracleSeen(
            oracle_id=oracle.oracle_id,
            started_at=started_at,
            finished_at=self.clock.now(),
            exit_status=left.exit_status,
            files={**left.files, **report},
            refused=left.refused,
        )
