"""Where checkpoints of the log are kept: outside the database, and not to be changed.

* PortError
  - LogUnsound               what would be signed does not hold together
    . LogRegressed           it is not the log that was signed last, or less of it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from sr_core.ports.content_store import ObjectKey
from sr_core.ports.errors import PortError


class LogUnsound(PortError):  # noqa: N818 - named for what it says, like Refused
    """What would be signed does not hold together; nothing was signed (R-EVT-9)."""

    code = "LOG_UNSOUND"
    says: ClassVar[str] = "The log is not signed as it is"
    cure: ClassVar[str] = "Run `sr log verify` to see all that does not hold"

    def __init__(self, *, why: str) -> None:
        super().__init__(f"{self.says}: {why}", remedy=self.cure)


class LogRegressed(LogUnsound):
    """The log is not the one that was signed last, or less of it (R-EVT-19)."""

    code = "LOG_REGRESSED"
    says = "The log is not the one that was signed"
    cure = (
        "Restore a copy that holds it; or, if the log is to go on without, give it another"
        " name in SR_LOG_ORIGIN, and another bucket for its checkpoints"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An object that was put there; `version` is what the store calls the first one.

    `changed` says what came over it since, and is None if nothing did: other bytes, or
    a mark that it is removed. What was put first stays and is what is read.
    """

    key: ObjectKey
    version: str | None
    changed: str | None


class CheckpointStore(Protocol):
    """One place where objects are written once, and what was written first stays."""

    async def put(self, key: ObjectKey, data: bytes) -> None:
        """Write `data` where nothing is, and read it back; see `ContentStore.put`.

        Raises:
            ContentConflict: the key holds other bytes, which stay.
            Unretrievable: what was written does not read back as `data`.
            Unavailable: no answer in time; the object may or may not be written.

        """
        ...

    async def kept(self, prefix: str) -> Sequence[Kept]:
        """Return all that was ever put below `prefix` and is still there, by name.

        Raises:
            Unavailable: no answer in time, or there is no such place.

        """
        ...

    async def first(self, kept: Kept) -> bytes:
        """Return the bytes that were put first.

        Raises:
            Unretrievable: they are missing, or denied.
            Unavailable: no answer in time.

        """
        ...
