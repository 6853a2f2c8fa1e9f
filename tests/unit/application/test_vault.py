"""The order in which restricted evidence is written, and what a crash leaves (R-ATT-2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from sr_core.adapters.memory.content_store import MemoryContentStore
from sr_core.adapters.memory.key_records import MemoryKeyRecords
from sr_core.application import handing_in
from sr_core.application import runs as use_case
from sr_core.application.evidence import manifest_key, read_bundle
from sr_core.application.handing_in import HandedIn
from sr_core.application.recorder import Asked
from sr_core.application.runs import Runs
from sr_core.application.vault import (
    container_key,
    context_of,
    open_blob,
    read_record,
    record_key,
    seal_bundle,
)
from sr_core.codec.canonical import canonical, plain
from sr_core.codec.key_record import KeyRecord
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import (
    EvidenceManifest,
    ManifestDefect,
    PartState,
    Secrecy,
)
from sr_core.domain.ids import BundleId
from sr_core.domain.kek import KekRef, parse_kek_id
from sr_core.domain.refs import hash_bytes
from sr_core.ports.content_store import Data, ObjectKey
from sr_core.ports.errors import Unavailable
from sr_core.testing import CORE, SYSTEM, Stage, build_manifest

pytestmark = pytest.mark.anyio

BY_RUNNER = Asked(by=SYSTEM, correlation_id="corr-runner")


@dataclass
class Journal:
    """What was written where, in which order; the store is gone after `until` writes."""

    until: int | None = None
    written: list[str] = field(default_factory=list)

    async def write(self, kind: str, act: Callable[[], Awaitable[None]]) -> None:
        if self.until is not None and len(self.written) >= self.until:
            raise Unavailable(system="the store", deadline_s=1)
        await act()
        self.written.append(kind)


class Store(MemoryContentStore):
    def __init__(self, journal: Journal, kind: str) -> None:
        super().__init__()
        self._journal, self._kind = journal, kind

    async def put(self, key: ObjectKey, data: Data) -> None:
        kind = "manifest" if key.endswith("manifest.json") else self._kind
        await self._journal.write(kind, lambda: super(Store, self).put(key, data))


class Records(MemoryKeyRecords):
    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    async def add(self, key: ObjectKey, data: bytes) -> None:
        await self._journal.write("record", lambda: super(Records, self).add(key, data))


async def handed_in(journey: Any, journal: Journal, **changes: Any) -> HandedIn:
    """A bundle with two secrets in it, over stores that write their journal."""
    await journey.open()
    stage: Stage = journey.stage
    vault = replace(
        stage.platform.vault,
        containers=Store(journal, "container"),
        records=Records(journal),
    )
    journey.platform = replace(
        stage.platform, vault=vault, evidence_bytes=Store(journal, "open blob")
    )
    manifest = await secret_manifest(journey, **changes)
    blobs = {each.name: each.name.encode() for each in manifest.artifacts}
    return await Runs(platform=journey.platform).hand_in(
        plain(manifest), blobs, BY_RUNNER
    )


async def secret_manifest(journey: Any, **changes: Any) -> EvidenceManifest:
    platform = journey.stage.platform
    run_id = await journey.runs.start(journey.candidate_id, CORE, BY_RUNNER)
    case = await platform.candidate_case(journey.candidate_id)
    known = (await platform.recorder.state(case)).run(run_id)
    suite = await platform.suite(CORE)
    made = build_manifest(known, suite.definition, {}, by=SYSTEM)
    first, second, *others = made.artifacts
    secret = {"classification": Secrecy.RESTRICTED, **changes}
    artifacts = (replace(first, **secret), replace(second, **secret), *others)
    return replace(made, artifacts=artifacts)


class TestOrder:
    async def test_containers_then_records_then_the_manifest(self, journey):
        journal = Journal()

        await handed_in(journey, journal)

        assert journal.written[:4] == ["container", "container", "record", "record"]
        assert set(journal.written[4:-1]) == {"open blob"}
        assert journal.written[-1] == "manifest"

    async def test_whenever_the_store_goes_there_is_no_half_a_bundle(self, journey):
        whole = Journal()
        await handed_in(journey, whole)

        for until in range(len(whole.written)):
            other, journal = type(journey)(), Journal(until=until)
            with pytest.raises(Unavailable):
                await handed_in(other, journal)
            assert "manifest" not in journal.written
            assert "EvidenceBundleRecorded" not in await other.types()
        assert len(whole.written) > 5

    async def test_control_a_manifest_that_is_written_first_is_found_out(
        self, journey, monkeypatch
    ):
        real = vars(handing_in)["write_sealed"]
        kept: list[Any] = []

        async def later(*what: Any) -> None:
            kept.append(what)

        write = vars(use_case)["write_bundle"]

        async def manifest_first(*what: Any, **form: Any) -> Any:
            name = await write(*what, **form)
            await real(*kept.pop())
            return name

        monkeypatch.setattr(handing_in, "write_sealed", later)
        monkeypatch.setattr(use_case, "write_bundle", manifest_first)
        whole = Journal()
        await handed_in(journey, whole)

        journal = Journal(until=len(whole.written) - 1)
        with pytest.raises(Unavailable):
            await handed_in(type(journey)(), journal)

        assert "manifest" in journal.written


class TestWhatIsSealed:
    async def test_each_opens_under_its_own_name_only(self, journey):
        taken = await handed_in(journey, Journal())
        vault = journey.platform.vault
        first, second, *_ = taken.manifest.artifacts

        data = await open_blob(vault, taken.content_hash, taken.manifest, first)

        assert data == first.name.encode()
        for wrong in (
            replace(first, name=second.name),
            replace(first, classification=Secrecy.CONFIDENTIAL),
        ):
            with pytest.raises(Exception, match="is of another blob"):
                await open_blob(vault, taken.content_hash, taken.manifest, wrong)

    async def test_nor_under_another_bundles(self, journey):
        taken = await handed_in(journey, Journal())
        vault = journey.platform.vault
        first, *_ = taken.manifest.artifacts
        other = replace(taken.manifest, bundle_id=BundleId(f"bundle_{'0' * 26}"))

        with pytest.raises(Exception, match="by evidence_id"):
            await open_blob(vault, taken.content_hash, other, first)

    async def test_of_equal_secrets_no_two_containers_are_equal(self, journey):
        taken = await handed_in(journey, Journal())
        again = await handed_in(type(journey)(), Journal())

        hashes = {
            each.content_hash
            for bundle in (taken, again)
            for each in bundle.manifest.artifacts[:2]
        }
        assert len(hashes) == 4

    async def test_a_fresh_read_finds_all_of_it(self, journey):
        taken = await handed_in(journey, Journal())
        platform = journey.platform

        reading = await read_bundle(
            platform.evidence_bytes, taken.content_hash, platform.vault
        )

        assert (reading.lost, reading.flaw) == ({}, None)

    async def test_a_name_that_could_be_taken_for_another_is_refused(self, journey):
        taken = await handed_in(journey, Journal())
        first, *_ = taken.manifest.artifacts

        with pytest.raises(MalformedInput, match="blob name"):
            context_of(taken.manifest.bundle_id, replace(first, name="../out"))


class TestWhatIsFoundWithoutAKey:
    """R-ENC-13: container, record and manifest belong together, or the gate is told."""

    async def lost(self, journey: Any, taken: HandedIn) -> Mapping[str, PartState]:
        platform = journey.platform
        reading = await read_bundle(
            platform.evidence_bytes, taken.content_hash, platform.vault
        )
        return reading.lost

    def put(self, journey: Any, taken: HandedIn, record: KeyRecord) -> None:
        """Let the record be in the place of that of the first artifact."""
        named = taken.manifest.artifacts[0].content_hash
        key = record_key(taken.content_hash, named, record.kek)
        held = journey.platform.vault.records._records  # noqa: SLF001 - behind its back
        assert key in held
        held[key] = record.data

    async def test_the_record_of_another_sealing_of_the_same_is_not_it(self, journey):
        taken = await handed_in(journey, Journal())
        first, *_ = taken.manifest.artifacts
        again = await seal_bundle(
            journey.platform.vault,
            replace(taken.manifest, artifacts=(replace(first, is_sealed=False),)),
            {first.name: first.name.encode()},
        )

        self.put(journey, taken, again.records[first.name])

        assert await self.lost(journey, taken) == {
            f"key record of {first.name}": PartState.CORRUPTED
        }

    async def test_a_record_that_names_another_blob_is_not_it(self, journey):
        taken = await handed_in(journey, Journal())
        first, *_ = taken.manifest.artifacts
        vault = journey.platform.vault
        record = await read_record(vault, taken.content_hash, first)
        context = replace(record.context, blob_name="another")

        self.put(journey, taken, replace(record, context=context))

        assert await self.lost(journey, taken) == {
            f"key record of {first.name}": PartState.CORRUPTED
        }

    @pytest.mark.parametrize(
        ("classification", "is_sealed"), [(Secrecy.RESTRICTED, False), (None, True)]
    )
    async def test_a_manifest_with_an_open_secret_is_none(
        self, journey, classification, is_sealed
    ):
        taken = await handed_in(journey, Journal())
        first, *others = taken.manifest.artifacts
        wrong = replace(first, classification=classification, is_sealed=is_sealed)
        data = canonical(replace(taken.manifest, artifacts=(wrong, *others)))
        store, name = journey.platform.evidence_bytes, hash_bytes(data)
        await store.put(manifest_key(name), data)

        reading = await read_bundle(store, name, journey.platform.vault)

        assert reading.flaw is not None
        assert reading.flaw.defect is ManifestDefect.SEALING_MISMATCH


def test_a_record_lies_where_its_container_is_named_for():
    bundle, container = hash_bytes(b"a"), hash_bytes(b"b")
    kek = KekRef(id=parse_kek_id("a-kek"), version=7)

    assert container_key(bundle, container) == (
        f"sha256/{bundle[7:]}/blobs/{container[7:]}"
    )
    assert record_key(bundle, container, kek) == (
        f"keys/{bundle[7:]}/{container[7:]}/0000000007.a-kek"
    )
