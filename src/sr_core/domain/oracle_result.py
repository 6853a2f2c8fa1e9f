"""How one oracle's word counts: its report and its exit status must agree.

| report says | exit status | counts as |
|---|---|---|
| PASS | 0 | PASS |
| FAIL | 1 to 127 | FAIL |
| SKIPPED | any | SKIPPED |
| ERROR | any | ERROR |
| PASS or FAIL | anything else, killed, out of time | ERROR |
| nothing, or nothing that can be read | any | no answer |

An exit status alone proves nothing: a program that never judged exits with 0 as well.
Clauses: C-OR-4, R-SBX-10.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sr_core.domain.evidence import ResultStatus

_FAILED: Final = range(1, 128)
"""The exit statuses of a program that ended by itself and found fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleReport:
    """What a report of the form ``sr.oracle_result.v1`` says (SPEC 7.7)."""

    oracle_id: str
    status: ResultStatus
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoReport:
    """There is no report, or none that can be read; `why` says which."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What an oracle's word counts as; None is no answer."""

    status: ResultStatus | None
    why: str


def judge(
    oracle_id: str, report: OracleReport | NoReport, *, exit_status: int | None
) -> Word:
    """Return what the oracle said; `exit_status` is None if it did not end by itself."""
    if isinstance(report, NoReport):
        return Word(status=None, why=f"{report.why} ({_ended(exit_status)})")
    if report.oracle_id != oracle_id:
        return Word(status=None, why=f"its report is of {report.oracle_id}")
    agrees = {
        ResultStatus.PASS: exit_status == 0,
        ResultStatus.FAIL: exit_status in _FAILED,
    }
    if agrees.get(report.status, True):
        return Word(status=report.status, why=report.summary)
    return Word(
        status=ResultStatus.ERROR,
        why=f"it reported {report.status}, but {_ended(exit_status)}",
    )


def _ended(exit_status: int | None) -> str:
    return (
        "it did not end by itself"
        if exit_status is None
        else f"it ended with exit status {exit_status}"
    )
