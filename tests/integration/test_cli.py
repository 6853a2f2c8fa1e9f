"""`sr init` and the command line around it, against real services."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping

import psycopg
import pytest
from minio import Minio

from pytest_sr.stack.addresses import StackAddresses
from sr_core.bootstrap.compose import drop_streams
from sr_core.bootstrap.settings import parse_settings


@pytest.fixture
def deployment(
    stack: StackAddresses, empty_database: str
) -> Iterator[Mapping[str, str]]:
    """The settings of a deployment whose services have nothing in them yet."""
    keys, mark = stack.s3.admin, secrets.token_hex(4)
    buckets = [
        f"{mark}-{each}"
        for each in (
            "evidence",
            "candidates",
            "attachments",
            "checkpoints",
            "restricted",
        )
    ]
    settings = {
        "SR_DATABASE_URL": empty_database,
        "SR_MINIO_ENDPOINT": stack.s3.endpoint,
        "SR_MINIO_ACCESS_KEY": keys.access_key,
        "SR_MINIO_SECRET_KEY": keys.secret_key,
        "SR_MINIO_TLS": "false",
        "SR_MINIO_EVIDENCE_BUCKET": buckets[0],
        "SR_MINIO_CANDIDATES_BUCKET": buckets[1],
        "SR_MINIO_ATTACHMENTS_BUCKET": buckets[2],
        "SR_MINIO_CHECKPOINTS_BUCKET": buckets[3],
        "SR_MINIO_RESTRICTED_BUCKET": buckets[4],
        "SR_NATS_URL": stack.nats.url,
        "SR_NATS_USER": stack.nats.user,
        "SR_NATS_PASSWORD": stack.nats.password,
        "SR_NATS_STREAM_PREFIX": f"case-{mark}",
        "SR_OIDC_ISSUER": stack.issuer.issuer_url,
        "SR_OIDC_JWKS_URI": f"{stack.issuer.issuer_url}/keys",
        "SR_OIDC_HUMAN_CLIENTS": "sr-human",
        "SR_OIDC_AGENT_CLIENTS": "sr-agent",
        "SR_OIDC_SYSTEM_CLIENTS": "sr-system",
    }
    yield settings
    asyncio.run(drop_streams(parse_settings(settings)))
    client = Minio(stack.s3.endpoint, keys.access_key, keys.secret_key, secure=False)
    for each in buckets:
        if client.bucket_exists(each):
            client.remove_bucket(each)


def sr(
    settings: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "sr_core.cli", *arguments],
        env={"PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


class TestInit:
    """A deployment is brought to the needed state once, and then left alone."""

    def test_a_check_says_what_is_missing_and_changes_nothing(self, deployment):
        first = sr(deployment, "init", "--check")
        second = sr(deployment, "init", "--check")

        assert first.returncode == second.returncode == 1
        assert "migration 0001_event_log.sql is not applied" in first.stdout
        assert f"bucket {deployment['SR_MINIO_EVIDENCE_BUCKET']} is not there" in (
            first.stdout
        )
        stream = f"{deployment['SR_NATS_STREAM_PREFIX']}-events"
        assert f"stream {stream} is not there" in first.stdout
        assert first.stdout == second.stdout

    def test_it_does_what_was_missing_and_a_second_run_does_nothing(self, deployment):
        first = sr(deployment, "init")
        second = sr(deployment, "init")
        checked = sr(deployment, "init", "--check")

        assert [first.returncode, second.returncode, checked.returncode] == [0, 0, 0]
        assert "applied migration 0001_event_log.sql" in first.stdout
        bucket = deployment["SR_MINIO_CHECKPOINTS_BUCKET"]
        assert f"made bucket {bucket}, with object lock" in first.stdout
        bucket = deployment["SR_MINIO_RESTRICTED_BUCKET"]
        assert f"made bucket {bucket}\n" in first.stdout
        assert second.stdout == checked.stdout == "everything is in place\n"

    def test_it_goes_to_the_database_as_the_owner(self, deployment):
        owner = deployment["SR_DATABASE_URL"]
        nobody = "postgresql://nobody@127.0.0.1:1/nowhere"
        told = {**deployment, "SR_DATABASE_URL": nobody, "SR_DATABASE_OWNER_URL": owner}

        assert sr(told, "init").returncode == 0
        assert sr(told, "init", "--check").stdout == "everything is in place\n"

    def test_it_tells_what_somebody_may_that_he_should_not(self, deployment):
        sr(deployment, "init")
        with psycopg.connect(deployment["SR_DATABASE_URL"]) as connection:
            connection.execute("GRANT DELETE ON es.events TO sr_app")

        checked = sr(deployment, "init", "--check")
        again = sr(deployment, "init")

        assert checked.stdout == again.stdout == "sr_app may DELETE es.events\n"
        assert [checked.returncode, again.returncode] == [1, 1]

    def test_a_bucket_for_checkpoints_without_lock_is_refused(
        self, deployment, stack: StackAddresses
    ):
        keys, bucket = stack.s3.admin, deployment["SR_MINIO_CHECKPOINTS_BUCKET"]
        Minio(
            stack.s3.endpoint, keys.access_key, keys.secret_key, secure=False
        ).make_bucket(bucket)

        checked = sr(deployment, "init", "--check")
        done = sr(deployment, "init")

        assert f"bucket {bucket} has no object lock" in checked.stdout
        assert done.returncode == 2
        assert f"bucket {bucket} has no object lock" in done.stderr


class TestMisuse:
    """Misuse is told in a sentence, with exit code 2 and no traceback."""

    @pytest.mark.parametrize("name", ["SR_DATABASE_URL", "SR_OIDC_HUMAN_CLIENTS"])
    def test_a_setting_that_is_missing_is_named(self, deployment, name):
        said = sr(
            {key: value for key, value in deployment.items() if key != name}, "init"
        )

        assert said.returncode == 2
        assert said.stderr.startswith(f"sr init: {name}: ")
        assert "Traceback" not in said.stderr

    def test_a_misspelt_setting_is_named_with_the_right_one(self, deployment):
        said = sr({**deployment, "SR_MINIO_ENPOINT": "x"}, "init")

        assert said.returncode == 2
        assert "SR_MINIO_ENDPOINT" in said.stderr

    def test_a_database_that_does_not_answer_is_told_in_time(self, deployment):
        nowhere = "postgresql://nobody@127.0.0.1:9/nothing"

        said = sr({**deployment, "SR_DATABASE_URL": nowhere}, "init")

        assert said.returncode == 2
        assert "Postgres gave no usable answer" in said.stderr

    @pytest.mark.parametrize(
        "arguments",
        [(), ("srve",), ("init", "--chek"), ("verify", "--scenario=oracle-gap")],
    )
    def test_an_unknown_command_or_flag_is_refused(self, deployment, arguments):
        said = sr(deployment, *arguments)

        assert said.returncode == 2
        assert "usage: sr" in said.stderr
