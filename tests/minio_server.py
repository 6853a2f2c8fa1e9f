"""A real MinIO server for the suites of the object store, where there is one to run.

None is downloaded, and no wheel has it. Where a Go toolchain is at hand,

    GOBIN="$HOME/bin" go install github.com/minio/minio@latest

builds one in some three minutes. It is looked for where SR_TEST_MINIO says, which has to
be right then, and on PATH. It is a program of its own, licensed under the AGPL: nothing
of ours is linked with it, and nothing of it is shipped.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import pytest
import urllib3
from minio.credentials.providers import StaticProvider
from minio.error import MinioException
from minio.minioadmin import MinioAdmin

from pytest_sr.stack.addresses import S3Address, S3Keys

S3_SERVERS: Final = ("seaweedfs", "minio")
"""What the suites of the object store run against, each server by its name."""
SETTING: Final = "SR_TEST_MINIO"
STARTS_WITHIN_S: Final = 20.0
APP: Final = "app"
"""The policy of what the platform may do: all with objects, and nothing with buckets."""
_APP_ACTIONS: Final = (
    "s3:GetObject*",
    "s3:PutObject",
    "s3:PutObjectTagging",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
)


def program(environment: Mapping[str, str]) -> Path | None:
    """Return the server's program, if there is one.

    Raises:
        AssertionError: the setting names no program.

    """
    if told := environment.get(SETTING):
        assert shutil.which(told), f"{SETTING} names no program: {told}"
        return Path(told)
    found = shutil.which("minio")
    return Path(found) if found else None


@contextmanager
def minio_server(directory: Path) -> Iterator[S3Address]:
    """Start a server with a user for the platform; skip where there is none to start."""
    found = program(os.environ)
    if found is None:
        pytest.skip("SR_TEST_MINIO names no MinIO, and there is none on PATH")
    admin, app = _fresh_keys(), _fresh_keys()
    endpoint = f"127.0.0.1:{_free_port()}"
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(  # noqa: S603 - our own arguments
            [found, "server", "--address", endpoint, "--quiet", directory / "data"],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(directory),
                "MINIO_ROOT_USER": admin.access_key,
                "MINIO_ROOT_PASSWORD": admin.secret_key,
                "MINIO_BROWSER": "off",
                "MINIO_UPDATE": "off",
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        address = S3Address(endpoint=endpoint, region="us-east-1", admin=admin, app=app)
        _await_ready(server, address, directory / "log")
        yield address
    finally:
        server.terminate()
        server.wait(STARTS_WITHIN_S)


def admin_of(address: S3Address) -> MinioAdmin:
    """Return who governs the users of the server."""
    keys = StaticProvider(address.admin.access_key, address.admin.secret_key)
    return MinioAdmin(
        endpoint=address.endpoint,
        credentials=keys,
        region=address.region,
        secure=False,
        http_client=urllib3.PoolManager(retries=False, timeout=STARTS_WITHIN_S),
    )


@contextmanager
def denied(address: S3Address, action: str, resource: str) -> Iterator[None]:
    """Deny the platform's user an action; a bucket's own policy would not bind users."""
    master, name = admin_of(address), f"deny-{token_hex(4)}"
    refusal = {
        "Effect": "Deny",
        "Action": [action],
        "Resource": [f"arn:aws:s3:::{resource}"],
    }
    master.policy_add(name, policy=policy([_allowed(), refusal]))
    master.policy_set(name, user=address.app.access_key)
    try:
        yield
    finally:
        master.policy_set(APP, user=address.app.access_key)
        master.policy_remove(name)


def policy(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allowed() -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": list(_APP_ACTIONS),
        "Resource": ["arn:aws:s3:::*"],
    }


def _await_ready(
    server: subprocess.Popen[bytes], address: S3Address, log: Path
) -> None:
    """Return when the platform's user is there, which shows that the server is."""
    master = admin_of(address)
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until and server.poll() is None:
        try:
            master.policy_add(APP, policy=policy([_allowed()]))
            master.user_add(address.app.access_key, address.app.secret_key)
            master.policy_set(APP, user=address.app.access_key)
        except (urllib3.exceptions.HTTPError, MinioException):
            time.sleep(0.05)  # nothing tells that it is initialised but being asked
        else:
            return
    pytest.fail(f"MinIO did not start: {log.read_text('utf-8', 'replace')}")


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


def _fresh_keys() -> S3Keys:
    return S3Keys(access_key=token_hex(10).upper(), secret_key=token_hex(20))
