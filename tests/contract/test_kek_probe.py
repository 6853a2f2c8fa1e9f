"""R-INF-8, R-INF-11: whether KEKs can be had, from when on they could not, and why."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from tests.infisical_world import (
    A_TOKEN,
    CLIENT,
    FOLDER,
    KEK_ID,
    READER,
    TEXTS,
    WORD,
    Clock,
    a_world,
    access,
    key,
    ref,
    talking,
)

from pytest_sr.stack.troubles import answer_of
from sr_core.adapters.infisical.access import AccessToken, Api, MachineIdentity
from sr_core.adapters.system import SystemClock
from sr_core.api.app import build_app
from sr_core.application.health import Dependency, Readiness
from sr_core.bootstrap.compose import dependencies, kek_probe, missing_keks
from sr_core.bootstrap.keks import KekProbe, kek_source
from sr_core.bootstrap.settings import SETTINGS, parse_settings
from sr_core.ports.errors import Unfit
from sr_core.ports.kek_source import KekUnavailable
from sr_core.testing import Stage, TokenTable

pytestmark = pytest.mark.anyio

LEAST = {name: "given" for name, each in SETTINGS.items() if each.default is None}


@pytest.fixture
def world():
    with a_world(client={"rights": READER}) as it:
        yield it


@asynccontextmanager
async def probing(url, clock, *, is_strict=False, **changed):
    probe = KekProbe(
        access(url, **changed), kek_id=KEK_ID, is_strict=is_strict, now=clock.now
    )
    try:
        yield probe
    finally:
        await probe.aclose()


def told(world, **given):
    return {
        **LEAST,
        "INFISICAL_API_ENDPOINT": world.url,
        "INFISICAL_WORKSPACE_ID": "0d9c2c9e-project",
        "INFISICAL_CLIENT_ID": CLIENT,
        "INFISICAL_CLIENT_SECRET": WORD,
        **given,
    }


class TestReadiness:
    async def test_is_checked_only_where_it_is_set(self, world):
        without = parse_settings(LEAST)
        assert kek_probe(without, SystemClock()) is None
        assert "infisical" not in [each.name for each in dependencies(without)]

        settings = parse_settings(told(world))
        probe = kek_probe(settings, SystemClock())
        assert probe is not None
        [dependency] = [
            each for each in dependencies(settings, probe) if each.name == "infisical"
        ]
        assert await dependency.check() == ()
        await probe.aclose()

    async def test_asking_often_is_one_login_and_one_look_at_the_rights(self, world):
        async with probing(world.url, world.clock) as probe:
            for _ in range(10):
                assert await probe.check() == ()

        assert world.logins() == 1
        assert world.troubles.count("DELETE", "") == 1

    @pytest.mark.parametrize(
        ("trouble", "cause"),
        [
            (answer_of(401), "KEK_DENIED (HTTP 401 UnauthorizedError)"),
            (answer_of(403), "KEK_DENIED (HTTP 403 PermissionDenied)"),
            (answer_of(404), "KEK_MISSING"),
            (answer_of(429), "KEK_UNAVAILABLE (HTTP 429 RateLimitExceeded)"),
            (answer_of(500), "KEK_UNAVAILABLE (HTTP 500)"),
        ],
    )
    async def test_a_failure_says_why_and_since_when(self, world, trouble, cause):
        async with probing(world.url, world.clock) as probe:
            await probe.check()
            world.clock.passes(60)
            path = f"/api/v4/secrets/{KEK_ID}"
            world.troubles.next(trouble, times=99, only=path)
            for _ in range(2):
                with pytest.raises(Unfit) as caught:
                    await probe.check()
                said = str(caught.value)
                assert f"{cause}, since 2026-03-04T00:01:00" in said
                for secret in (KEK_ID, WORD, TEXTS[3], FOLDER):
                    assert secret not in said
                world.clock.passes(5)

    async def test_what_is_mended_is_ready_again_and_the_next_time_is_another(
        self, world
    ):
        async with probing(world.url, world.clock) as probe:
            world.troubles.next(answer_of(404), only="/api/v4")
            with pytest.raises(Unfit, match="since 2026-03-04T00:00:00"):
                await probe.check()
            world.clock.passes(3600)
            assert await probe.check() == ()
            world.troubles.next(answer_of(404), only="/api/v4")
            with pytest.raises(Unfit, match="since 2026-03-04T01:00:00"):
                await probe.check()

    async def test_one_that_is_silent_is_found_out_in_time(self):
        async def silent(reader, _):
            await reader.read()

        token = AccessToken(token=A_TOKEN)
        async with (
            talking(silent) as (url, _),
            probing(url, Clock(), login=token) as probe,
        ):
            dependency = Dependency(name="infisical", check=probe.check)
            loop = asyncio.get_running_loop()
            began = loop.time()
            [checked] = await Readiness([dependency], deadline_s=0.5).checked()

        assert checked.error == "no answer within 0.5 s"
        assert loop.time() - began < 1

    async def test_a_wrong_login_is_not_repeated_by_who_asks_often(self, world):
        wrong = MachineIdentity(client_id=CLIENT, client_secret=WORD[1:])
        async with probing(world.url, world.clock, login=wrong) as probe:
            for _ in range(20):
                with pytest.raises(Unfit, match="KEK_DENIED"):
                    await probe.check()

        assert world.logins() == 1


class TestTheFaces:
    """R-INF-11: a process that has no keys is alive, and not ready."""

    async def test_the_api_says_503_and_that_it_lives(self, world):
        async with probing(world.url, world.clock) as probe:
            needed = [Dependency(name="infisical", check=probe.check)]
            app = build_app(Stage().platform, TokenTable({}), needed)
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://sr"
            ) as api:
                assert (await api.get("/ready")).status_code == 200
                world.troubles.next(answer_of(403), times=9, only="/api/v4")
                refused = await api.get("/ready")
                alive = await api.get("/health")
                world.troubles.quiet()
                again = await api.get("/ready")

        assert [refused.status_code, alive.status_code, again.status_code] == [
            503,
            200,
            200,
        ]
        [check] = refused.json()["checks"]
        assert "KEK_DENIED" in check["error"]
        assert KEK_ID not in refused.text

    async def test_a_check_of_the_deployment_says_what_is_missing(self, world):
        assert await missing_keks(parse_settings(LEAST)) == ()
        assert await missing_keks(parse_settings(told(world))) == ()
        world.vault.delete(world.folder, KEK_ID)

        [said] = await missing_keks(parse_settings(told(world)))

        assert said.startswith("Infisical: KEK_MISSING, since ")

    async def test_and_in_strict_mode_what_is_too_much(self):
        with a_world() as world:
            strict = parse_settings(told(world, INFISICAL_STRICT="true"))
            [said] = await missing_keks(strict)

        assert "over-privileged" in said


class TestPowers:
    async def test_more_than_needed_is_said(self):
        with a_world() as world:
            async with probing(world.url, world.clock) as probe:
                facts = await probe.check()

        assert facts == (
            "over-privileged: it may list the secrets of the project's root",
            "over-privileged: it may remove secrets in the folder of KEKs",
        )

    async def test_and_refused_if_the_settings_are_strict(self):
        with a_world() as world:
            async with probing(world.url, world.clock, is_strict=True) as probe:
                with pytest.raises(Unfit, match="over-privileged"):
                    await probe.check()


class TestTheSource:
    """What the settings make of all that."""

    async def test_is_infisical_behind_its_cache(self, world):
        settings = parse_settings(told(world)).keks
        async with kek_source(settings) as source:
            for _ in range(3):
                assert await source.current(settings.kek_id) == key(3)

        assert world.troubles.count("GET", KEK_ID) == 1

    async def test_one_that_speaks_v3_says_so_once(self, world, caplog):
        settings = parse_settings(told(world, INFISICAL_API_VERSION=Api.V3)).keks
        async with kek_source(settings) as source:
            for _ in range(3):
                assert await source.current(settings.kek_id) == key(3)

        assert caplog.text.count("v3") == 1
        assert {each.segments[1] for each in world.troubles.asked} == {"v1", "v3"}

    async def test_is_the_key_of_the_environment_with_a_warning(self, caplog):
        settings = parse_settings({**LEAST, "SR_ENVELOPE_KEY": TEXTS[1]}).keks
        async with kek_source(settings) as source:
            found = await source.current(settings.kek_id)

        assert found == settings.given
        assert "development" in caplog.text
        assert TEXTS[1] not in caplog.text

    async def test_has_no_key_where_nothing_is_set(self):
        async with kek_source(parse_settings(LEAST).keks) as source:
            for asked in (source.current(KEK_ID), source.version(ref(1))):
                with pytest.raises(KekUnavailable, match="none is set up"):
                    await asked
