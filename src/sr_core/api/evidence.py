"""Evidence over HTTP (SPEC 5.4): parse, give, answer.

Only a SYSTEM runner hands evidence in, and only for a run that it was given; every byte
is held against the manifest, and the manifest against the run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from sr_core.api.answers import Limit, Offset
from sr_core.api.authority import ANYONE, SYSTEM, human_with
from sr_core.api.bodies.candidates import NewAssociation, NewErasure, NewEvidence
from sr_core.api.bounds import BODY_BYTES_MAX
from sr_core.api.forms import FILE, Form, form_schema
from sr_core.api.streaming import Streamed
from sr_core.api.views.base import accept, show_page, shown
from sr_core.api.views.evidence import (
    AssociationView,
    Blob,
    BundleAssociated,
    BundleDetail,
    BundleErased,
    BundleHandedIn,
    BundlePage,
    BundleStatus,
    BundleVerified,
    BundleView,
)
from sr_core.application.evidence import (
    blob_pieces,
    read_blob,
    read_bundle,
    read_manifest,
)
from sr_core.application.facts import every_row
from sr_core.application.handing_in import HandedIn
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.restricted import Restricted
from sr_core.application.runs import Runs
from sr_core.codec.canonical import parse_json
from sr_core.codec.floe import GCM256_IV256_64K
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.evidence import Artifact, BundleReading, EvidenceManifest
from sr_core.domain.ids import (
    parse_candidate_id,
    parse_iteration_id,
    parse_run_id,
)
from sr_core.domain.integrity import IntegrityCondition
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.refs import ContentHash, hash_bytes, parse_content_hash
from sr_core.domain.restricted import ERASER
from sr_core.domain.run import Associate
from sr_core.ports.content_store import Unretrievable
from sr_core.ports.read_model import Row

EVIDENCE_BYTES_MAX = 64 * 1024 * 1024
"""How large a bundle that is handed in may be, its blobs in base64."""

EVIDENCE_STREAM_BYTES_MAX = 5 * 1024**3
"""How large one may be that is streamed: no store has to take more in one write."""

MANIFEST = "manifest"
INLINE_BYTES_MAX = 16 * 1024 * 1024
"""How large a blob may be that is given whole, in base64."""

INTEGRITY_FAILED = "EVIDENCE_INTEGRITY_FAILED"


@post("/evidence", request_max_body_size=EVIDENCE_BYTES_MAX, authority=SYSTEM)
async def hand_in(
    data: JSONBody[NewEvidence],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> BundleHandedIn:
    """Take in the bundle of a run that was carried out elsewhere, whole or not at all."""
    taken = await Runs(platform=platform).hand_in(data.manifest, data.blobs, asked)
    return await _accepted(platform, taken, asked)


@post(
    "/evidence/stream",
    request_max_body_size=EVIDENCE_STREAM_BYTES_MAX,
    authority=SYSTEM,
    reads_body=form_schema(
        "The manifest, and then each blob as a part of its name.",
        {MANIFEST: {"type": "object"}},
        required=(MANIFEST,),
        others=FILE,
    ),
)
async def stream_in(
    request: Request[Any, Any, Any],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> BundleHandedIn:
    """Take in a bundle of any size: no blob is read before its manifest may come in."""
    form = Form(request)
    manifest = await _manifest_in(form)
    runs = Runs(platform=platform)
    taken = await runs.hand_in_parts(manifest, _blobs_in(form), asked)
    return await _accepted(platform, taken, asked)


@get("/evidence", authority=ANYONE)
async def evidence(
    platform: NamedDependency[Platform], limit: Limit = 50, offset: Offset = 0
) -> BundlePage:
    """List evidence bundles, oldest first."""
    return await show_page(
        platform.rows,
        "evidence_bundles",
        {},
        (limit, offset),
        BundleView,
        BundlePage,
        under="evidence",
    )


@get("/evidence/{content_hash:str}", authority=ANYONE)
async def bundle(
    content_hash: FromPath[str], platform: NamedDependency[Platform]
) -> BundleDetail:
    """Return a bundle's manifest, every byte of the bundle read anew."""
    identifier = parse_content_hash(content_hash)
    row, reading = await _read(platform, identifier)
    if not reading.is_intact or reading.manifest is None:
        raise EvidenceMissing(subject=str(row["run_id"]), evidence=[identifier])
    key = {"content_hash": identifier}
    found = await every_row(platform, "evidence_associations", key)
    return shown(
        row,
        BundleDetail,
        manifest=reading.manifest,
        blob_names=[each.name for each in reading.manifest.artifacts],
        associations=[shown(each, AssociationView) for each in found],
    )


@get("/evidence/{content_hash:str}/status", authority=ANYONE)
async def status(
    content_hash: FromPath[str], platform: NamedDependency[Platform]
) -> BundleStatus:
    """Return whether every part of a bundle can be read as it was written."""
    identifier = parse_content_hash(content_hash)
    _, reading = await _read(platform, identifier)
    return BundleStatus(
        content_hash=identifier,
        available=reading.manifest is not None,
        integrity_ok=reading.is_intact and reading.flaw is None,
        lost=dict(reading.lost),
        last_verified_at=platform.clock.now(),
        error_code=_error_code(reading),
    )


@post("/evidence/{content_hash:str}/verify", status_code=200, authority=ANYONE)
async def verify(
    content_hash: FromPath[str], platform: NamedDependency[Platform]
) -> BundleVerified:
    """Read every part of a bundle anew and say whether all is as it was written."""
    identifier = parse_content_hash(content_hash)
    _, reading = await _read(platform, identifier)
    return BundleVerified(
        content_hash=identifier,
        valid=reading.is_intact and reading.flaw is None,
        verified_at=platform.clock.now(),
        lost=dict(reading.lost),
        error_code=_error_code(reading),
    )


@post("/evidence/{content_hash:str}/associate", status_code=200, authority=SYSTEM)
async def associate(
    content_hash: FromPath[str],
    data: JSONBody[NewAssociation],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> BundleAssociated:
    """Say what else a bundle speaks of; that decides nothing."""
    identifier = parse_content_hash(content_hash)
    row = await _row(platform, identifier)
    command = Associate(
        by=asked.by,
        run_id=parse_run_id(data.run_id) if data.run_id else None,
        candidate_id=parse_candidate_id(data.candidate_id)
        if data.candidate_id
        else None,
        iteration_id=parse_iteration_id(data.iteration_id)
        if data.iteration_id
        else None,
    )
    run_id = parse_run_id(str(row["run_id"]))
    events = await Runs(platform=platform).associate(identifier, run_id, command, asked)
    return accept(BundleAssociated, events, asked, content_hash=identifier)


@get("/evidence/{content_hash:str}/blobs/{name:path}", authority=ANYONE)
async def blob(
    content_hash: FromPath[str],
    name: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Blob:
    """Return one blob of a bundle, as base64; a restricted one to who may read it."""
    row, manifest, found = await _artifact(platform, content_hash, name)
    if found.size > INLINE_BYTES_MAX:
        raise MalformedInput(
            field="blob",
            found=f"{found.size} bytes",
            expected=f"one of {INLINE_BYTES_MAX} at most, or ask for its content",
        )
    data = await _bytes(platform, row, manifest, found, asked)
    return Blob(
        content_hash=parse_content_hash(content_hash),
        blob_name=found.name,
        content=data,
        size=len(data),
        media_type=found.media_type,
        blob_hash=hash_bytes(data),
        classification=found.classification,
    )


@get("/evidence/{content_hash:str}/content/{name:path}", authority=ANYONE)
async def content(
    content_hash: FromPath[str],
    name: FromPath[str],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> Response[bytes]:
    """Return the bytes of a blob of any size, verified on their way.

    If they turn out not to be those of the bundle, their end is not sent.
    """
    row, manifest, found = await _artifact(platform, content_hash, name)
    size = found.size
    if found.is_sealed:
        size = GCM256_IV256_64K.opened_bytes(size)
    return await Streamed.begin(
        _pieces(platform, row, manifest, found, asked),
        size=size,
        media_type=found.media_type,
        name=found.name.rpartition("/")[2],
        tag=found.content_hash,
    )


@post(
    "/evidence/{content_hash:str}/erase",
    status_code=200,
    authority=human_with(ERASER),
)
async def erase(
    content_hash: FromPath[str],
    data: JSONBody[NewErasure],
    platform: NamedDependency[Platform],
    asked: NamedDependency[Asked],
) -> BundleErased:
    """Remove the keys of all that is sealed in a bundle; nobody brings them back."""
    identifier = parse_content_hash(content_hash)
    keeper = Restricted(platform=platform)
    events = await keeper.erase(identifier, data.rationale, asked)
    erasure = await keeper.erasure(identifier)
    assert erasure is not None, "it has just been recorded, or was before"
    return accept(
        BundleErased,
        events,
        asked,
        content_hash=identifier,
        blob_names=list(erasure.blob_names),
    )


async def _accepted(
    platform: Platform, taken: HandedIn, asked: Asked
) -> BundleHandedIn:
    row = await _row(platform, taken.content_hash)
    return accept(
        BundleHandedIn,
        taken.recorded,
        asked,
        **{**row, "stored_at": row["recorded_at"]},
    )


async def _manifest_in(form: Form) -> object:
    """Return the manifest, which is the first part of the form."""
    part = await form.next()
    if part is None or part.name != MANIFEST:
        raise MalformedInput(
            field="body",
            found=part and part.name[:128],
            expected=f"a form whose first part is called {MANIFEST}",
        )
    data = bytearray()
    async for piece in form.content():
        data += piece
        if len(data) > BODY_BYTES_MAX:
            raise MalformedInput(
                field=MANIFEST,
                found=f"more than {BODY_BYTES_MAX} bytes",
                expected="a smaller one",
            )
    return parse_json(bytes(data), what=MANIFEST)


async def _blobs_in(form: Form) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
    while (part := await form.next()) is not None:
        yield part.name, form.content()


async def _bytes(
    platform: Platform,
    row: Row,
    manifest: EvidenceManifest,
    artifact: Artifact,
    asked: Asked,
) -> bytes:
    bundle = parse_content_hash(str(row["content_hash"]))
    if artifact.is_sealed:
        keeper = Restricted(platform=platform)
        return await keeper.read(bundle, manifest, artifact, asked)
    try:
        return await read_blob(platform.evidence_bytes, bundle, artifact.content_hash)
    except Unretrievable as lost:
        raise EvidenceMissing(subject=str(row["run_id"]), evidence=[bundle]) from lost


async def _pieces(
    platform: Platform,
    row: Row,
    manifest: EvidenceManifest,
    artifact: Artifact,
    asked: Asked,
) -> AsyncGenerator[bytes, None]:
    bundle = parse_content_hash(str(row["content_hash"]))
    if artifact.is_sealed:
        keeper = Restricted(platform=platform)
        found = keeper.pieces(bundle, manifest, artifact, asked)
    else:
        found = blob_pieces(platform.evidence_bytes, bundle, artifact.content_hash)
    async with aclosing(found):
        try:
            async for each in found:
                yield each
        except Unretrievable as lost:
            raise EvidenceMissing(
                subject=str(row["run_id"]), evidence=[bundle]
            ) from lost


async def _artifact(
    platform: Platform, content_hash: str, name: str
) -> tuple[Row, EvidenceManifest, Artifact]:
    """Return what the bundle says of one of its blobs."""
    identifier = parse_content_hash(content_hash)
    row = await _row(platform, identifier)
    reading = await read_manifest(platform.evidence_bytes, identifier)
    if reading.manifest is None or reading.flaw is not None:
        raise EvidenceMissing(subject=str(row["run_id"]), evidence=[identifier])
    asked_for = name.removeprefix("/")
    for each in reading.manifest.artifacts:
        if each.name == asked_for:
            return row, reading.manifest, each
    raise NotFound(kind=f"blob of {identifier}", identifier=asked_for)


async def _read(
    platform: Platform, content_hash: ContentHash
) -> tuple[Row, BundleReading]:
    row = await _row(platform, content_hash)
    return row, await read_bundle(platform.evidence_bytes, content_hash, platform.vault)


async def _row(platform: Platform, content_hash: ContentHash) -> Row:
    key = {"content_hash": content_hash}
    row = await platform.rows.row("evidence_bundles", key)
    if row is None:
        raise NotFound(kind="evidence bundle", identifier=content_hash)
    return row


def _error_code(reading: BundleReading) -> str | None:
    """Return what is wrong with the bundle: gone, altered, or no manifest of one."""
    if any(each != "CORRUPTED" for each in reading.lost.values()):
        return EvidenceMissing.code
    if reading.lost:
        return INTEGRITY_FAILED
    return IntegrityCondition.MANIFEST_INVALID if reading.flaw else None


router = Router(
    path="",
    tags=["evidence"],
    route_handlers=[
        hand_in,
        stream_in,
        evidence,
        bundle,
        status,
        verify,
        associate,
        blob,
        content,
        erase,
    ],
)
