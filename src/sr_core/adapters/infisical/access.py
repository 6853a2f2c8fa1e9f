"""Where an Infisical is, who we are there, and how long we wait for it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from sr_core.domain.errors import MalformedInput

CLOUD: Final = "https://app.infisical.com"
"""The vendor's hosted service."""
KEK_FOLDER: Final = "/solver-ralph/kek"
DEADLINE_S: Final = 30.0
CONNECT_S: Final = 5.0
READ_S: Final = 10.0

_FOLDER: Final = re.compile(r"(/[A-Za-z0-9_-]+)+")


class Api(StrEnum):
    """Which of the server's two families of paths secrets are asked for by."""

    V4 = "v4"
    V3 = "v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineIdentity:
    """Universal auth: a client that logs in, again and again."""

    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that someone else got; it is not renewed, and one day it is over."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long we wait, in s: for a connection, for a piece of an answer, for all."""

    connect_s: float = CONNECT_S
    read_s: float = READ_S
    total_s: float = DEADLINE_S
    """For one operation, with every repetition, pause and login that belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InfisicalAccess:
    """What has to be known to read one folder of one project's environment."""

    endpoint: str
    login: MachineIdentity | AccessToken
    project_id: str
    environment: str
    folder: str = KEK_FOLDER
    api: Api = Api.V4
    deadlines: Deadlines = Deadlines()

    def __post_init__(self) -> None:
        parse_endpoint(self.endpoint)
        parse_folder(self.folder)


def parse_endpoint(text: str, *, field: str = "Infisical endpoint") -> str:
    """Return `text` if secrets may be asked for there: https, or loopback (R-INF-10).

    Raises:
        MalformedInput: it is another scheme, or more than a scheme, a host and a port.

    """
    if _is_origin(text):
        return text
    raise MalformedInput(
        field=field,
        found=text if "@" not in text else "an address with a user in it",
        expected="https:// and a host, and a port if need be; http only on loopback",
    )


def parse_folder(text: str, *, field: str = "folder of KEKs") -> str:
    """Return `text` as the path of a folder, or raise `MalformedInput`."""
    if _FOLDER.fullmatch(text):
        return text
    raise MalformedInput(
        field=field,
        found=text,
        expected="a path such as /solver-ralph/kek, of letters, digits, - and _",
    )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + ("" if port is None else f":{port}")
    if not host or text.lower() != origin:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
