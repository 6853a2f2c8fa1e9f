"""Making, rotating, retiring and destroying KEKs, with an identity that may write them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from sr_core.adapters.infisical.kek_source import InfisicalKekSource, VersionsInUse
from sr_core.bootstrap.kek_settings import KekSettings
from sr_core.codec.crypto import fresh
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import (
    KEY_BYTES,
    Kek,
    KekId,
    KekRef,
    SecretKey,
    parse_kek,
    write_kek,
)
from sr_core.ports.kek_source import KekMissing


def fresh_text() -> str:
    """Return the text of a new key; whoever sees it has the key."""
    return write_kek(SecretKey(fresh(KEY_BYTES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class KekKeeping:
    """What is done to one KEK in Infisical. Every step can be given again."""

    source: InfisicalKekSource
    kek_id: KekId

    async def in_use(self) -> VersionsInUse:
        """Return which versions are in use.

        Raises:
            KekMissing: there is no such KEK yet.
            KekUnobtainable, KekUnavailable: the store does not tell.

        """
        return await self.source.in_use(self.kek_id)

    async def rotate(self) -> VersionsInUse:
        """Make the next version, then let new keys be wrapped under it.

        What is sealed stays as it is, and opens as before. A version that an earlier
        rotation made, and did not come to put in use, is put in use now.

        Raises:
            KekNotStored: the key or the list was not stored, for an approval say.
            KekTaken: somebody else rotates at the same time.
            KekUnobtainable, KekUnavailable, BadKeyMaterial: as `KekSource`.

        """
        try:
            before = await self.in_use()
        except KekMissing:
            after = VersionsInUse(oldest=1, current=1)
        else:
            after = replace(before, current=before.current + 1)
        await self._made(KekRef(id=self.kek_id, version=after.current))
        await self.source.use(self.kek_id, after)
        return after

    async def retire(self, *, below: int) -> VersionsInUse:
        """Let no version below `below` be used; the keys stay where they are.

        Raises:
            MalformedInput: the current version would be retired.
            KekTaken, KekNotStored, KekUnobtainable, KekUnavailable: as `rotate`.

        """
        after = replace(await self.in_use(), oldest=below)
        await self.source.use(self.kek_id, after)
        return after

    async def destroy(self, *, version: int) -> None:
        """Remove a retired version for good: what is wrapped under it opens no more.

        Raises:
            MalformedInput: it is in use.
            KekNotStored, KekUnobtainable, KekUnavailable: as `rotate`.

        """
        await self.source.destroy(KekRef(id=self.kek_id, version=version))

    async def _made(self, ref: KekRef) -> Kek:
        try:
            return await self.source.key(ref)
        except KekMissing:
            kek = parse_kek(fresh_text(), ref=ref)
            await self.source.put(kek)
            return kek


@asynccontextmanager
async def kek_keeping(
    settings: KekSettings, kek_id: KekId
) -> AsyncIterator[KekKeeping]:
    """Open what keeps this KEK.

    Raises:
        MalformedInput: the settings name no Infisical.

    """
    if settings.infisical is None:
        raise MalformedInput(
            field="INFISICAL_WORKSPACE_ID", found="", expected="the project of the KEKs"
        )
    source = InfisicalKekSource(settings.infisical, monotonic=time.monotonic)
    try:
        yield KekKeeping(source=source, kek_id=kek_id)
    finally:
        await source.aclose()
