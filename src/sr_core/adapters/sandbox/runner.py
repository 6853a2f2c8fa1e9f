"""Runs a suite over a candidate, each oracle in a sandbox with a scratch of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from msgspec import to_builtins

from sr_core.adapters.sandbox.artifacts import collect
from sr_core.domain.oracle_suite import Oracle, SuiteDefinition
from sr_core.ports.clock import Clock
from sr_core.ports.oracle_runner import OracleSeen, RunSeen
from sr_core.ports.sandbox import Ended, Fingerprint, Invocation, Sandbox


class SandboxRunner:
    """An `OracleRunner` that trusts neither the candidate nor the oracles."""

    def __init__(
        self, sandbox: Sandbox, *, clock: Clock, below: Path | None = None
    ) -> None:
        """Lay out what runs need `below`, by default in the folder for temporary files."""
        self._sandbox = sandbox
        self._clock = clock
        self._below = below

    async def run(self, suite: SuiteDefinition, files: Mapping[str, bytes]) -> RunSeen:
        """See `OracleRunner.run`."""
        fingerprint = await self._sandbox.fingerprint()
        with _workspace(self._below) as workspace:
            candidate = workspace / "candidate"
            _write(candidate, files)
            seen = [
                await self._judge(each, candidate, workspace / f"scratch-{index}")
                for index, each in enumerate(suite.oracles)
            ]
        return RunSeen(fingerprint=_told(fingerprint), oracles=tuple(seen))

    async def _judge(
        self, oracle: Oracle, candidate: Path, scratch: Path
    ) -> OracleSeen:
        _make_scratch(scratch, oracle)
        started_at = self._clock.now()
        if not (candidate / oracle.working_dir).is_dir():
            return self._nowhere(oracle, started_at)
        ended = await self._sandbox.run(
            Invocation(
                argv=oracle.argv,
                candidate=candidate,
                scratch=scratch,
                timeout_s=oracle.timeout_s,
                environment=oracle.env,
                working_dir=oracle.working_dir,
            )
        )
        collected = collect(scratch)
        files = {each.name: each.data for each in collected.files}
        return OracleSeen(
            oracle_id=oracle.oracle_id,
            started_at=started_at,
            finished_at=self._clock.now(),
            exit_status=ended.exit_status,
            files={**files, **_captured(ended)},
            refused={each.name: each.reason for each in collected.refused},
        )

    def _nowhere(self, oracle: Oracle, started_at: datetime) -> OracleSeen:
        """Return that the oracle was not run: the candidate has no such folder."""
        said = f"the candidate has no folder {oracle.working_dir}\n"
        return OracleSeen(
            oracle_id=oracle.oracle_id,
            started_at=started_at,
            finished_at=self._clock.now(),
            exit_status=None,
            files={"captured/stderr.log": said.encode()},
            refused={},
        )


@contextmanager
def _workspace(below: Path | None) -> Iterator[Path]:
    """Make a folder that nobody else can look into, and take it away afterwards."""
    workspace = Path(tempfile.mkdtemp(prefix="sr-run-", dir=below))
    try:
        yield workspace
    finally:
        _unlock(workspace)
        shutil.rmtree(workspace)


def _make_scratch(scratch: Path, oracle: Oracle) -> None:
    """Make the folder, with a place for everything that the oracle is to leave."""
    scratch.mkdir(mode=0o700)
    for path in (oracle.report, *(each.path for each in oracle.expected_outputs)):
        (scratch / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the candidate's files, none of them writable afterwards."""
    folder.mkdir()
    for path, data in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o444)
    for directory, _, _ in os.walk(folder):
        Path(directory).chmod(0o555)


def _unlock(folder: Path) -> None:
    """Let the folders below be emptied, whatever an oracle made of their rights."""
    for directory, folders, _ in os.walk(folder):
        for each in (Path(directory) / name for name in folders):
            if not each.is_symlink():
                each.chmod(0o700)


def _captured(ended: Ended) -> Mapping[str, bytes]:
    """Return what the oracle wrote, under names that its own files cannot have."""
    outputs = {"stdout": ended.stdout, "stderr": ended.stderr}
    return {
        f"captured/{name}{'.truncated' if each.is_truncated else ''}.log": each.data
        for name, each in outputs.items()
    }


def _told(fingerprint: Fingerprint) -> Mapping[str, str]:
    """Return the fingerprint as text, as a manifest records it."""
    facts = to_builtins(fingerprint)
    tools = {f"tool {name}": text for name, text in facts.pop("tool_versions").items()}
    return {**{name: _text(value) for name, value in facts.items()}, **tools}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(str(each) for each in value)
    return str(value)
