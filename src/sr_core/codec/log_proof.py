"""Inclusion proofs as files, in the form of C2SP tlog-proof.

    c2sp.org/tlog-proof@v1
    index 6
    <base64 of a hash of the inclusion path, from the leaf's sibling up>
    …

    <the checkpoint, verbatim>

`index` counts from 0, so it is one less than the event's position. The optional line
for extra data is not written, and is refused: nothing would sign it.
"""

from __future__ import annotations

import re
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """That a leaf is the one at `index` in the tree of the checkpoint in `note`."""

    index: int
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
    if len(text) > PROOF_CHARS_MAX:
        raise MalformedInput(
            field=what,
            found=f"{len(text)} characters",
            expected=f"{PROOF_CHARS_MAX} characters at most",
        )
    head, blank, note = text.partition("\n\n")
    header, _, rest = head.partition("\n")
    index, *path = rest.split("\n")
    if not blank or header != HEADER:
        raise MalformedInput(
            field=f"{what}, line 1",
            found=header,
            expected=f"{HEADER}, and a blank line",
        )
    if not (number := _INDEX.fullmatch(index)):
        raise MalformedInput(
            field=f"{what}, line 2", found=index, expected="index and a number"
        )
    if len(path) > PATH_MAX:
        raise MalformedInput(
            field=what, found=f"{len(path)} hashes", expected=f"{PATH_MAX} at most"
        )
    return LogProof(
        index=int(number[1]),
        path=tuple(
            _hash(each, what=f"{what}, line {line}")
            for line, each in enumerate(path, start=3)
        ),
        note=note.encode(),
    )


def _hash(text: str, *, what: str) -> bytes:
    data = decoded(text)
    if data is None or len(data) != HASH_BYTES:
        raise MalformedInput(field=what, found=text, expected="32 bytes in base64")
    return data
