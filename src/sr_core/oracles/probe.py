"""Say what a program can see and do from where it runs, as one line of JSON.

    python3 -I -B probe.py '{"tcp": ["127.0.0.1", 4711], "unix": "name", "seen": [...]}'

The argument names what ought to be out of reach: a listener on the loopback, one on an
abstract Unix socket, and paths. Nothing here judges; the sandbox that asks does.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import platform
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_PROC = Path("/proc")
_KERNEL_SETTINGS = ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger")
_STATUS_FIELDS = ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs")
_LIMITS = ("AS", "CORE", "CPU", "FSIZE", "NOFILE", "NPROC")


def main(challenge: dict[str, object]) -> dict[str, object]:
    """Return everything found, by name."""
    candidate = os.environ.get("SR_CANDIDATE", "/candidate")
    scratch = os.environ.get("SR_SCRATCH", "/scratch")
    oracles = str(Path(__file__).parent)
    uname = platform.uname()
    return {
        "os": uname.system.lower(),
        "kernel": uname.release,
        "arch": uname.machine,
        "hostname": uname.node,
        "python": platform.python_version(),
        "executable": sys.executable,
        "pid": os.getpid(),
        "session": os.getsid(0),
        "uid": os.getuid(),
        "gid": os.getgid(),
        "directory": str(Path.cwd()),
        "environment": sorted(os.environ),
        "foreign_environment": sorted(set(foreign_environment_names())),
        "pids": len([pid for pid in listed(_PROC) if pid.isdigit()]),
        "descriptors": sorted(open_descriptors()),
        "namespaces": dict(namespaces()),
        "status": dict(status_fields()),
        "limits": dict(limits()),
        "interfaces": [name for _, name in socket.if_nameindex()],
        "reached": sorted(reached(challenge)),
        "kernel_settings": [
            path
            for path in _KERNEL_SETTINGS
            if os.access(path, os.W_OK)  # asked, never tried: they are the host's
        ],
        "raw_socket": can_open_raw_socket(),
        "user_namespace": can_make_user_namespace(),
        "seen": [path for path in paths(challenge) if os.path.lexists(path)],
        "candidate_writable": is_writable(candidate),
        "scratch_writable": is_writable(scratch),
        "writable": [
            path
            for path in ("/", "/usr", "/etc", "/dev", "/dev/shm", "/tmp", oracles)  # noqa: S108 - looked at, not used
            if is_writable(path)
        ],
    }


def listed(directory: Path) -> list[str]:
    """Return the names in the directory, none if it cannot be listed."""
    try:
        return os.listdir(directory)  # noqa: PTH208 - names are asked for, not paths
    except OSError:
        return []


def paths(challenge: dict[str, object]) -> list[str]:
    """Return the paths that ought not to be seen."""
    asked = challenge.get("seen", [])
    return [str(each) for each in asked] if isinstance(asked, list) else []


def foreign_environment_names() -> Iterator[str]:
    """Yield the names set in every other process that lets itself be read."""
    for pid in listed(_PROC):
        if pid.isdigit() and int(pid) != os.getpid():
            with contextlib.suppress(OSError):
                environment = (_PROC / pid / "environ").read_bytes()
                for entry in environment.split(b"\0"):
                    if entry:
                        yield entry.partition(b"=")[0].decode(errors="replace")


def open_descriptors() -> Iterator[int]:
    """Yield the descriptors beyond the standard three that were open at the start."""
    for name in listed(_PROC / "self" / "fd"):
        with contextlib.suppress(OSError):
            os.fstat(int(name))  # the one that the listing itself used is closed
            if int(name) > sys.stderr.fileno():
                yield int(name)


def namespaces() -> Iterator[tuple[str, str]]:
    """Yield each kind of namespace with the one that this process is in."""
    for kind in ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts"):
        with contextlib.suppress(OSError):
            yield kind, str((_PROC / "self" / "ns" / kind).readlink())


def status_fields() -> Iterator[tuple[str, str]]:
    """Yield what the kernel says of this process's capabilities."""
    with contextlib.suppress(OSError):
        for line in (_PROC / "self" / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in _STATUS_FIELDS:
                yield name, value.strip()


def limits() -> Iterator[tuple[str, int]]:
    """Yield each resource limit that cannot be raised again."""
    for name in _LIMITS:
        yield name, resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]


def reached(challenge: dict[str, object]) -> Iterator[str]:
    """Yield the listeners outside that answered."""
    match challenge:
        case {"tcp": [str(host), int(port)]} if can_connect(
            socket.AF_INET, (host, port)
        ):
            yield "host-loopback"
    match challenge:
        case {"unix": str(name)} if can_connect(socket.AF_UNIX, f"\0{name}"):
            yield "host-abstract-socket"


def can_connect(family: int, address: tuple[str, int] | str) -> bool:
    """Say whether somebody listens there."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            connection.connect(address)
    except OSError:
        return False
    return True


def can_open_raw_socket() -> bool:
    """Say whether packets could be forged."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def can_make_user_namespace() -> bool:
    """Say whether a child could become root in a namespace of its own."""
    child = os.fork()
    if child == 0:
        refused = ctypes.CDLL(None).unshare(_CLONE_NEWUSER)
        os._exit(1 if refused else 0)
    return os.waitpid(child, 0)[1] == 0


def is_writable(directory: str) -> bool:
    """Say whether a file can be made there, and leave none."""
    path = Path(directory) / f".probe-{os.getpid()}"
    try:
        path.touch(exist_ok=False)
        path.unlink()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))  # noqa: T201 - the answer
