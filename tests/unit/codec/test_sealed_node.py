"""R-ENC-2: what we seal, Node's crypto opens, and the other way round."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from tests.sealing import KEK_TEXT, OTHER_TEXT, SIZES, a_blob, a_context, a_kek, seal

from sr_core.codec.key_record import parse_key_record
from sr_core.codec.sealed import opened

PROGRAM: Final = Path(__file__).parents[2] / "readers" / "sealed.mjs"
NODE: Final = shutil.which("node")
pytestmark = pytest.mark.skipif(
    NODE is None, reason="there is no node on PATH, whose crypto would read ours"
)


@pytest.fixture
def node(tmp_path):
    """Run the program over files of these contents, and return what it left."""

    def run(act: str, **files: bytes) -> subprocess.CompletedProcess[str]:
        files = {"kek": KEK_TEXT.encode(), "context.json": told_context(), **files}
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        assert NODE is not None
        return subprocess.run(  # noqa: S603 - our own program
            [NODE, str(PROGRAM), act, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def told_context(**changed: object) -> bytes:
    context = a_context()
    told = {
        "evidence_id": context.evidence_id,
        "blob_name": context.blob_name,
        "classification": context.classification.value,
        "schema_version": context.schema_version,
        "kek_id": "a-kek",
        "kek_version": 1,
        **changed,
    }
    return json.dumps(told).encode()


class TestNode:
    """R-ENC-2."""

    @pytest.mark.parametrize("size", SIZES)
    def test_opens_what_we_seal(self, size, node, tmp_path):
        container, done = seal(a_blob(size))

        ended = node("open", container=container, record=done.record.data)

        assert (ended.returncode, ended.stderr) == (0, "")
        assert (tmp_path / "plain").read_bytes() == a_blob(size)

    @pytest.mark.parametrize("size", SIZES)
    def test_seals_what_we_open(self, size, node, tmp_path):
        ended = node("seal", plain=a_blob(size))

        assert (ended.returncode, ended.stderr) == (0, "")
        record = parse_key_record((tmp_path / "record").read_bytes())
        container = (tmp_path / "container").read_bytes()
        assert opened([container], record, a_kek(), a_context()) == a_blob(size)

    @pytest.mark.parametrize(
        "changed",
        [
            {"kek": OTHER_TEXT.encode()},
            {"container": b"cut"},
            {"context.json": told_context(blob_name="logs/other.txt")},
            {"context.json": told_context(kek_version=2)},
        ],
        ids=["kek", "container", "blob name", "kek version"],
    )
    def test_opens_nothing_else(self, changed, node, tmp_path):
        container, done = seal(a_blob(70_000))
        files = {"container": container, "record": done.record.data, **changed}

        ended = node("open", **files)

        assert ended.returncode == 1
        assert "another head" in ended.stderr
        assert not (tmp_path / "plain").exists()
