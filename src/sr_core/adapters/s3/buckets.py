"""The buckets that a deployment needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from sr_core.adapters.s3.connection import S3Access
from sr_core.ports.errors import Unavailable

_THERE_ALREADY: Final = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})


async def missing_buckets(access: S3Access, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of `names` that are not there; change nothing.

    Raises:
        Unavailable: no usable answer.

    """
    return await _answer(access, lambda client: _missing(client, names))


async def ensure_buckets(access: S3Access, names: Iterable[str]) -> tuple[str, ...]:
    """Make those of `names` that are not there, private, and return them.

    Several may do so at once; a bucket that is there is left as it is.

    Raises:
        Unavailable: no usable answer, or `access` may not make buckets.

    """
    return await _answer(access, lambda client: _ensure(client, names))


def _missing(client: Minio, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not client.bucket_exists(name))


def _ensure(client: Minio, names: Iterable[str]) -> tuple[str, ...]:
    missing = _missing(client, names)
    return tuple(name for name in missing if _make(client, name))


def _make(client: Minio, name: str) -> bool:
    """Make the bucket, and say whether it was us who made it."""
    try:
        client.make_bucket(name)
    except S3Error as error:
        if error.code in _THERE_ALREADY:
            return False
        raise
    return True


async def _answer(
    access: S3Access, question: Callable[[Minio], tuple[str, ...]]
) -> tuple[str, ...]:
    client = access.client(access.pool())
    try:
        async with asyncio.timeout(access.deadline_s):
            return await asyncio.to_thread(question, client)
    except (HTTPError, MinioException, OSError, TimeoutError) as error:
        raise Unavailable(
            system=f"the object store at {access.endpoint}",
            deadline_s=access.deadline_s,
        ) from error
