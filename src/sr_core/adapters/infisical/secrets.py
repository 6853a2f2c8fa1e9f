"""One folder of secrets: read, written once, changed, removed.

Every question says project, environment, folder, type, and that neither references nor
imports are to be followed; every answer is held against all of it before anything of it
is used (R-INF-5). Whatever a write is answered with, a read decides whether it was done.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from sr_core.adapters.infisical.access import Api, InfisicalAccess
from sr_core.adapters.infisical.retry import Chance, is_worth_repeating
from sr_core.adapters.infisical.session import Session
from sr_core.adapters.infisical.wire import Answer, Call, Sleep, Wire, decoded
from sr_core.ports.kek_source import (
    KekDenied,
    KekInconsistent,
    KekMissing,
    KekNotStored,
    KekTaken,
    KekUnavailable,
)

HIDDEN_VALUE: Final = "<hidden-by-infisical>"

_ROOT: Final[Mapping[Api, str]] = {
    Api.V4: "/api/v4/secrets",
    Api.V3: "/api/v3/secrets/raw",
}
_PROJECT: Final[Mapping[Api, str]] = {Api.V4: "projectId", Api.V3: "workspaceId"}
_PLAIN: Final[Mapping[str, str]] = {
    "type": "shared",
    "viewSecretValue": "true",
    "expandSecretReferences": "false",
    "include_imports": "false",
}


class Secret(msgspec.Struct, rename="camel", frozen=True):
    """A secret as the server tells it; the value is in no repr."""

    secret_key: str
    secret_path: str
    environment: str
    workspace: str
    version: int
    type: str
    secret_value: str
    secret_value_hidden: bool = False

    def __repr__(self) -> str:
        return f"<version {self.version} of a secret>"


class _Read(msgspec.Struct):
    secret: Secret


class _Written(msgspec.Struct):
    """The answer to a write; what else the real server tells of it is not used."""

    secret: dict[str, msgspec.Raw] | None = None
    approval: dict[str, msgspec.Raw] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which secret; `what` is what it is called in what we say to people."""

    name: str
    what: str


class SecretFolder:
    """The secrets of one folder; for one event loop, to be closed after use."""

    def __init__(
        self,
        access: InfisicalAccess,
        *,
        monotonic: Callable[[], float],
        sleep: Sleep,
        chance: Chance,
    ) -> None:
        self._access = access
        self._wire = Wire(access.endpoint, access.deadlines, sleep=sleep, chance=chance)
        self._session = Session(self._wire, access.login, monotonic=monotonic)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()

    async def read(self, place: Place, *, version: int | None) -> str:
        """Return the secret's text in this version; in the latest for None.

        Raises:
            KekMissing: there is none, or not in that version.
            KekDenied: we may not read it, or not its value.
            KekInconsistent: the answer is not of the agreed form, or not about it.
            KekUnavailable: no usable answer in time.

        """
        async with self._wire.operation():
            return await self._read(place, version)

    async def create(self, place: Place, text: str) -> None:
        """Store a secret that is not there yet, once; one that is there and the same is.

        Raises:
            KekTaken: there is one, with another text.
            KekNotStored: it is not there afterwards, for an approval say.
            KekDenied, KekInconsistent, KekUnavailable: as `read`.

        """
        async with self._wire.operation():
            await self._write("POST", place, text, version=1)

    async def change(self, place: Place, text: str) -> None:
        """Give a secret that is there another text.

        Raises:
            KekTaken: it has yet another text afterwards; someone else wrote too.
            KekNotStored, KekDenied, KekInconsistent, KekUnavailable: as `create`.

        """
        async with self._wire.operation():
            await self._write("PATCH", place, text, version=None)

    async def remove(self, place: Place) -> None:
        """Remove a secret with all its versions.

        Raises:
            KekMissing: there is none.
            KekNotStored: it is still there, for an approval say.
            KekDenied, KekInconsistent, KekUnavailable: as `read`.

        """
        async with self._wire.operation():
            answer = await self._asked(self._body_call("DELETE", place, {}))
            _require_ok(answer, place)
            _refuse_approval(answer, place)

    async def powers(self, place: Place) -> tuple[str, ...]:
        """Return what we may do and need not: list the project, remove a secret (R-INF-8).

        `place` is of a secret that never is; asking to remove it changes nothing.

        Raises:
            KekDenied, KekUnavailable: as `read`.

        """
        async with self._wire.operation():
            listed = await self._asked(self._list_of_root())
            removed = await self._asked(self._body_call("DELETE", place, {}))
        return tuple(
            power
            for power, answer in (
                ("it may list the secrets of the project's root", listed),
                ("it may remove secrets in the folder of KEKs", removed),
            )
            if _is_allowed(answer)
        )

    async def _read(self, place: Place, version: int | None) -> str:
        answer = await self._asked(self._question(place, version))
        _require_ok(answer, place)
        secret = _secret(answer, place)
        self._require_asked(secret, place, version)
        if secret.secret_value_hidden or secret.secret_value == HIDDEN_VALUE:
            raise KekDenied(kek=place.what, why="its value is hidden")
        return secret.secret_value

    async def _write(
        self,
        method: Literal["POST", "PATCH"],
        place: Place,
        text: str,
        *,
        version: int | None,
    ) -> None:
        said = await self._attempted(
            self._body_call(method, place, {"secretValue": text}), place
        )
        try:
            stored = await self._read(place, version)
        except KekMissing as error:
            raise KekNotStored(kek=place.what, why=said) from error
        if not hmac.compare_digest(stored.encode(), text.encode()):
            raise KekTaken(kek=place.what)

    async def _attempted(self, call: Call, place: Place) -> str:
        """Send a write, once, and return what is said of it if it was not done.

        An answer that leaves open whether it was done is no error yet; who reads knows.
        """
        try:
            answer = await self._asked(call)
        except KekUnavailable as error:
            return error.cause
        if answer.status == HTTPStatus.NOT_FOUND:
            raise KekNotStored(
                kek=place.what, why=f"{answer}; the folder or project is not there"
            )
        if answer.status == HTTPStatus.OK:
            _refuse_approval(answer, place)
        elif answer.status != HTTPStatus.BAD_REQUEST and not _is_down(answer):
            _require_ok(answer, place)
        return str(answer)

    async def _asked(self, call: Call) -> Answer:
        """Return the answer, with a token that is accepted if there is one.

        A refused token is a refused request: nothing was done, so that asking with
        another token is no repetition.
        """
        token = await self._session.token()
        answer = await self._wire.ask(call, token=token)
        if answer.is_of_the_token:
            token = await self._session.token_after(token)
            answer = await self._wire.ask(call, token=token)
        return answer

    def _question(self, place: Place, version: int | None) -> Call:
        numbered = {} if version is None else {"version": str(version)}
        return Call(
            method="GET",
            path=self._path(place),
            query={**self._where(), **_PLAIN, **numbered},
            is_repeatable=True,
        )

    def _list_of_root(self) -> Call:
        return Call(
            method="GET",
            path=_ROOT[self._access.api],
            query={
                **self._where(),
                **_PLAIN,
                "viewSecretValue": "false",
                "secretPath": "/",
            },
            is_repeatable=True,
        )

    def _body_call(self, method: str, place: Place, more: Mapping[str, object]) -> Call:
        return Call(
            method=method,
            path=self._path(place),
            body={**self._where(), "type": "shared", **more},
        )

    def _path(self, place: Place) -> str:
        return f"{_ROOT[self._access.api]}/{quote(place.name, safe='')}"

    def _where(self) -> dict[str, str]:
        return {
            _PROJECT[self._access.api]: self._access.project_id,
            "environment": self._access.environment,
            "secretPath": self._access.folder,
        }

    def _require_asked(self, secret: Secret, place: Place, version: int | None) -> None:
        """Refuse an answer about anything else than was asked for (R-INF-5)."""
        pairs = (
            ("name", secret.secret_key, place.name),
            ("folder", secret.secret_path, self._access.folder),
            ("environment", secret.environment, self._access.environment),
            ("project", secret.workspace, self._access.project_id),
            ("type", secret.type, "shared"),
        )
        wrong = [field for field, told, asked in pairs if told != asked]
        if version is not None and secret.version != version:
            wrong.append(f"version ({secret.version}, not {version})")
        if wrong:
            raise KekInconsistent(
                kek=place.what, why=f"it is about another {', '.join(wrong)}"
            )


def _secret(answer: Answer, place: Place) -> Secret:
    read = decoded(answer.body, _Read)
    if read is None:
        raise KekInconsistent(kek=place.what, why="it is not of the agreed form")
    return read.secret


def _refuse_approval(answer: Answer, place: Place) -> None:
    """Refuse a 200 that says that somebody has to approve first (R-INF-7)."""
    written = decoded(answer.body, _Written)
    if written is None:
        raise KekInconsistent(kek=place.what, why="it is not of the agreed form")
    if written.secret is None:
        why = (
            "it waits for an approval in Infisical"
            if written.approval is not None
            else "the answer has no secret"
        )
        raise KekNotStored(kek=place.what, why=why)


def _require_ok(answer: Answer, place: Place) -> None:
    match answer.status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise KekDenied(kek=place.what, why=str(answer))
        case HTTPStatus.NOT_FOUND:
            raise KekMissing(kek=place.what)
        case _ if _is_down(answer):
            raise KekUnavailable(cause=str(answer))
        case _:
            raise KekInconsistent(kek=place.what, why=str(answer))


def _is_down(answer: Answer) -> bool:
    return (
        is_worth_repeating(answer.status)
        or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def _is_allowed(answer: Answer) -> bool:
    """Tell whether the answer is not the refusal that it should be."""
    if _is_down(answer):
        raise KekUnavailable(cause=str(answer))
    return answer.status != HTTPStatus.FORBIDDEN
