"""Runs a suite's oracles over a candidate's bytes and says what was seen.

What is seen is raw: reports as bytes, exit statuses, files. What it counts as is for
`sr_core.domain.oracle_result` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sr_core.domain.ids import OracleId
from sr_core.domain.oracle_suite import SuiteDefinition


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSeen:
    """What one oracle did.

    `exit_status` is None if it did not end by itself. `files` are what it left, by
    name, its report and its captured output among them. `refused` says, by name, why
    something it left was not taken.
    """

    oracle_id: OracleId
    started_at: datetime
    finished_at: datetime
    exit_status: int | None
    files: Mapping[str, bytes]
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """What a whole run did; `fingerprint` was measured inside the sandbox."""

    fingerprint: Mapping[str, str]
    oracles: tuple[OracleSeen, ...]


class OracleRunner(Protocol):
    """Runs programs nobody vouches for."""

    async def run(self, suite: SuiteDefinition, files: Mapping[str, bytes]) -> RunSeen:
        """Run every oracle of `suite`, in order, over the candidate's `files`.

        Each gets the files read-only and a scratch folder of its own. Nothing that they
        started is left when this returns or raises.

        Raises:
            SandboxUnavailable: there is no sandbox; nothing was run.

        """
        ...
