"""What every sandbox owes, and what bubblewrap owes beyond (R-SBX-1..7, R-SBX-12).

Where bubblewrap cannot run, its tests fail. Whoever cannot give it user namespaces says
so with SR_TEST_WITHOUT_BWRAP=1, and sees every test that was skipped for that.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sr_core.adapters.sandbox import bubblewrap as bubblewrap_module
from sr_core.adapters.sandbox.bubblewrap import Bubblewrap, options
from sr_core.adapters.sandbox.choose import choose_sandbox
from sr_core.adapters.sandbox.plain import Plain
from sr_core.adapters.sandbox.probing import PYTHON
from sr_core.ports.sandbox import (
    BASE_ENVIRONMENT,
    CAPTURED_BYTES_MAX,
    Invocation,
    SandboxUnavailable,
)

pytestmark = pytest.mark.anyio

IS_ROOT = os.geteuid() == 0
IS_NOBODY = os.geteuid() == 65534
PATIENCE_S = 30

HOLD_THE_LOCK = """
import fcntl, os, signal, sys
lock = open(os.environ["SR_SCRATCH"] + "/lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
"""
"""Whoever else gets this lock knows that the program and all its children are dead."""

PAUSE = """
print("ready", flush=True)
signal.pause()
"""

IGNORE_SIGNALS_TOGETHER = f"""{HOLD_THE_LOCK}
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.fork()
{PAUSE}"""

LEAVE_A_DAEMON = f"""{HOLD_THE_LOCK}
ready, told = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.write(told, b".")
        open(os.environ["SR_SCRATCH"] + "/stop").read()
    os._exit(0)
os.read(ready, 1)
print("ready", flush=True)
"""


@pytest.fixture
async def bubblewrap():
    if os.environ.get("SR_TEST_WITHOUT_BWRAP") == "1":
        pytest.skip("SR_TEST_WITHOUT_BWRAP=1: nothing is shown of bubblewrap here")
    return await Bubblewrap.proven()


@pytest.fixture(params=["bubblewrap", "plain"])
def sandbox(request):
    if request.param == "plain":
        return Plain()
    return request.getfixturevalue("bubblewrap")


class Place:
    """A candidate, a scratch directory, and programs to run there."""

    def __init__(self, directory: Path) -> None:
        self.candidate = directory / "candidate"
        self.scratch = directory / "scratch"
        self.candidate.mkdir()
        self.scratch.mkdir()

    def invoke(
        self, *argv: str, timeout_s: float = PATIENCE_S, **environment: str
    ) -> Invocation:
        return Invocation(
            argv=argv,
            candidate=self.candidate,
            scratch=self.scratch,
            timeout_s=timeout_s,
            environment=environment,
        )

    def python(
        self,
        code: str,
        *arguments: str,
        timeout_s: float = PATIENCE_S,
        **environment: str,
    ) -> Invocation:
        argv = ("python3", "-I", "-B", "-c", code, *arguments)
        return self.invoke(*argv, timeout_s=timeout_s, **environment)

    def has_survivors(self) -> bool:
        """Say whether a process still holds the lock."""
        with (self.scratch / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    async def no_survivors(self) -> None:
        """Wait until nobody holds the lock."""
        with (self.scratch / "lock").open() as lock:
            locked = asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            await asyncio.wait_for(locked, PATIENCE_S)


def descriptors() -> int:
    """Count this process's open descriptors."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


class TestEnding:
    @pytest.mark.parametrize("status", [0, 1, 7, 126, 127, 255])
    async def test_the_exit_status_is_the_programs(self, sandbox, place, status):
        ended = await sandbox.run(place.invoke("sh", "-c", f"exit {status}"))

        assert ended.exit_status == status
        assert not ended.timed_out
        assert 0 < ended.duration_s < PATIENCE_S

    async def test_a_signal_is_told_apart(self, sandbox, place):
        ended = await sandbox.run(place.python("import ctypes; ctypes.string_at(0)"))

        assert ended.exit_status == 128 + 11

    async def test_a_program_that_is_not_there(self, sandbox, place):
        ended = await sandbox.run(place.invoke("no-such-program"))

        assert ended.exit_status == 127
        assert b"No such file" in ended.stderr.data

    @pytest.mark.parametrize("shape", ["missing", "link"])
    async def test_no_candidate_directory_no_run(self, sandbox, place, shape):
        place.candidate.rmdir()
        if shape == "link":
            place.candidate.symlink_to(place.scratch)

        with pytest.raises(SandboxUnavailable):
            await sandbox.run(place.invoke("sh", "-c", "exit 0"))

    async def test_many_at_once_leave_no_descriptor_behind(self, sandbox, place):
        await sandbox.run(place.invoke("sh", "-c", "exit 0"))
        before = descriptors()

        ended = await asyncio.gather(
            *(sandbox.run(place.invoke("sh", "-c", f"exit {i}")) for i in range(8))
        )

        assert [each.exit_status for each in ended] == list(range(8))
        assert descriptors() <= before


class TestOutput:
    async def test_both_outputs_come_apart_and_byte_for_byte(self, sandbox, place):
        code = "import os; os.write(1, b'\\xff\\0\\x1b[2J'); os.write(2, b'other')"

        ended = await sandbox.run(place.python(code))

        assert ended.stdout.data == b"\xff\0\x1b[2J"
        assert ended.stderr.data == b"other"
        assert not ended.stdout.is_truncated

    async def test_exactly_as_much_as_is_kept_is_whole(self, sandbox, place):
        size = 2 * CAPTURED_BYTES_MAX

        ended = await sandbox.run(
            place.python("import sys; print(end='x' * int(sys.argv[1]))", str(size))
        )

        assert ended.stdout.data == b"x" * size
        assert not ended.stdout.is_truncated

    async def test_a_flood_keeps_its_head_and_its_tail(self, sandbox, place):
        code = "print('head', end=''); print('x' * 30_000_000, end=''); print('tail')"

        ended = await sandbox.run(place.python(code))

        assert ended.stdout.bytes_total == 30_000_009
        assert ended.stdout.is_truncated
        assert len(ended.stdout.data) == 2 * CAPTURED_BYTES_MAX
        assert ended.stdout.data.startswith(b"headx")
        assert ended.stdout.data.endswith(b"xtail\n")

    async def test_an_endless_flood_is_stopped_by_time(self, sandbox, place):
        ended = await sandbox.run(place.invoke("yes", timeout_s=0.5))

        assert ended.timed_out
        assert len(ended.stdout.data) == 2 * CAPTURED_BYTES_MAX


class TestKilling:
    async def test_time_over_is_the_end_of_it_and_its_children(self, sandbox, place):
        ended = await sandbox.run(place.python(IGNORE_SIGNALS_TOGETHER, timeout_s=2))

        assert ended.timed_out
        assert ended.exit_status is None
        assert ended.stdout.data == b"ready\n" * 2
        assert ended.duration_s < 4
        await place.no_survivors()

    async def test_a_daemon_that_holds_the_pipe_keeps_nobody_waiting(
        self, sandbox, place
    ):
        os.mkfifo(place.scratch / "stop")

        ended = await sandbox.run(place.python(LEAVE_A_DAEMON))

        assert ended.exit_status == 0
        assert not ended.timed_out
        assert ended.stdout.data == b"ready\n"
        stop = os.open(place.scratch / "stop", os.O_RDWR | os.O_NONBLOCK)
        os.close(stop)
        if not isinstance(sandbox, Plain):
            assert not place.has_survivors()
        await place.no_survivors()

    async def test_being_cancelled_is_the_end_of_it_too(self, sandbox, place):
        code = HOLD_THE_LOCK + "open(os.environ['SR_SCRATCH'] + '/go', 'w')" + PAUSE
        os.mkfifo(place.scratch / "go")
        run = asyncio.create_task(sandbox.run(place.python(code)))
        await asyncio.to_thread((place.scratch / "go").read_bytes)

        run.cancel()

        with pytest.raises(asyncio.CancelledError):
            await run
        assert not place.has_survivors()


class TestSurroundings:
    async def test_the_environment_is_the_declared_one(
        self, sandbox, place, monkeypatch
    ):
        monkeypatch.setenv("SR_CANARY", "of the caller")
        code = "import json, os; print(json.dumps(dict(os.environ)))"

        ended = await sandbox.run(place.python(code, DECLARED="yes", AT="/scratch/x"))

        found = json.loads(ended.stdout.data)
        assert found.keys() == BASE_ENVIRONMENT | {"DECLARED", "AT"}
        assert found["DECLARED"] == "yes"
        assert found["AT"] == found["SR_SCRATCH"] + "/x"
        assert found["PWD"] == found["SR_CANDIDATE"]

    @pytest.mark.parametrize("name", sorted(BASE_ENVIRONMENT))
    async def test_what_the_sandbox_sets_cannot_be_declared(self, place, name):
        with pytest.raises(AssertionError, match=name):
            place.invoke("true", **{name: "mine"})

    async def test_the_candidate_is_where_the_program_starts(self, sandbox, place):
        (place.candidate / "file").write_text("candidate's\n")

        ended = await sandbox.run(place.invoke("cat", "file", "/candidate/file"))

        assert ended.stdout.data == b"candidate's\n" * 2

    async def test_scratch_is_written_and_stays(self, sandbox, place):
        code = "import sys; open(sys.argv[1], 'w').write('result')"

        ended = await sandbox.run(place.python(code, "/scratch/file"))

        assert ended.exit_status == 0
        assert (place.scratch / "file").read_text() == "result"

    async def test_an_oracle_of_ours_runs(self, sandbox, place):
        (place.candidate / "test_it.py").write_text(
            "import unittest\n"
            "class T(unittest.TestCase):\n"
            "    def test_it(self): pass\n"
        )

        ended = [
            await sandbox.run(
                place.invoke(
                    *("python3", "-I", "-B", f"/oracles/{name}.py"),
                    *("--oracle-id", f"oracle:{name}"),
                )
            )
            for name in ("unit_tests", "build")
        ]

        assert [each.exit_status for each in ended] == [0, 0]
        for name in ("unit_tests", "build"):
            report = json.loads((place.scratch / f"reports/{name}.json").read_bytes())
            assert report["status"] == "PASS"

    async def test_stdin_is_empty(self, sandbox, place):
        assert (await sandbox.run(place.invoke("cat"))).stdout.data == b""


class TestFingerprint:
    """C-OR-3: it says what is there, so that what is not can be noticed."""

    async def test_of_bubblewrap(self, bubblewrap):
        found = await bubblewrap.fingerprint()

        assert found.sandbox.startswith("bubblewrap 0.")
        assert found.authoritative
        assert found.network == "none"
        assert (found.candidate_writable, found.scratch_writable) == (False, True)
        assert (found.uid, found.visible_pids) == (65534, 1)
        assert set(found.environment_names) == BASE_ENVIRONMENT
        assert found.os == "linux"
        assert found.arch == os.uname().machine
        assert found.tool_versions.keys() == {"python"}

    async def test_of_plain_tells_that_it_is_none(self):
        found = await Plain().fingerprint()

        assert found.sandbox == "plain"
        assert not found.authoritative
        assert "host-loopback" in found.network
        assert found.candidate_writable
        assert found.visible_pids > 1

    @pytest.mark.parametrize(
        ("option", "what", "found"),
        [
            ("--unshare-net", "network", "host-loopback"),
            ("--uid", "uid", 0 if IS_ROOT else os.geteuid()),
        ],
    )
    async def test_is_measured_not_copied(
        self, bubblewrap, monkeypatch, option, what, found
    ):
        monkeypatch.setattr(bubblewrap_module, "options", partial(without, option))

        measured = getattr(await bubblewrap.fingerprint(), what)

        assert measured == found or str(found) in str(measured)


def without(option: str, /, **operands: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(each for each in options(**operands) if each[0] != option)


GETS_THROUGH = {
    "the host's loopback": "socket.create_connection(('127.0.0.1', int(sys.argv[1])))",
    "an abstract socket": (
        "socket.socket(socket.AF_UNIX).connect('\\0' + sys.argv[2])"
    ),
    "any other address": "socket.create_connection(('169.254.169.254', 80), 1)",
    "a name server": "socket.getaddrinfo('localhost.example', 80)",
    "raw packets": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "the caller's environment": (
        "assert any(b'SR_CANARY' in open(each, 'rb').read()"
        " for each in glob.glob('/proc/[0-9]*/environ'))"
    ),
    "the caller's arguments": (
        "assert any(b'bw' b'rap' in open(each, 'rb').read()"
        " for each in glob.glob('/proc/[0-9]*/cmdline'))"
    ),
    "another's descriptor": "[os.fstat(each) for each in range(3, 64)]",
    "any descriptor": "assert any(map(is_open, range(3, 256)))",
    "passwords": "open('/etc/shadow')",
    "the accounts": "open('/etc/passwd')",
    "the caller's files": "assert os.path.lexists(sys.argv[3])",
    "the candidate, by a file": "open('/candidate/new', 'w')",
    "the candidate, by its mode": "os.chmod('/candidate', 0o777)",
    "the candidate, by a mount": (
        "assert not libc.mount(0, b'/candidate', 0, 32 | 4096, 0)"
    ),
    "the oracles": "open('/oracles/new', 'w')",
    "the root": "open('/new', 'w')",
    "the system": "open('/usr/new', 'w')",
    # Opened, and never written: what got through would be the host's.
    "a setting of the kernel": "os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)",
    "the kernel's own keys": "os.open('/proc/sysrq-trigger', os.O_WRONLY)",
    "a process's memory": "open('/proc/self/mem', 'r+b')",
    "a user namespace": "assert not libc.unshare(0x10000000)",
    "root": "os.setuid(0)",
    "another root directory": "os.chroot('/tmp')",
    "the host's name": "assert os.uname().nodename == sys.argv[4]",
    "another process": "assert len(glob.glob('/proc/[0-9]*')) > 1",
    "the caller's session": "assert os.getsid(0) == 0",
    "a big file": "open('/scratch/big', 'w').truncate(65 * 1024**2)",
    "much memory": "bytearray(3 * 1024**3)",
    "many descriptors": "[os.open('/', os.O_RDONLY) for _ in range(300)]",
    "a core file": "resource.setrlimit(resource.RLIMIT_CORE, (1, 1))",
    "much of a tmpfs": (
        "[open(f'/tmp/{i}', 'wb').write(bytes(2**25)) for i in range(9)]"
    ),
}
PRELUDE = """
import ctypes, glob, os, resource, socket, sys
libc = ctypes.CDLL(None)
def is_open(descriptor):
    try: return bool(os.fstat(descriptor))
    except OSError: return False
try:
    {attempt}
except (OSError, AssertionError, MemoryError, ValueError):
    print("refused")
else:
    print("got through")
"""


class TestHostile:
    @pytest.mark.parametrize("attempt", GETS_THROUGH.values(), ids=GETS_THROUGH)
    async def test_nothing_gets_through(
        self, bubblewrap, place, tmp_path, monkeypatch, attempt
    ):
        monkeypatch.setenv("SR_CANARY", "of the caller")
        with (
            socket.create_server(("127.0.0.1", 0)) as tcp,
            socket.socket(socket.AF_UNIX) as unix,
            (tmp_path / "secret").open("w") as secret,
        ):
            os.set_inheritable(secret.fileno(), True)  # noqa: FBT003 - its only form
            unix.bind(f"\0sr-test-{os.getpid()}")
            unix.listen()

            ended = await bubblewrap.run(
                place.python(
                    PRELUDE.format(attempt=attempt),
                    *(str(tcp.getsockname()[1]), f"sr-test-{os.getpid()}"),
                    *(secret.name, os.uname().nodename),
                )
            )

        assert ended.stdout.data == b"refused\n", ended.stderr.data

    async def test_processor_time_is_limited_to_the_timeout(self, bubblewrap, place):
        code = "import resource; print(resource.getrlimit(resource.RLIMIT_CPU))"

        ended = await bubblewrap.run(place.python(code, timeout_s=7))

        assert ended.stdout.data == b"(8, 8)\n"

    @pytest.mark.skipif(IS_ROOT, reason="the kernel does not count root's processes")
    async def test_processes_are_limited(self, bubblewrap, place):
        code = (
            "import os, signal\n"
            "try:\n"
            "    for _ in range(400):\n"
            "        if os.fork() == 0: signal.pause()\n"
            "except BlockingIOError: print('refused')\n"
        )

        ended = await bubblewrap.run(place.python(code))

        assert ended.stdout.data == b"refused\n"

    async def test_a_fork_bomb_is_dead_when_its_time_is_over(self, bubblewrap, place):
        code = HOLD_THE_LOCK + "for _ in range(100):\n  if not os.fork(): break\n"

        ended = await bubblewrap.run(place.python(code + PAUSE, timeout_s=2))

        assert ended.timed_out
        assert ended.duration_s < 4
        assert not place.has_survivors()

    async def test_tests_cannot_trace_the_oracle_that_judges_them(
        self, bubblewrap, place
    ):
        (place.candidate / "test_it.py").write_text(
            "import ctypes, os, unittest\n"
            "class T(unittest.TestCase):\n"
            "    def test_it(self):\n"
            "        self.assertEqual(os.getppid(), 1)\n"
            "        self.assertEqual(ctypes.CDLL(None).ptrace(16, 1, 0, 0), -1)\n"
            "        with self.assertRaises(PermissionError):\n"
            "            open('/proc/1/mem', 'rb')\n"
            "        os.kill(1, 9)\n"
        )

        ended = await bubblewrap.run(
            place.invoke(
                *("python3", "-I", "-B", "/oracles/unit_tests.py"),
                *("--oracle-id", "oracle:unit_tests"),
            )
        )

        assert ended.exit_status == 0, ended.stderr.data


DIES_WITH_ITS_RUNNER = """
import asyncio, sys
from pathlib import Path
from sr_core.adapters.sandbox import bubblewrap
from sr_core.ports.sandbox import Invocation
if sys.argv[4]:
    options = bubblewrap.options
    bubblewrap.options = lambda **operands: tuple(
        each for each in options(**operands) if each[0] != sys.argv[4]
    )
async def main():
    sandbox = await bubblewrap.Bubblewrap.proven()
    await sandbox.run(Invocation(
        argv=("python3", "-c", sys.argv[3]), timeout_s=60,
        candidate=Path(sys.argv[1]), scratch=Path(sys.argv[2]),
    ))
asyncio.run(main())
"""


class TestRunnerDies:
    """R-SBX-14: nothing outlives a runner that is killed."""

    @pytest.mark.parametrize("left_out", ["", "--die-with-parent"])
    async def test_nothing_is_left(self, bubblewrap, place, left_out):
        assert bubblewrap
        for name in ("go", "stop"):
            os.mkfifo(place.scratch / name)
        code = f"""{HOLD_THE_LOCK}
open("/scratch/go", "w").close()
open("/scratch/stop").read()
"""
        runner = subprocess.Popen(  # noqa: ASYNC220, S603 - our own program, killed below
            [
                *(sys.executable, "-c", DIES_WITH_ITS_RUNNER),
                *(place.candidate, place.scratch, code, left_out),
            ],
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.to_thread((place.scratch / "go").read_bytes)

        runner.kill()
        runner.wait()

        if left_out:
            assert place.has_survivors()
            stop = await asyncio.to_thread(os.open, place.scratch / "stop", os.O_WRONLY)
            os.close(stop)
        await place.no_survivors()


OPTIONS = options(candidate=0, scratch=0, environment={})
NOT_SHOWN = {
    "--die-with-parent": "matters when the runner dies; TestRunnerDies shows it",
    "/etc/ld.so.cache": "libraries are found without it, more slowly",
    "/bin": "lets programs be found and started, on some systems the probe too",
    "/sbin": "likewise",
    "/lib": "likewise",
    "/lib32": "likewise",
    "/lib64": "likewise",
    "/libx32": "likewise",
}
"""The arguments whose absence the proof need not notice, and why that is no hole."""
if not IS_ROOT:
    NOT_SHOWN["--cap-drop"] = "an ordinary user has no capability to drop"
    NOT_SHOWN["/proc"] = "an ordinary user may not write the kernel's settings"
if IS_NOBODY:
    NOT_SHOWN["--uid"] = NOT_SHOWN["--gid"] = "the runner is that user already"
SHOWN = [
    each
    for each in OPTIONS
    if not ({each[0], each[-1]} & NOT_SHOWN.keys()) or each == ("--proc", "/proc")
]


def name_of(option: tuple[str, ...]) -> str:
    """Return what the option is called here: without paths of this machine."""
    last = "<python>" if option[-1] == str(PYTHON) else option[-1]
    return " ".join([option[0], last] if option[1:] else option)


class TestEveryArgumentCounts:
    """R-SBX-1: whichever argument is missing, the sandbox does not prove itself."""

    @pytest.mark.parametrize("missing", SHOWN, ids=name_of)
    async def test_to_the_proof(self, bubblewrap, monkeypatch, missing):
        assert bubblewrap
        index = OPTIONS.index(missing)
        monkeypatch.setattr(
            bubblewrap_module,
            "options",
            lambda **operands: (
                options(**operands)[:index] + options(**operands)[index + 1 :]
            ),
        )

        with pytest.raises(SandboxUnavailable):
            await Bubblewrap.proven()


class TestChoice:
    """No program runs unprotected in silence."""

    @pytest.fixture(params=["missing", "broken", "sham"])
    def no_bwrap(self, request, tmp_path):
        program = tmp_path / "bwrap"
        if request.param == "broken":
            program.write_text("#!/bin/sh\necho 'no namespaces' >&2; exit 1\n")
        if request.param == "sham":
            program.write_text(
                '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nshift; exec "$@"\n'
            )
        if program.exists():
            program.chmod(0o755)
        return str(program)

    async def test_bubblewrap_that_proves_itself(self, bubblewrap):
        assert bubblewrap
        assert isinstance(await choose_sandbox(None, allow_plain=True), Bubblewrap)

    async def test_plain_only_where_it_is_allowed(self, no_bwrap):
        with pytest.raises(SandboxUnavailable) as refused:
            await choose_sandbox(no_bwrap, allow_plain=False)

        assert refused.value.why
        assert isinstance(await choose_sandbox(no_bwrap, allow_plain=True), Plain)

    async def test_the_error_names_every_hole(self, bubblewrap, monkeypatch):
        assert bubblewrap
        leaky = partial(without, "--unshare-net")
        monkeypatch.setattr(bubblewrap_module, "options", leaky)

        with pytest.raises(SandboxUnavailable) as refused:
            await Bubblewrap.proven()

        holes = " ".join(refused.value.why)
        for name in ("interfaces", "host-loopback", "host-abstract-socket", "net is"):
            assert name in holes
