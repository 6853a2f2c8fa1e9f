"""Restricted evidence on real services: from the API to the object store and back.

R-ENC-1, 7, 8, 11, 13, 14. What the bucket holds is read by a client of its own, not by
the platform.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.world.world import Buckets, environment
from sr_core.adapters.memory.kek_source import MemoryKekSource
from sr_core.api.app import build_app
from sr_core.application.evidence import read_bundle
from sr_core.application.vault import Vault, open_blob, seal_bundle, write_sealed
from sr_core.bootstrap import compose
from sr_core.bootstrap.compose import drop_streams, make_streams, running
from sr_core.bootstrap.keks import NoKekSource
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli import evidence as evidence_command
from sr_core.cli import log as log_command
from sr_core.codec.canonical import canonical, plain
from sr_core.codec.key_record import parse_key_record
from sr_core.codec.manifest import manifest_from
from sr_core.domain.evidence import EvidenceManifest, Secrecy
from sr_core.domain.kek import Kek, KekRef, parse_kek_id
from sr_core.domain.refs import hash_bytes, parse_content_hash
from sr_core.testing import (
    AGENT,
    BYSTANDER,
    CORE,
    HUMAN,
    SYSTEM,
    TokenTable,
    build_kek,
    build_manifest,
    build_suite,
)

pytestmark = pytest.mark.anyio

TOKENS = {"human": HUMAN, "bystander": BYSTANDER, "agent": AGENT, "system": SYSTEM}
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
SIZES = (0, 1, 65_503, 65_504, 65_505, 1_000_003)
MIB = 1024 * 1024
STEPS_MAX = 60
SECRET = b"what only few may read, and no store in the clear"


def a_kek(version: int = 1) -> Kek:
    """A version of the deployment's KEK; the same in every process that asks."""
    ref = KekRef(id=parse_kek_id("solver-ralph-kek"), version=version)
    return Kek(ref=ref, key=build_kek(version).key)


@dataclass
class Process:
    """One process of the platform, asked over HTTP."""

    client: httpx.AsyncClient
    vault: Vault
    platform: Any

    async def ask(
        self, method: str, path: str, body: object = None, *, by: str = "human"
    ) -> httpx.Response:
        headers = {
            "Authorization": f"Bearer {by}",
            "X-Correlation-ID": "corr-1",
            "X-Request-ID": "req-1",
        }
        return await self.client.request(
            method, f"/api/v1/{path}", json=body, headers=headers
        )

    async def done(self, path: str, body: object = None, *, by: str = "human") -> Any:
        answer = await self.ask("POST", path, body, by=by)
        assert answer.is_success, answer.text
        return answer.json()

    async def hand_in(self, sizes: Iterable[int]) -> dict[str, bytes]:
        """Hand in as many bundles as sizes; return each secret by where it is read."""
        await self.ask("POST", "oracles/suites", SUITE)
        directive = await self.ask("GET", "governed-artifacts/SR-DIRECTIVE")
        loop = {"goal": "a goal", "directive_ref": directive.json()["ref"]}
        loop_id = (await self.done("loops", loop))["loop_id"]
        await self.done(f"loops/{loop_id}/activate")
        begun = await self.done(f"loops/{loop_id}/iterations", by="system")
        files = {
            "produced_by_iteration_id": begun["iteration_id"],
            "files": {"src/a.py": "YSA9IDEK"},
        }
        candidate = (await self.done("candidates", files, by="agent"))["candidate_id"]
        return dict([await self._one(candidate, size) for size in sizes])

    async def _one(self, candidate_id: str, size: int) -> tuple[str, bytes]:
        body = {
            "candidate_id": candidate_id,
            "oracle_suite_id": CORE,
            "execution": "external",
        }
        run = await self.done("runs", body, by="system")
        manifest, blobs = await self._bundle(run, (SECRET * (size // 49 + 1))[:size])
        told = await self.done(
            "evidence",
            {
                "manifest": plain(manifest),
                "blobs": {
                    name: base64.b64encode(data).decode()
                    for name, data in blobs.items()
                },
            },
            by="system",
        )
        name = manifest.artifacts[0].name
        return f"evidence/{told['content_hash']}/blobs/{name}", blobs[name]

    async def _bundle(
        self, run: Mapping[str, Any], secret: bytes
    ) -> tuple[EvidenceManifest, dict[str, bytes]]:
        case = await self.platform.candidate_case(run["candidate_id"])
        known = (await self.platform.recorder.state(case)).run(run["run_id"])
        suite = await self.platform.suite(CORE)
        made = build_manifest(known, suite.definition, {}, by=SYSTEM)
        first, *others = made.artifacts
        sealed = replace(
            first,
            name="secret.bin",
            size=len(secret),
            content_hash=hash_bytes(secret),
            classification=Secrecy.CONFIDENTIAL,
        )
        results = tuple(
            replace(
                each,
                artifacts=tuple(it for it in each.artifacts if it.path != first.name),
            )
            for each in made.results
        )
        blobs = {each.name: each.name.encode() for each in others}
        artifacts = (sealed, *others)
        return (
            replace(made, artifacts=artifacts, results=results),
            {"secret.bin": secret, **blobs},
        )

    async def read(self, path: str, *, by: str = "human") -> bytes:
        answer = await self.ask("GET", path, by=by)
        assert answer.status_code == 200, answer.text
        return base64.b64decode(answer.json()["content"])


@dataclass
class Deployment:
    """Settings, and the secret store that all of its processes ask for KEKs."""

    environment: Mapping[str, str]
    keks: MemoryKekSource
    bucket: Any
    owner: str

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Process]:
        async with running(parse_settings(self.environment)) as run:
            app = build_app(run.platform, TokenTable(TOKENS), run.dependencies)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://sr", timeout=60
            ) as client:
                yield Process(client, run.platform.vault, run.platform)

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """What lies in the restricted bucket, read by a client of its own."""
        stored = self.bucket.admin.list_objects(
            self.bucket.name, prefix=prefix, recursive=True
        )
        return {
            each.object_name: self.bucket.admin.get_object(
                self.bucket.name, each.object_name
            ).read()
            for each in stored
        }

    def restore_keys(self, before: Mapping[str, bytes]) -> None:
        """Let the key records be those of then, and no others."""
        for name in self.objects("keys/"):
            self.bucket.admin.remove_object(self.bucket.name, name)
        for name, data in before.items():
            if name.startswith("keys/"):
                self.put(name, data)

    def remove(self, name: str) -> None:
        """Remove an object behind the back of the platform."""
        self.bucket.admin.remove_object(self.bucket.name, name)

    def put(self, name: str, data: bytes) -> None:
        """Write an object behind the back of the platform."""
        self.bucket.admin.put_object(
            self.bucket.name, name, io.BytesIO(data), len(data)
        )

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.environment["SR_DATABASE_URL"]) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
async def deployment(
    stack: StackAddresses, database: str, app_database: str, bucket, monkeypatch
) -> AsyncIterator[Deployment]:
    names = Buckets("case")
    names.evidence = names.candidates = names.attachments = bucket.name
    names.restricted = bucket.name
    told = {
        **environment(stack, urlsplit(app_database).path[1:], names, sandbox="plain"),
        "SR_DATABASE_URL": app_database,
        "SR_NATS_STREAM_PREFIX": f"case-{secrets.token_hex(4)}",
    }
    made = Deployment(told, MemoryKekSource([a_kek()]), bucket, database)
    monkeypatch.setattr(compose, "kek_source", lambda _: nullcontext(made.keks))
    settings = parse_settings(told)
    await make_streams(settings)
    yield made
    await drop_streams(settings)


class TestThereAndBack:
    async def test_it_comes_back_in_another_process(self, deployment):
        async with deployment.process() as process:
            kept = await process.hand_in(SIZES)

        async with deployment.process() as another:
            read = {path: await another.read(path) for path in kept}

        assert read == kept
        assert [len(each) for each in read.values()] == list(SIZES)

    async def test_no_object_and_no_row_has_it_in_the_clear(self, deployment):
        async with deployment.process() as process:
            kept = await process.hand_in([1000])
            for path in kept:
                await process.read(path)

        (secret,) = kept.values()
        forbidden = (secret, secret[:49], hash_bytes(secret)[7:].encode())
        envelopes = deployment.rows("SELECT envelope FROM es.events")
        stored = [*deployment.objects().values(), *(each for (each,) in envelopes)]
        assert len(deployment.objects("keys/")) == 1
        assert len(envelopes) > 10
        for each in stored:
            assert not any(it in each for it in forbidden)

    async def test_control_what_is_open_is_there_in_the_clear(self, deployment):
        async with deployment.process() as process:
            await process.hand_in([1000])

        stored = deployment.objects("sha256/").values()
        assert any(b"report.json" in each for each in stored)

    async def test_sixty_four_mib_come_back(self, deployment):
        blob = (SECRET * (64 * MIB // len(SECRET) + 1))[: 64 * MIB]
        async with deployment.process() as process:
            (path,) = await process.hand_in([1])
            told = await process.ask("GET", path.partition("/blobs/")[0])
            known = manifest_from(told.json()["manifest"])
            large = replace(
                known.artifacts[0], name="large.bin", size=len(blob), is_sealed=False
            )
            made = replace(known, artifacts=(large,), results=())
            began = time.perf_counter()
            sealed = await seal_bundle(process.vault, made, {"large.bin": blob})
            name = hash_bytes(canonical(sealed.manifest))
            await write_sealed(process.vault, name, sealed)
        async with deployment.process() as another:
            read_from = time.perf_counter()
            (artifact,) = sealed.manifest.artifacts
            read = await open_blob(another.vault, name, sealed.manifest, artifact)
            ended = time.perf_counter()

        print(  # noqa: T201 - a figure
            f"64 MiB: {read_from - began:.2f} s to seal, write and start another"
            f" process, {ended - read_from:.2f} s to read and open"
        )
        assert read == blob


class TestReadiness:
    async def test_a_deployment_without_the_bucket_is_not_ready(self, deployment):
        async with deployment.process() as process:
            sound = await process.client.get("/ready")
        told = {**deployment.environment, "SR_MINIO_RESTRICTED_BUCKET": "no-such-one"}
        lacking = replace(deployment, environment=told)
        async with lacking.process() as process:
            answer = await process.client.get("/ready")

        assert (sound.status_code, answer.status_code) == (200, 503)
        assert "no-such-one" in answer.text


class TestFaults:
    """R-ENC-7, R-ENC-13: what the bucket does is in the log, and in no answer."""

    @pytest.fixture
    async def kept(self, deployment) -> AsyncIterator[tuple[Process, str]]:
        async with deployment.process() as process:
            (path,) = await process.hand_in([100])
            yield process, path

    async def test_each_is_told_apart_in_the_log_and_nowhere_else(
        self, deployment, kept
    ):
        process, path = kept
        ((record, sound),) = deployment.objects("keys/").items()
        (container,) = deployment.objects(
            f"sha256/{record.split('/')[1]}/blobs/{record.split('/')[2]}"
        )
        bodies: list[tuple[bytes, bytes]] = []

        async def look() -> None:
            mine = await process.ask("GET", path)
            others = await process.ask("GET", path, by="bystander")
            assert (mine.status_code, others.status_code) == (409, 403)
            bodies.append((mine.content, others.content))

        deployment.remove(record)
        await look()
        deployment.put(record, b"no record")
        await look()
        deployment.put(record, sound[:-1] + bytes((sound[-1] ^ 1,)))
        await look()
        deployment.put(record, sound)
        assert await process.read(path) == (SECRET * 3)[:100]
        deployment.put(container, (SECRET * 3)[:100])
        await look()
        deployment.remove(container)
        await look()

        outcomes = deployment.rows(
            "SELECT outcome FROM proj.restricted_evidence_reads ORDER BY position"
        )
        assert [each for (each,) in outcomes] == [
            "KEY_RECORD_MISSING",
            "SEAL_MALFORMED",
            "SEAL_TAMPERED",
            "RELEASED",
            "SEAL_TAMPERED",
            "UNRETRIEVABLE",
        ]
        assert len(set(bodies)) == 1

    async def test_a_deployment_without_keys_goes_on_but_opens_nothing(
        self, deployment, kept, monkeypatch
    ):
        _, path = kept
        monkeypatch.setattr(compose, "kek_source", lambda _: nullcontext(NoKekSource()))
        async with deployment.process() as another:
            answer = await another.ask("GET", path)
            status = await another.ask("GET", path.partition("/blobs/")[0] + "/status")

        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "EVIDENCE_UNREADABLE",
        )
        assert (status.json()["available"], status.json()["integrity_ok"]) == (
            True,
            True,
        )
        (outcome,) = deployment.rows(
            "SELECT outcome FROM proj.restricted_evidence_reads"
        )
        assert outcome == ("KEK_UNAVAILABLE",)


class TestRewrap:
    """R-ENC-8: `sr evidence rewrap`, over the bucket and the log."""

    async def rewrap(self, deployment: Deployment, capsys) -> tuple[int, str]:
        code = await evidence_command.run(["rewrap"], deployment.environment)
        return code, capsys.readouterr().out

    async def test_all_records_move_and_no_container_does(self, deployment, capsys):
        async with deployment.process() as process:
            kept = await process.hand_in([0, 100, 70_000])
        before = deployment.objects("sha256/")
        deployment.keks.put(a_kek(2))

        first = await self.rewrap(deployment, capsys)
        second = await self.rewrap(deployment, capsys)

        assert first == (0, "key records: 3 moved, 0 in place, 0 erased, 0 not moved\n")
        assert second == (
            0,
            "key records: 0 moved, 3 in place, 0 erased, 0 not moved\n",
        )
        assert deployment.objects("sha256/") == before
        assert self.versions(deployment) == [2, 2, 2]
        assert deployment.rows(
            "SELECT version, wraps FROM es.kek_wraps ORDER BY 1"
        ) == [
            (1, 3),
            (2, 3),
        ]
        deployment.keks.retire_below(a_kek(2).ref)
        async with deployment.process() as process:
            assert {path: await process.read(path) for path in kept} == kept

    async def test_while_it_goes_on_everything_opens(self, deployment, capsys):
        async with deployment.process() as process:
            kept = await process.hand_in([10] * 8)
            deployment.keks.put(a_kek(2))
            reads = 0
            began = time.perf_counter()
            moving = asyncio.create_task(self.rewrap(deployment, capsys))
            while not moving.done():
                for path, secret in kept.items():
                    assert await process.read(path) == secret
                    reads += 1
            took_s = time.perf_counter() - began

        assert (await moving)[0] == 0
        assert self.versions(deployment) == [2] * 8
        assert reads > len(kept)
        print(f"{len(kept)} records moved in {took_s:.2f} s, {reads} reads meanwhile")  # noqa: T201 - a figure

    async def test_control_without_it_the_old_key_is_needed(self, deployment):
        async with deployment.process() as process:
            (path,) = await process.hand_in([100])
        deployment.keks.put(a_kek(2))
        deployment.keks.retire_below(a_kek(2).ref)

        async with deployment.process() as process:
            assert (await process.ask("GET", path)).status_code == 409

    async def test_what_cannot_be_moved_is_named(self, deployment, capsys):
        async with deployment.process() as process:
            await process.hand_in([1, 2])
        deployment.keks.put(a_kek(2))
        first = min(deployment.objects("keys/"))
        deployment.put(first, b"none")

        code, said = await self.rewrap(deployment, capsys)

        assert code == 1
        assert f"{first.rpartition('/')[0]}/ SEAL_MALFORMED: " in said
        assert "1 moved, 0 in place, 0 erased, 1 not moved" in said

    @pytest.mark.takes_minutes
    async def test_killed_at_any_step_it_goes_on(self, deployment, capsys):
        async with deployment.process() as process:
            kept = await process.hand_in([10, 20])
            before = deployment.objects()
            deployment.keks.put(a_kek(2))
            halfway, code = set(), None
            for step in range(1, STEPS_MAX):
                deployment.restore_keys(before)
                code = await killed_at(step, deployment)
                halfway.add(tuple(sorted(self.versions(deployment))))
                assert {path: await process.read(path) for path in kept} == kept
                assert (await self.rewrap(deployment, capsys))[0] == 0
                assert self.versions(deployment) == [2, 2]
                if code == 0:
                    break
                assert code == -signal.SIGKILL

        assert code == 0, "it came to its end at last"
        print(f"killed at {step - 1} steps; records found then: {sorted(halfway)}")  # noqa: T201 - a figure
        assert halfway == {(1, 1), (1, 1, 2), (1, 2), (1, 2, 2), (2, 2)}
        for name, data in deployment.objects("sha256/").items():
            assert data == before[name]

    def versions(self, deployment: Deployment) -> list[int]:
        records = deployment.objects("keys/").values()
        return [parse_key_record(each).kek.version for each in records]


class TestAWriteThatDies:
    """R-ATT-2: whatever step it dies at, the bundle is whole or is none."""

    @pytest.mark.takes_minutes
    async def test_killed_at_any_step_it_is_whole_or_none(self, deployment):
        async with deployment.process() as process:
            await process.hand_in([1])  # so that there is a candidate
        outcomes: list[int] = []
        code: int | None = None
        while len(outcomes) < STEPS_MAX:
            async with deployment.process() as process:
                told = (await process.ask("GET", "evidence")).json()
                manifest = await self.another(process, told["evidence"][0])
                code = await written_until(len(outcomes) + 1, manifest, deployment)
                after = (await process.ask("GET", "evidence")).json()
                outcomes.append(after["total"] - told["total"])
                await self.assert_whole(process, after["evidence"])
                assert await self.torn(process, deployment) == []
                if code == 0:
                    break
                assert code == -signal.SIGKILL
                if not outcomes[-1]:
                    await self.assert_written_by_the_next(process, manifest)

        print(f"killed at {len(outcomes) - 1} steps: {outcomes}")  # noqa: T201 - a figure
        assert code == 0, "it came to its end at last"
        assert outcomes == sorted(outcomes), "once it is there it stays"
        assert {*outcomes} == {0, 1}

    async def test_control_a_manifest_that_is_first_is_found_torn(self, deployment):
        async with deployment.process() as process:
            await process.hand_in([1])
            told = (await process.ask("GET", "evidence")).json()
            manifest = await self.another(process, told["evidence"][0])
            # container 2 steps, record 4 (its adding is a write), manifest 2; then a blob
            code = await written_until(9, manifest, deployment, "manifest first")

            assert code == -signal.SIGKILL
            assert len(await self.torn(process, deployment)) == 1

    async def torn(self, process: Process, deployment: Deployment) -> list[str]:
        """The manifests in the bucket of which a part is not there."""
        found = []
        for name in deployment.objects("sha256/"):
            if name.endswith("/manifest.json"):
                bundle = parse_content_hash(f"sha256:{name.split('/')[1]}")
                store = process.platform.evidence_bytes
                if not (await read_bundle(store, bundle, process.vault)).is_intact:
                    found.append(name)
        return found

    async def another(self, process: Process, like: Mapping[str, Any]) -> object:
        """The manifest of a bundle that nobody has handed in yet."""
        body = {
            "candidate_id": like["candidate_id"],
            "oracle_suite_id": CORE,
            "execution": "external",
        }
        run = await process.done("runs", body, by="system")
        manifest, _ = await process._bundle(run, b"secret.bin")  # noqa: SLF001 - as it does
        return plain(manifest)

    async def assert_whole(
        self, process: Process, bundles: Iterable[Mapping[str, Any]]
    ) -> None:
        for each in bundles:
            path = f"evidence/{each['content_hash']}"
            status = (await process.ask("GET", f"{path}/status")).json()
            assert status["integrity_ok"], status
            assert len(await process.read(f"{path}/blobs/secret.bin")) in {1, 10}

    async def assert_written_by_the_next(
        self, process: Process, manifest: object
    ) -> None:
        """What is left in the stores is in nobody's way."""
        assert isinstance(manifest, dict)
        blobs = {
            each["name"]: base64.b64encode(each["name"].encode()).decode()
            for each in manifest["artifacts"]
        }
        await process.done(
            "evidence", {"manifest": manifest, "blobs": blobs}, by="system"
        )


async def written_until(
    step: int, manifest: object, deployment: Deployment, order: str = "as it is"
) -> int:
    """Have another process hand it in until it dies at that step; return how it ended."""
    began = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        Path(__file__).with_name("bundle_writer.py"),
        str(step),
        order,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **deployment.environment,
        },
        stdin=asyncio.subprocess.PIPE,
    )
    await began.communicate(json.dumps(manifest).encode())
    assert began.returncode is not None
    return began.returncode


async def killed_at(step: int, deployment: Deployment) -> int:
    """Have another process rewrap until it dies at that step; return how it ended."""
    began = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        Path(__file__).with_name("rewrapper.py"),
        str(step),
        env={"PATH": "/usr/bin:/bin", **deployment.environment},
        stdout=asyncio.subprocess.DEVNULL,
    )
    return await began.wait()


class TestRetrievability:
    """`sr evidence verify` without a file: all that is cited, read from the stores."""

    async def test_where_nothing_is_cited_nothing_is_judged(self, deployment, capsys):
        async with deployment.process() as process:
            await process.hand_in([10])

        code = await evidence_command.run(["verify"], deployment.environment)

        assert code == 2
        assert capsys.readouterr().out.startswith("INVALID: no active claim cites")

    async def test_each_loss_is_told_from_the_others(self, deployment, capsys):
        bundle, candidate = await verified(deployment)
        intact = await evidence_command.run(["verify"], deployment.environment)
        told = capsys.readouterr().out
        assert intact == 0
        assert told == (
            f"{bundle} INTACT, cited by candidate {candidate}\nbundles: 1 intact, 0 not\n"
        )

        stored = deployment.objects()
        (record,) = (it for it in stored if it.startswith("keys/"))
        container = record.split("/")[2]
        losses = {
            "manifest.json": "manifest.json",
            record: "key record of secret.bin",
            f"blobs/{container}": "secret.bin",
        }
        for name, part in losses.items():
            (key,) = (it for it in stored if it.endswith(name))
            for data, state in ((None, "MISSING"), (b"other bytes", "CORRUPTED")):
                deployment.remove(key)
                if data is not None:
                    deployment.put(key, data)

                code = await evidence_command.run(["verify"], deployment.environment)

                assert code == 1
                line, total = capsys.readouterr().out.splitlines()
                assert line.startswith(f"{bundle} {state} {part}, cited by"), line
                assert total == "bundles: 0 intact, 1 not"
            deployment.remove(key)
            deployment.put(key, stored[key])

        again = await evidence_command.run(["verify"], deployment.environment)
        assert (again, capsys.readouterr().out) == (0, told)

    async def test_a_store_that_does_not_answer_is_unreachable(
        self, deployment, capsys
    ):
        bundle, _ = await verified(deployment)
        gone = {**deployment.environment, "SR_MINIO_ENDPOINT": "127.0.0.1:9"}

        code = await evidence_command.run(["verify"], gone)

        assert code == 1
        assert capsys.readouterr().out.startswith(f"{bundle} UNREACHABLE ")

    async def test_a_store_that_refuses_is_told_too(self, deployment, capsys):
        bundle, _ = await verified(deployment)
        denied = {**deployment.environment, "SR_MINIO_SECRET_KEY": "another-secret"}

        code = await evidence_command.run(["verify"], denied)

        assert code == 1
        assert capsys.readouterr().out.startswith(f"{bundle} DENIED manifest.json, ")


async def verified(deployment: Deployment) -> tuple[str, str]:
    """Have a candidate verified by a bundle with a secret; return the names of both."""
    async with deployment.process() as process:
        await process.hand_in([10])
        ((run, candidate, bundle),) = deployment.rows(
            "SELECT run_id, candidate_id, content_hash FROM proj.evidence_bundles"
        )
        body = {"outcome": "SUCCESS", "evidence_bundle_hash": bundle}
        await process.done(f"runs/{run}/complete", body, by="system")
    return bundle, candidate


class TestRedaction:
    """R-ENC-15: a copy beside the original, for everybody, on the real stores."""

    async def test_a_copy_is_read_by_anyone_in_another_process(self, deployment):
        async with deployment.process() as process:
            (path,) = await process.hand_in([200])
            bundle = path.partition("/blobs/")[0]
            made = await process.done(f"{bundle}/redact", {"rationale": "as asked"})
            copy = f"{bundle}/redactions/{made['redacted_bundle_hash']}"
            restricted = await process.ask("GET", path, by="bystander")

        async with deployment.process() as another:
            detail = await another.ask("GET", copy, by="bystander")
            blob = await another.ask("GET", f"{copy}/blobs/secret.bin", by="bystander")

        assert (restricted.status_code, detail.status_code) == (403, 200)
        (named,) = detail.json()["manifest"]["artifacts"]
        data = base64.b64decode(blob.json()["content"])
        assert (len(data), hash_bytes(data)) == (named["size"], named["content_hash"])
        ((by, regions),) = deployment.rows(
            "SELECT redacted_by_id, regions FROM proj.restricted_evidence_redactions"
        )
        assert (by, regions) == (
            HUMAN.actor_id,
            len(detail.json()["manifest"]["redactions"]),
        )


class TestErasure:
    """R-ENC-14: the key is gone, the blob says nothing, and the log is whole."""

    async def test_what_is_erased_is_gone_and_the_log_verifies(
        self, deployment, signed_log
    ):
        async with deployment.process() as process:
            erased, other = kept = await process.hand_in([100, 200])
            copy = deployment.objects("keys/")
            bundle = erased.partition("/blobs/")[0]
            await log_command.run(["checkpoint"], signed_log.environment)
            refused = await process.ask(
                "POST", f"{bundle}/erase", {"rationale": "why not"}, by="bystander"
            )
            done = await process.done(f"{bundle}/erase", {"rationale": "as asked"})

            answer = await process.ask("GET", erased)
            assert await process.read(other) == kept[other]
        async with deployment.process() as another:
            later = await another.ask("GET", erased)

        assert refused.status_code == 403
        assert done["blob_names"] == ["secret.bin"]
        assert (answer.status_code, answer.json()["code"]) == (410, "EVIDENCE_ERASED")
        assert (later.status_code, later.content) == (
            answer.status_code,
            answer.content,
        )
        assert len(deployment.objects("keys/")) == len(copy) - 1 == 1
        ((by, why),) = deployment.rows(
            "SELECT erased_by_id, rationale FROM proj.restricted_evidence_erasures"
        )
        assert (by, why) == (HUMAN.actor_id, "as asked")
        verified = await signed_log.verify()
        assert (verified.code, verified.findings, verified.checkpoints) == (0, [], 1)
        assert verified.events > verified.signed_events > 0

    async def test_a_rewrap_takes_away_what_comes_back(self, deployment, capsys):
        async with deployment.process() as process:
            (erased,) = await process.hand_in([100])
            ((name, record),) = deployment.objects("keys/").items()
            bundle = erased.partition("/blobs/")[0]
            await process.done(f"{bundle}/erase", {"rationale": "as asked"})
        deployment.put(name, record)

        code = await evidence_command.run(["rewrap"], deployment.environment)

        assert (code, deployment.objects("keys/")) == (0, {})
        assert "0 moved, 0 in place, 1 erased" in capsys.readouterr().out

    async def test_a_rebuild_gives_the_same_rows(self, deployment, capsys):
        async with deployment.process() as process:
            (erased,) = await process.hand_in([100])
            await process.read(erased)
            bundle = erased.partition("/blobs/")[0]
            await process.done(f"{bundle}/redact", {"rationale": "as asked"})
            await process.done(f"{bundle}/erase", {"rationale": "as asked"})
        owner = {
            **deployment.environment,
            "SR_DATABASE_OWNER_URL": deployment.owner,
        }

        code = await log_command.run(["rebuild"], owner)

        assert (code, capsys.readouterr().err) == (0, "")
