"""Where the services of a stack are, and what opens them.

Plain values that travel as one line of JSON from the supervisor to its parent. What is
read must fit exactly: an unknown or a missing key is an error, never a guess.
"""

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any, Final, Self, TypeVar, cast, get_args, get_origin, get_type_hints
from urllib.parse import quote

from pytest_sr.stack.errors import AddressesError

HUMAN_CLIENT: Final = "sr-human"
"""The public client through which people get their tokens: it has no secret."""

READY: Final = "all ready"
"""How the line of progress begins that goes before the addresses."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresLogin:
    """A user of a Postgres server."""

    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddress:
    """A Postgres server, its superuser, and whom a platform's processes log in as.

    `app` and `publisher` are there once a database was migrated and
    `postgres.admit_users` was called.
    """

    host: str
    port: int
    user: str
    password: str
    app: PostgresLogin
    publisher: PostgresLogin

    def dsn(self, database: str) -> str:
        """Return the URL of `database` for the superuser."""
        return self._dsn(self, database)

    def app_dsn(self, database: str) -> str:
        """Return the URL of `database` for a platform."""
        return self._dsn(self.app, database)

    def publisher_dsn(self, database: str) -> str:
        """Return the URL of `database` for who works at the bus."""
        return self._dsn(self.publisher, database)

    def _dsn(self, login: PostgresLogin | Self, database: str) -> str:
        account = f"{quote(login.user, safe='')}:{quote(login.password, safe='')}"
        return (
            f"postgresql://{account}@{self.host}:{self.port}/{quote(database, safe='')}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Keys:
    """One identity of the object store."""

    access_key: str
    secret_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Address:
    """The object store; `endpoint` is host:port, spoken to in plain HTTP.

    `admin` may do everything; `app` reads, writes, lists and tags, and makes no bucket.
    """

    endpoint: str
    region: str
    admin: S3Keys
    app: S3Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsAddress:
    """The message bus and its monitoring page."""

    url: str
    user: str
    password: str
    monitor_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InfisicalAddress:
    """The secrets' keeper, with a machine identity that may use one project."""

    url: str
    client_id: str
    client_secret: str
    project_id: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A machine that gets tokens by client credentials."""

    client_id: str
    client_secret: str
    subject: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person who gets tokens with a password, through `HUMAN_CLIENT`."""

    name: str
    password: str
    subject: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerAddress:
    """The OIDC issuer, and everyone whom it knows."""

    issuer_url: str
    audience: str
    clients: tuple[Client, ...]
    people: tuple[Person, ...]

    def client(self, client_id: str) -> Client:
        """Return the machine client called `client_id`."""
        return next(each for each in self.clients if each.client_id == client_id)

    def person(self, name: str) -> Person:
        """Return the person called `name`."""
        return next(each for each in self.people if each.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackAddresses:
    """A running stack; `directory` holds its data and goes when it stops."""

    directory: str
    backend: str
    postgres: PostgresAddress
    s3: S3Address
    nats: NatsAddress
    infisical: InfisicalAddress
    issuer: IssuerAddress
    versions: dict[str, str]
    binaries: dict[str, str]

    def to_json(self) -> str:
        """Return the addresses, secrets included, as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the addresses that `to_json` wrote.

        Raises:
            AddressesError: `text` is no such JSON, or a key is unknown or missing.

        """
        try:
            value = json.loads(text)
        except ValueError as error:
            raise _unfit(at="the text", found=f"is not JSON ({error})") from error
        return cast("Self", _parsed(value, cls, at="addresses"))


def _parsed(value: object, wanted: Any, *, at: str) -> object:  # noqa: ANN401 - a type of any shape
    """Return JSON's `value` as a `wanted`, which a field of a class above names."""
    if is_dataclass(wanted):
        return _parsed_fields(value, cast("type[Any]", wanted), at=at)
    origin = get_origin(wanted)
    if origin is tuple:
        item = get_args(wanted)[0]
        return tuple(
            _parsed(each, item, at=f"{at}[{index}]")
            for index, each in enumerate(_of(value, list, at=at))
        )
    if origin is dict:
        items = _of(value, dict, at=at).items()
        return {key: _of(each, str, at=f"{at}.{key}") for key, each in items}
    return _of(value, wanted, at=at)


def _parsed_fields(value: object, wanted: type[Any], *, at: str) -> object:
    given = _of(value, dict, at=at)
    known = get_type_hints(wanted)
    names = {field.name for field in fields(wanted)}
    if unknown := sorted(given.keys() - names):
        raise _unfit(at=at, found=f"has unknown keys {', '.join(unknown)}")
    if missing := sorted(names - given.keys()):
        raise _unfit(at=at, found=f"lacks {', '.join(missing)}")
    return wanted(
        **{name: _parsed(given[name], known[name], at=f"{at}.{name}") for name in names}
    )


def _of(value: object, wanted: type[_T], *, at: str) -> _T:
    if type(value) is not wanted:
        raise _unfit(
            at=at, found=f"is a {type(value).__name__}, not a {wanted.__name__}"
        )
    return value


def _unfit(*, at: str, found: str) -> AddressesError:
    return AddressesError(
        found=f"{at} {found}",
        remedy="Give the line that this version's supervisor printed, unchanged",
    )
