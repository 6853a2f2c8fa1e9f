"""The second channel: the log, the rows and the objects, read past the system.

Nothing here uses the system's own code: what the system says of itself proves nothing.
Hashes are computed here from the bytes that are stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, TypeAlias

from minio import Minio
from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow

from pytest_sr.history import Logged, ObjectSeen, Row
from pytest_sr.stack.addresses import S3Address
from pytest_sr.world.clear import is_in_clear

DOCUMENT_BYTES_MAX: Final = 1024 * 1024

Connection: TypeAlias = AsyncConnection[DictRow]

_EVENTS: Final = """
SELECT global_seq, event_id, event_type, stream_id, stream_seq, boundary,
       envelope, envelope_hash, chain_hash
  FROM es.events ORDER BY global_seq
"""
_TABLES: Final = """
SELECT n.nspname AS schema, c.relname AS name,
       array_agg(a.attname ORDER BY k.place) AS key
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
 WHERE n.nspname IN ('proj', 'graph') AND i.indisprimary
 GROUP BY n.nspname, c.relname
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """One row of the log, as the database holds it."""

    global_seq: int
    event_id: str
    event_type: str
    stream_id: str
    stream_seq: int
    boundary: str
    envelope: bytes
    envelope_hash: str
    chain_hash: bytes


class Channel:
    """Reads one case's database and buckets."""

    def __init__(
        self, connection: Connection, s3: S3Address, *, buckets: Sequence[str]
    ) -> None:
        self._connection = connection
        self._tables: list[DictRow] = []
        self._buckets = tuple(buckets)
        self._client = Minio(
            s3.endpoint,
            access_key=s3.admin.access_key,
            secret_key=s3.admin.secret_key,
            secure=False,
            region=s3.region,
        )
        self._seen: dict[tuple[str, str, str], ObjectSeen] = {}

    async def raw_log(self) -> tuple[RawEvent, ...]:
        """Return the whole log, in order, as it is stored."""
        rows = await self._query(_EVENTS)
        return tuple(RawEvent(**each) for each in rows)

    async def log(self) -> tuple[Logged, ...]:
        """Return the whole log, in order, each event with whether its hashes hold."""
        return tuple(_logged(await self.raw_log()))

    async def position(self) -> int:
        """Return the position of the last event, 0 for an empty log."""
        rows = await self._query("SELECT max(global_seq) AS last FROM es.events")
        return rows[0]["last"] or 0

    async def keys(self) -> Mapping[str, tuple[str, ...]]:
        """Return the columns of each table's primary key, by table.

        A table of the graph is named with its schema, such as ``graph.edges``.
        """
        if not self._tables:
            self._tables = await self._query(_TABLES)
        return {_name(each): tuple(each["key"]) for each in self._tables}

    async def rows(self) -> Mapping[str, Mapping[str, Row]]:
        """Return every row of the read model, by table and primary key."""
        found: dict[str, Mapping[str, Row]] = {}
        keys = await self.keys()
        for table in self._tables:
            name = sql.Identifier(table["schema"], table["name"])
            rows = await self._query(
                sql.SQL("SELECT * FROM {} ORDER BY position").format(name)
            )
            found[_name(table)] = keyed(map(plain_row, rows), keys[_name(table)])
        return found

    async def objects(self) -> Mapping[str, ObjectSeen]:
        """Return every stored object as ``bucket/key``, read whole and hashed here."""
        return await asyncio.to_thread(self._objects)

    def _objects(self) -> Mapping[str, ObjectSeen]:
        found = {}
        for bucket in self._buckets:
            for each in self._client.list_objects(bucket, recursive=True):
                key, tag = str(each.object_name), str(each.etag)
                known = self._seen.get((bucket, key, tag))
                if known is None:
                    known = self._fetch(bucket, key)
                    self._seen[(bucket, key, tag)] = known
                found[f"{bucket}/{key}"] = known
        return found

    def _fetch(self, bucket: str, key: str) -> ObjectSeen:
        with self._client.get_object(bucket, key) as answer:
            data = answer.read()
        document = None
        if key.endswith("manifest.json") and len(data) <= DOCUMENT_BYTES_MAX:
            document = _document(data)
        return ObjectSeen(
            sha256=f"sha256:{hashlib.sha256(data).hexdigest()}",
            size=len(data),
            document=document,
            in_clear=is_in_clear(data),
        )

    async def _query(self, statement: LiteralString | sql.Composed) -> list[DictRow]:
        return await (await self._connection.execute(statement)).fetchall()


def keyed(rows: Iterable[Row], key: Sequence[str]) -> Mapping[str, Row]:
    """Return the rows by the values of their key, of which no two have the same."""
    found = [(",".join(str(row[column]) for column in key), row) for row in rows]
    by_key = dict(found)
    assert len(by_key) == len(found), f"{', '.join(key)} is a key"
    return by_key


def plain_row(row: Mapping[str, Any]) -> Row:
    """Return a row in the form that a history keeps: times as text, in UTC."""
    return {name: _plain(value) for name, value in row.items()}


def _name(table: DictRow) -> str:
    schema, name = str(table["schema"]), str(table["name"])
    return name if schema == "proj" else f"{schema}.{name}"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value


def _logged(events: Sequence[RawEvent]) -> Iterator[Logged]:
    chain = bytes(32)
    for each in events:
        digest = hashlib.sha256(each.envelope).digest()
        link = chain + each.global_seq.to_bytes(8, "big") + digest
        chain = hashlib.sha256(link).digest()
        said = json.loads(each.envelope)
        named = (said["event_id"], said["event_type"], said["stream_id"])
        is_sound = (
            each.envelope_hash == f"sha256:{digest.hex()}"
            and each.chain_hash == chain
            and named == (each.event_id, each.event_type, each.stream_id)
            and said["stream_seq"] == each.stream_seq
        )
        chain = each.chain_hash
        yield Logged(
            position=each.global_seq,
            event_id=each.event_id,
            event_type=each.event_type,
            stream_id=each.stream_id,
            stream_seq=each.stream_seq,
            actor_kind=said["actor_kind"],
            actor_id=said["actor_id"],
            occurred_at=said["occurred_at"],
            payload=said["payload"],
            refs=tuple(said["refs"]),
            is_sound=is_sound,
        )


def _document(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None
