"""The settings of where KEKs come from (SPEC 9.3): Infisical, the environment, nowhere.

They come from Infisical if `INFISICAL_WORKSPACE_ID` is set. `SR_ENVELOPE_KEY` is one key,
for development, in its place. With neither there is no restricted evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from sr_core.adapters.infisical.access import (
    CLOUD,
    KEK_FOLDER,
    AccessToken,
    Api,
    Deadlines,
    InfisicalAccess,
    MachineIdentity,
    parse_endpoint,
    parse_folder,
)
from sr_core.bootstrap.setting import Setting
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import WRAPS_MAX, Kek, KekId, KekRef, parse_kek, parse_kek_id
from sr_core.domain.sealing_errors import BadKeyMaterial

FAMILIES: Final = ("INFISICAL_", "SR_ENVELOPE_")

KEK_SETTINGS: Final[Mapping[str, Setting]] = {
    "INFISICAL_API_ENDPOINT": Setting(
        default=CLOUD, meaning="the Infisical that keeps our KEKs"
    ),
    "INFISICAL_API_VERSION": Setting(
        default="v4", meaning="how it is asked for secrets: v4, or v3 if it is older"
    ),
    "INFISICAL_WORKSPACE_ID": Setting(
        default="",
        meaning="the project of our KEKs; without it nothing is asked of Infisical",
    ),
    "INFISICAL_ENVIRONMENT": Setting(
        default="dev", meaning="the project's environment that they are in"
    ),
    "INFISICAL_KEK_PATH": Setting(
        default=KEK_FOLDER, meaning="the folder that they are in"
    ),
    "INFISICAL_ENVELOPE_KEY_ID": Setting(
        default="solver-ralph-kek",
        meaning="the KEK whose current version seals what is new",
    ),
    "INFISICAL_CLIENT_ID": Setting(
        default="", meaning="the machine identity that we log in as (universal auth)"
    ),
    "INFISICAL_CLIENT_SECRET": Setting(default="", meaning="its secret"),
    "INFISICAL_TOKEN": Setting(
        default="",
        meaning="a token in place of a machine identity, a secret; nobody renews it",
    ),
    "INFISICAL_DEADLINE_S": Setting(
        default="30", meaning="how long a key may take, with all that is repeated, in s"
    ),
    "INFISICAL_CACHE_TTL_S": Setting(
        default="300",
        meaning="for how long a key is not asked for again, in s; so late is a"
        " rotation noticed",
    ),
    "INFISICAL_CACHE_STALE_S": Setting(
        default="0",
        meaning="for how long after that it is used while Infisical is down, in s",
    ),
    "INFISICAL_STRICT": Setting(
        default="false",
        meaning="whether an identity that may do more than read KEKs is refused",
    ),
    "SR_ENVELOPE_KEY_ID": Setting(
        default="dev-kek-001", meaning="what the KEK of `SR_ENVELOPE_KEY` is called"
    ),
    "SR_ENVELOPE_KEY": Setting(
        default="",
        meaning="a KEK in place of Infisical's, a secret; for development only",
    ),
    "SR_ENVELOPE_WRAPS_MAX": Setting(
        default=str(WRAPS_MAX),
        meaning="how many data keys a version of a KEK wraps at most",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KekSettings:
    """Where KEKs come from; at most one of `infisical` and `given` is there."""

    infisical: InfisicalAccess | None
    given: Kek | None = field(repr=False)
    kek_id: KekId
    """Whose current version seals what is new."""
    cache_ttl_s: int
    cache_stale_s: int
    wraps_max: int
    """How many data keys a version wraps, before there has to be a newer one."""
    is_strict: bool
    secrets: tuple[str, ...] = field(repr=False)
    """What must be in no line of the log."""


Text = Callable[[str], str]
"""Gives a setting's text, its default where it is not set."""


def parse_kek_settings(
    text: Text,
    *,
    number: Callable[[str, int, int], int],
    choice: Callable[[str, tuple[str, ...]], str],
) -> KekSettings:
    """Return where KEKs come from; `number` takes a least and a most.

    Raises:
        MalformedInput: a variable is of the wrong form, or one is there without the
            others that it needs, or beside one that it excludes.

    """
    deadline_s = number("INFISICAL_DEADLINE_S", 1, 300)
    infisical = _infisical(
        text, deadline_s, choice("INFISICAL_API_VERSION", tuple(Api))
    )
    given = _given(text)
    if infisical is not None and given is not None:
        _refuse("SR_ENVELOPE_KEY", "nothing there, since INFISICAL_WORKSPACE_ID is set")
    kek_id = _kek_id(text, "INFISICAL_ENVELOPE_KEY_ID")
    secrets = ("INFISICAL_CLIENT_SECRET", "INFISICAL_TOKEN", "SR_ENVELOPE_KEY")
    return KekSettings(
        infisical=infisical,
        given=given,
        kek_id=given.ref.id if given is not None else kek_id,
        cache_ttl_s=number("INFISICAL_CACHE_TTL_S", 1, 86_400),
        cache_stale_s=number("INFISICAL_CACHE_STALE_S", 0, 86_400),
        wraps_max=number("SR_ENVELOPE_WRAPS_MAX", 1, WRAPS_MAX),
        is_strict=choice("INFISICAL_STRICT", ("true", "false")) == "true",
        secrets=tuple(value for each in secrets if (value := text(each))),
    )


def _infisical(text: Text, deadline_s: int, api: str) -> InfisicalAccess | None:
    endpoint = parse_endpoint(
        text("INFISICAL_API_ENDPOINT"), field="INFISICAL_API_ENDPOINT"
    )
    folder = parse_folder(text("INFISICAL_KEK_PATH"), field="INFISICAL_KEK_PATH")
    login = _login(text)
    project_id = text("INFISICAL_WORKSPACE_ID")
    if not project_id and login is None:
        return None
    if not project_id:
        _refuse("INFISICAL_WORKSPACE_ID", "the project that the login is for")
    if login is None:
        _refuse(
            "INFISICAL_CLIENT_ID", "a machine identity; or a token, as INFISICAL_TOKEN"
        )
    return InfisicalAccess(
        endpoint=endpoint,
        login=login,
        project_id=project_id,
        environment=_needed(text, "INFISICAL_ENVIRONMENT"),
        folder=folder,
        api=Api(api),
        deadlines=Deadlines(total_s=deadline_s),
    )


def _login(text: Text) -> MachineIdentity | AccessToken | None:
    client_id = text("INFISICAL_CLIENT_ID")
    client_secret = text("INFISICAL_CLIENT_SECRET")
    token = text("INFISICAL_TOKEN")
    if bool(client_id) != bool(client_secret):
        name = "INFISICAL_CLIENT_SECRET" if client_id else "INFISICAL_CLIENT_ID"
        _refuse(name, "both it and its other half, or neither")
    if token and client_id:
        _refuse("INFISICAL_TOKEN", "nothing there, since INFISICAL_CLIENT_ID is set")
    if token:
        return AccessToken(token=_header_text("INFISICAL_TOKEN", token))
    if client_id:
        return MachineIdentity(client_id=client_id, client_secret=client_secret)
    return None


def _given(text: Text) -> Kek | None:
    kek_id = _kek_id(text, "SR_ENVELOPE_KEY_ID")
    key = text("SR_ENVELOPE_KEY")
    if not key:
        return None
    try:
        return parse_kek(key, ref=KekRef(id=kek_id, version=1))
    except BadKeyMaterial as error:
        raise MalformedInput(
            field="SR_ENVELOPE_KEY",
            found=f"<{len(key)} characters>",
            expected="base64: and the base64 of 32 random bytes",
        ) from error


def _kek_id(text: Text, name: str) -> KekId:
    try:
        return parse_kek_id(text(name))
    except MalformedInput as error:
        raise MalformedInput(
            field=name, found=error.value, expected=error.expected
        ) from error


def _needed(text: Text, name: str) -> str:
    value = text(name)
    if not value:
        _refuse(name, KEK_SETTINGS[name].meaning)
    return value


def _header_text(name: str, token: str) -> str:
    if token.isascii() and token.isprintable() and " " not in token:
        return token
    raise MalformedInput(
        field=name,
        found=f"<{len(token)} characters>",
        expected="a token, of letters, digits and punctuation",
    )


def _refuse(name: str, expected: str) -> NoReturn:
    raise MalformedInput(
        field=name, found="what does not go together", expected=expected
    )
