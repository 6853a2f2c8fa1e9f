"""docs/explanation/restricted-evidence.md: its example opens, and its figures are ours.

The example was sealed by the reader for Node, not by the platform.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.sealing import a_kek

from sr_core.codec import floe, key_record
from sr_core.codec.floe import GCM256_IV256_64K
from sr_core.codec.key_record import parse_key_record
from sr_core.codec.sealed import opened
from sr_core.domain import kek, sealing
from sr_core.domain.context_compiler import Classification
from sr_core.domain.sealing import SealContext

PAGE: Final = (
    Path(__file__).parents[3] / "docs/explanation/restricted-evidence.md"
).read_text(encoding="utf-8")
EXAMPLE: Final = PAGE.partition("## An example")[2].partition("\n## ")[0]
CONTEXT: Final = SealContext(
    evidence_id="bundle_01KEGTXJ4B8N2QW5RZ7YM3CDVF",
    blob_name="logs/run.txt",
    classification=Classification.RESTRICTED,
    schema_version=1,
)


class TestThePage:
    def test_has_an_example_that_opens(self):
        text, blob, record, container = re.findall(
            r"```text\n(.*?)```", EXAMPLE, re.DOTALL
        )
        ours = a_kek(text.strip(), version=3, name="solver-ralph-kek")

        plain = opened(
            [bytes.fromhex(container)],
            parse_key_record(bytes.fromhex(record)),
            ours,
            CONTEXT,
        )

        assert plain == blob.encode()

    def test_tells_the_settings_that_are_ours(self):
        told = [
            f"segment | {GCM256_IV256_64K.segment_bytes:,} bytes, of which",
            f"of which {GCM256_IV256_64K.plain_bytes:,} are",
            f"share a key | 2^{GCM256_IV256_64K.rotation_bits} ",
            f"of a container | 2^{floe.SEGMENTS_MAX.bit_length() - 1} at most",
            f"than the blob | {floe.HEADER_BYTES}, and {floe.OVERHEAD_BYTES} for each",
            f"data key | {kek.KEY_BYTES} bytes",
            f"`{kek.KEK_TAG}` and their 44 characters",
            f"KEK version | 2^{kek.WRAPS_MAX.bit_length() - 1} unless",
            f"blob name | 1 to {sealing.BLOB_NAME_BYTES_MAX} bytes",
            f"schema version | 1 to {sealing.SCHEMA_VERSION_MAX:,} |",
            f"KEK version | 1 to {kek.KEK_VERSION_MAX:,} |",
            f"| {key_record.SALT_BYTES} | salt",
            f"| {key_record.CHECK_BYTES} | check value",
            f"| {key_record.WRAPPED_BYTES} | wrapped key",
        ]

        assert [each for each in told if each not in PAGE] == []

    def test_links_to_errors_that_are_there(self):
        errors = (Path(__file__).parents[3] / "docs/errors.md").read_text("utf-8")
        codes = re.findall(r"errors\.md#(\w+)", PAGE)

        assert len(codes) == 9
        assert [code for code in codes if f"### `{code.upper()}`" not in errors] == []
