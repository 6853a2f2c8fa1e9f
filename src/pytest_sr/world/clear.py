"""What is secret in a scenario, and whether bytes have it in the clear.

Every secret blob of a scenario is this one, so that whoever reads a store or a log knows
what must not be there. It is looked for in the forms in which it would be copied: as it
is, in hex, and in base64 at each of the three places that it can begin at.
"""

from __future__ import annotations

import base64
from typing import Final

SECRET: Final = b"what only few may read, and nobody else"


def _base64_at(offset: int) -> bytes:
    """Return the base64 of the secret after `offset` bytes, without its uncertain ends."""
    text = base64.b64encode(b"\0" * offset + SECRET)
    return text[4 if offset else 0 : -4]


_FORMS: Final = (
    SECRET,
    SECRET.hex().encode(),
    *(_base64_at(offset) for offset in range(3)),
)


def is_in_clear(data: bytes) -> bool:
    """Tell whether `data` has the secret in the clear."""
    return any(each in data for each in _FORMS)
