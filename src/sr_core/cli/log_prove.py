"""`sr log prove`: the proof that the read model follows from the log alone.

Exit status: 0 proved, 1 refuted, 2 not judged: the log is empty, an event cannot be read
or projected, or a control was not found.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from sr_core.application.proof import Proof, Verdict
from sr_core.application.proof_document import PLACES, document
from sr_core.bootstrap.read_copies import prove
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli.log_rebuild import (
    LINES_MAX,
    OBJECTS_BETWEEN_COLLECTIONS,
    add_batch,
    difference_line,
)
from sr_core.domain.errors import MalformedInput

STATUS: Final[Mapping[Verdict, int]] = {
    Verdict.PROVED: 0,
    Verdict.REFUTED: 1,
    Verdict.INVALID: 2,
}


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="sr log prove",
        description="Prove that the read model follows from the log alone: the live rows "
        "are compared with two replays, one of them by another process. Exits 0 if "
        "proved, 1 if refuted, 2 if not judged.",
    )
    add_batch(parser)
    parser.add_argument("--json", metavar="FILE", help="write the proof as JSON")
    chosen = parser.parse_args(arguments)
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    proof = await prove(parse_settings(environment), environment, batch=chosen.batch)
    if chosen.json is not None:
        _write(chosen.json, proof)
    for line in _told(proof):
        sys.stdout.write(f"{line}\n")
    return STATUS[proof.verdict]


def _write(file: str, proof: Proof) -> None:
    """Write the proof.

    Raises:
        MalformedInput: the file cannot be written.

    """
    data = msgspec.json.format(msgspec.json.encode(document(proof)), indent=2)
    try:
        Path(file).write_bytes(data + b"\n")
    except OSError as error:
        raise MalformedInput(
            field="--json", found=file, expected=f"a file to write ({error.strerror})"
        ) from error


def _told(proof: Proof) -> Iterator[str]:
    yield f"A  the live rows              {proof.original.state_hash}"
    for letter, place, each in zip("BC", PLACES, proof.replays, strict=False):
        yield f"{letter}  replayed {place:<20} {each.digests.state_hash}"
    for place, each in zip(PLACES, proof.replays, strict=False):
        for difference in each.compared.differences[:LINES_MAX]:
            yield f"{place}: {difference_line(difference)}"
        if each.compared.rows:
            yield f"{place}: {each.compared.rows} rows differ"
    for control in proof.controls:
        told = "found" if control.is_found else "NOT FOUND"
        yield f"control, {control.name}: {control.done}: {told}"
    yield f"{proof.verdict}: {_because(proof)}"


def _because(proof: Proof) -> str:
    events = f"{proof.end} events"
    match proof.verdict:
        case Verdict.PROVED:
            return f"{events} give the live rows, wherever they are replayed"
        case Verdict.REFUTED:
            return f"{events} do not give the live rows"
        case Verdict.INVALID if not proof.end:
            return "the log holds no event"
        case Verdict.INVALID:
            return "a control was not found, so that nothing is shown"
