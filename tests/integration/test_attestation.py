"""R-ATT-6, R-ATT-9: evidence of the real stack, checked by us and by a stranger alike."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import rfc8785
from minio import Minio
from tests.attested import (
    STRANGER,
    independent,
    lines_of,
    payload_of,
    resigned,
    single_byte_changes,
    whole,
)
from tests.conftest import Bucket

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.steps.platform import prepare_candidate, start_run
from pytest_sr.world.accounts import Accounts
from pytest_sr.world.world import Template, World, environment, world
from sr_core.application.attestation import verify
from sr_core.codec.trust import TrustedKey, parse_trusted_keys
from sr_core.domain.judging_errors import AttestationInvalid

pytestmark = pytest.mark.anyio

CHANGES = 1000


def sr(
    settings: Mapping[str, str], *arguments: str, cwd: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "sr_core.cli", *arguments],
        env={"PATH": "/usr/bin:/bin", **settings},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@dataclass(frozen=True)
class Outside:
    """A deployment with one judged candidate and a signed log, and its operator's desk."""

    world: World
    settings: Mapping[str, str]
    evidence: str
    desk: Path
    store: Minio

    def sr(self, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        """The command with the deployment's settings, and a change or two."""
        return sr({**self.settings, **changes}, *arguments, cwd=self.desk)

    def alone(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command without any setting."""
        return sr({}, *arguments, cwd=self.desk)

    @property
    def keys(self) -> tuple[str, str]:
        """Whom an auditor believes: for evidence, and for the log."""
        names = ("SR_EVIDENCE_VERIFIER_KEYS", "SR_LOG_VERIFIER_KEY")
        evidence, log = (self.settings[name] for name in names)
        return evidence, log

    def is_kept_in(self, file: bytes) -> bool:
        """Whether the oracles ran in a sandbox, which depends on the machine."""
        manifest = payload_of(file, 2)["predicate"]["manifest"]
        measured: str = manifest["context"]["environment_fingerprint"]["authoritative"]
        return {"true": True, "false": False}[measured]

    def blob(self, digest: str) -> tuple[str, str]:
        """Where a blob of the bundle lies: the bucket, and the key."""
        key = f"sha256/{self.evidence.removeprefix('sha256:')}/blobs/{digest}"
        return self.world.buckets.evidence, key

    def export(self, name: str = "it.intoto.jsonl") -> bytes:
        done = self.sr("evidence", "export", self.evidence, "--output", name)
        assert done.returncode == 0, done.stderr
        return (self.desk / name).read_bytes()


@pytest.fixture
async def outside(
    stack: StackAddresses, worlds: Template, locked_bucket: Bucket, tmp_path: Path
) -> AsyncIterator[Outside]:
    accounts = Accounts(stack.issuer)
    async with world(
        stack, worlds, accounts, system="in-process", sandbox="plain"
    ) as made:
        ready = await prepare_candidate(made)
        run = await start_run(made, candidate=ready.candidate)
        database = made.buckets.evidence.removesuffix("-evidence").replace("-", "_")
        settings = {
            **environment(stack, database, made.buckets, sandbox="plain"),
            "SR_MINIO_CHECKPOINTS_BUCKET": locked_bucket.name,
        }
        for group in ("log", "evidence"):
            printed = sr({}, group, "keygen", cwd=tmp_path).stdout
            settings |= dict(line.split("=", 1) for line in printed.splitlines())
        yield Outside(made, settings, run.evidence, tmp_path, locked_bucket.admin)


async def test_an_operator_exports_and_an_auditor_verifies(outside):
    signed = outside.sr("log", "checkpoint")
    file = outside.export()
    evidence, log = outside.keys
    blob = payload_of(file, 1)["subject"][-1]
    data = outside.store.get_object(*outside.blob(blob["digest"]["sha256"])).read()
    (outside.desk / "blob").write_bytes(data)
    (outside.desk / "other").write_bytes(data + b"!")
    asked = ("evidence", "verify", "it.intoto.jsonl", "--key", evidence, "--key", log)

    held = outside.alone(*asked, "--subject", "blob")
    no_subject = outside.alone(*asked, "--subject", "other")

    assert signed.returncode == 0, signed.stderr
    assert (held.returncode, held.stderr) == (0, "")
    assert f"{outside.evidence} is PASS" in held.stdout
    assert f"blob is {blob['name']}" in held.stdout
    assert ("it is not authoritative" in held.stdout) is not outside.is_kept_in(file)
    assert "which is in the signed checkpoint of" in held.stdout
    assert no_subject.returncode == 1
    assert "--subject other: found 'sha256 " in no_subject.stderr
    assert independent([file], outside.desk, keys=outside.keys) == [
        f"held: {outside.evidence}: PASSED"
    ]


async def test_a_log_that_is_not_signed_does_not_vouch(outside):
    told = outside.sr("evidence", "export", outside.evidence, "--output", "it")
    evidence, log = outside.keys

    without = outside.alone("evidence", "verify", "it", "--key", evidence)
    demanded = outside.alone(
        "evidence", "verify", "it", "--key", evidence, "--key", log
    )

    assert "no checkpoint is of it yet" in told.stdout
    assert without.returncode == 0
    assert "The log does not vouch for it yet" in without.stdout
    assert demanded.returncode == 1
    assert "line 3: proof: found 'none'" in demanded.stderr


async def test_whatever_is_changed_is_refused_by_both(outside):
    """R-ATT-6: a thousand changes of a byte; R-ATT-9: every bit of the proof."""
    outside.sr("log", "checkpoint")
    file = outside.export()
    keys = parse_trusted_keys(" ".join(outside.keys), field="keys")
    bytes_ = single_byte_changes(file, CHANGES)
    bits = every_bit_of_the_proof(file)
    files = [file, *bytes_, *bits, *lies(file)]

    ours = [is_held(each, keys) for each in files]
    theirs = independent(files, outside.desk, keys=outside.keys)

    assert ours == [True, *(False for _ in files[1:])]
    assert [told.startswith("held: ") for told in theirs] == ours
    assert (len({*bytes_}), len({*bits})) == (CHANGES, len(bits))
    assert file not in files[1:]
    assert len(bits) > 8 * len(lines_of(file)[2]["proof"])


async def test_what_is_not_whole_is_not_exported(outside):
    file = outside.export()
    digest = payload_of(file, 1)["subject"][-1]["digest"]["sha256"]
    outside.store.remove_object(*outside.blob(digest))

    done = outside.sr("evidence", "export", outside.evidence, "--output", "again")

    assert done.returncode == 1
    assert "is MISSING" in done.stderr
    assert not (outside.desk / "again").exists()


async def test_what_cannot_be_done_is_told(outside):
    outside.export()
    ends = f"{outside.keys[0]} until=2020-01-01T00:00:00Z"
    asked = ("evidence", "export", outside.evidence)
    tries = {
        "a file that is not there yet": outside.sr(
            *asked, "--output", "it.intoto.jsonl"
        ),
        "SR_EVIDENCE_SIGNING_KEY: found ''": outside.sr(
            *asked, SR_EVIDENCE_SIGNING_KEY=""
        ),
        "SR_EVIDENCE_VERIFIER_KEYS: found": outside.sr(
            *asked, SR_EVIDENCE_VERIFIER_KEYS=""
        ),
        "it is believed until 2020": outside.sr(*asked, SR_EVIDENCE_VERIFIER_KEYS=ends),
        "content hash": outside.sr("evidence", "export", "sha256:none"),
        "at least one key": outside.alone("evidence", "verify", "it.intoto.jsonl"),
        "No such file": outside.alone("evidence", "verify", "no", "--key", ends),
    }

    for said, done in tries.items():
        assert done.returncode == 2, said
        assert re.search(said, done.stderr), done.stderr
        assert "Traceback" not in done.stderr
        secret = outside.settings["SR_EVIDENCE_SIGNING_KEY"]
        assert secret not in done.stdout + done.stderr


def is_held(file: bytes, keys: tuple[TrustedKey, ...]) -> bool:
    """Whether we take the file; what is refused is refused as it should be."""
    try:
        verify(file, keys)
    except AttestationInvalid:
        return False
    return True


def every_bit_of_the_proof(file: bytes) -> list[bytes]:
    """The file with one bit changed, for each bit from the proof's first to its last."""
    start = file.index(b'"proof":"') + len(b'"proof":"')
    made = []
    for bit in range(start * 8, (len(file) - len(b'"}\n')) * 8):
        changed = bytearray(file)
        changed[bit // 8] ^= 1 << bit % 8
        made.append(bytes(changed))
    return made


def lies(file: bytes) -> list[bytes]:
    """What somebody without the keys would try."""
    first, second, third = lines_of(file)
    unsigned = {**first, "signatures": []}
    signature = first["signatures"][0]
    claimed = resigned(payload_of(file, 1), STRANGER)
    claimed["signatures"][0]["keyid"] = signature["keyid"]
    told = payload_of(file, 1)
    told["predicate"]["result"] = "FAILED"
    retold = base64.b64encode(rfc8785.dumps(told)).decode()
    return [
        whole([unsigned, second, third]),
        whole([resigned(payload_of(file, 1), STRANGER), second, third]),
        whole([claimed, second, third]),
        whole([{**first, "payload": retold}, second, third]),
        whole([{**first, "payloadType": "application/json"}, second, third]),
        whole([{**first, "signatures": [signature, signature]}, second, third]),
        whole([{**first, "signatures": second["signatures"]}, second, third]),
        whole([first, first, third]),
        whole([second, first, third]),
        whole([first, second]),
        whole([first, second, {**third, "proof": None}]),
        whole([first, second, {**third, "event": ""}]),
        whole([first, second, third, third]),
        whole([{**first, "extra": 1}, second, third]),
        file.removesuffix(b"\n"),
        file + b"\n",
        file.replace(b'"payload":', b'"payload":"", "payload":', 1),
    ]
