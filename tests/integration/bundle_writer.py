"""Hands in a bundle, and is killed at its N-th step at the stores or at the log.

    bundle_writer.py N ORDER    die by SIGKILL at step N: each act has one before and one
                                after it; ORDER is "as it is", or "manifest first"

The manifest comes on standard input; each of its blobs is its own name, as bytes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import nullcontext
from typing import Any

from tests.integration.rewrapper import KEKS, mortal

from sr_core.adapters.memory.kek_source import MemoryKekSource
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.s3.content_store import S3ContentStore
from sr_core.adapters.s3.key_records import S3KeyRecords
from sr_core.application import runs
from sr_core.application.evidence import manifest_key, write_bundle
from sr_core.application.recorder import Asked
from sr_core.application.runs import Runs
from sr_core.bootstrap import compose
from sr_core.bootstrap.compose import running
from sr_core.bootstrap.settings import parse_settings
from sr_core.codec.manifest import manifest_from
from sr_core.domain.refs import ContentHash, hash_bytes
from sr_core.testing import SYSTEM


async def manifest_first(
    store: Any, manifest: Any, blobs: Any, *, form: bytes
) -> ContentHash:
    """Write the bundle as it must not be."""
    await store.put(manifest_key(hash_bytes(form)), form)
    return await write_bundle(store, manifest, blobs, form=form)


STEPS = ((S3ContentStore, "put"), (S3KeyRecords, "add"), (PostgresEventStore, "append"))


async def main() -> None:
    raw = json.load(sys.stdin)
    blobs = {each.name: each.name.encode() for each in manifest_from(raw).artifacts}
    async with running(parse_settings(os.environ)) as run:
        for owner, name in STEPS:
            setattr(owner, name, mortal(getattr(owner, name), int(sys.argv[1])))
        await Runs(platform=run.platform).hand_in(raw, blobs, Asked(by=SYSTEM))


if __name__ == "__main__":
    if sys.argv[2] == "manifest first":
        vars(runs)["write_bundle"] = manifest_first
    vars(compose)["kek_source"] = lambda _: nullcontext(MemoryKekSource(KEKS[:1]))
    asyncio.run(main())
