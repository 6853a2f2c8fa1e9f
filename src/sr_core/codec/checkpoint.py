"""Checkpoints and their leaves, to and from the objects in which they are kept.

A checkpoint is a signed note as C2SP tlog-checkpoint has it: the log's name, the size
in decimal, the root in base64. The leaves are bytes one after the other:

    8         how many events came before them, big-endian
    32 each   the frontier before them: as many hashes as that number has bits set
    32 each   the leaves
"""

from __future__ import annotations

import base64
import re
from typing import Final

from sr_core.codec.note import SigningKey, VerifierKey, decoded, opened, signed
from sr_core.domain.checkpoint import LEAVES_MAX, Checkpoint, Leaves
from sr_core.domain.errors import MalformedInput
from sr_core.domain.merkle import HASH_BYTES, Frontier
from sr_core.ports.content_store import ObjectKey

CHECKPOINTS: Final = "checkpoint/"
LEAVES: Final = "leaves/"
_SIZE: Final = re.compile(r"[1-9][0-9]{0,18}")
_LINES: Final = 3
_COUNT_BYTES: Final = 8


def checkpoint_key(size: int) -> ObjectKey:
    """Return where the checkpoint of that size lies; the names sort by size."""
    return ObjectKey(f"{CHECKPOINTS}{size:020}")


def leaves_key(size: int) -> ObjectKey:
    """Return where the leaves lie that lead to that size."""
    return ObjectKey(f"{LEAVES}{size:020}")


def write_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """Return the signed note."""
    root = base64.b64encode(checkpoint.root).decode()
    return signed(f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n", key)


def read_checkpoint(data: bytes, key: VerifierKey, *, what: str) -> Checkpoint:
    """Return the checkpoint in the note `data`; `what` names it.

    Raises:
        MalformedInput: it is no checkpoint, or not one that `key` has signed.

    """
    lines = opened(data, key, what=what).removesuffix("\n").split("\n")
    if len(lines) != _LINES:
        raise MalformedInput(
            field=what, found=f"{len(lines)} lines", expected="origin, size and root"
        )
    origin, size, text = lines
    if not origin:
        raise MalformedInput(
            field=f"{what}, line 1", found=origin, expected="the log's name"
        )
    if not _SIZE.fullmatch(size):
        raise MalformedInput(
            field=f"{what}, line 2",
            found=size,
            expected="a number of events in decimal, without leading zeros",
        )
    root = decoded(text)
    if root is None or len(root) != HASH_BYTES:
        raise MalformedInput(
            field=f"{what}, line 3", found=text, expected="32 bytes in base64"
        )
    return Checkpoint(origin=origin, size=int(size), root=root)


def write_leaves(leaves: Leaves) -> bytes:
    """Return the bytes of the leaves' object."""
    count = leaves.before.size.to_bytes(_COUNT_BYTES, "big")
    return count + b"".join((*leaves.before.roots, *leaves.hashes))


def read_leaves(data: bytes, *, what: str) -> Leaves:
    """Return the leaves in `data`; that they are the right ones, a root has to show.

    Raises:
        MalformedInput: the bytes are not of the form.

    """
    count = int.from_bytes(data[:_COUNT_BYTES], "big")
    hashes, rest = divmod(len(data) - _COUNT_BYTES, HASH_BYTES)
    if rest or not 0 < hashes - count.bit_count() <= LEAVES_MAX:
        raise MalformedInput(
            field=what,
            found=f"{len(data)} bytes, which say that {count} events came before",
            expected=f"a frontier and 1 to {LEAVES_MAX} leaves, 32 bytes each",
        )
    each = tuple(
        data[start : start + HASH_BYTES]
        for start in range(_COUNT_BYTES, len(data), HASH_BYTES)
    )
    before = Frontier(count, each[: count.bit_count()])
    return Leaves(before=before, hashes=each[count.bit_count() :])
