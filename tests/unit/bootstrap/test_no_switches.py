"""R-API-8: nothing in the environment turns the checking of tokens or oracles off."""

from __future__ import annotations

import ast
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import pytest

import sr_core
from sr_core.adapters.memory.actor_kinds import MemoryKindBindings
from sr_core.adapters.oidc.actor_kinds import KindRules
from sr_core.adapters.oidc.identity import OidcIdentity, OidcSettings
from sr_core.api.app import build_app
from sr_core.bootstrap.settings import SETTINGS, parse_settings
from sr_core.domain.errors import MalformedInput
from sr_core.testing import Stage

SOURCE: Final = Path(sr_core.__file__).parent
LEAST: Final = {
    name: "given" for name, each in SETTINGS.items() if each.default is None
}
OLD_SWITCHES: Final = (
    "SR_AUTH_TEST_MODE",
    "SR_OIDC_SKIP_VALIDATION",
    "SR_OIDC_INSECURE",
    "SR_TEST_MODE",
    "SR_ORACLE_MOCK",
    "TEST_MODE",
    "DEBUG",
)


def named_in_source() -> set[str]:
    """Every text in the source that could be the name of a variable."""
    return {
        node.value
        for file in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", node.value)
    }


TRIED: Final = sorted(named_in_source() | {*OLD_SWITCHES})


def test_the_settings_are_among_what_is_tried():
    assert set(SETTINGS) <= set(TRIED)
    assert len(TRIED) > 50


@pytest.mark.parametrize("value", ["1", "true"])
@pytest.mark.parametrize("name", TRIED)
def test_a_variable_changes_what_it_names_or_stops_the_start(name, value):
    try:
        changed = parse_settings({**LEAST, name: value})
    except MalformedInput:
        return

    plain = parse_settings(LEAST)
    differing = {
        each
        for each in type(plain).__slots__
        if getattr(plain, each) != getattr(changed, each)
    }
    assert len(differing) <= 1
    assert changed.sandbox == plain.sandbox == "bubblewrap"
    assert not differing or name in SETTINGS


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["1", "true"])
async def test_with_all_of_them_set_a_forged_token_is_refused(monkeypatch, value):
    for name in TRIED:
        monkeypatch.setenv(name, value)
    kinds = KindRules(frozenset({"web"}), frozenset(), frozenset())
    identity = OidcIdentity(
        OidcSettings(
            issuer="https://id.example",
            audience="sr",
            jwks_uri="http://127.0.0.1:9/keys",
            kinds=kinds,
        ),
        now=lambda: datetime(2026, 1, 9, tzinfo=UTC),
        monotonic=time.monotonic,
        bindings=MemoryKindBindings(),
    )
    transport = httpx.ASGITransport(app=build_app(Stage().platform, identity, []))
    async with httpx.AsyncClient(transport=transport, base_url="http://sr") as client:
        for token in ("system", "human", "agent", "test", "a.b.c"):
            answer = await client.get(
                "/api/v1/protected", headers={"authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 401
    await identity.aclose()


def test_the_environment_is_read_in_one_place():
    reading = {
        str(file.relative_to(SOURCE))
        for file in SOURCE.rglob("*.py")
        if file.parent.name != "oracles"  # each runs by itself, inside of a sandbox
        if re.search(r"os\.(environ|getenv)", file.read_text(encoding="utf-8"))
    }

    assert reading == {"cli/main.py"}
