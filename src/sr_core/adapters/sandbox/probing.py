"""Asking a sandbox what it is like inside, and holding the answer to what is owed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from sr_core.ports.sandbox import (
    BASE_ENVIRONMENT,
    CANDIDATE,
    ORACLES,
    Ended,
    Fingerprint,
    Invocation,
    Sandbox,
    SandboxUnavailable,
)

ORACLES_ROOT: Final = Path(__file__).parents[2] / "oracles"
"""Where our own oracle programs lie outside."""

PYTHON: Final = Path(sys.base_prefix)
"""The interpreter whose `bin` comes first on every program's path."""

PATH: Final = f"{PYTHON}/bin:/usr/bin:/bin"

_PROBE_TIMEOUT_S: Final = 20
_HOST_PATHS: Final = (
    "/etc/shadow",
    "/etc/passwd",
    "/etc/hostname",
    "/home",
    "/run",
    "/sys",
    "/var",
)
_WRITABLE: Final = ["/dev/shm", "/tmp"]  # noqa: S108 - the sandbox's own, and fresh
_NO_CAPABILITIES: Final = "0" * 16

Facts: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the probe ought not to reach, see or share."""

    tcp: tuple[str, int]
    unix: str
    seen: tuple[str, ...]
    hostname: str
    namespaces: Mapping[str, str]

    def challenge(self) -> str:
        """Return the probe's argument."""
        return json.dumps({"tcp": self.tcp, "unix": self.unix, "seen": self.seen})


async def probe(
    sandbox: Sandbox, *, name: str, below: Path | None
) -> tuple[Facts, Outside]:
    """Run the probe in the sandbox and return what it said, and what is outside.

    Its files are laid out `below`; None is the folder for temporary files.

    Raises:
        SandboxUnavailable: there was no answer.

    """
    with _outside(below) as (outside, home):
        candidate, scratch = home / "candidate", home / "scratch"
        candidate.mkdir()
        scratch.mkdir()
        ended = await sandbox.run(
            Invocation(
                argv=(
                    "python3",
                    "-I",
                    "-B",
                    f"{ORACLES}/probe.py",
                    outside.challenge(),
                ),
                candidate=candidate,
                scratch=scratch,
                timeout_s=_PROBE_TIMEOUT_S,
            )
        )
    return _facts(ended, name=name), outside


def _facts(ended: Ended, *, name: str) -> Facts:
    try:
        facts = json.loads(ended.stdout.data) if ended.exit_status == 0 else None
    except ValueError:
        facts = None
    if not isinstance(facts, dict):
        said = ended.stderr.data.decode(errors="replace").strip().splitlines()[-1:]
        why = f"the probe gave no answer (exit status {ended.exit_status})"
        raise SandboxUnavailable(sandbox=name, why=[": ".join([why, *said])])
    return facts


@contextlib.contextmanager
def _outside(below: Path | None) -> Iterator[tuple[Outside, Path]]:
    """Listen and lay out what the probe ought not to find, and give it a directory."""
    with (
        tempfile.TemporaryDirectory(prefix="sr-probe-", dir=below) as directory,
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as unix,
    ):
        name = f"sr-probe-{secrets.token_hex(8)}"
        unix.bind(f"\0{name}")
        unix.listen()
        host, port = tcp.getsockname()
        outside = Outside(
            tcp=(host, port),
            unix=name,
            seen=tuple(_hidden([*_HOST_PATHS, directory, *_home_entries()])),
            hostname=os.uname().nodename,
            namespaces={each.name: str(each.readlink()) for each in _namespaces()},
        )
        yield outside, Path(directory)


def _home_entries() -> list[str]:
    """Return what lies in the caller's home, if they have one."""
    try:
        home = Path.home()
        return [] if home == Path("/") else sorted(map(str, home.iterdir()))[:256]
    except (OSError, RuntimeError):
        return []


def _hidden(paths: list[str]) -> Iterator[str]:
    """Yield the paths but for those on the way to the interpreter, which is mounted."""
    for path in paths:
        if Path(path) not in (PYTHON, *PYTHON.parents):
            yield path


def _namespaces() -> Iterator[Path]:
    for kind in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts"):
        yield Path("/proc/self/ns") / kind


def fingerprint_of(facts: Facts, *, sandbox: str, authoritative: bool) -> Fingerprint:
    """Return the fingerprint that the probe's facts make."""
    return Fingerprint(
        sandbox=sandbox,
        authoritative=authoritative,
        runtime_version=str(facts["kernel"]),
        os=str(facts["os"]),
        arch=str(facts["arch"]),
        network=_network(facts),
        candidate_writable=facts["candidate_writable"] is not False,
        scratch_writable=facts["scratch_writable"] is True,
        uid=_number(facts["uid"]),
        environment_names=_names(facts["environment"]),
        visible_pids=_number(facts["pids"]),
        tool_versions={"python": str(facts["python"])},
    )


def _network(facts: Facts) -> str:
    interfaces = [name for name in _names(facts["interfaces"]) if name != "lo"]
    return ",".join([*interfaces, *_names(facts["reached"])]) or "none"


def _names(fact: object) -> tuple[str, ...]:
    assert isinstance(fact, list), "the probe lists names"
    return tuple(map(str, fact))


def _number(fact: object) -> int:
    assert isinstance(fact, int), "the probe counts"
    return fact


def unmet(facts: Facts, outside: Outside, *, limits: Mapping[str, int]) -> list[str]:
    """Return what the sandbox owes and does not give, each with what was found.

    `limits` are the highest that each resource limit may be.
    """
    owed: dict[str, object] = {
        "pid": 1,
        "pids": 1,
        "uid": 65534,
        "gid": 65534,
        "directory": CANDIDATE,
        "environment": sorted(BASE_ENVIRONMENT),
        "foreign_environment": [],
        "descriptors": [],
        "interfaces": ["lo"],
        "reached": [],
        "executable": shutil.which("python3", path=PATH),
        "kernel_settings": [],
        "raw_socket": False,
        "user_namespace": False,
        "seen": [],
        "candidate_writable": False,
        "scratch_writable": True,
        "writable": _WRITABLE,
        "status": {
            "CapBnd": _NO_CAPABILITIES,
            "CapEff": _NO_CAPABILITIES,
            "CapPrm": _NO_CAPABILITIES,
            "NoNewPrivs": "1",
        },
    }
    return [
        *(
            f"{name} is {facts.get(name)!r}, not {expected!r}"
            for name, expected in owed.items()
            if facts.get(name) != expected
        ),
        *_shared(facts, outside),
        *_unlimited(facts, limits),
    ]


def _shared(facts: Facts, outside: Outside) -> Iterator[str]:
    if facts.get("hostname") == outside.hostname:
        yield f"hostname is the host's, {outside.hostname!r}"
    if facts.get("session") == 0:
        yield "session is one of the host's"
    inside = facts.get("namespaces")
    for kind, theirs in outside.namespaces.items():
        if not isinstance(inside, dict) or inside.get(kind) in {None, theirs}:
            yield f"namespaces: {kind} is shared with the host"


def _unlimited(facts: Facts, limits: Mapping[str, int]) -> Iterator[str]:
    found = facts.get("limits")
    for name, limit in limits.items():
        value = found.get(name, -1) if isinstance(found, dict) else -1
        if not 0 <= value <= limit:
            yield f"limits: {name} is {value}, not {limit} or less"
