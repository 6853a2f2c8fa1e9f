"""Settings of where KEKs come from (SPEC 9.3): nowhere, Infisical, or the environment."""

from __future__ import annotations

import pytest
from tests.infisical_world import TEXTS

from sr_core.adapters.infisical.access import (
    AccessToken,
    Api,
    InfisicalAccess,
    MachineIdentity,
)
from sr_core.bootstrap.settings import SETTINGS, parse_settings
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import write_kek

HUSH = "hush-client"
TOKEN = "hush-token"  # noqa: S105 - of nothing
LEAST = {name: "given" for name, each in SETTINGS.items() if each.default is None}
IDENTITY = {
    "INFISICAL_WORKSPACE_ID": "a-project",
    "INFISICAL_CLIENT_ID": "a-client",
    "INFISICAL_CLIENT_SECRET": HUSH,
}


def keks(**given: str):
    return parse_settings({**LEAST, **given}).keks


class TestNowhere:
    def test_nothing_is_set_at_first(self):
        found = keks()

        assert (found.infisical, found.given) == (None, None)


class TestInfisical:
    def test_with_the_least_there_is_the_rest_is_default(self):
        found = keks(**IDENTITY)

        assert found.infisical == InfisicalAccess(
            endpoint="https://app.infisical.com",
            login=MachineIdentity(client_id="a-client", client_secret=HUSH),
            project_id="a-project",
            environment="dev",
            folder="/solver-ralph/kek",
            api=Api.V4,
        )
        assert found.kek_id == "solver-ralph-kek"
        assert (found.cache_ttl_s, found.cache_stale_s) == (300, 0)
        assert found.is_strict is False

    def test_what_is_given_is_taken(self):
        found = keks(
            INFISICAL_WORKSPACE_ID="a-project",
            INFISICAL_TOKEN=TOKEN,
            INFISICAL_API_ENDPOINT="http://127.0.0.1:8080",
            INFISICAL_API_VERSION="v3",
            INFISICAL_ENVIRONMENT="prod",
            INFISICAL_KEK_PATH="/keys",
            INFISICAL_ENVELOPE_KEY_ID="another-kek",
            INFISICAL_DEADLINE_S="7",
            INFISICAL_CACHE_TTL_S="60",
            INFISICAL_CACHE_STALE_S="30",
            INFISICAL_STRICT="true",
            SR_ENVELOPE_WRAPS_MAX="5",
        )

        assert found.infisical is not None
        assert found.infisical.login == AccessToken(token=TOKEN)
        assert found.infisical.endpoint == "http://127.0.0.1:8080"
        assert found.infisical.api is Api.V3
        assert found.infisical.environment == "prod"
        assert found.infisical.folder == "/keys"
        assert found.wraps_max == 5
        assert found.infisical.deadlines.total_s == 7
        assert found.kek_id == "another-kek"
        assert (found.cache_ttl_s, found.cache_stale_s) == (60, 30)
        assert found.is_strict is True

    @pytest.mark.parametrize(
        "given",
        [
            {"INFISICAL_WORKSPACE_ID": "a-project"},
            {"INFISICAL_TOKEN": "hush-token"},
            {**IDENTITY, "INFISICAL_CLIENT_SECRET": ""},
            {**IDENTITY, "INFISICAL_CLIENT_ID": ""},
            {**IDENTITY, "INFISICAL_WORKSPACE_ID": ""},
            {**IDENTITY, "INFISICAL_TOKEN": "hush-token"},
            {**IDENTITY, "INFISICAL_ENVIRONMENT": ""},
            {**IDENTITY, "SR_ENVELOPE_KEY": TEXTS[1]},
            {"INFISICAL_WORKSPACE_ID": "a", "INFISICAL_TOKEN": "hush\ntoken"},
            {"INFISICAL_API_ENDPOINT": "http://infisical.example"},
            {"INFISICAL_API_ENDPOINT": "https://me:hush-word@infisical.example"},
            {"INFISICAL_API_VERSION": "v2"},
            {"INFISICAL_KEK_PATH": "/"},
            {"INFISICAL_KEK_PATH": "/a/../b"},
            {"INFISICAL_ENVELOPE_KEY_ID": "a/b"},
            {"INFISICAL_CACHE_TTL_S": "0"},
            {"INFISICAL_CACHE_STALE_S": "-1"},
            {"SR_ENVELOPE_WRAPS_MAX": "0"},
            {"SR_ENVELOPE_WRAPS_MAX": "16777217"},
            {"INFISICAL_STRICT": "yes"},
            {"INFISICAL_PROJECT": "a-project"},
        ],
    )
    def test_what_does_not_go_together_stops_the_start(self, given):
        with pytest.raises(MalformedInput) as caught:
            keks(**given)

        assert caught.value.field.startswith((*given, "INFISICAL_", "SR_", "env"))
        assert "hush" not in str(caught.value)
        assert TEXTS[1] not in str(caught.value)


class TestTheEnvironment:
    def test_a_key_for_development_is_version_1(self):
        found = keks(SR_ENVELOPE_KEY=TEXTS[1])

        assert found.infisical is None
        assert found.given is not None
        assert str(found.given.ref) == "version 1 of dev-kek-001"
        assert found.kek_id == "dev-kek-001"
        assert write_kek(found.given.key) == TEXTS[1]

    @pytest.mark.parametrize(
        "text", ["a password", TEXTS[1].removeprefix("base64:"), "base64:AAAA"]
    )
    def test_what_is_no_key_is_refused_and_not_repeated(self, text):
        with pytest.raises(MalformedInput, match="SR_ENVELOPE_KEY") as caught:
            keks(SR_ENVELOPE_KEY=text)

        assert text not in str(caught.value)


class TestSecrecy:
    @pytest.mark.parametrize(
        "given",
        [
            IDENTITY,
            {"INFISICAL_WORKSPACE_ID": "a-project", "INFISICAL_TOKEN": "hush-token"},
            {"SR_ENVELOPE_KEY": TEXTS[1]},
        ],
    )
    def test_a_secret_is_masked_in_the_log_and_not_printed(self, given):
        settings = parse_settings({**LEAST, **given})
        secret = list(given.values())[-1]

        assert secret in settings.secrets
        assert secret not in repr(settings)
