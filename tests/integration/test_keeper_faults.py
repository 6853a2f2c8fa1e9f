"""The faults of where KEKs come from, done for one case at the stack's server."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from pytest_sr.faults import keeper as faults
from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.world.door import Door
from pytest_sr.world.keeper import Keeper
from pytest_sr.world.world import World, WorldError

pytestmark = pytest.mark.anyio

KEPT = ["missing", "wrong", "short", "retired"]
TROUBLES = {
    "down": "hung up",
    "slow": "kept waiting",
    "unauthorised": "HTTP 401 UnauthorizedError",
    "token-error": "HTTP 403 TokenError",
    "limited": "HTTP 429 RateLimitExceeded",
    "approval": "HTTP 200 approval",
}
WELL = "HTTP 200 secret"


def a_world(keeper: Keeper) -> World:
    """A fault of the keeper looks at nothing else of a world."""
    return cast("World", SimpleNamespace(keeper=keeper))


@pytest.fixture
async def keeper(stack: StackAddresses) -> AsyncIterator[Keeper]:
    made = Keeper(stack.infisical, f"case_{secrets.token_hex(6)}")
    await made.prepare()
    yield made
    await made.close()


@pytest.fixture
async def another(stack: StackAddresses) -> AsyncIterator[Keeper]:
    made = Keeper(stack.infisical, f"case_{secrets.token_hex(6)}")
    await made.prepare()
    yield made
    await made.close()


async def kept(keeper: Keeper) -> dict[str, str | None]:
    names = (keeper.kek_id, keeper.key_name(1))
    return {name: await keeper.text(name) for name in names}


class TestKept:
    """What is kept of a KEK is changed, seen, and as it was before."""

    @pytest.mark.parametrize("do", KEPT)
    async def test_it_lands_and_heals_and_nobody_else_notices(
        self, keeper, another, do
    ):
        before, theirs = await kept(keeper), await kept(another)

        async with faults.spoil_kek(a_world(keeper), do=do) as landing:
            assert landing.landed
            during = await kept(keeper)
            assert await kept(another) == theirs

        assert during != before
        assert await kept(keeper) == before

    @pytest.mark.parametrize("do", KEPT)
    async def test_an_inert_twin_does_not_land(self, keeper, do, monkeypatch):
        async def inert(*_: object) -> None:
            return

        monkeypatch.setattr(Keeper, "remove", inert)
        monkeypatch.setattr(Keeper, "write", inert)

        async with faults.spoil_kek(a_world(keeper), do=do) as landing:
            assert not landing.landed

    async def test_what_is_not_undone_is_an_error(self, keeper, monkeypatch):
        async def inert(*_: object) -> None:
            return

        with pytest.raises(WorldError, match="is not what it was before"):
            async with faults.spoil_kek(a_world(keeper), do="missing"):
                monkeypatch.setattr(Keeper, "write", inert)

    async def test_what_is_not_there_cannot_be_spoilt(self, keeper):
        await keeper.remove(keeper.key_name(1))

        with pytest.raises(WorldError, match="is not there"):
            async with faults.spoil_kek(a_world(keeper), do="wrong"):
                pass

    async def test_nothing_is_left_in_the_end(self, stack: StackAddresses, another):
        case = f"case_{secrets.token_hex(6)}"
        gone = Keeper(stack.infisical, case)
        await gone.prepare()
        await gone.write(gone.key_name(2), "base64:something")
        assert await another.text(gone.key_name(2)) == "base64:something"

        await gone.close()

        names = (gone.kek_id, gone.key_name(1), gone.key_name(2))
        assert [await another.text(name) for name in names] == [None, None, None]


class TestTroubles:
    """How Infisical answers one case is seen through that case's door alone."""

    @pytest.mark.parametrize(("do", "seen"), TROUBLES.items())
    async def test_it_lands_and_heals_and_nobody_else_notices(
        self, keeper, another, do, seen
    ):
        assert await keeper.seen() == WELL

        async with faults.trouble_keeper(a_world(keeper), do=do) as landing:
            assert landing.landed
            assert landing.detail.endswith(seen)
            assert await another.seen() == WELL

        assert await keeper.seen() == WELL

    @pytest.mark.parametrize("do", TROUBLES)
    async def test_an_inert_twin_does_not_land(self, keeper, do, monkeypatch):
        monkeypatch.setattr(Door, "reply", Door._handed_on)  # noqa: SLF001 - the twin

        async with faults.trouble_keeper(a_world(keeper), do=do) as landing:
            assert not landing.landed
            assert landing.detail.endswith(WELL)

    async def test_a_login_is_answered_as_ever(self, keeper, stack: StackAddresses):
        login: dict[str, Any] = {
            "clientId": stack.infisical.client_id,
            "clientSecret": stack.infisical.client_secret,
        }
        url = f"http://{keeper.door.address}/api/v1/auth/universal-auth/login"

        async with (
            faults.trouble_keeper(a_world(keeper), do="token-error"),
            httpx.AsyncClient(trust_env=False) as client,
        ):
            assert (await client.post(url, json=login)).status_code == 200

    async def test_what_does_not_heal_is_an_error(self, keeper):
        with pytest.raises(WorldError, match="not as it was before the fault"):
            async with faults.trouble_keeper(a_world(keeper), do="down"):
                await keeper.remove(keeper.kek_id)
