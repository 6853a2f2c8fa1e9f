"""The cache of KEKs, over the adapter and a server that counts."""

from __future__ import annotations

import asyncio

import pytest
from tests.infisical_world import (
    KEK_ID,
    POINTER,
    key,
    lies,
    ref,
)

from pytest_sr.stack.troubles import answer_of
from sr_core.application.kek_cache import KekCache
from sr_core.domain.errors import SrError
from sr_core.ports.kek_source import (
    KekDenied,
    KekInconsistent,
    KekRetired,
    KekUnavailable,
)

pytestmark = pytest.mark.anyio


class TestTheCache:
    """R-ENC-10: a bounded time, one question at a time, nothing stale."""

    TTL_S = 60.0

    @pytest.fixture
    def cached(self, world, source):
        return KekCache(source, monotonic=world.clock.monotonic, ttl_s=self.TTL_S)

    async def test_a_key_is_asked_for_once(self, world, cached):
        for _ in range(5):
            assert await cached.version(ref(2)) == key(2)

        assert world.troubles.count("GET", "@2") == 1

    async def test_and_again_when_its_time_is_over(self, world, cached):
        await cached.current(KEK_ID)
        world.vault.update(world.folder, KEK_ID, value="versions:2-2")

        world.clock.passes(self.TTL_S - 1)
        assert await cached.current(KEK_ID) == key(3)
        world.clock.passes(1)
        assert await cached.current(KEK_ID) == key(2)

    async def test_a_retirement_is_known_when_it_is_over(self, world, cached):
        await cached.version(ref(2))
        world.vault.update(world.folder, KEK_ID, value="versions:3-3")
        world.clock.passes(self.TTL_S)

        with pytest.raises(KekRetired):
            await cached.version(ref(2))

    async def test_fifty_who_find_it_over_ask_once(self, world, cached):
        await cached.version(ref(2))
        world.clock.passes(self.TTL_S)

        found = await asyncio.gather(*(cached.version(ref(2)) for _ in range(50)))

        assert found == [key(2)] * 50
        assert world.troubles.count("GET", "@2") == 2

    async def test_one_who_hangs_up_takes_nothing_from_the_others(self, world, cached):
        first = asyncio.create_task(cached.version(ref(2)))
        other = asyncio.create_task(cached.version(ref(2)))
        await asyncio.sleep(0)
        first.cancel()

        assert await other == key(2)
        assert world.troubles.count("GET", "@2") == 1

    @pytest.mark.parametrize("status", [500, 503])
    async def test_nothing_is_given_out_stale(self, world, cached, status):
        await cached.version(ref(2))
        world.troubles.next(answer_of(status), times=99)
        world.clock.passes(self.TTL_S)

        with pytest.raises(KekUnavailable):
            await cached.version(ref(2))

    async def test_unless_that_is_wanted_and_then_not_for_ever(self, world, source):
        cached = KekCache(
            source, monotonic=world.clock.monotonic, ttl_s=self.TTL_S, stale_s=100
        )
        await cached.version(ref(2))
        world.troubles.next(answer_of(500), times=99)

        world.clock.passes(self.TTL_S + 99)
        assert await cached.version(ref(2)) == key(2)
        world.clock.passes(1)
        with pytest.raises(KekUnavailable):
            await cached.version(ref(2))

    @pytest.mark.parametrize("status", [403, 404, 422])
    async def test_a_refusal_is_never_bridged(self, world, source, status):
        cached = KekCache(
            source, monotonic=world.clock.monotonic, ttl_s=self.TTL_S, stale_s=1000
        )
        await cached.version(ref(2))
        world.troubles.next(answer_of(status), times=1, only=f"{POINTER}@2")
        world.clock.passes(self.TTL_S)
        with pytest.raises(SrError):
            await cached.version(ref(2))
        world.troubles.next(answer_of(500), times=99)

        with pytest.raises(KekUnavailable):
            await cached.version(ref(2))

    async def test_who_is_no_longer_let_in_has_no_keys(self, world, cached):
        await cached.version(ref(2))
        world.troubles.next(answer_of(403), times=2)
        with pytest.raises(KekDenied):
            await cached.current(KEK_ID)

        with pytest.raises(KekDenied):
            await cached.version(ref(2))

    async def test_an_answer_that_does_not_fit_is_not_kept(self, world, cached):
        world.troubles.lie(lies("version", 2))
        with pytest.raises(KekInconsistent):
            await cached.version(ref(2))
        world.troubles.lie(None)

        assert await cached.version(ref(2)) == key(2)

    async def test_it_holds_a_bounded_number_the_last_used(self, world, source):
        cached = KekCache(source, monotonic=world.clock.monotonic, entries_max=2)
        for each in (2, 3):
            await cached.version(ref(each))
        await cached.version(ref(2))
        await cached.current(KEK_ID)
        await cached.version(ref(2))
        assert world.troubles.count("GET", "@2") == 1

        await cached.version(ref(3))

        assert world.troubles.count("GET", "@3") == 3

    async def test_a_key_is_used_a_bounded_number_of_times(self, world, source):
        cached = KekCache(source, monotonic=world.clock.monotonic, uses_max=3)

        for _ in range(7):
            await cached.version(ref(2))

        assert world.troubles.count("GET", "@2") == 3

    async def test_what_is_forgotten_is_asked_for(self, world, cached):
        await cached.version(ref(2))
        cached.forget()
        await cached.version(ref(2))

        assert world.troubles.count("GET", "@2") == 2
