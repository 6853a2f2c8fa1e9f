"""`sr evidence export`: one bundle as a file of signed evidence.

Exit codes: 0 the file is written; 1 the bundle is not whole, is restricted, or is not what
the log says, and nothing is written; 2 misused, or a service gave no answer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from sr_core.bootstrap.attestation import exports
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli.files import write_new
from sr_core.domain.judging_errors import (
    AttestationInvalid,
    EvidenceMissing,
    EvidenceRestricted,
    ManifestInvalid,
)
from sr_core.domain.refs import ContentHash, parse_content_hash
from sr_core.ports.checkpoints import LogUnsound

_NO_KEY = "SR_LOG_VERIFIER_KEY is not set"
_NO_CHECKPOINT = "no checkpoint is of it yet; `sr log checkpoint` makes one"


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    bundle = parse_content_hash(chosen.content_hash)
    path = chosen.output or _file_name(bundle)
    async with exports(parse_settings(environment)) as service:
        try:
            data = await service.export(bundle)
        except (
            AttestationInvalid,
            EvidenceMissing,
            EvidenceRestricted,
            LogUnsound,
            ManifestInvalid,
        ) as error:
            sys.stderr.write(f"sr evidence export: {error}\n")
            return 1
        has_archive = service.archive is not None
    write_new(path, data)
    sys.stdout.write(f"wrote {path}, {len(data)} bytes\n")
    if data.endswith(b'"proof":null}\n'):
        why = _NO_CHECKPOINT if has_archive else _NO_KEY
        sys.stdout.write(f"It has no proof that the bundle is in the log: {why}.\n")
    return 0


def _file_name(bundle: ContentHash) -> str:
    return f"evidence-{bundle.removeprefix('sha256:')[:12]}.intoto.jsonl"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sr evidence export", description="Settings come from the environment."
    )
    parser.add_argument("content_hash", help="the bundle: sha256: and 64 hex digits")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="the file to write (default: evidence-<hash>.intoto.jsonl)",
    )
    return parser
