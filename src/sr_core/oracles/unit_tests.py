"""Oracle: the candidate's own unit tests pass, and there are some.

    python3 -I -B unit_tests.py --oracle-id oracle:unit_tests

Two processes. This one judges and never imports a line of the candidate. It starts a
second, which finds the tests (``test*.py``, `unittest`), runs them and says what came
of it, once, over a pipe. Where that says nothing, says it twice, ends otherwise than
it should, or ran no test, the verdict is FAIL. Everything that the tests left running
is killed before the report is written.

What a candidate cannot do: pass by `os._exit(0)`, by printing, by a file that Python
imports on its own (`sitecustomize`, `usercustomize`, `.pth`), by writing the report
itself, by rewriting it later, or by reaching into this process (it cannot be traced).

What it can do: its tests run in the process that counts them, so they can look for the
pipe and the word that goes with it, or patch `unittest`. Such a candidate gains what
one gains whose tests assert nothing. A suite that has to stand against its candidate
brings tests of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sr_core.oracles import _report
else:  # -I keeps a program's own directory off the path
    sys.path.insert(0, str(Path(__file__).parent))
    import _report

    sys.path.pop(0)

_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36
_MESSAGE_BYTES_MAX: Final = 1024 * 1024
_COUNTS: Final = ("run", "skipped", "failed")


def main() -> int:
    """Run the tests in a child, write the report and return the exit status."""
    arguments = _report.parser()
    arguments.add_argument("--child", type=int)
    given = arguments.parse_args()
    if given.child is not None:
        run_tests(_report.candidate_directory(), descriptor=given.child)
    report = _report.Report("unit_tests", oracle_id=given.oracle_id)
    stand_apart()
    word = secrets.token_hex(16)
    exit_status, message = child_said(word)
    kill_descendants()
    found = parsed(message, word=word)
    why_not = refusal(found, exit_status)
    counts = {name: found.get(name) for name in _COUNTS} if found else {}
    return report.conclude(
        passed=why_not is None,
        summary=why_not or f"{found['run']} tests ran and none failed",
        details={**counts, "failures": found.get("failures", [])},
    )


def stand_apart() -> None:
    """Become untraceable for the tests, and the parent of what they abandon."""
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((_PR_SET_DUMPABLE, 0), (_PR_SET_CHILD_SUBREAPER, 1)):
        if libc.prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), f"prctl({option}, {value})")


def child_said(word: str) -> tuple[int, bytes]:
    """Return how the child ended, and what it had said until then."""
    hears, says = os.pipe()
    child = subprocess.Popen(  # noqa: S603 - this very program
        [
            *(sys.executable, "-I", "-B", __file__),
            *("--oracle-id", "-", "--child", str(says)),
        ],
        cwd=_report.candidate_directory(),
        stdin=subprocess.PIPE,
        pass_fds=(says,),
    )
    os.close(says)
    assert child.stdin, "it was asked for"
    child.stdin.write(word.encode())
    child.stdin.close()
    message = b"".join(_heard(hears, until=os.pidfd_open(child.pid)))
    return child.wait(), message


def _heard(hears: int, *, until: int) -> Iterator[bytes]:
    """Yield what is said before the process ends; a held pipe keeps nobody waiting."""
    os.set_blocking(hears, False)
    wanted = _MESSAGE_BYTES_MAX + 1
    ended = False
    while not ended:
        ready, _, _ = select.select([hears, until] if wanted else [until], [], [])
        ended = until in ready
        try:
            while wanted and (chunk := os.read(hears, wanted)):
                wanted -= len(chunk)
                yield chunk
        except BlockingIOError:
            continue
        wanted = 0


def kill_descendants() -> None:
    """Kill every process that came from the tests, until there is none.

    What they abandoned became a child of this process, so no child is left only when
    nothing is. Where they fork faster than this kills, the sandbox's time runs out.
    """
    while True:
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def children() -> Iterator[int]:
    """Yield the processes whose parent this is; each stays until it is waited for."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            yield int(status.parent.name)


def parsed(message: bytes, *, word: str) -> dict[str, object]:
    """Return the one message that the child owes, or nothing."""
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    is_one = isinstance(found, dict) and found.get("word") == word
    is_counted = is_one and all(type(found.get(name)) is int for name in _COUNTS)
    return found if is_counted else {}


def refusal(found: dict[str, object], exit_status: int) -> str | None:
    """Return why this is no PASS, if it is none."""
    match found:
        case {"run": int(run), "skipped": int(skipped), "failed": int(failed)}:
            if exit_status != 0:
                return f"the tests' process ended with status {exit_status}"
            if failed:
                return f"{failed} failures in {run} tests"
            if run - skipped <= 0:
                return f"no test ran ({skipped} skipped)"
            return None
        case _:
            return f"the tests' process (status {exit_status}) gave no result"


def run_tests(candidate: Path, *, descriptor: int) -> None:
    """Run the candidate's tests, say what came of it, and end."""
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - its only form
    word = sys.stdin.read()
    sys.argv = [sys.argv[0]]
    sys.path.insert(0, str(candidate))
    result = unittest.TestResult()
    for top in tops(candidate):
        unittest.TestLoader().discover(str(top), top_level_dir=str(top)).run(result)
    failed = [
        *(str(test) for test, _ in result.failures + result.errors),
        *(f"{test} (unexpected success)" for test in result.unexpectedSuccesses),
    ]
    for _, trace in result.failures + result.errors:
        print(trace, file=sys.stderr)  # noqa: T201 - for the log
    message = {
        "word": word,
        "run": result.testsRun,
        "skipped": len(result.skipped),
        "failed": len(failed),
        "failures": [each[:200] for each in failed[: _report.LISTED_MAX]],
    }
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(descriptor, json.dumps(message).encode())
    os._exit(0)


def tops(candidate: Path) -> list[Path]:
    """Return the directories to start from: each that holds tests, but no package."""
    found = set()
    for test in candidate.rglob("test*.py"):
        top = test.parent
        while (top / "__init__.py").exists() and top != candidate:
            top = top.parent
        found.add(top)
    return sorted(found)


if __name__ == "__main__":
    sys.exit(main())
