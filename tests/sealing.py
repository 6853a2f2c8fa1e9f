"""What the tests of restricted evidence seal, and with what."""

from __future__ import annotations

from typing import Any, Final

from sr_core.codec.sealed import Sealed, sealed
from sr_core.domain.context_compiler import Classification
from sr_core.domain.kek import Kek, KekRef, WrapCount, parse_kek, parse_kek_id
from sr_core.domain.sealing import SealContext

KEK_TEXT: Final = "base64:E7ptRi4z4wVwQVHEgFNa8ZxAn9rA3hyGKYWBGtC5UtM="
OTHER_TEXT: Final = "base64:wkXvJ2b1Yl5Zr8mCqO3uH0sTfAe9PdGi4hNLxKjIn6E="
PLAIN_BYTES: Final = 65_504
"""How much an inner segment holds."""
SIZES: Final = (0, 1, 65_503, 65_504, 65_505, 131_007, 131_008, 131_009)
"""Around the bounds of segments (R-ENC-1)."""


def a_kek(text: str = KEK_TEXT, *, version: int = 1, name: str = "a-kek") -> Kek:
    return parse_kek(text, ref=KekRef(id=parse_kek_id(name), version=version))


def a_context(**changed: object) -> SealContext:
    told: dict[str, object] = {
        "evidence_id": "bundle_01KEGTXJ4B8N2QW5RZ7YM3CDVF",
        "blob_name": "logs/größe.txt",
        "classification": Classification.RESTRICTED,
        "schema_version": 1,
        **changed,
    }
    return SealContext(**told)  # type: ignore[arg-type]


def a_blob(size: int) -> bytes:
    return bytes(position * 7919 % 251 for position in range(size))


def seal(
    blob: bytes, *, kek: Kek | None = None, **context: Any
) -> tuple[bytes, Sealed]:
    kek = kek or a_kek()
    return sealed(blob, a_context(**context), kek, WrapCount(kek=kek.ref))
