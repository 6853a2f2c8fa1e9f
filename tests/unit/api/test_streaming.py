"""What is longer than memory, over HTTP: it goes in and out a piece at a time.

R-ENC-12, R-ATT-2, R-ATT-3: whole or not at all on the way in; on the way out nothing
behind the first byte that is not as it was written, and no end to an answer without it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.unit.api.test_restricted import an_external_run, manifest_of

from sr_core.api import evidence as evidence_routes
from sr_core.codec.canonical import plain
from sr_core.domain.evidence import EvidenceManifest, Secrecy
from sr_core.domain.refs import hash_bytes
from sr_core.ports.content_store import PIECE_BYTES

pytestmark = pytest.mark.anyio

SECRET = Secrecy.RESTRICTED
BOUNDARY = "a-boundary"
LARGE = b"".join(number.to_bytes(8, "big") for number in range(400_000))
"""Some pieces of which no two are alike."""


def with_bytes(
    manifest: EvidenceManifest, data: bytes
) -> tuple[EvidenceManifest, dict[str, bytes]]:
    """The manifest with `data` as its first artifact, and all the blobs."""
    blobs = {each.name: each.name.encode() for each in manifest.artifacts}
    first, *others = manifest.artifacts
    blobs[first.name] = data
    found = hash_bytes(data)
    results = tuple(
        replace(
            each,
            artifacts=tuple(
                replace(part, sha256=found) if part.path == first.name else part
                for part in each.artifacts
            ),
        )
        for each in manifest.results
    )
    told = replace(first, size=len(data), content_hash=found)
    return replace(manifest, artifacts=(told, *others), results=results), blobs


def form(*parts: tuple[str, bytes], ends: bool = True) -> bytes:
    """A form of these parts; the head of each says its name."""
    told = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        % (BOUNDARY.encode(), name.encode(), data)
        for name, data in parts
    )
    return told + (b"--%s--\r\n" % BOUNDARY.encode() if ends else b"")


def headers_of(body: bytes, **more: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Digest": f"sha-256=:{digest}:",
        **more,
    }


async def in_steps(body: bytes, step: int = 60_000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), step):
        yield body[start : start + step]


@dataclass
class Broken:
    """An answer as it came over the wire, whole or not."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_whole: bool

    @property
    def size(self) -> int:
        return int(self.headers["content-length"])


async def download(api, path: str, *, by: str = "human") -> Broken:
    """Ask as a server would, which sees whether an answer has an end."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": f"/api/v1/{path}",
        "raw_path": f"/api/v1/{path}".encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"authorization", f"Bearer {by}-token".encode())],
        "client": ("test", 1),
        "server": ("sr", 80),
    }
    await api.client._transport.app(scope, receive, send)  # noqa: SLF001 - as above
    start, *bodies = sent
    return Broken(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(each["body"] for each in bodies),
        is_whole=bool(bodies) and not bodies[-1].get("more_body", False),
    )


class Desk:
    """A run elsewhere, and the bundle that is to be handed in for it."""

    def __init__(self, api, manifest: EvidenceManifest, blobs: dict[str, bytes]):
        self.api = api
        self.stage = api.stage
        self.manifest = manifest
        self.blobs = blobs
        self.first = manifest.artifacts[0].name

    def parts(self, **changes: bytes) -> list[tuple[str, bytes]]:
        manifest = json.dumps(plain(self.manifest)).encode()
        return [("manifest", manifest), *{**self.blobs, **changes}.items()]

    async def send(self, body: bytes, **headers: str) -> Any:
        return await self.api.ask(
            "POST",
            "evidence/stream",
            by="system",
            content=in_steps(body),
            headers=headers_of(body, **headers),
        )

    async def held(self) -> str:
        answer = await self.send(form(*self.parts()))
        assert answer.status_code == 201, answer.text
        return f"evidence/{answer.json()['content_hash']}/content/{self.first}"

    def assert_nothing_is_stored(self) -> None:
        stage = self.stage
        assert stage.evidence_bytes.keys() == stage.restricted_bytes.keys() == ()

    async def outcomes(self) -> list[str]:
        return [
            each.event.outcome
            for each in await self.api.events()
            if type(each.event).__name__ == "RestrictedEvidenceRead"
        ]


@pytest.fixture(params=[None, SECRET], ids=["open", "restricted"])
async def desk(api, request) -> Desk:
    manifest = await manifest_of(api, await an_external_run(api), request.param)
    return Desk(api, *with_bytes(manifest, LARGE))


class TestTheWayIn:
    async def test_a_bundle_comes_back_as_it_came(self, desk):
        path = await desk.held()

        got = await download(desk.api, path)

        assert (got.status, got.body, got.is_whole) == (200, LARGE, True)
        assert got.size == len(LARGE)

    async def test_nothing_comes_back_as_nothing(self, api):
        for secrecy in (None, SECRET):
            manifest = await manifest_of(api, await an_external_run(api), secrecy)
            desk = Desk(api, *with_bytes(manifest, b""))

            got = await download(api, await desk.held())

            assert (got.status, got.body, got.is_whole, got.size) == (200, b"", True, 0)

    async def test_it_is_the_same_bundle_as_in_one_body(self, desk):
        path = await desk.held()
        bundle = path.split("/")[1]
        told = (await desk.api.get(f"evidence/{bundle}")).json()

        assert told["blob_names"] == [each.name for each in desk.manifest.artifacts]
        assert (await desk.api.get(f"evidence/{bundle}/status")).json()["integrity_ok"]

    async def test_no_store_has_a_secret_in_the_open(self, api):
        manifest = await manifest_of(api, await an_external_run(api), SECRET)
        desk = Desk(api, *with_bytes(manifest, LARGE))

        await desk.held()

        held = [
            *desk.stage.evidence_bytes._objects.values(),  # noqa: SLF001 - all there is
            *desk.stage.restricted_bytes._objects.values(),  # noqa: SLF001 - as above
        ]
        assert len(desk.stage.restricted_bytes.keys()) == 1
        assert not any(LARGE[:64] in each for each in held)

    async def test_another_byte_is_refused(self, desk):
        other = LARGE[:-1] + b"x"

        answer = await desk.send(form(*desk.parts(**{desk.first: other})))

        assert_refused(answer, "MANIFEST_INVALID", "with the hash")
        desk.assert_nothing_is_stored()

    async def test_a_byte_too_many_is_not_waited_for(self, desk):
        taken = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal taken
            yield form(*desk.parts()[:1], (desk.first, LARGE), ends=False)[:-2]
            while True:
                taken += PIECE_BYTES
                yield bytes(PIECE_BYTES)

        answer = await desk.api.ask(
            "POST",
            "evidence/stream",
            by="system",
            content=endless(),
            headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )

        assert_refused(answer, "MANIFEST_INVALID", "has more than")
        assert taken <= 4 * PIECE_BYTES
        desk.assert_nothing_is_stored()

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda it: it[:-1], "are not there"),
            (lambda it: [*it, ("more", b"")], "no more is named"),
            (lambda it: [*it, it[1]], "comes twice"),
            (lambda it: it[1:], "called manifest"),
            (lambda it: [("manifest", b"{"), *it[1:]], "manifest"),
            (lambda it: [("manifest", b" " * 2**21), *it[1:]], "smaller"),
            (lambda _: [], "called manifest"),
        ],
        ids=[
            "left out",
            "undeclared",
            "twice",
            "none",
            "no JSON",
            "too large",
            "empty",
        ],
    )
    async def test_what_is_no_bundle_is_refused(self, desk, change, told):
        answer = await desk.send(form(*change(desk.parts())))

        assert answer.status_code == 400, answer.text
        assert told in answer.text
        desk.assert_nothing_is_stored()

    @pytest.mark.parametrize("cut", [1, 40, len(LARGE)])
    async def test_a_form_that_is_cut_short_is_refused(self, desk, cut):
        answer = await desk.send(form(*desk.parts())[: -cut - 2])

        assert_refused(answer, "MALFORMED_INPUT", "body")
        desk.assert_nothing_is_stored()

    async def test_no_blob_is_read_of_a_manifest_that_may_not_come_in(self, desk):
        desk.manifest = replace(desk.manifest, oracle_suite_hash=hash_bytes(b"other"))
        came: list[int] = []

        async def watched() -> AsyncIterator[bytes]:
            async for each in in_steps(form(*desk.parts())):
                came.append(len(each))
                yield each

        answer = await desk.api.ask(
            "POST",
            "evidence/stream",
            by="system",
            content=watched(),
            headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )

        assert_refused(answer, "MANIFEST_INVALID", "suite")
        assert sum(came) < len(LARGE) // 2

    async def test_only_the_system_hands_in(self, desk):
        body = form(*desk.parts())

        answer = await desk.api.ask(
            "POST", "evidence/stream", content=body, headers=headers_of(body)
        )

        assert answer.status_code == 403

    async def test_what_is_no_form_is_refused(self, desk):
        answer = await desk.api.post("evidence/stream", {"a": 1}, by="system")

        assert_refused(answer, "MALFORMED_INPUT", "multipart/form-data")


class TestNamed:
    """R-API-9: a stream that has a name says the hash of its body."""

    async def test_sent_again_it_is_answered_again(self, desk):
        body = form(*desk.parts())

        first = await desk.send(body, **{"Idempotency-Key": "one"})
        again = await desk.send(body, **{"Idempotency-Key": "one"})

        assert (first.status_code, first.content) == (201, again.content)

    async def test_without_its_hash_it_is_refused(self, desk):
        body = form(*desk.parts())
        headers = {**headers_of(body), "Idempotency-Key": "one"}
        del headers["Content-Digest"]

        answer = await desk.api.ask(
            "POST", "evidence/stream", by="system", content=body, headers=headers
        )

        assert_refused(answer, "MALFORMED_INPUT", "Content-Digest")
        desk.assert_nothing_is_stored()

    async def test_with_another_hash_it_is_refused(self, desk):
        told = headers_of(b"other")["Content-Digest"]

        answer = await desk.send(form(*desk.parts()), **{"Content-Digest": told})

        assert_refused(answer, "MALFORMED_INPUT", "Content-Digest")
        desk.assert_nothing_is_stored()

    @pytest.mark.parametrize("told", ["sha-256=:AAAA:", "sha-512=:AAAA:", "nonsense"])
    async def test_a_hash_that_is_none_is_refused(self, desk, told):
        answer = await desk.send(form(*desk.parts()), **{"Content-Digest": told})

        assert_refused(answer, "MALFORMED_INPUT", "Content-Digest")


def assert_refused(answer: Any, code: str, told: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert told in answer.text


class TestTheWayOut:
    @pytest.mark.parametrize(
        "said",
        ["text/plain\r\nx-evil: 1", "t\u00e9xt/plain", "\u65e5\u672c", "", "text"],
    )
    async def test_a_media_type_that_is_none_is_not_repeated(self, api, said):
        manifest, blobs = with_bytes(
            await manifest_of(api, await an_external_run(api), None), LARGE
        )
        first, *others = manifest.artifacts
        told = replace(first, media_type=said)
        desk = Desk(api, replace(manifest, artifacts=(told, *others)), blobs)

        got = await download(api, await desk.held())

        assert got.headers["content-type"] == "application/octet-stream"
        assert (got.body, "x-evil" in got.headers) == (LARGE, False)

    """R-ATT-3: no end without the right hash."""

    @pytest.mark.parametrize("at", [PIECE_BYTES + 7, len(LARGE) // 2, -1])
    async def test_what_was_changed_has_no_end(self, desk, at):
        path = await desk.held()
        spoil(desk, at)

        got = await download(desk.api, path)

        assert got.status == 200
        assert not got.is_whole
        assert len(got.body) < got.size == len(LARGE)

    async def test_of_what_is_restricted_nothing_comes_behind_it(self, api):
        manifest = await manifest_of(api, await an_external_run(api), SECRET)
        desk = Desk(api, *with_bytes(manifest, LARGE))
        path = await desk.held()
        at = 20 * 65_536 + 1000
        spoil(desk, at)

        got = await download(api, path)

        assert not got.is_whole
        assert len(got.body) <= at
        assert LARGE.startswith(got.body)
        assert await desk.outcomes() == ["RELEASED", "SEAL_TAMPERED"]

    async def test_what_is_wrong_at_once_is_a_problem(self, desk):
        path = await desk.held()
        store = stores(desk)
        store.lose(large_key(desk))

        answer = await desk.api.get(path)

        assert answer.status_code in {409, 412}
        assert answer.json()["code"] in {"EVIDENCE_UNREADABLE", "EVIDENCE_MISSING"}

    async def test_what_is_broken_off_counts_as_a_failure(self, desk, caplog):
        path = await desk.held()
        spoil(desk, -1)

        with caplog.at_level("INFO"):
            await download(desk.api, path)

        assert "and broken off" in caplog.text

    async def test_whole_in_one_answer_it_is_refused(self, desk, monkeypatch):
        path = await desk.held()
        monkeypatch.setattr(evidence_routes, "INLINE_BYTES_MAX", len(LARGE) - 1)

        answer = await desk.api.get(path.replace("/content/", "/blobs/"))

        assert_refused(answer, "MALFORMED_INPUT", "content")

    async def test_what_is_restricted_is_for_few(self, api):
        manifest = await manifest_of(api, await an_external_run(api), SECRET)
        desk = Desk(api, *with_bytes(manifest, LARGE))
        path = await desk.held()

        for by in ("bystander", "agent", "system"):
            answer = await api.get(path, by=by)

            assert answer.status_code == 403
        assert await desk.outcomes() == []

    async def test_what_was_erased_is_gone(self, api):
        manifest = await manifest_of(api, await an_external_run(api), SECRET)
        desk = Desk(api, *with_bytes(manifest, LARGE))
        path = await desk.held()
        await api.done(f"evidence/{path.split('/')[1]}/erase", {"rationale": "asked"})

        answer = await api.get(path)

        assert answer.status_code == 410
        assert await desk.outcomes() == ["EVIDENCE_ERASED"]


def stores(desk: Desk) -> Any:
    secret = desk.manifest.artifacts[0].classification is not None
    return desk.stage.restricted_bytes if secret else desk.stage.evidence_bytes


def large_key(desk: Desk) -> Any:
    held = stores(desk)._objects  # noqa: SLF001 - behind the back of who wrote it
    return max(held, key=lambda each: len(held[each]))


def spoil(desk: Desk, at: int) -> None:
    """Let the store hold another byte, and give it in pieces, as one at a distance does."""
    store, key = stores(desk), large_key(desk)
    data = bytearray(store.lose(key))
    data[at] ^= 1
    store.overwrite(key, bytes(data))
