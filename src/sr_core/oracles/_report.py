"""The result that an oracle leaves behind: `sr.oracle_result.v1`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

LISTED_MAX = 100
"""How many findings of a kind are listed; the rest are counted."""

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class Report:
    """One oracle's result, from its start to its exit status."""

    def __init__(self, name: str, *, oracle_id: str) -> None:
        self._name = name
        self._oracle_id = oracle_id
        self._started_at = now()
        self._started = time.monotonic()

    def conclude(
        self, *, passed: bool, summary: str, details: dict[str, object]
    ) -> int:
        """Write the report to the scratch directory and return the exit status."""
        exit_code = 0 if passed else 1
        result = {
            "schema": "sr.oracle_result.v1",
            "oracle_id": self._oracle_id,
            "status": "PASS" if passed else "FAIL",
            "started_at": self._started_at,
            "completed_at": now(),
            "duration_ms": round((time.monotonic() - self._started) * 1000),
            "exit_code": exit_code,
            "summary": summary,
            "details": details,
        }
        write(f"{self._name}.json", json.dumps(result, sort_keys=True).encode())
        print(f"{result['status']}: {summary}")  # noqa: T201 - for the log
        return exit_code


def parser() -> argparse.ArgumentParser:
    """Return the arguments that every oracle takes."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--oracle-id", required=True)
    return arguments


def candidate_directory() -> Path:
    """Return where the candidate lies."""
    return Path(os.environ.get("SR_CANDIDATE", "/candidate"))


def write(name: str, data: bytes, *, below: tuple[str, ...] = ()) -> None:
    """Put a file below ``reports/`` whole, whatever a candidate may have put there."""
    folder = os.open(os.environ.get("SR_SCRATCH", "/scratch"), _DIRECTORY)
    for each in ("reports", *below):
        with contextlib.suppress(FileExistsError):
            os.mkdir(each, dir_fd=folder)
        folder = os.open(each, _DIRECTORY, dir_fd=folder)
    unfinished = f".{name}.{secrets.token_hex(8)}"
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, dir_fd=folder)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
    os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)


def now() -> str:
    """Return the time, as reports have it."""
    at = datetime.now(UTC)  # noqa: TID251 - no platform, hence no Clock, in here
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
