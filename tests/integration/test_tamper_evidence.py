"""R-EVT-9: whoever changes the log is found out, at the first event that was touched.

events   1 ... 10 | 11 ... 20 | 21 ... 30 | 31 ... 36
signed          10          20          30   not yet
"""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.integration.conftest import (
    KEY,
    Forger,
    SignedLog,
    rechained,
    renumbered,
    resealed,
)

from sr_core.application import checkpoints as signing
from sr_core.application.loops import Loops
from sr_core.application.recorder import Asked
from sr_core.application.suites import Suites
from sr_core.bootstrap.compose import running
from sr_core.bootstrap.settings import parse_settings
from sr_core.cli import log
from sr_core.codec.checkpoint import checkpoint_key
from sr_core.codec.note import SigningKey
from sr_core.domain.checkpoint import LEAVES_MAX
from sr_core.domain.loop import Budgets
from sr_core.domain.ref_builders import governed_artifact_ref
from sr_core.domain.refs import RefRelation
from sr_core.ports.checkpoints import LogRegressed, LogUnsound
from sr_core.testing import HUMAN, build_suite

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def kept(signed_log: SignedLog) -> SignedLog:
    """A log of 36 events, signed at 10, 20 and 30."""
    for size in (10, 20, 30):
        await signed_log.grow(up_to=size)
        await signed_log.sign()
    await signed_log.grow(up_to=36)
    return signed_log


def edit_a_payload(forger: Forger) -> int:
    rows = forger.rows()
    row = rows[12]
    row["envelope"] = row["envelope"].replace(b'"number":13', b'"number":99')
    forger.write(rows)
    return 13


def swap_two_events(forger: Forger) -> int:
    rows = forger.rows()
    rows[6], rows[24] = (
        {**rows[24], "global_seq": 7, "chain_hash": rows[6]["chain_hash"]},
        {**rows[6], "global_seq": 25, "chain_hash": rows[24]["chain_hash"]},
    )
    forger.write(rows)
    return 7


def delete_in_the_middle(forger: Forger) -> int:
    forger.do("DELETE FROM es.events WHERE global_seq = 17")
    return 17


def delete_the_tail(forger: Forger) -> int:
    """Cut it where it was signed, and leave no trace of it in the database."""
    forger.do("DELETE FROM es.events WHERE global_seq >= 27")
    forger.settle()
    return 27


def insert_an_event(forger: Forger) -> int:
    """Put one in between, and make all that comes after fit."""
    rows = forger.rows()
    new = resealed(rows[0], event_id="evt_new", stream_id="loop:new", stream_seq=1) | {
        "boundary": "loop:new"
    }
    forger.write(rechained(renumbered([*rows[:19], new, *rows[19:]])))
    forger.settle()
    return 20


def renumber(forger: Forger) -> int:
    """Move the end of the log on, so that there is room for something."""
    forger.do(
        "UPDATE es.events SET global_seq = global_seq + 1000 WHERE global_seq > 8"
    )
    forger.do(
        "UPDATE es.events SET global_seq = global_seq - 999 WHERE global_seq > 999"
    )
    forger.settle()
    return 9


def rewrite_it_all(forger: Forger) -> int:
    """Change one event, and every hash that follows from it."""
    rows = forger.rows()
    rows[21] = resealed(rows[21], actor_id="eve")
    forger.write(rechained(rows))
    forger.settle()
    return 22


TAMPERINGS = [
    edit_a_payload,
    swap_two_events,
    delete_in_the_middle,
    delete_the_tail,
    insert_an_event,
    renumber,
    rewrite_it_all,
]


class TestASuperuser:
    @pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.__name__)
    async def test_is_found_out_at_the_first_event(self, kept, tampering):
        expected = tampering(kept.forger)

        found = await kept.verify()

        assert (found.code, found.verdict) == (1, "TAMPERED")
        assert found.first_bad == expected

    async def test_who_changes_checkpoints_too_is_found_out(self, kept, locked_bucket):
        """They rewrite the log, and put checkpoints of their own over ours."""
        expected = rewrite_it_all(kept.forger)
        await put_over_ours(kept, locked_bucket)

        found = await kept.verify()

        assert (found.code, found.first_bad) == (1, expected)
        assert "CHECKPOINT" in found.faults
        assert "checkpoint/00000000000000000030 has 1 later versions" in said(found)

    async def test_who_only_swaps_checkpoints_is_found_out(self, kept, locked_bucket):
        client = locked_bucket.admin
        for one, other in ((10, 20), (20, 10)):
            data = await read(kept, checkpoint_key(other))
            client.put_object(
                locked_bucket.name, checkpoint_key(one), io.BytesIO(data), len(data)
            )

        found = await kept.verify()

        assert (found.code, found.first_bad) == (1, None)
        assert found.faults == {"CHECKPOINT"}
        assert [each["found"].split()[0] for each in found.findings] == [
            checkpoint_key(10),
            checkpoint_key(20),
        ]


class TestAnHonestLog:
    """The control: nothing is found where nobody has tampered."""

    async def test_verifies(self, kept, capsys):
        found = await kept.verify()

        assert (found.code, found.verdict, found.findings_total) == (0, "SOUND", 0)
        assert (found.events, found.checkpoints, found.signed_events) == (36, 3, 30)
        assert "What came after 30 is not signed yet" in capsys.readouterr().out

    async def test_of_the_platform_itself_verifies(self, signed_log):
        """What is appended by the platform, and not by this test, is checked too."""
        async with running(parse_settings(signed_log.environment)) as parts:
            loops = Loops(platform=parts.platform)
            await Suites(platform=parts.platform).register(
                build_suite(), Asked(by=HUMAN)
            )
            directive = parts.platform.governed.entry("SR-DIRECTIVE")
            assert directive is not None, "no platform starts without one"
            made, _ = await loops.create(
                Asked(by=HUMAN),
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
            await loops.activate(made, Asked(by=HUMAN))
        await signed_log.sign()

        found = await signed_log.verify()

        assert (found.code, found.findings) == (0, [])
        assert found.events == found.signed_events > 8

    async def test_that_grows_meanwhile_verifies(self, kept):
        async with kept.record().snapshot() as snapshot:
            first = [row.position async for row in snapshot.rows(first=1)]
            await kept.grow(up_to=40)
            second = [row.position async for row in snapshot.rows(first=1)]

        assert first == second == list(range(1, 37))
        assert (await kept.verify()).code == 0


class TestWhatCannotBeJudged:
    """Exit 2, never 0: absence of evidence is not evidence."""

    async def test_an_empty_log(self, signed_log, capsys):
        found = await signed_log.verify("--no-checkpoints")
        other = await signed_log.verify()

        assert (found.code, other.code) == (2, 2)
        assert "nothing to verify" in capsys.readouterr().out

    async def test_a_log_that_was_never_signed(self, signed_log, capsys):
        await signed_log.grow(up_to=3)

        found = await signed_log.verify()

        assert (found.code, found.verdict) == (2, "UNJUDGED")
        assert "There is no genuine checkpoint" in capsys.readouterr().out

    async def test_a_log_without_a_key_to_verify_with(self, kept, capsys):
        alone = await kept.verify(SR_LOG_VERIFIER_KEY="")
        asked = await kept.verify("--no-checkpoints")

        assert (alone.code, asked.code) == (2, 0)
        assert capsys.readouterr().out.count("held against itself alone") == 2

    async def test_a_rewrite_is_not_seen_without_checkpoints(self, kept):
        """What the sentence says is true: this is what checkpoints are for."""
        rewrite_it_all(kept.forger)

        assert (await kept.verify("--no-checkpoints")).code == 0

    async def test_what_came_after_the_last_checkpoint(self, kept):
        """And so is the other sentence."""
        rows = kept.forger.rows()
        rows[32] = resealed(rows[32], actor_id="eve")
        kept.forger.write(rechained(rows[:35]))
        kept.forger.settle()

        assert (await kept.verify()).code == 0

    async def test_a_log_that_is_empty_now_and_was_not(self, kept):
        kept.forger.write([])
        kept.forger.settle(head=False)
        kept.forger.do(
            "UPDATE es.head SET global_seq = 0, chain_hash = decode(repeat('00', 32),"
            " 'hex')"
        )

        found = await kept.verify()

        assert (found.code, found.first_bad, found.faults) == (1, 1, {"CUT"})


class TestSigning:
    async def test_again_signs_nothing_new(self, kept):
        made = [await kept.sign(), await kept.sign()]

        assert [[each.size for each in one] for one in made] == [[36], []]

    async def test_by_two_at_once_leaves_one_story(self, kept):
        made = await asyncio.gather(kept.sign(), kept.sign(), kept.sign())

        found = await kept.verify()

        assert {each.size for one in made for each in one} == {36}
        assert (found.code, found.checkpoints, found.signed_events) == (0, 4, 36)

    async def test_a_log_that_is_shorter_is_refused(self, kept, capsys):
        kept.forger.do("DELETE FROM es.events WHERE global_seq > 25")
        kept.forger.settle()

        with pytest.raises(LogRegressed, match="ends before 30"):
            await kept.sign()
        code = await log.run(["checkpoint"], kept.environment)

        assert code == 1
        assert "ends before 30" in capsys.readouterr().err

    async def test_a_log_whose_last_signed_event_is_another_is_refused(self, kept):
        rows = kept.forger.rows()
        rows[29] = resealed(rows[29], actor_id="eve")
        kept.forger.write(rechained(rows))
        kept.forger.settle()

        with pytest.raises(LogRegressed, match="at 30 is not the one"):
            await kept.sign()

    async def test_what_does_not_hold_is_refused(self, kept):
        kept.forger.do("UPDATE es.events SET actor_id = 'eve' WHERE global_seq = 33")

        with pytest.raises(LogUnsound, match="at 33 there is actor_id 'eve'"):
            await kept.sign()

        kept.forger.do("UPDATE es.events SET actor_id = 'ada'")
        kept.forger.do("UPDATE es.head SET global_seq = 40")
        with pytest.raises(LogUnsound, match=r"es\.head says"):
            await kept.sign()

    async def test_after_the_last_checkpoint_was_changed_is_refused(
        self, kept, locked_bucket
    ):
        locked_bucket.admin.remove_object(locked_bucket.name, checkpoint_key(30))

        with pytest.raises(LogUnsound, match="a mark that it is removed"):
            await kept.sign()

    async def test_an_empty_log_is_told(self, signed_log, capsys):
        code = await log.run(["checkpoint"], signed_log.environment)

        assert code == 2
        assert "nothing to sign" in capsys.readouterr().err

    async def test_many_events_make_several_checkpoints(self, signed_log, monkeypatch):
        assert LEAVES_MAX == 65_536
        monkeypatch.setattr(signing, "LEAVES_MAX", 4)
        await signed_log.grow(up_to=10)

        made = await signed_log.sign()

        assert [each.size for each in made] == [4, 8, 10]
        assert (await signed_log.verify()).signed_events == 10


class TestOtherTools:
    """What the page tells an auditor to run is run here, as it stands there."""

    @pytest.fixture
    def audit(self, tmp_path):
        page = (ROOT / "docs/explanation/tamper-evidence.md").read_text("utf-8")
        program = page.partition("```python\n")[2].partition("```")[0]

        async def run(kept: SignedLog, size: int):
            note = tmp_path / "checkpoint"
            note.write_bytes(await read(kept, checkpoint_key(size)))
            return subprocess.run(  # noqa: S603, ASYNC221 - the page's own program
                [sys.executable, "-P", "-W", "error", "-c", program],
                env={**kept.environment, "CHECKPOINT": str(note)},
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )

        return run

    async def test_come_to_the_same_verdict(self, kept, audit):
        honest = await audit(kept, 30)
        rewrite_it_all(kept.forger)
        rewritten = await audit(kept, 30)
        before = await audit(kept, 20)

        assert honest.stdout == (
            "solver-ralph/log: 30 events are as solver-ralph/log signed them\n"
        )
        assert "is not the one that was signed" in rewritten.stderr
        assert before.returncode == 0


def sr(settings: Mapping[str, str], *arguments: str):
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "sr_core.cli", "log", *arguments],
        env={"PATH": "/usr/bin:/bin", **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


class TestTheCommand:
    """From fresh keys to a verdict, as an operator goes."""

    async def test_makes_keys_signs_and_verifies(self, signed_log):
        await signed_log.grow(up_to=5)
        made = sr({}, "keygen", "--name", "log.example")
        keys = dict(line.split("=", 1) for line in made.stdout.splitlines())
        settings = {**signed_log.environment, **keys, "SR_LOG_ORIGIN": "log.example"}

        first, second = sr(settings, "checkpoint"), sr(settings, "checkpoint")
        verified = sr(settings, "verify")

        assert made.returncode == first.returncode == second.returncode == 0
        assert first.stdout.startswith("signed 5 events, root ")
        assert second.stdout == "nothing was appended since the last checkpoint\n"
        assert verified.returncode == 0
        assert "Held against 1 signed checkpoints" in verified.stdout

    async def test_names_what_it_found(self, kept):
        kept.forger.do("UPDATE es.events SET actor_id = 'eve' WHERE global_seq = 4")

        said = sr(kept.environment, "verify")

        assert said.returncode == 1
        assert said.stdout.splitlines()[:2] == [
            "COLUMN at 4: found actor_id 'eve'; expected 'ada', as the envelope says",
            "first bad sequence number: 4",
        ]

    async def test_without_a_log_there_is_no_verdict(self, signed_log, empty_database):
        settings = {**signed_log.environment, "SR_DATABASE_URL": empty_database}

        said = sr(settings, "verify")

        assert said.returncode == 2
        assert "it has no schema of ours" in said.stderr

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"SR_MINIO_ENDPOINT": "127.0.0.1:9"}, "gave no usable answer"),
            ({"SR_MINIO_CHECKPOINTS_BUCKET": "no-such"}, "gave no usable answer"),
            ({"SR_DATABASE_URL": "postgresql://x@127.0.0.1:9/x"}, "Postgres gave no"),
        ],
        ids=["no store", "no bucket", "no database"],
    )
    async def test_out_of_reach_there_is_no_verdict(self, kept, changed, told):
        said = sr({**kept.environment, **changed}, "verify")

        assert said.returncode == 2
        assert told in said.stderr
        assert "Traceback" not in said.stderr

    def test_nobody_signs_without_a_key(self, signed_log):
        settings = {**signed_log.environment, "SR_LOG_SIGNING_KEY": ""}

        said = sr(settings, "checkpoint")

        assert said.returncode == 2
        assert said.stderr.startswith("sr log: SR_LOG_SIGNING_KEY: ")


async def read(kept: SignedLog, key: str) -> bytes:
    store = kept.store()
    (found,) = await store.kept(key)
    return await store.first(found)


async def put_over_ours(kept: SignedLog, locked_bucket) -> None:
    """Sign the log as it is now with another key, and put that over what is there."""
    forgery = await kept.signed_by(SigningKey(name=KEY.name, seed=bytes(32)))
    for key, data in forgery.items():
        locked_bucket.admin.put_object(
            locked_bucket.name, key, io.BytesIO(data), len(data)
        )


def said(found) -> str:
    return "\n".join(each["found"] for each in found.findings)
