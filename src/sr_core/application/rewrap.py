"""Move all key records to the current version of the KEK, and no byte of a blob (R-ENC-8).

    the record with the highest version
      | opened under the KEK that it names
      v
    another one, under the current version: added, read back, opened
      |
      v  is the bundle erased by now? then all of them go
    all others taken away

There is a record that opens the container at every moment. Whoever was killed in between
left one too many at most, and the next rewrap takes that away. Two at once do no harm:
the second finds the record of the first, and holds it to the same.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from sr_core.application.restricted import find_erasure
from sr_core.application.vault import KEYS, LOOKS, Vault
from sr_core.codec.key_record import (
    KeyRecord,
    parse_key_record,
    rewrapped_key,
    unwrapped_key,
)
from sr_core.domain.evidence import PartState
from sr_core.domain.kek import Kek, KekRef, SecretKey
from sr_core.domain.refs import ContentHash
from sr_core.domain.sealing_errors import (
    BadKeyMaterial,
    KeyRecordMissing,
    SealMalformed,
    SealTampered,
    SealUnsound,
)
from sr_core.ports.content_store import ContentConflict, ObjectKey, Unretrievable
from sr_core.ports.event_store import EventStore
from sr_core.ports.kek_source import KekUnobtainable

_PLACE: Final = re.compile(r"keys/([0-9a-f]{64})/([0-9a-f]{64})/")
_ITS_OWN: Final = (SealUnsound, BadKeyMaterial, KekUnobtainable, Unretrievable)
"""What is wrong with one record, and no reason to leave the others as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrapped:
    """What was done about the records of one container; `failure` is a code and why."""

    place: str
    """Where they lie."""
    is_moved: bool = False
    is_erased: bool = False
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrap:
    """One rewrap over all records of a vault; the log says what has been erased."""

    vault: Vault
    log: EventStore
    _keks: dict[KekRef, Kek] = field(default_factory=dict)

    async def all(self) -> AsyncIterator[Rewrapped]:
        """Yield what was done about each container, one after the other.

        Raises:
            KekUnobtainable, BadKeyMaterial: there is no current version to move to.
            WrapLimitReached: the current version has wrapped as many as it may.
            Unavailable: no answer in time; give the command again.

        """
        current = await self.vault.keks.current(self.vault.kek_id)
        found = await self.vault.records.found(KEYS)
        for place, _ in groupby(found, key=_place_of):
            try:
                yield await self._in_peace(place, current)
            except _ITS_OWN as failure:
                yield Rewrapped(place=place, failure=f"{failure.code}: {failure.found}")

    async def _in_peace(self, place: str, current: Kek) -> Rewrapped:
        """Move the record, anew if somebody takes away the one that is being read."""
        for _ in range(LOOKS - 1):
            try:
                return await self._moved(place, current)
            except Unretrievable as gone:
                if gone.state is not PartState.MISSING:
                    raise
        return await self._moved(place, current)

    async def _moved(self, place: str, current: Kek) -> Rewrapped:
        bundle, container = _named(place)
        target = ObjectKey(f"{place}{current.ref.version:010d}.{current.ref.id}")
        keys = await self.vault.records.found(place)
        is_moved = False
        if not await self._is_erased(bundle):
            is_moved = target not in keys
            if is_moved:
                await self._add(target, keys, container, current)
            else:
                self._data_key(await self._record(target, container), current)
        is_erased = await self._is_erased(bundle)
        gone = {*keys, target} if is_erased else {*keys} - {target}
        for each in sorted(gone):
            await self.vault.records.remove(each)
        return Rewrapped(
            place=place, is_moved=is_moved and not is_erased, is_erased=is_erased
        )

    async def _is_erased(self, bundle: ContentHash) -> bool:
        return await find_erasure(self.log, bundle) is not None

    async def _add(
        self,
        target: ObjectKey,
        keys: Sequence[ObjectKey],
        container: ContentHash,
        to: Kek,
    ) -> None:
        """Add the record under the current version, and see that it has the same key."""
        if not keys:
            raise KeyRecordMissing(blob_name=container)
        record = await self._record(keys[-1], container)
        old = await self._kek(record.kek)
        count = await self.vault.wraps.take(to.ref)
        made, _ = rewrapped_key(
            record, old=old, new=to, context=record.context, count=count
        )
        with suppress(
            ContentConflict
        ):  # of another rewrap's, which is held to the same
            await self.vault.records.add(target, made.data)
        now = await self._record(target, container)
        is_same = self._data_key(now, to) == self._data_key(record, old)
        if now.context != record.context or not is_same:
            raise SealTampered(part="key record", why=f"{target} has another key")

    async def _record(self, key: ObjectKey, container: ContentHash) -> KeyRecord:
        record = parse_key_record(await self.vault.records.read(key))
        if record.sealed.content_hash != container:
            raise SealTampered(
                part="key record",
                why=f"names {record.sealed.content_hash}, and lies with {container}",
            )
        return record

    async def _kek(self, ref: KekRef) -> Kek:
        if ref not in self._keks:
            self._keks[ref] = await self.vault.keks.version(ref)
        return self._keks[ref]

    def _data_key(self, record: KeyRecord, kek: Kek) -> SecretKey:
        """Return the record's key, or raise `SealUnsound`; it stays in this module."""
        return unwrapped_key(record, kek, record.context)


def _place_of(key: ObjectKey) -> str:
    return key[: key.rindex("/") + 1]


def _named(place: str) -> tuple[ContentHash, ContentHash]:
    """Return the bundle and the container that the place of a record is named for."""
    named = _PLACE.fullmatch(place)
    if named is None:
        raise SealMalformed(part="key record", why=f"lies in {place}, as none does")
    return ContentHash(f"sha256:{named[1]}"), ContentHash(f"sha256:{named[2]}")
