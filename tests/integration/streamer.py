"""A process of the platform through which a large secret goes in and comes out again.

    streamer.py MIB HOW     HOW is "streamed", or what is to be done wholly in memory

It prints how many KiB of memory it had at the most before, and at the most with it, and
the seconds that each way took. The bytes are made as they are sent, and hashed as they
come back: this process never has them but as the platform does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from sr_core.adapters.memory.kek_source import MemoryKekSource
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.api.app import build_app
from sr_core.application import handing_in
from sr_core.bootstrap import compose
from sr_core.bootstrap.compose import running
from sr_core.bootstrap.settings import parse_settings
from sr_core.codec.canonical import plain
from sr_core.domain.evidence import EvidenceManifest, Secrecy
from sr_core.domain.kek import Kek, KekRef, parse_kek_id
from sr_core.domain.refs import ContentHash
from sr_core.testing import (
    AGENT,
    CORE,
    HUMAN,
    SYSTEM,
    TokenTable,
    build_kek,
    build_manifest,
    build_suite,
)

MIB = 1024 * 1024
PIECE = 64 * 1024
TOKENS = {"human": HUMAN, "agent": AGENT, "system": SYSTEM}
BLOCK = os.urandom(PIECE - 8)
SUITE = {
    "suite_id": CORE,
    "oracles": [
        {
            "oracle_id": each.oracle_id,
            "argv": list(each.argv),
            "report": each.report,
            "classification": each.classification.value,
        }
        for each in build_suite().oracles
    ],
}


def pieces(size: int) -> AsyncIterator[bytes]:
    async def made() -> AsyncIterator[bytes]:
        for number in range(size // PIECE):
            yield number.to_bytes(8, "big") + BLOCK

    return made()


async def hash_of(size: int) -> str:
    seen = hashlib.sha256()
    async for each in pieces(size):
        seen.update(each)
    return f"sha256:{seen.hexdigest()}"


class Client:
    """Asks the platform over ASGI."""

    def __init__(self, app: Any, platform: Any) -> None:
        self._app = app
        self._platform = platform
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://sr", timeout=60
        )

    async def done(self, path: str, body: object, *, by: str = "human") -> Any:
        answer = await self._client.post(
            f"/api/v1/{path}", json=body, headers={"Authorization": f"Bearer {by}"}
        )
        assert answer.is_success, answer.text
        return answer.json()

    async def candidate(self) -> str:
        await self.done("oracles/suites", SUITE)
        told = await self._client.get(
            "/api/v1/governed-artifacts/SR-DIRECTIVE",
            headers={"Authorization": "Bearer human"},
        )
        loop = {"goal": "a goal", "directive_ref": told.json()["ref"]}
        loop_id = (await self.done("loops", loop))["loop_id"]
        await self.done(f"loops/{loop_id}/activate", None)
        begun = await self.done(f"loops/{loop_id}/iterations", None, by="system")
        files = {
            "produced_by_iteration_id": begun["iteration_id"],
            "files": {"a.py": "YQ=="},
        }
        made = await self.done("candidates", files, by="agent")
        return str(made["candidate_id"])

    async def manifest(self, candidate_id: str, size: int) -> EvidenceManifest:
        body = {
            "candidate_id": candidate_id,
            "oracle_suite_id": CORE,
            "execution": "external",
        }
        run = await self.done("runs", body, by="system")
        case = await self._platform.candidate_case(candidate_id)
        known = (await self._platform.recorder.state(case)).run(run["run_id"])
        suite = await self._platform.suite(CORE)
        made = build_manifest(known, suite.definition, {}, by=SYSTEM)
        secret = replace(
            made.artifacts[0],
            name="secret.bin",
            size=size,
            content_hash=ContentHash(await hash_of(size)),
            classification=Secrecy.CONFIDENTIAL,
        )
        results = tuple(replace(each, artifacts=()) for each in made.results)
        return replace(made, artifacts=(secret,), results=results)

    async def send(self, manifest: EvidenceManifest, size: int) -> str:
        async def body() -> AsyncIterator[bytes]:
            yield head("manifest") + json.dumps(plain(manifest)).encode()
            yield head("secret.bin")
            async for each in pieces(size):
                yield each
            yield b"\r\n--b--\r\n"

        answer = await self._client.post(
            "/api/v1/evidence/stream",
            content=body(),
            headers={
                "Authorization": "Bearer system",
                "Content-Type": "multipart/form-data; boundary=b",
            },
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["content_hash"])

    async def fetch(self, bundle: str) -> str:
        """Return the hash of what comes, of which nothing is kept."""
        seen, last = hashlib.sha256(), {"more_body": True}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            seen.update(message.get("body", b""))
            last["more_body"] = message.get("more_body", True)

        path = f"/api/v1/evidence/{bundle}/content/secret.bin"
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"authorization", b"Bearer human")],
            "client": ("test", 1),
            "server": ("sr", 80),
        }
        await self._app(scope, receive, send)
        assert not last["more_body"], "the answer has its end"
        return f"sha256:{seen.hexdigest()}"


def head(name: str) -> bytes:
    """The head of a part, after the end of what was before."""
    return b'\r\n--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % (
        name.encode()
    )


def peak_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (found,) = (each.split()[1] for each in lines if each.startswith("VmHWM:"))
    return int(found)


async def read_whole(
    store: S3ContentStore, key: Any, *, expected: Any
) -> AsyncGenerator[bytes, None]:
    """What a store does that is asked for an object, and not for its pieces."""
    yield await store.get(key, expected=expected)


async def taken_whole(found: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """What an intake does that has the blob before it looks at it."""
    yield b"".join([each async for each in found])


MUTANTS: dict[str, Callable[[], None]] = {
    "streamed": lambda: None,
    "read whole": lambda: setattr(S3ContentStore, "pieces", read_whole),
    "taken in whole": lambda: setattr(handing_in, "regrouped", taken_whole),
}


async def timed(act: Awaitable[str]) -> tuple[str, float]:
    began = time.perf_counter()
    return await act, time.perf_counter() - began


async def main(size: int) -> None:
    async with running(parse_settings(os.environ)) as run:
        app = build_app(run.platform, TokenTable(TOKENS), run.dependencies)
        client = Client(app, run.platform)
        candidate = await client.candidate()
        small = await client.manifest(candidate, 3 * MIB)
        await client.fetch(await client.send(small, 3 * MIB))  # what is there anyway
        manifest = await client.manifest(candidate, size)
        before = peak_kib()
        bundle, in_s = await timed(client.send(manifest, size))
        found, out_s = await timed(client.fetch(bundle))
        assert found == manifest.artifacts[0].content_hash, "it came back as it came"
    print(before, peak_kib(), round(in_s, 2), round(out_s, 2))  # noqa: T201 - its answer


if __name__ == "__main__":
    kek = KekRef(id=parse_kek_id("solver-ralph-kek"), version=1)
    keks = [Kek(ref=kek, key=build_kek(1).key)]
    vars(compose)["kek_source"] = lambda _: nullcontext(MemoryKekSource(keks))
    MUTANTS[sys.argv[2]]()
    asyncio.run(main(int(sys.argv[1]) * MIB))
