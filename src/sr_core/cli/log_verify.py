"""`sr log verify`: whether the event log is as it was recorded.

Exit codes: 0 all of it holds; 1 somebody tampered with it; 2 it cannot be judged: there
is no log, or nothing outside the database to hold it against.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from sr_core.application.log_check import Finding
from sr_core.application.log_verification import Report
from sr_core.bootstrap.event_log import verification
from sr_core.bootstrap.settings import parse_settings

SOUND: Final = 0
TAMPERED: Final = 1
UNJUDGED: Final = 2
_ALONE: Final = (
    "The log was held against itself alone: a rewrite of all of it, or a cut at its end,"
    " would not be seen."
)


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    service = verification(parse_settings(environment))
    if chosen.no_checkpoints:
        service = replace(service, archive=None)
    report = await service.verify()
    code = exit_code(report, is_alone_enough=chosen.no_checkpoints)
    for line in told(report):
        sys.stdout.write(f"{line}\n")
    if chosen.json:
        text = json.dumps(_document(report, code), indent=2)
        Path(chosen.json).write_text(f"{text}\n", encoding="utf-8")  # noqa: ASYNC240 - at the end
    return code


def exit_code(report: Report, *, is_alone_enough: bool) -> int:
    """Return the exit code that the report amounts to."""
    if report.findings_total:
        return TAMPERED
    if report.is_empty or not (report.checkpoints or is_alone_enough):
        return UNJUDGED
    return SOUND


def told(report: Report) -> Iterator[str]:
    """Yield the report, line by line."""
    for each in report.findings:
        yield _line(each)
    if (untold := report.findings_total - len(report.findings)) > 0:
        yield f"and {untold} more"
    if report.first_bad is not None:
        yield f"first bad sequence number: {report.first_bad}"
    if report.is_empty:
        yield "The log is empty and was never signed: nothing to verify."
        return
    yield f"{report.size} events read; {report.findings_total} findings."
    yield from _against(report)


def _against(report: Report) -> Iterator[str]:
    if report.checkpoints is None:
        yield _ALONE
    elif not report.checkpoints:
        yield f"There is no genuine checkpoint. {_ALONE}"
    else:
        yield (
            f"Held against {report.checkpoints} signed checkpoints, the last of"
            f" {report.signed_size} events."
        )
        if report.size > report.signed_size:
            yield (
                f"What came after {report.signed_size} is not signed yet: there a"
                " rewrite, or a cut at the end, would not be seen."
            )


def _line(finding: Finding) -> str:
    where = "" if finding.position is None else f" at {finding.position}"
    return f"{finding.fault}{where}: found {finding.found}; expected {finding.expected}"


def _document(report: Report, code: int) -> dict[str, object]:
    head = report.head
    return {
        "verdict": {SOUND: "SOUND", TAMPERED: "TAMPERED", UNJUDGED: "UNJUDGED"}[code],
        "events": report.size,
        "chain_hash": head.chain_hash.hex() if head else None,
        "first_bad": report.first_bad,
        "findings_total": report.findings_total,
        "findings": [asdict(each) for each in report.findings],
        "checkpoints": report.checkpoints,
        "signed_events": report.signed_size,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sr log verify", description="Settings come from the environment."
    )
    parser.add_argument("--json", metavar="FILE", help="also write the report there")
    parser.add_argument(
        "--no-checkpoints",
        action="store_true",
        help="hold the log against itself alone, and call that enough",
    )
    return parser
