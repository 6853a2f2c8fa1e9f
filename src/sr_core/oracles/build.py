"""Oracle: every Python source file of the candidate compiles, and there is one.

    python3 -I -B build.py --oracle-id oracle:build

Nothing of the candidate is executed. A source file is one whose name ends in ``.py``;
one that is not a regular file (a link, a fifo) cannot be vouched for and fails.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sr_core.oracles import _report
else:  # -I keeps a program's own directory off the path
    sys.path.insert(0, str(Path(__file__).parent))
    import _report

    sys.path.pop(0)


def main() -> int:
    """Compile everything, write the report and return the exit status."""
    arguments = _report.parser().parse_args()
    report = _report.Report("build", oracle_id=arguments.oracle_id)
    candidate = _report.candidate_directory()
    sources = sorted(source_files(candidate))
    failures = [
        f"{source.relative_to(candidate)}: {why}"
        for source in sources
        if (why := refusal(source))
    ]
    summary = f"{len(sources) - len(failures)} of {len(sources)} source files compile"
    return report.conclude(
        passed=bool(sources) and not failures,
        summary=summary if sources else "there is no source file",
        details={
            "files": len(sources),
            "failed": len(failures),
            "failures": failures[: _report.LISTED_MAX],
        },
    )


def source_files(candidate: Path) -> Iterator[Path]:
    """Yield every path that calls itself Python, below no link."""
    for directory, _, names in os.walk(candidate, onerror=_raise):
        for name in names:
            if name.endswith(".py"):
                yield Path(directory) / name


def refusal(source: Path) -> str | None:
    """Return why the file does not compile, if it does not."""
    if not stat.S_ISREG(source.lstat().st_mode):
        return "not a regular file"
    try:
        compile(source.read_bytes(), str(source), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _raise(error: OSError) -> None:
    raise error


if __name__ == "__main__":
    sys.exit(main())
