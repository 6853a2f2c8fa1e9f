import math
from typing import Any

import pytest

from sr_core.adapters.oidc.actor_kinds import KindRules
from sr_core.adapters.oidc.identity import OidcSettings
from sr_core.adapters.oidc.key_cache import parse_jwks_uri
from sr_core.domain.errors import MalformedInput


def settings(**changes: Any) -> OidcSettings:
    nobody = KindRules(frozenset(), frozenset(), frozenset())
    whole: dict[str, Any] = {
        "issuer": "https://id.example",
        "audience": "sr",
        "jwks_uri": "https://id.example/keys",
        "kinds": nobody,
        **changes,
    }
    return OidcSettings(**whole)


class TestSettings:
    """R-API-8: no setting turns a check off, or widens it until nothing is left."""

    def test_defaults(self):
        made = settings()

        assert (made.leeway_s, made.max_age_s, made.max_stale_s) == (60, 300, 3600)
        assert (made.cooldown_s, made.deadline_s) == (30, 5)

    @pytest.mark.parametrize(
        "changes",
        [
            {"issuer": ""},
            {"audience": ""},
            {"jwks_uri": "http://id.example/keys"},
            {"leeway_s": 61},
            {"leeway_s": -1},
            {"leeway_s": math.inf},
            {"leeway_s": math.nan},
            {"max_stale_s": 86_401},
            {"max_stale_s": math.nan},
            {"max_stale_s": 299},
            {"max_age_s": 3601},
            {"max_age_s": math.nan},
            {"cooldown_s": 301},
            {"cooldown_s": -1},
            {"cooldown_s": 0},
            {"cooldown_s": math.nan},
            {"deadline_s": 0},
            {"deadline_s": 61},
            {"deadline_s": math.nan},
        ],
        ids=repr,
    )
    def test_beyond_its_bounds(self, changes):
        with pytest.raises(MalformedInput):
            settings(**changes)


class TestJwksUri:
    """R-API-5: keys come over https, or from this machine."""

    @pytest.mark.parametrize(
        "uri",
        [
            "https://id.example/keys",
            "https://id.example:8443/keys?v=1",
            "http://127.0.0.1:8080/keys",
            "http://127.8.8.8/keys",
            "http://[::1]/keys",
            "http://localhost:8080/keys",
        ],
    )
    def test_taken(self, uri):
        assert parse_jwks_uri(uri) == uri

    @pytest.mark.parametrize(
        "uri",
        [
            "",
            "keys",
            "http://id.example/keys",
            "http://10.0.0.1/keys",
            "http://127.0.0.1.evil.example/keys",
            "http://localhost.evil.example/keys",
            "http://localhost@evil.example/keys",
            "https://user@id.example/keys",
            "https://id.example/keys#part",
            "https:///keys",
            "ftp://127.0.0.1/keys",
            "file:///etc/keys",
            "http://[::1/keys",
        ],
    )
    def test_refused(self, uri):
        with pytest.raises(MalformedInput, match="https"):
            parse_jwks_uri(uri)
