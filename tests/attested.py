"""Files of signed evidence for tests, and the independent verifier over them.

`forged` makes a file again with changes, and signs it anew: what a liar with the keys
would hand over. `independent` asks the program of the page, in a process of its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sr_core.codec.note import Purpose, SigningKey
from sr_core.codec.trust import TrustedKey

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/explanation/attestation.md"
DRIVER = ROOT / "tests/independent_verifier.py"

EVIDENCE_KEY = SigningKey(
    name="solver-ralph/evidence", seed=bytes(range(1, 33)), purpose=Purpose.EVIDENCE
)
LOG_KEY = SigningKey(name="solver-ralph/log", seed=bytes(range(32)))
STRANGER = SigningKey(
    name="solver-ralph/evidence", seed=bytes(32), purpose=Purpose.EVIDENCE
)
KEYS = tuple(TrustedKey(key=each.verifier) for each in (EVIDENCE_KEY, LOG_KEY))
IN_TOTO = "application/vnd.in-toto+json"

Change = Callable[[Any], None]


def lines_of(file: bytes) -> list[Any]:
    return [json.loads(line) for line in file.splitlines()]


def whole(lines: Iterable[Any]) -> bytes:
    return b"".join(rfc8785.dumps(each) + b"\n" for each in lines)


def payload_of(file: bytes, line: int) -> Any:
    return json.loads(base64.b64decode(lines_of(file)[line - 1]["payload"]))


def event_of(file: bytes) -> Any:
    return json.loads(base64.b64decode(lines_of(file)[2]["event"]))


def enveloped(
    payload: bytes, *, seed: bytes, key_id: str, payload_type: str = IN_TOTO
) -> dict[str, Any]:
    """An envelope, made by this module's own code."""
    head = f"DSSEv1 {len(payload_type)} {payload_type} {len(payload)} ".encode()
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(head + payload)
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": key_id, "sig": base64.b64encode(signature).decode()}],
    }


def resigned(
    statement: Any, key: SigningKey = EVIDENCE_KEY, payload_type: str = IN_TOTO
) -> dict[str, Any]:
    return enveloped(
        rfc8785.dumps(statement),
        seed=key.seed,
        key_id=key.verifier.label,
        payload_type=payload_type,
    )


def forged(
    file: bytes,
    *,
    result: Change | None = None,
    bundle: Change | None = None,
    entry: Change | None = None,
    keeps_together: bool = True,
) -> bytes:
    """The file with its statements changed and signed anew, and its third line changed."""
    lines = lines_of(file)
    first, second = payload_of(file, 1), payload_of(file, 2)
    if result:
        result(first)
    if bundle:
        bundle(second)
    lines[0] = resigned(first)
    if result and keeps_together:
        digest = _sha256(base64.b64decode(lines[0]["payload"]))
        second["predicate"]["test_result"] = f"sha256:{digest}"
    lines[1] = resigned(second)
    if entry:
        entry(lines[2])
    return whole(lines)


def single_byte_changes(file: bytes, count: int) -> list[bytes]:
    """So many files that differ from this one in one byte, spread over all of it."""
    made = []
    for number in range(count):
        place = number * len(file) // count
        changed = bytearray(file)
        changed[place] ^= 1 << number % 8
        made.append(bytes(changed))
    return made


def independent(
    files: Sequence[bytes],
    tmp_path: Path,
    *,
    keys: Sequence[str] = (EVIDENCE_KEY.verifier.text, LOG_KEY.verifier.text),
) -> list[str]:
    """What the page's program says of each; it is shown to have loaded nothing of ours."""
    page = PAGE.read_text(encoding="utf-8")
    program = tmp_path / "verify_evidence.py"
    program.write_text(page.partition("```python\n")[2].partition("```")[0], "utf-8")
    done = subprocess.run(  # noqa: S603 - the page's own program
        [sys.executable, "-I", str(DRIVER), str(program), *keys],
        input="".join(f"{each.hex()}\n" for each in files),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    *told, ours = done.stdout.splitlines()
    assert ours == "ours: []"
    assert len(told) == len(files)
    return told


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
