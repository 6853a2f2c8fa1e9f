"""Bugs in what is restricted: sealed, opened, recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.application import evidence, handing_in, restricted, runs, vault
from sr_core.application.restricted import Restricted
from sr_core.codec.canonical import canonical
from sr_core.codec.key_record import wrapped_key
from sr_core.codec.sealed import Sealed
from sr_core.domain import restricted as rules
from sr_core.domain.errors import SrError
from sr_core.domain.evidence import EvidenceManifest
from sr_core.domain.kek import SecretKey
from sr_core.domain.refs import hash_bytes
from sr_core.domain.sealing import SealedObject
from sr_core.ports.content_store import Unretrievable
from sr_core.ports.kek_source import KekMissing


@mutant("sealing.seals-nothing")
def sealing_seals_nothing() -> tuple[Patch, ...]:
    """What is called a container is the blob as it is."""

    def sealed(blob: bytes, context: Any, kek: Any, count: Any) -> tuple[bytes, Sealed]:  # noqa: ANN401 - passed on as it comes
        named = SealedObject(size=len(blob), content_hash=hash_bytes(blob))
        key = SecretKey(bytes(range(32)))
        record, counted = wrapped_key(
            key, context=context, sealed=named, kek=kek, count=count
        )
        return blob, Sealed(rest=[], record=record, count=counted)

    return (Patch(owner=vault, name="sealed", value=sealed),)


@mutant("sealing.forgets-classification")
def sealing_forgets_classification() -> tuple[Patch, ...]:
    """What is handed in as restricted is treated as what is open."""

    def is_secret(_: object) -> bool:
        return False

    def misplaced_secrets(_: object) -> tuple[()]:
        return ()

    return (
        Patch(owner=runs, name="is_secret", value=is_secret),
        Patch(owner=evidence, name="misplaced_secrets", value=misplaced_secrets),
    )


@mutant("sealing.opens-to-anyone")
def sealing_opens_to_anyone() -> tuple[Patch, ...]:
    """Whoever asks may read what is restricted."""

    def authorise_reading(by: object) -> None:
        del by

    return (Patch(owner=rules, name="authorise_reading", value=authorise_reading),)


@mutant("sealing.reads-unrecorded")
def sealing_reads_unrecorded() -> tuple[Patch, ...]:
    """No event says that restricted evidence was read, or tried to be."""

    async def note(*_: object) -> None:
        return

    return (Patch(owner=Restricted, name="_note", value=note),)


@mutant("sealing.tells-the-log")
def sealing_tells_the_log() -> tuple[Patch, ...]:
    """The event of a reading says what was read."""
    real_open, real_note = inside(restricted, "open_blob"), inside(Restricted, "_note")
    read: list[bytes] = []

    async def open_blob(*args: Any) -> bytes:  # noqa: ANN401 - passed on as it comes
        data: bytes = await real_open(*args)
        read.append(data)
        return data

    async def note(
        self: Any,  # noqa: ANN401 - passed on as it comes
        bundle: Any,  # noqa: ANN401 - passed on as it comes
        artifact: Any,  # noqa: ANN401 - passed on as it comes
        outcome: str,
        asked: Any,  # noqa: ANN401 - passed on as it comes
    ) -> None:
        said = read[-1].decode() if read else outcome
        await real_note(self, bundle, artifact, said, asked)

    return (
        Patch(owner=restricted, name="open_blob", value=open_blob),
        Patch(owner=Restricted, name="_note", value=note),
    )


@mutant("sealing.keeps-no-record")
def sealing_keeps_no_record() -> tuple[Patch, ...]:
    """Containers are written, and their key records are not."""
    real = inside(handing_in, "write_sealed")

    async def write_sealed(where: Any, bundle: Any, sealed_bundle: Any) -> None:  # noqa: ANN401 - passed on as it comes
        class Nowhere:
            async def add(self, *_: object) -> None:
                return

        await real(replace(where, records=Nowhere()), bundle, sealed_bundle)

    return (Patch(owner=handing_in, name="write_sealed", value=write_sealed),)


@mutant("sealing.takes-nothing")
def sealing_takes_nothing() -> tuple[Patch, ...]:
    """Nothing restricted is taken in, whatever keys there are."""

    async def seal_bundle(where: Any, *_: object) -> object:  # noqa: ANN401 - passed on as it comes
        raise KekMissing(kek=where.kek_id)

    return (Patch(owner=handing_in, name="seal_bundle", value=seal_bundle),)


@mutant("sealing.fails-open")
def sealing_fails_open() -> tuple[Patch, ...]:
    """What cannot be sealed is stored as it is; what cannot be opened is given as it is."""
    real_put, real_open = (
        inside(runs, "put_away"),
        inside(restricted, "open_blob"),
    )

    async def put_away(
        where: Any,  # noqa: ANN401 - passed on as it comes
        manifest: EvidenceManifest,
        blobs: Mapping[str, bytes],
        sealed: object,
    ) -> object:
        try:
            return await real_put(where, manifest, blobs, sealed)
        except SrError:
            opened = [replace(each, classification=None) for each in manifest.artifacts]
            now = replace(manifest, artifacts=tuple(opened))
            return now, canonical(now)

    async def open_blob(where: Any, bundle: Any, manifest: Any, artifact: Any) -> bytes:  # noqa: ANN401 - passed on as it comes
        try:
            data: bytes = await real_open(where, bundle, manifest, artifact)
        except SrError:
            key = vault.container_key(bundle, artifact.content_hash)
            try:
                return await where.containers.get(key, expected=artifact.content_hash)
            except Unretrievable:
                return b""
        return data

    return (
        Patch(owner=runs, name="put_away", value=put_away),
        Patch(owner=restricted, name="open_blob", value=open_blob),
    )


@mutant("sealing.keeps-plaintext")
def sealing_keeps_plaintext() -> tuple[Patch, ...]:
    """A blob that was handed in is given out from memory, whatever became of its key."""
    real = inside(handing_in, "seal_bundle")
    kept: dict[str, bytes] = {}

    async def seal_bundle(where: Any, manifest: Any, blobs: Any) -> object:  # noqa: ANN401 - passed on as it comes
        sealed = await real(where, manifest, blobs)
        for each in sealed.manifest.artifacts:
            kept[each.content_hash] = blobs[each.name]
        return sealed

    async def open_blob(*args: Any) -> bytes:  # noqa: ANN401 - passed on as it comes
        return kept[args[3].content_hash]

    return (
        Patch(owner=handing_in, name="seal_bundle", value=seal_bundle),
        Patch(owner=restricted, name="open_blob", value=open_blob),
    )


@mutant("sealing.never-heals")
def sealing_never_heals() -> tuple[Patch, ...]:
    """What could not be sealed or opened once never can be."""
    real_seal, real_open = (
        inside(handing_in, "seal_bundle"),
        inside(restricted, "open_blob"),
    )
    failed: list[SrError] = []

    async def seal_bundle(*args: Any) -> object:  # noqa: ANN401 - passed on as it comes
        return await remembered(real_seal, *args)

    async def open_blob(*args: Any) -> object:  # noqa: ANN401 - passed on as it comes
        return await remembered(real_open, *args)

    async def remembered(real: Any, *args: Any) -> object:  # noqa: ANN401 - passed on as it comes
        if failed:
            raise failed[0]
        try:
            return await real(*args)
        except SrError as error:
            failed.append(error)
            raise

    return (
        Patch(owner=handing_in, name="seal_bundle", value=seal_bundle),
        Patch(owner=restricted, name="open_blob", value=open_blob),
    )


@mutant("sealing.says-no-reason")
def sealing_says_no_reason() -> tuple[Patch, ...]:
    """The event of a reading that failed does not say why."""
    real = inside(Restricted, "_note")

    async def note(
        self: Any,  # noqa: ANN401 - passed on as it comes
        bundle: Any,  # noqa: ANN401 - passed on as it comes
        artifact: Any,  # noqa: ANN401 - passed on as it comes
        outcome: str,
        asked: Any,  # noqa: ANN401 - passed on as it comes
    ) -> None:
        said = outcome if outcome == rules.RELEASED else "FAILED"
        await real(self, bundle, artifact, said, asked)

    return (Patch(owner=Restricted, name="_note", value=note),)
