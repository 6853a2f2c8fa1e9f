"""KEKs in a dict, for tests; who holds the process holds the keys."""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.domain.kek import Kek, KekId, KekRef
from sr_core.ports.kek_source import KekMissing, KekRetired


class MemoryKekSource:
    """A `KekSource` that forgets everything with the process."""

    def __init__(self, keks: Iterable[Kek] = ()) -> None:
        self._keks = {each.ref: each for each in keks}
        self._oldest: dict[KekId, int] = {}

    def put(self, kek: Kek) -> None:
        """Keep one more version; the highest of an id is its current one."""
        self._keks[kek.ref] = kek

    def retire_below(self, ref: KekRef) -> None:
        """Let this version be the oldest of its KEK that is in use."""
        self._oldest[ref.id] = ref.version

    async def current(self, kek_id: KekId) -> Kek:
        """See `KekSource.current`."""
        versions = [each.version for each in self._keks if each.id == kek_id]
        if not versions:
            raise KekMissing(kek=kek_id)
        return self._keks[KekRef(id=kek_id, version=max(versions))]

    async def version(self, ref: KekRef) -> Kek:
        """See `KekSource.version`."""
        oldest = self._oldest.get(ref.id, 1)
        if ref.version < oldest:
            raise KekRetired(kek=str(ref), oldest=oldest)
        if ref not in self._keks:
            raise KekMissing(kek=str(ref))
        return self._keks[ref]
