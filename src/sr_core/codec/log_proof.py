"""Proofs about the log as files: of inclusion, in the form of C2SP tlog-proof.

    c2sp.org/tlog-proof@v1
    index 6
    <base64 of a hash of the inclusion path, from the leaf's sibling up>
    …

    <the checkpoint, verbatim>

`index` counts from 0, so it is one less than the event's position. The optional line
for extra data is not written, and is refused: nothing would sign it.

A proof of consistency has the form in which C2SP tlog-witness asks for one:

    old 200
    <base64 of a hash of the consistency path>
    …

    <the newer checkpoint, verbatim>

`old` is the size of the older checkpoint, which whoever checks it has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sr_core.codec.note import NOTE_BYTES_MAX, decoded, encoded
from sr_core.domain.errors import MalformedInput
from sr_core.domain.merkle import HASH_BYTES

HEADER: Final = "c2sp.org/tlog-proof@v1"
PATH_MAX: Final = 63
"""How long a path is at most, in a log whose positions are below 2^63."""
PROOF_CHARS_MAX: Final = NOTE_BYTES_MAX + 64 * (PATH_MAX + 2)
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")
_OLD: Final = re.compile(r"old ([1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """That a leaf is the one at `index` in the tree of the checkpoint in `note`."""

    index: int
    path: tuple[bytes, ...]
    note: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """That the tree of the first `old` events is the beginning of that in `note`."""

    old: int
    path: tuple[bytes, ...]
    note: bytes


def write_proof(proof: LogProof) -> str:
    """Return the proof as text."""
    lines = (HEADER, f"index {proof.index}", *map(encoded, proof.path), "")
    return "".join(f"{each}\n" for each in lines) + proof.note.decode()


def read_proof(text: str, *, what: str) -> LogProof:
    """Return the proof that `text` holds; whether it proves anything is not looked at.

    Raises:
        MalformedInput: it is none; `what` names it, and the message the line.

    """
    head, note = _halves(text, what=what)
    header, _, rest = head.partition("\n")
    if header != HEADER:
        raise MalformedInput(
            field=f"{what}, line 1", found=header, expected=f"{HEADER}"
        )
    index, *path = rest.split("\n")
    if not (number := _INDEX.fullmatch(index)):
        raise MalformedInput(
            field=f"{what}, line 2", found=index, expected="index and a number"
        )
    return LogProof(
        index=int(number[1]), path=_path(path, what=what, first=3), note=note
    )


def write_consistency(proof: ConsistencyProof) -> str:
    """Return the proof as text."""
    lines = (f"old {proof.old}", *map(encoded, proof.path), "")
    return "".join(f"{each}\n" for each in lines) + proof.note.decode()


def read_consistency(text: str, *, what: str) -> ConsistencyProof:
    """Return the proof that `text` holds; whether it proves anything is not looked at.

    Raises:
        MalformedInput: it is none; `what` names it, and the message the line.

    """
    head, note = _halves(text, what=what)
    size, *path = head.split("\n")
    if not (number := _OLD.fullmatch(size)):
        raise MalformedInput(
            field=f"{what}, line 1", found=size, expected="old and a number of events"
        )
    return ConsistencyProof(
        old=int(number[1]), path=_path(path, what=what, first=2), note=note
    )


def _halves(text: str, *, what: str) -> tuple[str, bytes]:
    """Return what comes before the first blank line, and the checkpoint after it."""
    if len(text) > PROOF_CHARS_MAX:
        raise MalformedInput(
            field=what,
            found=f"{len(text)} characters",
            expected=f"{PROOF_CHARS_MAX} characters at most",
        )
    head, blank, note = text.partition("\n\n")
    if not blank:
        raise MalformedInput(
            field=f"{what}, line 1",
            found=head,
            expected="a proof, a blank line, and a checkpoint after it",
        )
    return head, note.encode()


def _path(lines: Sequence[str], *, what: str, first: int) -> tuple[bytes, ...]:
    if len(lines) > PATH_MAX:
        raise MalformedInput(
            field=what, found=f"{len(lines)} hashes", expected=f"{PATH_MAX} at most"
        )
    return tuple(
        _hash(each, what=f"{what}, line {number}")
        for number, each in enumerate(lines, start=first)
    )


def _hash(text: str, *, what: str) -> bytes:
    data = decoded(text)
    if data is None or len(data) != HASH_BYTES:
        raise MalformedInput(field=what, found=text, expected="32 bytes in base64")
    return data
