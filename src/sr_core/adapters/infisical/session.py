"""Our token at Infisical: got when it is needed, renewed in time, never hammered for.

    login --> token --2/3 of its life--> renew --> token ...
                |                          | refused
                | refused once             v
                +------------------------> login --refused--> nothing for 300 s

Whoever needs a token while one is being got waits for that one (R-INF-6). Time is that
of a monotonic clock, counted from before the question was sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

import msgspec

from sr_core.adapters.infisical.access import AccessToken, MachineIdentity
from sr_core.adapters.infisical.retry import is_worth_repeating
from sr_core.adapters.infisical.wire import Answer, Call, Wire, decoded
from sr_core.ports.kek_source import KekDenied, KekInconsistent, KekUnavailable

LOGIN_REFUSED_S: Final = 300.0
"""For how long a login that was refused is not repeated: three lock the identity out."""
RENEW_AT: Final = 2 / 3
"""After which part of its life a token is renewed."""
RENEW_REST_S: Final = 10.0
"""For how long a renewal is not tried again that got no answer."""
OURSELVES: Final = "the secret store's login"

_REFUSALS: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
_KIND: Final = "Bearer"
_LOG: Final = logging.getLogger(__name__)


class _Grant(msgspec.Struct, rename="camel"):
    access_token: str
    expires_in: int
    token_type: str

    def __repr__(self) -> str:
        return "<a grant>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    """A token with its moments on the monotonic clock; None where it has no end."""

    text: str = field(repr=False)
    renew_at: float | None
    over_at: float | None


class Session:
    """What says who we are; for one event loop."""

    def __init__(
        self,
        wire: Wire,
        login: MachineIdentity | AccessToken,
        *,
        monotonic: Callable[[], float],
    ) -> None:
        self._wire = wire
        self._login = login
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._token: _Token | None = None
        self._refused: tuple[float, str] | None = None

    async def token(self) -> str:
        """Return a token that is not over, as far as we know.

        Raises:
            KekDenied: we are not let in; asked for again, so it is for 300 s.
            KekInconsistent, KekUnavailable: the server does not answer as agreed.

        """
        if isinstance(self._login, AccessToken):
            return self._login.token
        async with self._lock:
            return (await self._current(self._login)).text

    async def token_after(self, refused: str) -> str:
        """Return a token that is not the one that was refused just now.

        Raises:
            KekDenied, KekInconsistent, KekUnavailable: as `token`.

        """
        if isinstance(self._login, AccessToken):
            raise KekDenied(kek=OURSELVES, why="the token is over or was revoked")
        async with self._lock:
            if self._token is not None and self._token.text == refused:
                self._token = None
            return (await self._current(self._login)).text

    async def _current(self, login: MachineIdentity) -> _Token:
        token = self._token
        now = self._monotonic()
        if token is not None and token.over_at is not None and now >= token.over_at:
            token = None
        if token is None:
            token = await self._logged_in(login)
        elif token.renew_at is not None and now >= token.renew_at:
            token = await self._renewed(token, login)
        self._token = token
        return token

    async def _logged_in(self, login: MachineIdentity) -> _Token:
        self._stay_out_if_refused()
        began = self._monotonic()
        answer = await self._wire.ask(
            Call(
                method="POST",
                path="/api/v1/auth/universal-auth/login",
                body={"clientId": login.client_id, "clientSecret": login.client_secret},
                is_repeatable=True,
            )
        )
        if answer.status == HTTPStatus.OK:
            self._refused = None
            return _token(answer, began)
        if _is_down(answer):
            raise KekUnavailable(cause=f"{answer} at the login")
        if answer.status not in _REFUSALS:
            raise KekInconsistent(kek=OURSELVES, why=str(answer))
        self._refused = (began, str(answer))
        _LOG.error(
            "Infisical refuses our login: %s. Look at the client's credentials;"
            " none is tried again for %d s.",
            answer,
            LOGIN_REFUSED_S,
        )
        raise KekDenied(kek=OURSELVES, why=str(answer))

    def _stay_out_if_refused(self) -> None:
        if self._refused is None:
            return
        since_s = self._monotonic() - self._refused[0]
        if since_s < LOGIN_REFUSED_S:
            raise KekDenied(
                kek=OURSELVES, why=f"{self._refused[1]}, {since_s:.0f} s ago"
            )

    async def _renewed(self, token: _Token, login: MachineIdentity) -> _Token:
        """Return the token's successor; where it cannot be renewed, that of a login."""
        began = self._monotonic()
        try:
            answer = await self._wire.ask(
                Call(
                    method="POST",
                    path="/api/v1/auth/token/renew",
                    body={"accessToken": token.text},
                )
            )
        except KekUnavailable:
            return self._rested(token)
        if answer.status == HTTPStatus.OK:
            return _token(answer, began)
        if _is_down(answer):
            return self._rested(token)
        return await self._logged_in(login)

    def _rested(self, token: _Token) -> _Token:
        """Return the token, good until it is over, to be renewed a little later."""
        return replace(token, renew_at=self._monotonic() + RENEW_REST_S)


def _token(answer: Answer, began: float) -> _Token:
    grant = decoded(answer.body, _Grant)
    if grant is None:
        raise KekInconsistent(kek=OURSELVES, why="it gives no token")
    is_text = grant.access_token.isascii() and grant.access_token.isprintable()
    if grant.token_type != _KIND or not grant.access_token or not is_text:
        raise KekInconsistent(kek=OURSELVES, why="its token is of another kind")
    if grant.expires_in < 0:
        raise KekInconsistent(kek=OURSELVES, why="its token was over before it began")
    if grant.expires_in == 0:  # of a token without end
        return _Token(text=grant.access_token, renew_at=None, over_at=None)
    return _Token(
        text=grant.access_token,
        renew_at=began + grant.expires_in * RENEW_AT,
        over_at=began + grant.expires_in,
    )


def _is_down(answer: Answer) -> bool:
    return (
        is_worth_repeating(answer.status)
        or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )
