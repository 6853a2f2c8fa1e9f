"""Bugs in what opens what is restricted: KEKs, their rotation, rewraps, erasures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.adapters.infisical import wire
from sr_core.adapters.infisical.kek_source import InfisicalKekSource
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.api.authority import Authority
from sr_core.application import restricted, rewrap, vault
from sr_core.application.evidence import manifest_key
from sr_core.application.kek_cache import KekCache
from sr_core.application.restricted import Restricted
from sr_core.domain import restricted as rules
from sr_core.domain.actors import Actor
from sr_core.domain.refs import ContentHash
from sr_core.ports.kek_source import KekMissing, KekNotStored

LONG_S: Final = 10.0


@mutant("kek.waits-long")
def kek_waits_long() -> tuple[Patch, ...]:
    """A key may take five times as long as the settings say."""
    real = inside(wire.Wire, "operation")

    def operation(self: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        if self._deadlines.total_s < LONG_S:
            self._deadlines = replace(self._deadlines, total_s=LONG_S, read_s=LONG_S)
        return real(self)

    return (Patch(owner=wire.Wire, name="operation", value=operation),)


@mutant("kek.cached-for-ever")
def kek_cached_for_ever() -> tuple[Patch, ...]:
    """A KEK that was asked for once is never asked for again."""

    def is_fresh(self: object, entry: object) -> bool:
        del self, entry
        return True

    return (Patch(owner=KekCache, name="_is_fresh", value=is_fresh),)


@mutant("kek.newest-only")
def kek_newest_only() -> tuple[Patch, ...]:
    """Whatever version of a KEK is asked for, the newest is given."""

    async def version(self: Any, ref: Any) -> object:  # noqa: ANN401 - passed on as it comes
        found: object = await self.current(ref.id)
        return found

    return (Patch(owner=InfisicalKekSource, name="version", value=version),)


@mutant("kek.never-in-use")
def kek_never_in_use() -> tuple[Patch, ...]:
    """Which versions of a KEK are in use is told once and never changed."""

    async def use(self: object, kek_id: Any, in_use: object) -> None:  # noqa: ANN401 - passed on as it comes
        del self
        raise KekNotStored(kek=kek_id, why=f"{in_use} is not wanted")

    return (Patch(owner=InfisicalKekSource, name="use", value=use),)


@mutant("rewrap.moves-nothing")
def rewrap_moves_nothing() -> tuple[Patch, ...]:
    """A rewrap says that it is done, and does nothing."""

    async def moved(self: object, place: str, current: object) -> rewrap.Rewrapped:
        del self, current
        return rewrap.Rewrapped(place=place)

    return (Patch(owner=rewrap.Rewrap, name="_moved", value=moved),)


@mutant("rewrap.fails")
def rewrap_fails() -> tuple[Patch, ...]:
    """A rewrap finds a KEK missing that is there."""

    async def moved(self: object, place: str, current: Any) -> rewrap.Rewrapped:  # noqa: ANN401 - passed on as it comes
        del self
        raise KekMissing(kek=f"{current.ref} for {place}")

    return (Patch(owner=rewrap.Rewrap, name="_moved", value=moved),)


@mutant("erasure.unrecorded")
def erasure_unrecorded() -> tuple[Patch, ...]:
    """An erasure is carried out, and no event says so."""

    def erase(known: object, command: object) -> tuple[()]:
        del known, command
        return ()

    return (Patch(owner=rules, name="erase", value=erase),)


@mutant("erasure.takes-the-manifest")
def erasure_takes_the_manifest() -> tuple[Patch, ...]:
    """An erasure takes the bundle's manifest away too."""
    real = inside(Restricted, "erase")

    async def erase(self: Any, bundle: ContentHash, *args: Any) -> object:  # noqa: ANN401 - passed on as it comes
        recorded: object = await real(self, bundle, *args)
        store = self.platform.evidence_bytes
        assert isinstance(store, S3ContentStore), "it is a deployment's"
        await store._answer(lambda: store._ask("DELETE", manifest_key(bundle)))  # noqa: SLF001 - a mutant
        return recorded

    return (Patch(owner=Restricted, name="erase", value=erase),)


@mutant("erasure.only-recorded")
def erasure_only_recorded() -> tuple[Patch, ...]:
    """An erasure is recorded, and every key stays."""

    def records_prefix(bundle: ContentHash, container: ContentHash) -> str:
        return f"no-such-keys/{bundle}/{container}/"

    return (Patch(owner=restricted, name="records_prefix", value=records_prefix),)


@mutant("erasure.takes-all")
def erasure_takes_all() -> tuple[Patch, ...]:
    """An erasure takes away the keys of every bundle there is."""

    def records_prefix(*_: object) -> str:
        return vault.KEYS

    return (Patch(owner=restricted, name="records_prefix", value=records_prefix),)


@mutant("erasure.forgotten")
def erasure_forgotten() -> tuple[Patch, ...]:
    """Nobody looks into the log whether a bundle was erased."""

    async def find_erasure(*_: object) -> None:
        return None

    return (
        Patch(owner=Restricted, name="erasure", value=find_erasure),
        Patch(owner=rewrap, name="find_erasure", value=find_erasure),
    )


@mutant("erasure.by-anyone")
def erasure_by_anyone() -> tuple[Patch, ...]:
    """Whoever asks has restricted evidence erased."""
    real = inside(Authority, "require")

    def authorise_erasure(by: object) -> None:
        del by

    def require(self: Authority, by: Actor, *, action: str) -> None:
        if rules.ERASER not in self.roles:
            real(self, by, action=action)

    return (
        Patch(owner=rules, name="authorise_erasure", value=authorise_erasure),
        Patch(owner=Authority, name="require", value=require),
    )
