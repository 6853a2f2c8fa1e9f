"""R-ATT-8: whoever has kept a checkpoint sees whether a newer one goes on from it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.conftest import KEY, SignedLog

from sr_core.cli import log
from sr_core.codec.checkpoint import checkpoint_key, leaves_key
from sr_core.codec.note import SigningKey
from sr_core.domain.errors import MalformedInput

pytestmark = pytest.mark.anyio

OTHER = SigningKey(name="solver-ralph/log", seed=bytes(32))


@dataclass(frozen=True, kw_only=True)
class Auditor:
    """Somebody who keeps checkpoints and proofs as files, and has the public key."""

    log: SignedLog
    room: Path

    async def keeps(self, size: int) -> str:
        store = self.log.store()
        (kept,) = await store.kept(checkpoint_key(size))
        return self.file(f"{size}.note", await store.first(kept))

    def file(self, name: str, data: bytes) -> str:
        path = self.room / name
        path.write_bytes(data)
        return str(path)

    async def asks(self, old: str) -> tuple[int, str]:
        proof = self.room / "proof"
        proof.unlink(missing_ok=True)
        arguments = ["consistency", old, "--output", str(proof)]
        return await log.run(arguments, self.log.environment), str(proof)

    async def checks(self, old: str, proof: str, key: str = KEY.verifier.text) -> int:
        return await log.run(["consistency", old, "--check", proof, "--key", key], {})


@pytest.fixture
async def auditor(signed_log: SignedLog, tmp_path: Path) -> Auditor:
    """Of a log that is signed at 10, 13, 24 and 30."""
    for size in (10, 13, 24, 30):
        await signed_log.grow(up_to=size)
        await signed_log.sign()
    return Auditor(log=signed_log, room=tmp_path)


class TestAProof:
    @pytest.mark.parametrize("size", [10, 13, 24, 30])
    async def test_holds_for_each_older_checkpoint(self, auditor, size, capsys):
        old = await auditor.keeps(size)

        code, proof = await auditor.asks(old)

        assert code == 0
        assert await auditor.checks(old, proof) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [each.rpartition(",")[0] for each in lines] == [
            f"older: solver-ralph/log, {size} events",
            "newer: solver-ralph/log, 30 events",
            "",
        ]

    async def test_is_refused_whatever_byte_of_it_is_changed(self, auditor):
        old = await auditor.keeps(13)
        _, proof = await auditor.asks(old)
        data = Path(proof).read_bytes()  # noqa: ASYNC240 - it is there
        for place, byte in enumerate(data):
            changed = data[:place] + bytes([byte ^ 1]) + data[place + 1 :]
            path = auditor.file("other", changed)
            with suppress(MalformedInput):
                assert await auditor.checks(old, path) == 1, place

    async def test_is_no_proof_for_a_log_that_was_forked(self, auditor, capsys):
        """Another log's checkpoint of 13, signed by the same key, as a split view has."""
        made = await auditor.log.signed_by(KEY, sizes=(13,), with_another_at=7)
        forked = auditor.file("forked", made[checkpoint_key(13)])
        _, proof = await auditor.asks(await auditor.keeps(13))

        assert await auditor.checks(forked, proof) == 1
        assert "does not show" in capsys.readouterr().err
        assert (await auditor.asks(forked))[0] == 1
        assert "does not lead to what 13 signs" in capsys.readouterr().err

    async def test_is_not_made_where_leaves_do_not_follow(self, auditor, capsys):
        """Whoever signs has put a checkpoint of a fork between two that follow."""
        old, store = await auditor.keeps(13), auditor.log.store()
        fork = await auditor.log.signed_by(KEY, sizes=(13, 20), with_another_at=7)
        for key in (leaves_key(20), checkpoint_key(20)):
            await store.put(key, fork[key])

        code, _ = await auditor.asks(old)

        assert code == 1
        assert "the leaves of 20 do not follow on 13" in capsys.readouterr().err

    async def test_is_believed_by_its_key_alone(self, auditor):
        old = await auditor.keeps(10)
        _, proof = await auditor.asks(old)

        with pytest.raises(MalformedInput, match="Give one by"):
            await auditor.checks(old, proof, OTHER.verifier.text)

    async def test_is_of_the_checkpoint_that_it_names(self, auditor):
        _, proof = await auditor.asks(await auditor.keeps(10))

        with pytest.raises(MalformedInput, match="about 10 events"):
            await auditor.checks(await auditor.keeps(13), proof)
