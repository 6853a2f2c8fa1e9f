"""Restricted evidence, sealed and opened: a container and its key record, as one.

    sealer = BlobSealer(context, kek, count)
    for piece in plaintext:
        store(sealer.update(piece))
    done = sealer.finish()
    store(done.rest), then keep(done.record) and keep(done.count)

    opener = BlobOpener(record, kek, context)
    for piece in container:
        use(opener.update(piece))
    use([opener.finish()])

A data key is made for one blob, wraps in one record, and lives as long as the sealer
(R-ENC-3 to R-ENC-6). What an opener gives is verified; until it has finished it is only
the beginning of the blob. What is so secret that a beginning must not be used has to be
collected first: `opened` does that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sr_core.codec import crypto
from sr_core.codec.crypto import KEY_BYTES
from sr_core.codec.floe import GCM256_IV256_64K, Decryptor, Encryptor
from sr_core.codec.key_record import (
    KeyRecord,
    container_aad,
    unwrapped_key,
    wrapped_key,
)
from sr_core.domain.kek import Kek, SecretKey, WrapCount
from sr_core.domain.refs import ContentHash
from sr_core.domain.sealing import SealContext, SealedObject
from sr_core.domain.sealing_errors import SealTampered


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What the end of sealing gives: the container's end, its record, the new count."""

    rest: list[bytes]
    record: KeyRecord
    count: WrapCount


class BlobSealer:
    """Seals one blob, a piece at a time, under a fresh key (R-ENC-12: in bounded memory).

    Raises:
        WrapLimitReached: before anything is sealed, if the KEK has no wrap left.

    """

    def __init__(self, context: SealContext, kek: Kek, count: WrapCount) -> None:
        count.one_more()
        self._context = context
        self._kek = kek
        self._count = count
        self._key = SecretKey(crypto.fresh(KEY_BYTES))
        self._encryptor = Encryptor(self._key, container_aad(context), GCM256_IV256_64K)
        self._seen = _Seen()

    def update(self, piece: bytes) -> list[bytes]:
        """Return what of the container is ready, with `piece` added to the blob."""
        return self._seen.all_of(self._encryptor.update(piece))

    def finish(self) -> Sealed:
        """Return the container's end and its key record."""
        rest = self._seen.all_of(self._encryptor.finish())
        record, count = wrapped_key(
            self._key,
            context=self._context,
            sealed=self._seen.object,
            kek=self._kek,
            count=self._count,
        )
        return Sealed(rest=rest, record=record, count=count)


class BlobOpener:
    """Opens one container, a piece at a time; `context` is that of the blob asked for.

    Raises:
        SealUnsound: the record is not that blob's, or does not open with this KEK.

    """

    def __init__(self, record: KeyRecord, kek: Kek, context: SealContext) -> None:
        key = unwrapped_key(record, kek, context)
        self._record = record
        self._decryptor = Decryptor(
            key, container_aad(record.context), GCM256_IV256_64K
        )
        self._seen = _Seen()

    def update(self, piece: bytes) -> list[bytes]:
        """Return the plaintext that is verified by now, save that of the last segment.

        Raises:
            SealUnsound: the container is not to be opened; nothing more comes.

        """
        self._seen.all_of([piece])
        return self._decryptor.update(piece)

    def finish(self) -> bytes:
        """Return the rest of the plaintext, which is whole with it.

        Raises:
            SealTruncated: the container has not ended.
            SealTampered: it is not the one that the record names.

        """
        rest = self._decryptor.finish()
        _require_named(self._seen.object, self._record.sealed)
        return rest


def sealed(
    blob: bytes, context: SealContext, kek: Kek, count: WrapCount
) -> tuple[bytes, Sealed]:
    """Return the container of a blob that is in memory, and what `Sealed` says of it.

    Raises:
        WrapLimitReached: the KEK's version has wrapped as many keys as it may.

    """
    sealer = BlobSealer(context, kek, count)
    begun = sealer.update(blob)
    done = sealer.finish()
    return b"".join((*begun, *done.rest)), done


def opened(
    container: Iterable[bytes], record: KeyRecord, kek: Kek, context: SealContext
) -> bytes:
    """Return the whole blob, or none of it.

    Raises:
        SealUnsound: record or container are not to be opened.

    """
    opener = BlobOpener(record, kek, context)
    plain = [part for piece in container for part in opener.update(piece)]
    return b"".join((*plain, opener.finish()))


class _Seen:
    """The length and the hash of a container, as it goes by."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0

    def all_of(self, pieces: list[bytes]) -> list[bytes]:
        """Return the pieces, seen."""
        for each in pieces:
            self._hash.update(each)
            self._size += len(each)
        return pieces

    @property
    def object(self) -> SealedObject:
        """What has been seen so far."""
        content_hash = ContentHash(f"sha256:{self._hash.hexdigest()}")
        return SealedObject(size=self._size, content_hash=content_hash)


def _require_named(found: SealedObject, named: SealedObject) -> None:
    if found != named:
        raise SealTampered(
            part="container",
            why=f"is {found.content_hash}, and its key record names "
            f"{named.content_hash}",
        )
