"""Where an oracle runs: a place that it cannot get out of, or nowhere (R-SBX-1).

An invocation never knows which sandbox it gets. In every one of them it finds, by
these paths in its arguments and its declared environment:

    /candidate   the candidate's files, the working directory, read-only
    /scratch     an empty directory for its results, writable
    /oracles     our own oracle programs, read-only

A program learns the first two from `SR_CANDIDATE` and `SR_SCRATCH`, which hold in a
sandbox that has no such paths of its own too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from sr_core.domain.errors import SrError

CANDIDATE: Final = "/candidate"
SCRATCH: Final = "/scratch"
ORACLES: Final = "/oracles"

CAPTURED_BYTES_MAX: Final = 64 * 1024
"""How much is kept of either end of an output; what lies between is counted only."""

BASE_ENVIRONMENT: Final = frozenset(
    {"HOME", "LC_ALL", "PATH", "PWD", "SR_CANDIDATE", "SR_SCRATCH"}
)
"""The names that every program finds set; an invocation cannot declare these itself."""


class SandboxUnavailable(SrError):  # noqa: N818 - named for what it says, like Refused
    """There is no sandbox that proved itself; nothing was run outside one instead."""

    code = "SANDBOX_UNAVAILABLE"

    def __init__(self, *, sandbox: str, why: Sequence[str]) -> None:
        super().__init__(
            f"{sandbox} is no sandbox here: {'; '.join(why)}",
            remedy="Allow user namespaces on this machine, or run oracles on one that "
            "has them",
        )
        self.sandbox = sandbox
        self.why = tuple(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One program to run over one candidate.

    `argv` is not read by a shell. `candidate` and `scratch` are directories outside
    the sandbox, neither of them a symbolic link. `environment` is all that the program
    is told beyond `BASE_ENVIRONMENT`; nothing is inherited.
    """

    argv: tuple[str, ...]
    candidate: Path
    scratch: Path
    timeout_s: float
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        taken = BASE_ENVIRONMENT & self.environment.keys()
        assert self.argv, "there is a program to run"
        assert not taken, f"{sorted(taken)} are the sandbox's to set"


@dataclass(frozen=True, slots=True, kw_only=True)
class CappedOutput:
    """What a program wrote: all of it, or its first and last `CAPTURED_BYTES_MAX`."""

    data: bytes
    bytes_total: int

    @property
    def is_truncated(self) -> bool:
        """Whether bytes are missing, after the first `CAPTURED_BYTES_MAX` of `data`."""
        return len(self.data) < self.bytes_total


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an invocation ended.

    `exit_status` is 128 + N where signal N ended the program, 127 where it could not be
    executed, and None where it did not end by itself (`timed_out` says whether the time
    was why).
    """

    exit_status: int | None
    timed_out: bool
    duration_s: float
    stdout: CappedOutput
    stderr: CappedOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a program inside found around itself (C-OR-3, R-SBX-12).

    Measured by running a probe in the sandbox; nothing of it is copied from settings.
    `sandbox` is its name and version, such as ``bubblewrap 0.11.0``, or ``plain``.
    `runtime_version` is the kernel's release as seen inside. `network` is ``none``, or
    the interfaces beside the loopback with commas between, and ``host-loopback`` where
    a listener outside was reached. `uid` is the one seen inside.
    """

    sandbox: str
    authoritative: bool
    runtime_version: str
    os: str
    arch: str
    network: str
    candidate_writable: bool
    scratch_writable: bool
    uid: int
    environment_names: tuple[str, ...]
    visible_pids: int
    tool_versions: Mapping[str, str]


class Sandbox(Protocol):
    """Runs programs nobody vouches for."""

    async def run(self, invocation: Invocation) -> Ended:
        """Run it until it ends or its time is over, and say how it ended.

        When this returns, raises or is cancelled, the program and whatever it started
        are dead (`Plain` alone owes less, and says what). What they left in `scratch`
        stays, and is not to be trusted: see `adapters.sandbox.artifacts`.

        Raises:
            SandboxUnavailable: the sandbox could not be set up; the program was not
                started.

        """
        ...

    async def fingerprint(self) -> Fingerprint:
        """Measure the sandbox from inside, anew each time.

        Raises:
            SandboxUnavailable: the probe gave no answer, so nothing is known of it.

        """
        ...
