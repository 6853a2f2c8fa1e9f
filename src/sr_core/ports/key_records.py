"""Key records beside their containers: added, found, and taken away for good.

One container has one record for each KEK version that its key is wrapped under: one, but
for the moment between a rewrap's two steps. Each is written once; a rewrap adds another
before it takes the old one away, so that a container always has one that opens it.

* PortError
  - Unremovable              the store keeps a version of what was to be gone for good
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sr_core.ports.content_store import ObjectKey
from sr_core.ports.errors import PortError


class Unremovable(PortError):  # noqa: N818 - named for what it says, like Refused
    """The store still holds a version of the object, so that it is not gone for good."""

    code = "UNREMOVABLE"

    def __init__(self, *, key: ObjectKey) -> None:
        super().__init__(
            f"{key} is still in the store in some version",
            remedy="Let this identity remove versions in the bucket of restricted"
            " evidence, see that no lock keeps them, and give the command again",
        )
        self.key = key


class KeyRecords(Protocol):
    """One place where key records are kept."""

    async def add(self, key: ObjectKey, data: bytes) -> None:
        """Write the record where nothing is yet, and read it back.

        Raises:
            ContentConflict: the key holds another record, which stays.
            Unretrievable: what was written does not read back.
            Unavailable: no answer in time; it may or may not be written.

        """
        ...

    async def found(self, prefix: str) -> Sequence[ObjectKey]:
        """Return where records lie whose keys begin with `prefix`, in their order.

        Raises:
            Unavailable: no answer in time, which says nothing about the records.

        """
        ...

    async def read(self, key: ObjectKey) -> bytes:
        """Return the record's bytes, of which nothing has been shown yet.

        Raises:
            Unretrievable: it is missing or denied.
            Unavailable: no answer in time.

        """
        ...

    async def remove(self, key: ObjectKey) -> None:
        """Take the record away with every version of it; one that is gone stays gone.

        Raises:
            Unremovable: some version is still there.
            Unavailable: no answer in time; it may or may not be gone.

        """
        ...
