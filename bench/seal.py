"""Sealing and opening restricted evidence, against what its ciphers cost alone.

The floor takes the same bytes in pieces of 64 KiB, hashes each with SHA-256 and encrypts
(or decrypts) it with AES-256-GCM under one key, and does nothing else: no containers, no
keys of their own, nothing kept back. Ours hashes the container as well, wraps and unwraps
a key, and derives, frames and checks what docs/explanation/restricted-evidence.md says.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.measure import Result, Timed, rates
from sr_core.codec.crypto import NONCE_BYTES
from sr_core.codec.sealed import BlobOpener, BlobSealer, Sealed
from sr_core.domain.context_compiler import Classification
from sr_core.domain.kek import (
    KEY_BYTES,
    Kek,
    KekRef,
    SecretKey,
    WrapCount,
    parse_kek_id,
)
from sr_core.domain.sealing import SealContext

PIECE: Final = 65_536
MIB: Final = 2**20
CONTEXT: Final = SealContext(
    evidence_id="bundle_01KEGTXJ4B8N2QW5RZ7YM3CDVF",
    blob_name="logs/run.txt",
    classification=Classification.RESTRICTED,
    schema_version=1,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    mib: int = 64
    pairs: int = 15


async def measure(sizes: Sizes) -> list[Result]:
    """Return which share of the floor's throughput sealing has, and opening, in MiB/s."""
    blob = secrets.token_bytes(sizes.mib * MIB)
    kek = Kek(
        ref=KekRef(id=parse_kek_id("bench-kek"), version=1),
        key=SecretKey(secrets.token_bytes(KEY_BYTES)),
    )
    container, done = _sealed(blob, kek)
    floor = Floor()
    pieces = floor.sealed(blob)
    assert b"".join(_opened(container, done, kek)) == blob, "what is measured works"
    assert b"".join(floor.opened(pieces)) == blob, "and so does the floor"
    return [
        await rates(
            name,
            ours=_timed(ours),
            floor=_timed(theirs),
            count=sizes.mib,
            pairs=sizes.pairs,
            wanted=">= 0.7",
        )
        for name, ours, theirs in (
            (
                "restricted_over_floor",
                lambda: _sealed(blob, kek),
                lambda: floor.sealed(blob),
            ),
            (
                "restricted_open_over_floor",
                lambda: _drained(_opened(container, done, kek)),
                lambda: _drained(floor.opened(pieces)),
            ),
        )
    ]


class Floor:
    """SHA-256 and AES-256-GCM, a piece at a time."""

    def __init__(self) -> None:
        self._cipher = AESGCM(secrets.token_bytes(KEY_BYTES))

    def sealed(self, blob: bytes) -> list[tuple[bytes, bytes]]:
        """Return nonce and ciphertext of each piece."""
        seen = hashlib.sha256()
        made = []
        for piece in _pieces(blob):
            nonce = secrets.token_bytes(NONCE_BYTES)
            sealed = self._cipher.encrypt(nonce, piece, None)
            seen.update(sealed)
            made.append((nonce, sealed))
        seen.digest()
        return made

    def opened(self, pieces: list[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """Yield the plaintext of each piece."""
        seen = hashlib.sha256()
        for nonce, sealed in pieces:
            seen.update(sealed)
            yield self._cipher.decrypt(nonce, sealed, None)
        seen.digest()


def _sealed(blob: bytes, kek: Kek) -> tuple[list[bytes], Sealed]:
    sealer = BlobSealer(CONTEXT, kek, WrapCount(kek=kek.ref))
    container = []
    for piece in _pieces(blob):
        container += sealer.update(piece)
    done = sealer.finish()
    return [*container, *done.rest], done


def _opened(container: list[bytes], done: Sealed, kek: Kek) -> Iterator[bytes]:
    opener = BlobOpener(done.record, kek, CONTEXT)
    for piece in container:
        yield from opener.update(piece)
    yield opener.finish()


def _pieces(blob: bytes) -> Iterator[bytes]:
    for start in range(0, len(blob), PIECE):
        yield blob[start : start + PIECE]


def _drained(pieces: Iterator[bytes]) -> int:
    return sum(len(each) for each in pieces)


def _timed(work: Callable[[], object]) -> Timed:
    async def run() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return run


if __name__ == "__main__":
    for found in asyncio.run(measure(Sizes())):
        sys.stdout.write(
            f"{found.name:28}{found.ratio:6.2f}  wanted {found.wanted}, ours "
            f"{found.ours:.0f} MiB {found.unit}, floor {found.floor:.0f}, "
            f"{min(found.runs):.2f}-{max(found.runs):.2f} in {len(found.runs)} pairs\n"
        )
