"""R-EVT-10, R-EVT-19: the bytes that are hashed are the bytes that are stored.

So a log verifies wherever its bytes are: after a dump and a restore, in another database.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.integration.conftest import READY_S_MAX, Server, SignedLog, an_event

from pytest_sr.stack.binaries import resolve_postgres
from sr_core.bootstrap.compose import migrate
from sr_core.bootstrap.event_log import require_continued
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli import governor, serve
from sr_core.codec.canonical import canonical, parse_json
from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import hash_bytes
from sr_core.ports.checkpoints import LogRegressed
from sr_core.ports.event_store import NewEvent

pytestmark = pytest.mark.anyio

ACCEPTED: dict[str, object] = {
    "a float that is whole": 1.0,
    "a large float": 1e300,
    "a small float": 5e-324,
    "a fraction": 0.1,
    "minus nothing": -0.0,
    "the last whole number": 2**53 - 1,
    "text of all kinds": "é \U0001f600 \u2028 \x01 \\u0000 \"'",
    "a line and a tab": "a\n\tb",
    "keys in no order": {"b": 1, "a": 2, "\u20ac": 3, "\U0001f600": 4},
    "nothing at all": [None, [], {}, "", False],
}
AS_WRITTEN = {
    "an exponent": (b"1e2", "100"),
    "a whole float": (b"1.0", "1.0"),
    "more than a float holds": (b"9007199254740993", "9007199254740993"),
    "spaces": (b'{"a" :  1}', '{"a": 1}'),
    "an escape": (b'"\\u0041"', '"A"'),
}
"""Raw JSON, and what `jsonb` makes of it: what canonical JSON would never be."""


def raw(event: NewEvent, payload: bytes) -> NewEvent:
    """The event with this payload in its envelope, to the byte."""
    marked = b'"payload":{"number":0}'
    assert marked in event.envelope
    envelope = event.envelope.replace(marked, b'"payload":{"raw":' + payload + b"}")
    return replace(event, envelope=envelope, envelope_hash=hash_bytes(envelope))


@pytest.fixture
async def corpus(signed_log: SignedLog) -> SignedLog:
    """A signed log with all these payloads, each at home in a stream of its own."""
    number = 0
    for value in ACCEPTED.values():
        number += 1
        event = an_event(number, f"loop:{number}", 1, payload={"value": value})
        await signed_log.append(event, boundary=f"loop:{number}")
    for written, _ in AS_WRITTEN.values():
        number += 1
        event = an_event(number, f"loop:{number}", 1, payload={"number": 0})
        await signed_log.append(raw(event, written), boundary=f"loop:{number}")
    await signed_log.append(
        an_event(number + 1, "loop:none", 1, correlation_id=None), boundary="loop:none"
    )
    await signed_log.sign()
    return signed_log


def envelopes(dsn: str) -> list[bytes]:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "SELECT envelope FROM es.events ORDER BY global_seq"
        ).fetchall()
    return [each for (each,) in found]


def dump(dsn: str, path: Path) -> Path:
    run("pg_dump", dsn, "--format=custom", f"--file={path}")
    return path


def restore(path: Path, dsn: str) -> str:
    run("pg_restore", dsn, "--no-owner", "--exit-on-error", str(path))
    return dsn


def run(program: str, dsn: str, *arguments: str) -> None:
    at = conninfo_to_dict(dsn)
    told = {f"PG{name.upper()}": str(at[name]) for name in ("host", "port", "user")}
    done = subprocess.run(  # noqa: S603 - the stack's own program
        [
            str(resolve_postgres(os.environ).path.parent / program),
            f"--dbname={at['dbname']}",
            *arguments,
        ],
        env={**told, "PGPASSWORD": str(at["password"])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


class TestALogThatIsRestored:
    async def test_has_the_same_bytes_and_verifies(
        self, corpus, empty_database, tmp_path
    ):
        dsn = corpus.environment["SR_DATABASE_URL"]

        restore(dump(dsn, tmp_path / "log.dump"), empty_database)

        found = await corpus.verify(SR_DATABASE_URL=empty_database)
        assert envelopes(empty_database) == envelopes(dsn)
        assert (found.code, found.findings_total) == (0, 0)
        assert (
            found.events == found.signed_events == len(ACCEPTED) + len(AS_WRITTEN) + 1
        )

    async def test_from_an_older_copy_is_told_and_not_signed(
        self, corpus, empty_database, tmp_path
    ):
        dsn = corpus.environment["SR_DATABASE_URL"]
        size = len(envelopes(dsn))
        copy = dump(dsn, tmp_path / "log.dump")
        await corpus.append(an_event(size + 1, "loop:new", 1), boundary="loop:new")
        await corpus.sign()

        restore(copy, empty_database)

        told = {**corpus.environment, "SR_DATABASE_URL": empty_database}
        restored = replace(corpus, environment=told)
        found = await restored.verify()
        assert (found.code, found.first_bad, found.faults) == (1, size + 1, {"CUT"})
        with pytest.raises(LogRegressed, match=f"ends before {size + 1}"):
            await restored.sign()

    async def test_whose_numbers_were_given_again_is_told_and_not_signed(
        self, corpus, empty_database, tmp_path
    ):
        """R-EVT-19: no number is used again for another event unnoticed."""
        dsn = corpus.environment["SR_DATABASE_URL"]
        size = len(envelopes(dsn))
        copy = dump(dsn, tmp_path / "log.dump")
        await corpus.append(an_event(size + 1, "loop:new", 1), boundary="loop:new")
        await corpus.sign()
        restore(copy, empty_database)
        told = {**corpus.environment, "SR_DATABASE_URL": empty_database}
        restored = replace(corpus, environment=told)

        await restored.append(
            an_event(size + 2, "loop:other", 1), boundary="loop:other"
        )

        found = await restored.verify()
        assert (found.code, found.first_bad) == (1, size + 1)
        with pytest.raises(LogRegressed, match=f"at {size + 1} is not the one"):
            await restored.sign()


class TestAPlatform:
    """R-EVT-19: over a log that lost what was signed, nobody gives numbers again."""

    @pytest.fixture
    async def restored(self, corpus, empty_database, tmp_path) -> dict[str, str]:
        """The settings over a copy from before the last event, which was signed."""
        dsn = corpus.environment["SR_DATABASE_URL"]
        size = len(envelopes(dsn))
        copy = dump(dsn, tmp_path / "log.dump")
        await corpus.append(an_event(size + 1, "loop:new", 1), boundary="loop:new")
        await corpus.sign()
        restore(copy, empty_database)
        return {**corpus.environment, "SR_DATABASE_URL": empty_database}

    async def test_does_not_start(self, restored):
        with pytest.raises(LogRegressed, match="SR_LOG_ORIGIN"):
            await serve.run([], restored)
        with pytest.raises(LogRegressed, match="SR_LOG_ORIGIN"):
            await governor.run(parse_settings(restored))

    async def test_starts_over_the_log_that_was_signed(self, corpus):
        await require_continued(parse_settings(corpus.environment))

    async def test_starts_over_a_log_that_goes_on_as_another(self, restored, bucket):
        told = {
            **restored,
            "SR_LOG_ORIGIN": "a.new/log",
            "SR_MINIO_CHECKPOINTS_BUCKET": bucket.name,
        }

        await require_continued(parse_settings(told))

    async def test_cannot_tell_without_a_key(self, restored):
        """The control: what is signed is what it is held against."""
        told = {name: each for name, each in restored.items() if "_KEY" not in name}

        await require_continued(parse_settings({**told, **keys_of_the_store(restored)}))


class TestAPointInTime:
    """A server that is brought back to an earlier moment by what it had archived."""

    async def test_has_all_up_to_it_and_is_told_from_the_log_that_was_signed(
        self, signed_log, start
    ):
        primary = start("primary")
        await migrate(primary.address.dsn("postgres"))
        restored = start("restored", standby_of=primary, upto="before")
        log = over(signed_log, primary)
        for number in (1, 2):
            await log.append(
                an_event(number, f"loop:{number}", 1), boundary=f"loop:{number}"
            )
        primary.execute("SELECT pg_create_restore_point('before')")
        await log.append(an_event(3, "loop:3", 1), boundary="loop:3")
        await log.sign()

        await promoted(restored)

        back = over(signed_log, restored)
        found = await back.verify()
        assert (found.events, found.first_bad, found.faults) == (2, 3, {"CUT"})
        with pytest.raises(LogRegressed, match="it ends before 3"):
            await require_continued(parse_settings(back.environment))


def over(log: SignedLog, server: Server) -> SignedLog:
    told = {**log.environment, "SR_DATABASE_URL": server.address.dsn("postgres")}
    return replace(log, environment=told)


async def promoted(server: Server) -> None:
    """Return once the server is no standby any more."""
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        with psycopg.connect(server.address.dsn("postgres")) as connection:
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        if row == (False,):
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come to the restore point")


def keys_of_the_store(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: each for name, each in environment.items() if name.startswith("SR_MINIO")
    }


class TestTheIndex:
    """The control: `jsonb` keeps another text, which has another hash."""

    async def test_is_not_what_was_written(self, corpus):
        with psycopg.connect(corpus.environment["SR_DATABASE_URL"]) as connection:
            found = connection.execute(
                "SELECT payload -> 'raw' #>> '{}', (payload -> 'raw')::text"
                " FROM es.readable_events WHERE payload ? 'raw' ORDER BY global_seq"
            ).fetchall()

        assert [text for _, text in found] == [kept for _, kept in AS_WRITTEN.values()]


class TestWhatCannotBeKept:
    @pytest.mark.parametrize(
        "value",
        [2**53 + 1, float("nan"), float("inf"), "\x00", "a\x00b", "\ud800"],
        ids=["2^53+1", "NaN", "infinity", "NUL", "NUL inside", "half a pair"],
    )
    def test_is_refused_before_it_is_recorded(self, value):
        with pytest.raises(MalformedInput):
            canonical({"value": value})

    @pytest.mark.parametrize(
        "text",
        [b'{"a":1,"a":2}', b'{"a":{"b":1,"b":1}}', b"NaN", b"[1e999]", b'"\xff"'],
        ids=["twice", "twice inside", "NaN", "too large", "not UTF-8"],
    )
    def test_is_refused_where_it_is_read(self, text):
        with pytest.raises(MalformedInput):
            parse_json(text, what="the body")
