"""The governed documents at a real start: once recorded, seen to change (SPEC 8.2)."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pytest_sr.stack.addresses import StackAddresses
from sr_core.application.context import iteration_context
from sr_core.application.governed import Governed
from sr_core.application.loops import Loops
from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.application.suites import Suites
from sr_core.bootstrap.compose import Running, governed_manifest, running
from sr_core.bootstrap.documents import documents_folder
from sr_core.bootstrap.settings import SETTINGS, parse_settings
from sr_core.domain.loop import Budgets
from sr_core.domain.refs import RefRelation, hash_bytes
from sr_core.testing import HUMAN, build_suite

pytestmark = pytest.mark.anyio

PATHS = (SETTINGS["SR_GOVERNED_DOCS"].default or "").split(",")
SPEC = "platform/SR-SPEC.md"
BY_HUMAN = Asked(by=HUMAN)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped documents, to be changed."""
    shipped = documents_folder()
    assert isinstance(shipped, Path)
    for each in PATHS:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        shutil.copy(shipped / each, tmp_path / each)
    return tmp_path


@pytest.fixture
def deployment(
    stack: StackAddresses, app_database: str, folder: Path
) -> Mapping[str, str]:
    """The settings of a deployment with documents of its own."""
    keys, mark = stack.s3.admin, secrets.token_hex(4)
    return {
        "SR_DATABASE_URL": app_database,
        "SR_MINIO_ENDPOINT": stack.s3.endpoint,
        "SR_MINIO_ACCESS_KEY": keys.access_key,
        "SR_MINIO_SECRET_KEY": keys.secret_key,
        "SR_MINIO_TLS": "false",
        "SR_MINIO_EVIDENCE_BUCKET": f"{mark}-evidence",
        "SR_MINIO_CANDIDATES_BUCKET": f"{mark}-candidates",
        "SR_NATS_URL": stack.nats.url,
        "SR_OIDC_ISSUER": stack.issuer.issuer_url,
        "SR_OIDC_JWKS_URI": f"{stack.issuer.issuer_url}/keys",
        "SR_OIDC_HUMAN_CLIENTS": "sr-human",
        "SR_OIDC_AGENT_CLIENTS": "sr-agent",
        "SR_OIDC_SYSTEM_CLIENTS": "sr-system",
        "SR_SANDBOX": "plain",
        "SR_DOCS_PATH": str(folder),
    }


def recorded(deployment: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the log has of governed artifacts, and from whom, read past the system."""
    with psycopg.connect(deployment["SR_DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT convert_from(envelope, 'utf-8')::jsonb #>> '{payload,artifact_id}',"
            "       convert_from(envelope, 'utf-8')::jsonb ->> 'actor_kind'"
            "  FROM es.events WHERE event_type = 'GovernedArtifactVersionRecorded'"
            " ORDER BY 1"
        ).fetchall()


async def start(deployment: Mapping[str, str], until: AsyncExitStack) -> Running:
    return await until.enter_async_context(running(parse_settings(deployment)))


async def pinned(platform: Platform) -> dict[str, str]:
    """The documents that an iteration of a new loop would start from, by their hashes."""
    known = await Governed(platform=platform).known()
    directive = known.in_effect("SR-DIRECTIVE")
    assert directive is not None
    loop_id, _ = await Loops(platform=platform).create(
        BY_HUMAN,
        goal="a goal",
        budgets=Budgets(),
        directive=directive.ref(RefRelation.DEPENDS_ON),
    )
    dossier = await platform.recorder.state(loop_case(loop_id))
    refs = await iteration_context(platform, dossier)
    return {
        each.id: each.meta["content_hash"]
        for each in refs
        if each.kind == "GovernedArtifact"
    }


class TestStart:
    async def test_each_document_is_recorded_by_the_system(self, deployment):
        async with AsyncExitStack() as until:
            await start(deployment, until)

        names = sorted(Path(each).stem for each in PATHS)
        assert recorded(deployment) == [(each, "SYSTEM") for each in names]

    async def test_processes_that_start_at_once_record_each_once(self, deployment):
        async with AsyncExitStack() as until:
            await asyncio.gather(*(start(deployment, until) for _ in range(4)))

        assert len(recorded(deployment)) == len(PATHS)

    async def test_what_is_edited_counts_from_the_next_start_on(
        self, deployment, folder
    ):
        before = hash_bytes((folder / SPEC).read_bytes())
        async with AsyncExitStack() as until:
            platform = (await start(deployment, until)).platform
            await Suites(platform=platform).register(build_suite(), BY_HUMAN)
            assert (await pinned(platform))["SR-SPEC"] == before

            with (folder / SPEC).open("a", encoding="utf-8") as file:
                file.write("\nA further sentence.\n")

            assert (await pinned(platform))["SR-SPEC"] == before
            assert len(recorded(deployment)) == len(PATHS)

        after = hash_bytes((folder / SPEC).read_bytes())
        async with AsyncExitStack() as until:
            platform = (await start(deployment, until)).platform
            assert (await pinned(platform))["SR-SPEC"] == after

        assert recorded(deployment).count(("SR-SPEC", "SYSTEM")) == 2
        assert after != before


class TestAnsweredLate:
    """SPEC 12.4: what a process did not live to answer, the next one does at its start."""

    async def test_a_change_that_nobody_answered(self, deployment, folder):
        directive = folder / "program" / "SR-DIRECTIVE.md"
        async with AsyncExitStack() as until:
            platform = (await start(deployment, until)).platform
            await Suites(platform=platform).register(build_suite(), BY_HUMAN)
            await pinned(platform)
            with directive.open("a", encoding="utf-8") as file:
                file.write("\nA further sentence.\n")
            dying = replace(
                platform,
                recorder=platform.reactions.recorder,  # nobody follows it
                governed=governed_manifest(parse_settings(deployment)),
            )
            assert (await Governed(platform=dying).adopt()).changed
            assert await stale(platform) == []

        async with AsyncExitStack() as until:
            platform = (await start(deployment, until)).platform

            assert await stale(platform) == [("SR-DIRECTIVE", "Loop")]


async def stale(platform: Platform) -> list[tuple[object, object]]:
    """The roots of the markers, and what kind of thing each has made stale."""
    page = await platform.rows.rows("graph.stale_nodes", {})
    return [(each["root_id"], each["dependent_kind"]) for each in page.rows]


class TestRefusal:
    """Nothing starts without its documents, and the message says which and where."""

    def serve(self, deployment):
        return subprocess.run(
            [sys.executable, "-P", "-m", "sr_core.cli", "serve"],
            env={"PATH": "/usr/bin:/bin", **deployment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def test_without_the_directive(self, deployment, folder):
        directive = folder / "program" / "SR-DIRECTIVE.md"
        directive.unlink()

        said = self.serve(deployment)

        assert said.returncode == 2
        assert said.stderr.startswith(f"sr serve: {directive} is not there. ")
        assert "Traceback" not in said.stderr

    def test_with_a_broken_one(self, deployment, folder):
        (folder / SPEC).write_text("---\nsolver_ralph: {}\n---\n", encoding="utf-8")

        said = self.serve(deployment)

        assert said.returncode == 2
        assert said.stderr.startswith(
            f"sr serve: {folder / SPEC}:2: solver_ralph lacks"
        )
        assert "Traceback" not in said.stderr

    def test_nothing_was_recorded(self, deployment, folder):
        (folder / SPEC).unlink()

        self.serve(deployment)

        assert recorded(deployment) == []
