"""How KEKs lie in Infisical, and how they are read and written there.

    /solver-ralph/kek/                 one folder, a setting
      solver-ralph-kek                 versions:2-3    the oldest in use, and the current
      solver-ralph-kek@1               base64:...      retired
      solver-ralph-kek@2               base64:...
      solver-ralph-kek@3               base64:...

A version of a KEK is a secret of its own, written once: what Infisical calls versions of
a secret it prunes. So every key is asked for in Infisical's version 1, which is the only
one that it ever has; a key that somebody wrote over is not given out as if it were that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from sr_core.adapters.infisical.access import InfisicalAccess
from sr_core.adapters.infisical.retry import Chance, drawn
from sr_core.adapters.infisical.secrets import Place, SecretFolder
from sr_core.adapters.infisical.wire import Sleep
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import (
    KEK_VERSION_MAX,
    Kek,
    KekId,
    KekRef,
    parse_kek,
    write_kek,
)
from sr_core.ports.kek_source import KekInconsistent, KekMissing, KekRetired

WRITTEN_ONCE: Final = 1
"""What Infisical calls the version of a secret that was never changed."""

_VERSIONS: Final = re.compile(r"versions:([1-9]\d{0,9})-([1-9]\d{0,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionsInUse:
    """Which versions of a KEK may be used; new keys are wrapped under `current`."""

    oldest: int
    current: int

    def __post_init__(self) -> None:
        if not 1 <= self.oldest <= self.current <= KEK_VERSION_MAX:
            raise MalformedInput(
                field="versions of a KEK in use",
                found=f"{self.oldest}-{self.current}",
                expected=f"two numbers from 1 to {KEK_VERSION_MAX}, the lower first",
            )

    def __str__(self) -> str:
        return f"versions:{self.oldest}-{self.current}"


class InfisicalKekSource:
    """A `KekSource` over one folder; for one event loop, to be closed after use."""

    def __init__(
        self,
        access: InfisicalAccess,
        *,
        monotonic: Callable[[], float],
        sleep: Sleep = asyncio.sleep,
        chance: Chance = drawn,
    ) -> None:
        self._folder = SecretFolder(
            access, monotonic=monotonic, sleep=sleep, chance=chance
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._folder.aclose()

    async def current(self, kek_id: KekId) -> Kek:
        """See `KekSource.current`."""
        in_use = await self.in_use(kek_id)
        return await self.key(KekRef(id=kek_id, version=in_use.current))

    async def version(self, ref: KekRef) -> Kek:
        """See `KekSource.version`."""
        in_use = await self.in_use(ref.id)
        if ref.version < in_use.oldest:
            raise KekRetired(kek=str(ref), oldest=in_use.oldest)
        return await self.key(ref)

    async def key(self, ref: KekRef) -> Kek:
        """Return the key of this version, whether it is in use or not.

        Raises:
            KekMissing: it is not there.
            BadKeyMaterial: what is there is no key.
            KekDenied, KekInconsistent, KekUnavailable: as `KekSource`.

        """
        text = await self._folder.read(_place_of_key(ref), version=WRITTEN_ONCE)
        return parse_kek(text, ref=ref)

    async def in_use(self, kek_id: KekId) -> VersionsInUse:
        """Return which versions of the KEK are in use.

        Raises:
            KekMissing: there is no KEK of that id.
            KekDenied, KekInconsistent, KekUnavailable: as `KekSource`.

        """
        place = _place_of_versions(kek_id)
        return _parsed_versions(await self._folder.read(place, version=None), place)

    async def put(self, kek: Kek) -> None:
        """Store a key, once; the same key again is no change.

        Raises:
            KekTaken: that version is there, and is another key.
            KekNotStored: it is not there afterwards, for an approval say.
            KekDenied, KekInconsistent, KekUnavailable: as `KekSource`.

        """
        await self._folder.create(_place_of_key(kek.ref), write_kek(kek.key))

    async def use(self, kek_id: KekId, in_use: VersionsInUse) -> None:
        """Say which versions are in use; the keys have to be there before.

        Raises:
            KekMissing, BadKeyMaterial: the current one is not there, or is no key.
            KekTaken: somebody else said so too, and otherwise.
            KekNotStored, KekDenied, KekInconsistent, KekUnavailable: as `put`.

        """
        await self.key(KekRef(id=kek_id, version=in_use.current))
        place = _place_of_versions(kek_id)
        try:
            await self.in_use(kek_id)
        except KekMissing:
            await self._folder.create(place, str(in_use))
        else:
            await self._folder.change(place, str(in_use))

    async def destroy(self, ref: KekRef) -> None:
        """Remove a retired key for good: what is wrapped under it opens no more.

        Raises:
            MalformedInput: the version is still in use; it stays.
            KekMissing: it is not there.
            KekNotStored: it is still there, for an approval say.
            KekDenied, KekInconsistent, KekUnavailable: as `KekSource`.

        """
        in_use = await self.in_use(ref.id)
        if ref.version >= in_use.oldest:
            _refuse_in_use(ref, in_use)
        await self._folder.remove(_place_of_key(ref))

    async def powers(self, kek_id: KekId) -> tuple[str, ...]:
        """Return what this identity may do and need not (R-INF-8).

        Raises:
            KekDenied, KekUnavailable: as `KekSource`.

        """
        never = Place(name=f"{kek_id}@0", what=f"version 0 of {kek_id}")
        return await self._folder.powers(never)


def _place_of_key(ref: KekRef) -> Place:
    return Place(name=f"{ref.id}@{ref.version}", what=str(ref))


def _place_of_versions(kek_id: KekId) -> Place:
    return Place(name=kek_id, what=f"the list of versions of {kek_id}")


def _parsed_versions(text: str, place: Place) -> VersionsInUse:
    found = _VERSIONS.fullmatch(text)
    try:
        if found is not None:
            return VersionsInUse(oldest=int(found[1]), current=int(found[2]))
    except MalformedInput as error:
        raise _not_versions(place) from error
    raise _not_versions(place)


def _not_versions(place: Place) -> KekInconsistent:
    return KekInconsistent(
        kek=place.what, why="its text is not such as versions:1-3, the lower first"
    )


def _refuse_in_use(ref: KekRef, in_use: VersionsInUse) -> NoReturn:
    raise MalformedInput(
        field="version to destroy",
        found=ref.version,
        expected=f"one below {in_use.oldest}, the oldest in use; retire it first",
    )
