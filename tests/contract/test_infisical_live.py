"""The life of a KEK in an Infisical that is really there, if somebody asks for that.

RUN_INFISICAL_TESTS=1 with the INFISICAL_* settings of an identity that may write in a
folder that holds nothing; what is made there is removed, save the list of versions.
"""

from __future__ import annotations

import os
import secrets
import time

import pytest

from sr_core.adapters.infisical.kek_source import InfisicalKekSource
from sr_core.bootstrap.kek_keeping import kek_keeping
from sr_core.bootstrap.settings import parse_keks
from sr_core.domain.kek import KekRef, parse_kek_id
from sr_core.ports.kek_source import KekMissing, KekRetired

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        os.environ.get("RUN_INFISICAL_TESTS") != "1",
        reason="RUN_INFISICAL_TESTS is not 1: no live Infisical is asked",
    ),
]


async def test_a_kek_is_made_rotated_retired_and_destroyed():
    settings = parse_keks(os.environ)
    assert settings.infisical is not None, "INFISICAL_WORKSPACE_ID is set"
    kek_id = parse_kek_id(f"trial-{secrets.token_hex(6)}")
    first, second = (KekRef(id=kek_id, version=each) for each in (1, 2))
    reading = InfisicalKekSource(settings.infisical, monotonic=time.monotonic)

    async with kek_keeping(settings, kek_id) as keeping:
        with pytest.raises(KekMissing):
            await reading.current(kek_id)
        await keeping.rotate()
        one = await reading.current(kek_id)
        await keeping.rotate()
        two = await reading.current(kek_id)
        assert (one.ref, two.ref) == (first, second)
        assert one.key != two.key
        assert await reading.version(first) == one
        await keeping.retire(below=2)
        with pytest.raises(KekRetired):
            await reading.version(first)
        await keeping.destroy(version=1)
        with pytest.raises(KekMissing):
            await reading.key(first)
    await reading.aclose()
