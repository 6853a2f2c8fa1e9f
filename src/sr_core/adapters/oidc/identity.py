"""The Identity port over OpenID Connect: signed access tokens of one issuer.

No setting turns a check off, and none can be set so wide that it amounts to that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sr_core.adapters.oidc.actor_kinds import KindRules, actor_from_claims
from sr_core.adapters.oidc.key_cache import KeyCache, parse_jwks_uri
from sr_core.adapters.oidc.tokens import (
    LEEWAY_S_MAX,
    ClaimRules,
    check_claims,
    parse_jws,
    verified_claims,
)
from sr_core.domain.actors import Actor
from sr_core.domain.errors import MalformedInput
from sr_core.ports.identity import KindBindings, KindChanged, NotAuthenticated

STALE_S_MAX: Final = 86_400.0
COOLDOWN_S_MIN: Final = 1.0
DEADLINE_S_MIN: Final = 0.01
DEADLINE_S_MAX: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """Whom to believe, and for how long.

    `max_age_s` is how long a removed key may live on while the provider answers,
    `max_stale_s` while it does not.
    """

    issuer: str
    audience: str
    jwks_uri: str
    kinds: KindRules
    leeway_s: float = 60.0
    max_age_s: float = 300.0
    max_stale_s: float = 3600.0
    cooldown_s: float = 30.0
    deadline_s: float = 5.0

    def __post_init__(self) -> None:
        parse_jwks_uri(self.jwks_uri)
        for field in ("issuer", "audience"):
            if not getattr(self, field):
                raise MalformedInput(field=field, found="", expected="a name")
        _check_order("leeway_s", 0, self.leeway_s, LEEWAY_S_MAX)
        _check_order("max_stale_s", 0, self.max_stale_s, STALE_S_MAX)
        _check_order("max_age_s", 0, self.max_age_s, self.max_stale_s)
        _check_order("cooldown_s", COOLDOWN_S_MIN, self.cooldown_s, self.max_age_s)
        _check_order("deadline_s", DEADLINE_S_MIN, self.deadline_s, DEADLINE_S_MAX)


def _check_order(field: str, low: float, value: float, high: float) -> None:
    # Written so that a NaN, which is in no order with anything, is refused.
    if not low <= value <= high:
        raise MalformedInput(
            field=field, found=value, expected=f"seconds from {low:g} to {high:g}"
        )


class OidcIdentity:
    """Actors from access tokens; for one event loop, to be closed after use."""

    def __init__(
        self,
        settings: OidcSettings,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        bindings: KindBindings,
    ) -> None:
        self._now = now
        self._bindings = bindings
        self._kinds = settings.kinds
        self._rules = ClaimRules(
            issuer=settings.issuer,
            audience=settings.audience,
            leeway_s=settings.leeway_s,
        )
        self._keys = KeyCache(
            settings.jwks_uri,
            max_age_s=settings.max_age_s,
            max_stale_s=settings.max_stale_s,
            cooldown_s=settings.cooldown_s,
            deadline_s=settings.deadline_s,
            monotonic=monotonic,
        )

    async def actor_of(self, token: str) -> Actor:
        """Return the actor whom `token`, an access token, was issued to.

        Raises:
            NotAuthenticated: missing, malformed, forged, expired or not for us.
            NotIdentified: genuine, but it does not prove the actor's kind.
            KindChanged: its subject first proved to be of another kind.
            Unavailable: the identity provider has been silent for too long to judge.

        """
        jws = parse_jws(token)
        key = await self._keys.find(jws.kid)
        if key is None:
            raise NotAuthenticated(reason="no trusted key has its kid")
        claims = verified_claims(jws, key)
        check_claims(jws, claims, self._rules, now_s=self._now().timestamp())
        actor = actor_from_claims(claims, self._kinds)
        bound = await self._bindings.bind(_subject(claims), actor.kind)
        if bound is not actor.kind:
            raise KindChanged(bound=bound, proved=actor.kind)
        return actor

    @property
    def keys_age_s(self) -> float:
        """How old the keys in use are; infinite while there are none."""
        return self._keys.age_s

    async def aclose(self) -> None:
        """Give up what is under way."""
        await self._keys.aclose()


def _subject(claims: Mapping[str, object]) -> str:
    """Return who was logged in, whatever client it was through: issuer and subject."""
    issuer = hashlib.sha256(str(claims["iss"]).encode()).hexdigest()
    return f"{issuer}:{claims['sub']}"
