"""R-ENC-8, R-ENC-11, R-ENC-14: rotation moves records, and nothing else, at any moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sr_core.adapters.memory.content_store import MemoryContentStore
from sr_core.adapters.memory.key_records import MemoryKeyRecords
from sr_core.adapters.memory.wrap_counts import MemoryWrapCounts
from sr_core.application import rewrap
from sr_core.application import vault as vault_module
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.restricted import Restricted
from sr_core.application.rewrap import Rewrap, Rewrapped
from sr_core.application.runs import Runs
from sr_core.application.vault import Vault, open_blob
from sr_core.codec.canonical import plain
from sr_core.codec.key_record import parse_key_record, wrapped_key
from sr_core.domain.evidence import EvidenceManifest, Secrecy
from sr_core.domain.kek import SecretKey, WrapCount
from sr_core.domain.refs import ContentHash
from sr_core.domain.sealing_errors import KeyRecordMissing, WrapLimitReached
from sr_core.ports.content_store import Data, ObjectKey
from sr_core.testing import CORE, HUMAN, SYSTEM, Stage, build_kek, build_manifest

BY_RUNNER = Asked(by=SYSTEM, correlation_id="corr-runner")
BY_HUMAN = Asked(by=HUMAN, correlation_id="corr-human")

pytestmark = pytest.mark.anyio


class Killed(BaseException):
    """The process is gone; nothing of it goes on."""


class WatchedRecords(MemoryKeyRecords):
    """Key records, with a look at all blobs before and after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.dies_at: int | None = None
        self.look: Callable[[], Awaitable[None]] | None = None

    async def _step(self) -> None:
        if self.look is not None:
            look, self.look = self.look, None  # it reads here itself
            await look()
            self.look = look
            self.steps += 1
            if self.steps == self.dies_at:
                raise Killed

    async def add(self, key: ObjectKey, data: bytes) -> None:
        await self._step()
        await super().add(key, data)
        await self._step()

    async def found(self, prefix: str) -> Sequence[ObjectKey]:
        await self._step()
        return await super().found(prefix)

    async def read(self, key: ObjectKey) -> bytes:
        await self._step()
        return await super().read(key)

    async def remove(self, key: ObjectKey) -> None:
        await self._step()
        await super().remove(key)
        await self._step()


class SealedOff(MemoryContentStore):
    """Containers that nobody may write any more."""

    is_closed = False

    async def put(self, key: ObjectKey, data: Data) -> None:
        assert not self.is_closed, "a rewrap writes no byte of a container"
        await super().put(key, data)


@dataclass
class Kept:
    """A platform with some bundles that have secrets in them."""

    platform: Platform
    stage: Stage
    records: WatchedRecords
    bundles: dict[ContentHash, EvidenceManifest]

    @property
    def vault(self) -> Vault:
        return self.platform.vault

    async def rewrap(self) -> list[Rewrapped]:
        moving = Rewrap(vault=self.vault, log=self.stage.log)
        return [each async for each in moving.all()]

    async def everything_opens(self) -> None:
        for name in self.bundles:
            await self.opens(name)

    async def opens(self, name: ContentHash) -> None:
        manifest = self.bundles[name]
        for each in manifest.artifacts:
            if each.is_sealed:
                data = await open_blob(self.vault, name, manifest, each)
                assert data == each.name.encode()

    def versions(self) -> list[int]:
        held = self.records._records  # noqa: SLF001 - all that is there
        return [parse_key_record(each).kek.version for each in held.values()]


async def build_kept(journey: Any) -> Kept:
    """Two bundles, three secrets, all under version 1; version 2 is current by then."""
    await journey.open()
    stage: Stage = journey.stage
    records, containers = WatchedRecords(), SealedOff()
    vault = replace(stage.platform.vault, containers=containers, records=records)
    platform = replace(stage.platform, vault=vault)
    bundles: dict[ContentHash, EvidenceManifest] = {}
    for secrets in (1, 2):
        made = await a_manifest(journey, secrets)
        blobs = {each.name: each.name.encode() for each in made.artifacts}
        taken = await Runs(platform=platform).hand_in(plain(made), blobs, BY_RUNNER)
        bundles[taken.content_hash] = taken.manifest
    containers.is_closed = True
    stage.keks.put(build_kek(2))
    return Kept(platform, stage, records, bundles)


async def a_manifest(journey: Any, secrets: int) -> EvidenceManifest:
    """What a runner hands in whose first artifacts are secret."""
    platform = journey.stage.platform
    run_id = await journey.runs.start(journey.candidate_id, CORE, BY_RUNNER)
    case = await platform.candidate_case(journey.candidate_id)
    known = (await platform.recorder.state(case)).run(run_id)
    suite = await platform.suite(CORE)
    made = build_manifest(known, suite.definition, {}, by=SYSTEM)
    artifacts = tuple(
        replace(each, classification=Secrecy.RESTRICTED if n < secrets else None)
        for n, each in enumerate(made.artifacts)
    )
    return replace(made, artifacts=artifacts)


@pytest.fixture
async def kept(journey) -> Kept:
    return await build_kept(journey)


class TestAll:
    async def test_each_record_names_the_current_version_and_all_opens(self, kept):
        done = await kept.rewrap()

        assert [(each.is_moved, each.failure) for each in done] == [(True, None)] * 3
        assert kept.versions() == [2, 2, 2]
        await kept.everything_opens()

    async def test_again_it_moves_nothing(self, kept):
        await kept.rewrap()
        before = dict(kept.records._records)  # noqa: SLF001 - all that is there

        done = await kept.rewrap()

        assert [each.is_moved for each in done] == [False] * 3
        assert kept.records._records == before  # noqa: SLF001 - as above

    async def test_without_it_the_old_version_is_still_needed(self, kept):
        kept.stage.keks.retire_below(build_kek(2).ref)

        done = await kept.rewrap()

        assert [each.failure.partition(":")[0] for each in done] == ["KEK_RETIRED"] * 3
        assert kept.versions() == [1, 1, 1]

    async def test_after_it_the_old_version_may_go(self, kept):
        await kept.rewrap()
        kept.stage.keks.retire_below(build_kek(2).ref)

        await kept.everything_opens()

    async def test_one_that_is_broken_stays_and_the_others_go_on(self, kept):
        held = kept.records._records  # noqa: SLF001 - behind the back of who wrote it
        first = min(held)
        held[first] = held[first][:-1] + bytes((held[first][-1] ^ 1,))
        broken = held[first]

        done = await kept.rewrap()

        failures = [each.failure for each in done if each.failure]
        assert [each.partition(":")[0] for each in failures] == ["SEAL_TAMPERED"]
        assert held[first] == broken
        assert sorted(kept.versions()) == [1, 2, 2]

    async def test_one_that_lies_with_another_container_stays(self, kept):
        held = kept.records._records  # noqa: SLF001 - behind the back of who wrote it
        first, second, *_ = sorted(held)
        held[first] = held[second]

        done = await kept.rewrap()

        assert [bool(each.failure) for each in done] == [True, False, False]

    async def test_each_wrap_is_counted(self, kept):
        bounded = replace(kept.vault, wraps=MemoryWrapCounts(wraps_max=2))

        with pytest.raises(WrapLimitReached, match="Rotate"):
            [each async for each in Rewrap(vault=bounded, log=kept.stage.log).all()]

        assert sorted(kept.versions()) == [1, 2, 2]
        await kept.everything_opens()

    async def test_of_two_at_once_both_come_to_an_end(self, kept):
        other = Rewrap(vault=kept.vault, log=kept.stage.log).all()
        first = await anext(other)

        done = await kept.rewrap()
        rest = [each async for each in other]

        assert first.failure is None
        assert {each.failure for each in (*done, *rest)} == {None}
        assert kept.versions() == [2, 2, 2]


class OvertakenRecords(WatchedRecords):
    """Key records of which one is moved between two looks of a reader, once."""

    move: Callable[[], Awaitable[object]] | None = None

    async def found(self, prefix: str) -> Sequence[ObjectKey]:
        seen = await super().found(prefix)
        if self.move is not None:
            move, self.move = self.move, None
            await move()
        return seen


class ForestalledRecords(WatchedRecords):
    """Key records where somebody with the KEK adds another key first."""

    async def add(self, key: ObjectKey, data: bytes) -> None:
        record = parse_key_record(data)
        kek = build_kek(record.kek.version)
        other, _ = wrapped_key(
            SecretKey(bytes(range(32))),
            context=record.context,
            sealed=record.sealed,
            kek=kek,
            count=WrapCount(kek=kek.ref),
        )
        self._records[key] = other.data
        await super().add(key, data)


class TestAnotherKeyInItsPlace:
    async def test_the_old_record_stays(self, kept):
        records = ForestalledRecords()
        records._records = kept.records._records  # noqa: SLF001 - the same ones
        vault = replace(kept.vault, records=records)
        moving = Rewrap(vault=vault, log=kept.stage.log)

        done = [each async for each in moving.all()]

        assert {str(each.failure).partition(":")[0] for each in done} == {
            "SEAL_TAMPERED"
        }
        assert sorted(kept.versions()) == [1, 1, 1, 2, 2, 2]


class TestAReaderMeanwhile:
    """R-ENC-8: who found the record that a rewrap then took away, looks again."""

    @pytest.fixture
    def overtaken(self, kept) -> Kept:
        records = OvertakenRecords()
        records._records = kept.records._records  # noqa: SLF001 - the same ones
        vault = replace(kept.vault, records=records)
        made: Kept = replace(kept, platform=replace(kept.platform, vault=vault))
        records.move = kept.rewrap
        return made

    async def test_opens_it_all_the_same(self, overtaken):
        await overtaken.everything_opens()

        assert overtaken.versions() == [2, 2, 2]

    async def test_control_with_one_look_it_does_not(self, overtaken, monkeypatch):
        monkeypatch.setattr(vault_module, "LOOKS", 1)

        with pytest.raises(KeyRecordMissing):
            await overtaken.everything_opens()


class TestKilled:
    """At each step the process may be gone; every blob opens before it and after it."""

    async def test_at_any_point_it_goes_on(self, kept):
        before = dict(kept.records._records)  # noqa: SLF001 - all that is there
        kept.records.look = kept.everything_opens
        await kept.rewrap()
        steps = kept.records.steps

        for at in range(1, steps + 1):
            kept.records._records = dict(before)  # noqa: SLF001 - as it was
            kept.records.steps, kept.records.dies_at = 0, at
            kept.records.look = kept.everything_opens
            with pytest.raises(Killed):
                await kept.rewrap()
            kept.records.dies_at = None
            kept.records.look = kept.everything_opens
            assert {each.failure for each in await kept.rewrap()} == {None}
            assert kept.versions() == [2, 2, 2]
        assert steps > 20

    async def test_control_a_rewrap_that_removes_first_is_found_out(
        self, kept, monkeypatch
    ):
        real = Rewrap._add  # noqa: SLF001 - to be spoilt

        async def removes_first(self, target, keys, container, to):
            record = await self.vault.records.read(keys[-1])
            await self.vault.records.remove(keys[-1])
            await self.vault.records.add(keys[-1], record)
            await real(self, target, keys, container, to)

        monkeypatch.setattr(rewrap.Rewrap, "_add", removes_first)
        kept.records.look = kept.everything_opens

        with pytest.raises(KeyRecordMissing):
            await collected(kept)


async def collected(kept: Kept) -> None:
    """Rewrap with a look that is no failure of a record."""
    look = kept.records.look
    assert look is not None
    found: list[KeyRecordMissing] = []

    async def noting() -> None:
        try:
            await look()
        except KeyRecordMissing as error:
            found.append(error)

    kept.records.look = noting
    await kept.rewrap()
    if found:
        raise found[0]


class TestErasedMeanwhile:
    """R-ENC-14: an erasure that a rewrap meets is not undone by it, at whatever step."""

    async def test_no_key_is_left(self, journey):
        steps = await erased_at(journey, None)

        left = [await erased_at(type(journey)(), at) for at in range(1, steps + 1)]

        assert left == [0] * steps

    async def test_control_without_a_look_at_the_log_one_is(self, journey, monkeypatch):
        async def never(*_: object) -> bool:
            return False

        steps = await erased_at(journey, None)
        monkeypatch.setattr(Rewrap, "_is_erased", never)

        left = [await erased_at(type(journey)(), at) for at in range(1, steps + 1)]

        assert max(left) == 1


async def erased_at(journey: Any, at: int | None) -> int:
    """Rewrap, and erase the first bundle at one step; return how many keys it still has.

    Without a step, return how many steps there are.
    """
    kept = await build_kept(journey)
    erased, other = sorted(kept.bundles)

    async def erase() -> None:
        if kept.records.steps + 1 == at:
            keeper = Restricted(platform=kept.platform)
            await keeper.erase(erased, "as asked", BY_HUMAN)

    kept.records.look = erase
    await kept.rewrap()
    if at is None:
        return kept.records.steps
    kept.records.look = None
    await kept.opens(other)
    return len(await kept.records.found(f"keys/{erased.removeprefix('sha256:')}/"))
