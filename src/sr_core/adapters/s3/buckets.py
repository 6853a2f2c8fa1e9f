"""The buckets that a deployment needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED, GOVERNANCE
from minio.error import MinioException, S3Error
from minio.objectlockconfig import DAYS, ObjectLockConfig
from urllib3.exceptions import HTTPError

from sr_core.adapters.s3.connection import S3Access
from sr_core.ports.errors import Unavailable, Unfit

_NO_LOCK: Final = frozenset(
    {"ObjectLockConfigurationNotFoundError", "InvalidBucketState"}
)
_UNSAID: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_IMPLEMENTED})
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedBucket:
    """A bucket where nothing is removed before its time.

    `mode` is COMPLIANCE, for everybody, or GOVERNANCE, but for who may bypass it.
    """

    name: str
    mode: str
    days: int


async def unlocked(access: S3Access, wanted: LockedBucket) -> tuple[str, ...]:
    """Return what is missing of the bucket, in words; change nothing.

    Raises:
        Unavailable: no usable answer.

    """
    return await _answer(access, lambda client: _unlocked(client, wanted.name))


async def ensure_locked(access: S3Access, wanted: LockedBucket) -> tuple[str, ...]:
    """Make the bucket if it is not there, and return its name if so.

    One that is there and locked is left as it is, however long it locks.

    Raises:
        Unfit: it is there, and has no lock.
        Unavailable: no usable answer, or `access` may not make buckets.

    """
    made = await _answer(access, lambda client: _ensure_locked(client, wanted))
    if lacking := await unlocked(access, wanted):
        raise Unfit(system="the object store", cause="; ".join(lacking))
    return made


async def unprotected(access: S3Access, name: str) -> tuple[str, ...]:
    """Return what the bucket does not do for what lies in it, in words; change nothing.

    Raises:
        Unavailable: no usable answer.

    """
    return await _answer(access, lambda client: _unprotected(client, name))


def _unprotected(client: Minio, name: str) -> tuple[str, ...]:
    questions: tuple[tuple[str, Callable[[], tuple[str, ...]]], ...] = (
        ("keeps versions", lambda: _unversioned(client, name)),
        ("locks objects", lambda: _unlocked(client, name)),
    )
    return tuple(fact for asked, ask in questions for fact in _said(name, asked, ask))


def _said(name: str, asked: str, ask: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    """Return what the store says; that it does not say is a fact as well."""
    try:
        return ask()
    except S3Error as error:
        if error.response.status in _UNSAID:
            return (f"it is not told whether bucket {name} {asked}: {error.code}",)
        raise


def _unversioned(client: Minio, name: str) -> tuple[str, ...]:
    is_on = client.get_bucket_versioning(name).status == ENABLED
    return () if is_on else (f"bucket {name} keeps no versions",)


def _unlocked(client: Minio, name: str) -> tuple[str, ...]:
    if not client.bucket_exists(name):
        return (f"bucket {name} is not there",)
    try:
        mode = client.get_object_lock_config(name).mode
    except S3Error as error:
        if error.code in _NO_LOCK:
            return (f"bucket {name} has no object lock",)
        raise
    return () if mode else (f"bucket {name} has no default retention",)


def _ensure_locked(client: Minio, wanted: LockedBucket) -> tuple[str, ...]:
    if client.bucket_exists(wanted.name) or not _make(client, wanted.name, lock=True):
        return ()
    mode = {"COMPLIANCE": COMPLIANCE, "GOVERNANCE": GOVERNANCE}[wanted.mode]
    client.set_object_lock_config(
        wanted.name, ObjectLockConfig(mode, wanted.days, DAYS)
    )
    return (wanted.name,)


def _missing(client: Minio, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if not client.bucket_exists(name))


def _ensure(client: Minio, names: Iterable[str]) -> tuple[str, ...]:
    missing = _missing(client, names)
    return tuple(name for name in missing if _make(client, name))


def _make(client: Minio, name: str, *, lock: bool = False) -> bool:
    """Make the bucket, and say whether it was us who made it."""
    try:
        client.make_bucket(name, object_lock=lock)
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
