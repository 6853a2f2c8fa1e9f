"""`sr log consistency`: whether a newer checkpoint goes on from an older one.

    sr log consistency OLD --output PROOF          made from the bucket of checkpoints
    sr log consistency OLD --check PROOF --key PUB checked with these files alone

Exit codes: 0 it is made, or holds; 1 the newer one does not go on from the older; 2
misused, or the bucket gave no answer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from sr_core.application.consistency import check, prove
from sr_core.bootstrap.event_log import archive_of
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli.files import read_file, write_new
from sr_core.codec.log_proof import PROOF_CHARS_MAX
from sr_core.codec.note import NOTE_BYTES_MAX, parse_verifier_key
from sr_core.domain.errors import MalformedInput
from sr_core.ports.checkpoints import LogUnsound


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    old = read_file(chosen.old, bytes_max=NOTE_BYTES_MAX)
    if chosen.check is not None:
        return _checked(chosen.check, old, chosen.key)
    if chosen.key is not None:
        raise MalformedInput(
            field="--key", found=chosen.key, expected="it beside --check alone"
        )
    return await _made(old, chosen.output, environment)


async def _made(old: bytes, path: str | None, environment: Mapping[str, str]) -> int:
    archive = archive_of(parse_settings(environment))
    if archive is None:
        raise MalformedInput(
            field="SR_LOG_VERIFIER_KEY",
            found="",
            expected="the key whose signatures are believed, as `sr log keygen` prints it",
        )
    try:
        proof = await prove(archive, old)
    except LogUnsound as error:
        sys.stderr.write(f"sr log consistency: {error}\n")
        return 1
    if path is None:
        sys.stdout.write(proof)
    else:
        write_new(path, proof.encode())
    return 0


def _checked(path: str, old: bytes, key: str | None) -> int:
    if key is None:
        raise MalformedInput(
            field="--key", found="none", expected="the key that is believed"
        )
    verifier = parse_verifier_key(key, field="--key")
    text = read_file(path, bytes_max=PROOF_CHARS_MAX).decode(errors="replace")
    found = check(text, old, verifier)
    for name, each in (("older", found.old), ("newer", found.new)):
        sys.stdout.write(
            f"{name}: {each.origin}, {each.size} events, root {each.root.hex()}\n"
        )
    if not found.is_shown:
        sys.stderr.write(
            f"sr log consistency: {path} does not show that the newer goes on from the"
            " older; keep both, and ask those who keep the log for another proof\n"
        )
        return 1
    sys.stdout.write("The newer goes on from the older.\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sr log consistency",
        description="A proof is made by the settings of the environment; to check one,"
        " none are needed.",
    )
    parser.add_argument(
        "old", metavar="OLD", help="the older checkpoint, as it is kept"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--output", metavar="PROOF", help="where to write the proof (default: stdout)"
    )
    what.add_argument("--check", metavar="PROOF", help="check this proof")
    parser.add_argument("--key", metavar="PUB", help="whose checkpoints are believed")
    return parser
