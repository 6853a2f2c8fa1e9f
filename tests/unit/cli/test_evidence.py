"""`sr evidence verify` and `sr evidence keygen`: a file, some keys, and nothing else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.attested import EVIDENCE_KEY, KEYS, LOG_KEY, STRANGER, forged
from tests.unit.application.test_attestation import Files
from tests.unit.application.test_split_view import retold

from sr_core.application.attestation import verify
from sr_core.application.evidence import manifest_key
from sr_core.cli import evidence, evidence_verify
from sr_core.codec.note import Purpose, parse_signing_key
from sr_core.codec.trust import parse_trusted_keys
from sr_core.domain.checkpoint import leaf_of
from sr_core.domain.errors import MalformedInput
from sr_core.ports.event_store import BEGINNING

pytestmark = pytest.mark.anyio

PUB, LOG = EVIDENCE_KEY.verifier.text, LOG_KEY.verifier.text
DRIVERS = {"psycopg", "minio", "nats", "litestar", "uvicorn", "httpx", "joserfc"}


@pytest.fixture
async def file(desk, tmp_path) -> Path:
    await desk.sign(3)
    path: Path = tmp_path / "it.intoto.jsonl"
    path.write_bytes(await desk.export())  # noqa: ASYNC240 - nothing else waits
    return path


class TestVerify:
    async def test_tells_what_holds(self, file, desk, capsys):
        code = await evidence.run(["verify", str(file), "--key", PUB, "--key", LOG], {})

        bundle = await desk.bundle()
        told = capsys.readouterr().out.splitlines()
        assert code == 0
        assert told[0] == f"{bundle} is PASS"
        assert told[1] == (
            f"suite:SR-SUITE-CORE judged {desk.journey.candidate_id}, 4 results"
        )
        assert told[2].endswith("it is not authoritative.")
        assert told[4].endswith(f"by {EVIDENCE_KEY.verifier.label}")
        assert told[6].endswith("events of solver-ralph/log")

    async def test_leaves_out_a_doubt_that_there_is_none_of(self, desk):
        attested = verify(await desk.export(), KEYS[:1])
        context = replace(
            attested.manifest.context,
            environment_fingerprint={"authoritative": "true"},
        )
        manifest = replace(attested.manifest, context=context)

        told = "\n".join(evidence_verify.told(replace(attested, manifest=manifest)))

        assert "authoritative" not in told
        assert "The log does not vouch for it yet" in told

    async def test_compares_what_the_log_says_in_several(
        self, file, desk, tmp_path, capsys
    ):
        stored = await desk.journey.stage.log.read(after=BEGINNING, limit=1000)
        leaves = [leaf_of(each.position, each.envelope_hash) for each in stored]
        files = Files(proven=file.read_bytes(), alone=b"", leaves=leaves)
        twin, other = tmp_path / "twin", tmp_path / "other"
        twin.write_bytes(files.proven)
        other.write_bytes(retold(files, size=len(leaves)))
        keys = ("--key", PUB, "--key", LOG)

        same = await evidence.run(["verify", str(file), str(twin), *keys], {})
        alone = await evidence.run(["verify", str(other), *keys], {})
        split = await evidence.run(["verify", str(file), str(other), *keys], {})

        assert (same, alone, split) == (0, 0, 1)
        told = f"{file} and {other}: the root of solver-ralph/log at 18 events: found"
        assert told in capsys.readouterr().err

    async def test_takes_keys_from_a_file(self, file, tmp_path):
        keys = tmp_path / "keys"
        keys.write_text(f"{PUB} until=2026-01-10T00:00:00Z\n{LOG}\n", "utf-8")
        old = tmp_path / "old"
        old.write_text(f"{PUB} until=2026-01-09T00:00:00Z\n{LOG}\n", "utf-8")

        assert await evidence.run(["verify", str(file), "--keys", str(keys)], {}) == 0
        assert await evidence.run(["verify", str(file), "--keys", str(old)], {}) == 1

    async def test_names_the_place_of_what_does_not_hold(self, file, capsys):
        file.write_bytes(
            forged(file.read_bytes(), entry=lambda entry: entry.update(proof=None))
        )

        code = await evidence.run(["verify", str(file), "--key", PUB], {})

        told = capsys.readouterr()
        assert (code, told.out) == (1, "")
        assert told.err.startswith(f"sr evidence verify: {file}: line 3: proof: found")

    async def test_asks_for_a_key_of_the_log_where_the_log_vouches(self, file, capsys):
        code = await evidence.run(["verify", str(file), "--key", PUB], {})

        assert code == 1
        assert "a key of the purpose checkpoint among those" in capsys.readouterr().err

    async def test_names_who_signed_where_that_is_nobody_known(self, file, capsys):
        key = STRANGER.verifier

        code = await evidence.run(["verify", str(file), "--key", key.text], {})

        assert code == 1
        assert (
            f"a signature by {EVIDENCE_KEY.verifier.label}" in capsys.readouterr().err
        )

    async def test_finds_the_file_that_it_is_about(self, file, desk, tmp_path, capsys):
        store, bundle = desk.journey.stage.evidence_bytes, await desk.bundle()
        stored = manifest_key(bundle)
        manifest, other = tmp_path / "manifest", tmp_path / "other"
        manifest.write_bytes(await store.get(stored, expected=bundle))
        other.write_bytes(manifest.read_bytes()[:-1])
        keys = ["--key", PUB, "--key", LOG]
        asked = ["verify", str(file), *keys, "--subject", str(manifest)]

        held = await evidence.run(asked, {})
        told = capsys.readouterr().out
        refused = await evidence.run([*asked, "--subject", str(other)], {})

        assert (held, refused) == (0, 1)
        assert told.endswith(f"{manifest} is manifest.json\n")
        digest = hashlib.sha256(other.read_bytes()).hexdigest()
        assert f"found 'sha256 {digest}'" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "at least one key"),
            (["--key", "a+b"], "sr evidence keygen"),
            (["--key", EVIDENCE_KEY.text], "found 'a secret'"),
            (["--key", PUB, "--key", PUB], "each key once"),
            (["--keys", "/no/such/file"], "No such file"),
            (["--key", PUB, "--key", LOG, "--subject", "/no/such"], "No such file"),
        ],
    )
    async def test_is_told_when_it_is_misused(self, file, arguments, said):
        """The command line answers these with 2."""
        with pytest.raises(MalformedInput, match=said):
            await evidence.run(["verify", str(file), *arguments], {})

    @pytest.mark.parametrize("option", ["--key", "--keys", "--subject"])
    async def test_without_a_file_there_is_nothing_to_hold_a_key_to(self, option):
        with pytest.raises(MalformedInput, match="the options are about"):
            await evidence.run(["verify", option, PUB], {})

    async def test_loads_nothing_that_speaks_to_anybody(self, file):
        program = (
            "import sys; from sr_core.cli.main import run;"
            f" code = run(['evidence', 'verify', {str(file)!r},"
            f" '--key', {PUB!r}, '--key', {LOG!r}]);"
            " print(code, *sorted({each.partition('.')[0] for each in sys.modules}))"
        )

        done = subprocess.run(  # noqa: S603, ASYNC221 - our own command
            [sys.executable, "-P", "-c", program],
            env={},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )

        code, *modules = done.stdout.splitlines()[-1].split()
        assert code == "0"
        assert "sr_core" in modules
        assert DRIVERS & set(modules) == set()


class TestKeygen:
    async def test_prints_a_pair_that_signs_evidence(self, capsys):
        code = await evidence.run(["keygen", "--name", "lab"], {})

        told = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
        signing = parse_signing_key(
            told["SR_EVIDENCE_SIGNING_KEY"], field="it", purpose=Purpose.EVIDENCE
        )
        (trusted,) = parse_trusted_keys(
            told["SR_EVIDENCE_VERIFIER_KEYS"], field="it", purpose=Purpose.EVIDENCE
        )
        assert code == 0
        assert signing.verifier == trusted.key
        assert signing.name == "lab"

    async def test_prints_another_each_time(self, capsys):
        await evidence.run(["keygen"], {})
        await evidence.run(["keygen"], {})

        assert len({*capsys.readouterr().out.splitlines()}) == 4
