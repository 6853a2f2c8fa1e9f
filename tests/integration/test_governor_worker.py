"""`sr worker governor`, as a process of its own against real services."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import SQL, Identifier

from pytest_sr.stack.addresses import StackAddresses
from sr_core.application.loops import Loops
from sr_core.application.recorder import Asked
from sr_core.application.suites import Suites
from sr_core.bootstrap.compose import running
from sr_core.bootstrap.settings import parse_settings
from sr_core.domain.ids import LoopId
from sr_core.domain.loop import Budgets
from sr_core.domain.ref_builders import governed_artifact_ref
from sr_core.domain.refs import RefRelation
from sr_core.testing import HUMAN, build_suite

DEADLINE_S = 60


@pytest.fixture
def deployment(stack: StackAddresses, app_database: str, bucket) -> Mapping[str, str]:
    """The settings of a deployment whose database has its schema."""
    keys = stack.s3.admin
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        "SR_DATABASE_URL": app_database,
        "SR_MINIO_ENDPOINT": stack.s3.endpoint,
        "SR_MINIO_ACCESS_KEY": keys.access_key,
        "SR_MINIO_SECRET_KEY": keys.secret_key,
        "SR_MINIO_TLS": "false",
        "SR_MINIO_EVIDENCE_BUCKET": bucket.name,
        "SR_MINIO_CANDIDATES_BUCKET": bucket.name,
        "SR_NATS_URL": stack.nats.url,
        "SR_OIDC_ISSUER": stack.issuer.issuer_url,
        "SR_OIDC_JWKS_URI": f"{stack.issuer.issuer_url}/keys",
        "SR_OIDC_HUMAN_CLIENTS": "sr-human",
        "SR_OIDC_AGENT_CLIENTS": "sr-agent",
        "SR_OIDC_SYSTEM_CLIENTS": "sr-system",
        "SR_GOVERNOR_POLL_INTERVAL_MS": "50",
        "SR_GOVERNOR_HEALTH_PORT": str(port),
    }


@contextmanager
def governor(settings: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "sr_core.cli", "worker", "governor"],
        env={"PATH": "/usr/bin:/bin", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def health(settings: Mapping[str, str]) -> tuple[int, dict[str, object]] | None:
    """Return what the health endpoint answers, None while nobody listens."""
    url = f"http://127.0.0.1:{settings['SR_GOVERNOR_HEALTH_PORT']}/health"
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)
    except urllib.error.URLError:
        return None


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds: the other process can say so in no other way."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.02)


def is_answered(settings: Mapping[str, str], status: int) -> Callable[[], bool]:
    def holds() -> bool:
        answer = health(settings)
        return answer is not None and answer[0] == status

    return holds


async def an_active_loop(settings: Mapping[str, str]) -> LoopId:
    async with running(parse_settings(settings)) as parts:
        loops = Loops(platform=parts.platform)
        by_human = Asked(by=HUMAN)
        await Suites(platform=parts.platform).register(build_suite(), by_human)
        directive = parts.platform.governed.entry("SR-DIRECTIVE")
        assert directive is not None, "no platform starts without one"
        made, _ = await loops.create(
            by_human,
            goal="a goal",
            budgets=Budgets(),
            directive=governed_artifact_ref(
                directive.doc_id,
                RefRelation.DEPENDS_ON,
                content_hash=directive.content_hash,
                version=directive.version,
                type_key=directive.type_key,
            ),
        )
        await loops.activate(made, by_human)
        return made


def iterations(settings: Mapping[str, str]) -> list[tuple[str, str, str]]:
    with psycopg.connect(settings["SR_DATABASE_URL"]) as connection:
        return connection.execute(
            "SELECT event_type, actor_kind, actor_id FROM es.events"
            " WHERE event_type = 'IterationStarted'"
        ).fetchall()


class TestGovernor:
    """SPEC 6.7: it really appends, and it is really down when it cannot."""

    def test_it_starts_what_may_start_and_stops_when_told(self, deployment):
        asyncio.run(an_active_loop(deployment))
        with governor(deployment) as process:
            eventually(lambda: bool(iterations(deployment)))
            eventually(is_answered(deployment, 200))
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=DEADLINE_S)

        assert process.returncode == 0
        assert said.splitlines()[-1] == "stopped"
        assert iterations(deployment) == [
            ("IterationStarted", "SYSTEM", "svc:governor:worker")
        ]

    def test_one_that_was_killed_is_followed_by_one_that_goes_on(self, deployment):
        asyncio.run(an_active_loop(deployment))
        with governor(deployment) as first:
            eventually(lambda: bool(iterations(deployment)))
            first.kill()
            first.wait(timeout=DEADLINE_S)
        with governor(deployment):
            eventually(is_answered(deployment, 200))

        assert len(iterations(deployment)) == 1

    def test_it_is_unhealthy_while_the_log_cannot_be_reached(self, deployment, stack):
        name = conninfo_to_dict(deployment["SR_DATABASE_URL"])["dbname"]
        with governor(deployment):
            eventually(is_answered(deployment, 200))
            with shut(stack, str(name)):
                eventually(is_answered(deployment, 503))
                answer = health(deployment)
            eventually(is_answered(deployment, 200))

        assert answer is not None
        assert answer[1]["status"] == "unhealthy"
        assert "gave no" in str(answer[1]["error"])

    def test_a_dry_run_starts_nothing(self, deployment):
        asyncio.run(an_active_loop(deployment))
        dry = {**deployment, "SR_GOVERNOR_DRY_RUN": "true"}
        with governor(dry) as process:
            eventually(is_answered(dry, 200))
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=DEADLINE_S)

        assert "START_ITERATION" in said
        assert iterations(deployment) == []

    @pytest.mark.parametrize("arguments", [(), ("governer",), ("governor", "--fast")])
    def test_misuse_is_told(self, deployment, arguments):
        said = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-P", "-m", "sr_core.cli", "worker", *arguments],
            env={"PATH": "/usr/bin:/bin", **deployment},
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )

        assert said.returncode == 2
        assert "usage: sr worker" in said.stderr


@contextmanager
def shut(stack: StackAddresses, database: str) -> Iterator[None]:
    """Let nobody into the database, and throw out who is there."""
    with psycopg.connect(stack.postgres.dsn("postgres"), autocommit=True) as owner:
        closed = SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        owner.execute(closed.format(Identifier(database), SQL("false")))
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [database],
        )
        try:
            yield
        finally:
            owner.execute(closed.format(Identifier(database), SQL("true")))


def test_a_port_that_is_taken_is_told(deployment):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with governor({**deployment, "SR_GOVERNOR_HEALTH_PORT": port}) as process:
            said, _ = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 2
    assert "SR_GOVERNOR_HEALTH_PORT" in said
    assert "Traceback" not in said
