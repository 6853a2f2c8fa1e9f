"""`python -m pytest_sr.stack`: run a stack until standard input ends.

Progress goes to standard error. Once all services have done real work, one line of JSON
with their addresses, secrets included, goes to standard output. The end of standard
input, SIGTERM or SIGINT stops everything and removes the stack's directory.

Exit status: 0 stopped as asked, 2 a service did not become ready.
"""

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_sr.stack.owner import default_base
from pytest_sr.stack.supervisor import supervise

DEADLINE_SETTING: Final = "SR_STACK_DEADLINE_S"
DEADLINE_S: Final = 60.0


def main() -> int:
    """Run the supervisor as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m pytest_sr.stack")
    parser.add_argument(
        "--directory",
        type=Path,
        default=default_base(),
        help="where the stack makes its own directory (default: %(default)s)",
    )
    parser.add_argument(
        "--deadline-s",
        type=float,
        default=os.environ.get(DEADLINE_SETTING, DEADLINE_S),
        help="how long a service may take to become ready (default: %(default)s, "
        f"set by {DEADLINE_SETTING})",
    )
    options = parser.parse_args()
    os.umask(0o077)
    return supervise(options.directory, deadline_s=options.deadline_s, say=_say)


def _say(line: str) -> None:
    with suppress(OSError):  # nobody listens any more: no reason to leave things behind
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
