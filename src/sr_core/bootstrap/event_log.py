"""What watches over the event log, from a deployment's settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sr_core.adapters.postgres.log_record import PostgresLogRecord
from sr_core.adapters.s3.checkpoints import S3CheckpointStore
from sr_core.application.checkpoints import Archive, Checkpoints
from sr_core.application.log_verification import LogVerification
from sr_core.bootstrap.compose import s3_access
from sr_core.bootstrap.settings import Settings
from sr_core.domain.errors import MalformedInput

CHECKPOINTS_S: Final = 60.0
"""How long the store may take for one answer: a list of all there is takes long."""


def verification(settings: Settings) -> LogVerification:
    """Return what verifies the log, against itself alone where there is no key."""
    return LogVerification(
        record=PostgresLogRecord(settings.database_url), archive=archive_of(settings)
    )


async def require_continued(settings: Settings) -> None:
    """Return if the log holds what was signed last; without a key nobody can tell.

    Raises:
        LogRegressed: it does not, so that numbers would be given a second time.
        LogUnsound: what was signed is not as it was.
        Unavailable: the database or the store gave no answer in time.

    """
    archive = archive_of(settings)
    if archive is not None:
        await archive.require_continued_by(PostgresLogRecord(settings.database_url))


def checkpoints(settings: Settings) -> Checkpoints:
    """Return what signs the log.

    Raises:
        MalformedInput: there is no key to sign with.

    """
    if settings.log_signing_key is None:
        raise MalformedInput(
            field="SR_LOG_SIGNING_KEY",
            found="",
            expected="the key that signs, as `sr log keygen` prints it",
        )
    return Checkpoints(
        record=PostgresLogRecord(settings.database_url),
        store=_store(settings),
        key=settings.log_signing_key,
        origin=settings.log_origin,
    )


def archive_of(settings: Settings) -> Archive | None:
    """Return the log's checkpoints as a reader sees them, None where there is no key."""
    if settings.log_verifier_key is None:
        return None
    return Archive(
        store=_store(settings),
        key=settings.log_verifier_key,
        origin=settings.log_origin,
    )


def _store(settings: Settings) -> S3CheckpointStore:
    access = replace(s3_access(settings), deadline_s=CHECKPOINTS_S)
    return S3CheckpointStore(access, bucket=settings.checkpoints_bucket)
