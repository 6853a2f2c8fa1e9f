"""Oracles as plain subprocesses: for a developer's own machine and own code only.

Nothing that it says is authoritative, and its fingerprint says so. It owes what the
port promises but for this:

* The program sees the host: files, network, processes. The candidate is writable.
* `/candidate`, `/scratch` and `/oracles` are not mounted. They are replaced where an
  argument, what follows its first ``=``, or a value of the environment *begins* with
  one of them; inside a longer text or a file they are not.
* A descendant that leaves its session outlives it; everything else dies with it.
* No limit but the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sr_core.adapters.sandbox.capture import Capture
from sr_core.adapters.sandbox.probing import (
    ORACLES_ROOT,
    PATH,
    fingerprint_of,
    probe,
)
from sr_core.ports.sandbox import (
    CANDIDATE,
    ORACLES,
    SCRATCH,
    CappedOutput,
    Ended,
    Fingerprint,
    Invocation,
    SandboxUnavailable,
)

_DRAIN_S: Final = 0.2
_NOT_EXECUTED: Final = 127
_SIGNAL_BASE: Final = 128


class Plain:
    """Runs programs unprotected, with an environment that is as clean."""

    def __init__(self, *, below: Path | None = None) -> None:
        self._below = below

    async def fingerprint(self) -> Fingerprint:
        """Measure the host as the program finds it."""
        facts, _ = await probe(self, name="plain", below=self._below)
        return fingerprint_of(facts, sandbox="plain", authoritative=False)

    async def run(self, invocation: Invocation) -> Ended:
        """Run the program in a session of its own, and kill what is left of that."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        for directory in (invocation.candidate, invocation.scratch):
            if directory.is_symlink() or not directory.is_dir():
                raise SandboxUnavailable(
                    sandbox="plain", why=[f"{directory} is no directory"]
                )
        with Capture() as stdout, Capture() as stderr:
            try:
                process = await _spawn(invocation, stdout, stderr)
            except OSError as error:
                return _not_executed(error)
            try:
                async with asyncio.timeout_at(started + invocation.timeout_s):
                    await process.wait()
            except TimeoutError:
                timed_out = True
            else:
                timed_out = False
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                returncode = await process.wait()
            return Ended(
                exit_status=None if timed_out else _exit_status(returncode),
                timed_out=timed_out,
                duration_s=loop.time() - started,
                stdout=await stdout.drained(within_s=_DRAIN_S),
                stderr=await stderr.drained(within_s=_DRAIN_S),
            )


async def _spawn(
    invocation: Invocation, stdout: Capture, stderr: Capture
) -> asyncio.subprocess.Process:
    places = {
        CANDIDATE: str(invocation.candidate.absolute()),
        SCRATCH: str(invocation.scratch.absolute()),
        ORACLES: str(ORACLES_ROOT),
    }
    environment = {
        "HOME": SCRATCH,
        "LC_ALL": "C.UTF-8",
        "PATH": PATH,
        "PWD": CANDIDATE,
        "SR_CANDIDATE": CANDIDATE,
        "SR_SCRATCH": SCRATCH,
        **invocation.environment,
    }
    try:
        return await asyncio.create_subprocess_exec(
            *(_placed(each, places) for each in invocation.argv),
            env={name: _placed(text, places) for name, text in environment.items()},
            cwd=invocation.candidate / invocation.working_dir,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout.write_end,
            stderr=stderr.write_end,
            start_new_session=True,
        )
    finally:
        stdout.hand_over()
        stderr.hand_over()


def _placed(text: str, places: Mapping[str, str]) -> str:
    """Return `text` with the path that it begins with replaced by where that lies."""
    name, equals, value = text.partition("=")
    if equals and not name.startswith("/"):
        return name + equals + _placed(value, places)
    for inside, outside in places.items():
        if text == inside or text.startswith(f"{inside}/"):
            return outside + text.removeprefix(inside)
    return text


def _exit_status(returncode: int) -> int:
    return _SIGNAL_BASE - returncode if returncode < 0 else returncode


def _not_executed(error: OSError) -> Ended:
    said = str(error).encode()
    return Ended(
        exit_status=_NOT_EXECUTED,
        timed_out=False,
        duration_s=0.0,
        stdout=CappedOutput(data=b"", bytes_total=0),
        stderr=CappedOutput(data=said, bytes_total=len(said)),
    )
