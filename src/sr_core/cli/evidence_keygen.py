"""`sr evidence keygen`: a fresh pair of keys for exported evidence."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from sr_core.cli.log_keygen import fresh_key
from sr_core.codec.note import Purpose

NAME: Final = "solver-ralph/evidence"


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Print the pair as two settings, and return the exit code."""
    del environment
    parser = argparse.ArgumentParser(
        prog="sr evidence keygen",
        description="The first line is a secret; the second is for everybody. Add its key"
        " to those that are there, and give the old one an end.",
    )
    parser.add_argument(
        "--name", default=NAME, help="the key's name (default: %(default)s)"
    )
    key = fresh_key(parser.parse_args(arguments).name, Purpose.EVIDENCE)
    sys.stdout.write(f"SR_EVIDENCE_SIGNING_KEY={key.text}\n")
    sys.stdout.write(f"SR_EVIDENCE_VERIFIER_KEYS={key.verifier.text}\n")
    return 0
