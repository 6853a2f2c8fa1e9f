"""The hash chain over the log: each link vouches for everything before it (C-EVT-2)."""

from __future__ import annotations

import hashlib
from typing import Final

from sr_core.domain.refs import ContentHash

CHAIN_START: Final = bytes(32)
"""The chain hash before the first event."""


def link(previous: bytes, position: int, envelope_hash: ContentHash) -> bytes:
    """Return the chain hash of the event at `position`, which follows on `previous`."""
    digest = bytes.fromhex(envelope_hash.removeprefix("sha256:"))
    return hashlib.sha256(previous + position.to_bytes(8, "big") + digest).digest()
