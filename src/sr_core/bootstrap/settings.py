"""Settings from the environment, all of one family of names (SPEC 15.3).

A misspelt variable of one of our families is an error, not a default.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from sr_core.bootstrap.kek_settings import (
    FAMILIES,
    KEK_SETTINGS,
    KekSettings,
    parse_kek_settings,
)
from sr_core.bootstrap.setting import Setting
from sr_core.codec.note import (
    Purpose,
    SigningKey,
    VerifierKey,
    parse_signing_key,
    parse_verifier_key,
)
from sr_core.codec.trust import TrustedKey, check_apart, parse_trusted_keys
from sr_core.domain.errors import MalformedInput

_LOG: Final = logging.getLogger(__name__)

_FAMILIES: Final = (
    *FAMILIES,
    "SR_CONSUMER_",
    "SR_DATABASE_",
    "SR_DOCS_",
    "SR_EVIDENCE_",
    "SR_GOVERNED_",
    "SR_GOVERNOR_",
    "SR_LOG_",
    "SR_MINIO_",
    "SR_NATS_",
    "SR_OIDC_",
    "SR_OUTBOX_",
    "SR_SANDBOX",
)
_ALIASES: Final[Mapping[str, str]] = {"SR_DOCS_PATH": "DOCS_PATH"}
"""Older names, each read with a warning where the one of today is not set."""

PORT_MAX: Final = 2**16 - 1
ORIGIN_CHARS_MAX: Final = 255
_PREFIX: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


__all__ = [
    "LOG_LEVELS",
    "SETTINGS",
    "Setting",
    "Settings",
    "parse_keks",
    "parse_settings",
]

LOG_LEVELS: Final = ("trace", "debug", "info", "warn", "error")


SETTINGS: Final[Mapping[str, Setting]] = {
    "SR_HOST": Setting(default="127.0.0.1", meaning="the address to listen on"),
    "SR_PORT": Setting(default="3000", meaning="the port to listen on"),
    "SR_DATABASE_URL": Setting(default=None, meaning="the Postgres that holds the log"),
    "SR_DATABASE_OWNER_URL": Setting(
        default="",
        meaning=(
            "the same as who owns the log, for `sr init` and `sr log rebuild`;"
            " if not `SR_DATABASE_URL`"
        ),
    ),
    "SR_DATABASE_STRICT": Setting(
        default="false",
        meaning="whether to refuse to start over a database that is unsafe for the log",
    ),
    "SR_MINIO_ENDPOINT": Setting(default=None, meaning="host:port of the S3 store"),
    "SR_MINIO_ACCESS_KEY": Setting(default=None, meaning="who we are at the S3 store"),
    "SR_MINIO_SECRET_KEY": Setting(default=None, meaning="its secret"),
    "SR_MINIO_REGION": Setting(default="us-east-1", meaning="the S3 store's region"),
    "SR_MINIO_TLS": Setting(default="true", meaning="whether the S3 store has TLS"),
    "SR_MINIO_EVIDENCE_BUCKET": Setting(
        default="evidence-public", meaning="the bucket of evidence bundles"
    ),
    "SR_MINIO_RESTRICTED_BUCKET": Setting(
        default="evidence-restricted",
        meaning="the bucket of restricted evidence, sealed, and of its key records",
    ),
    "SR_MINIO_CANDIDATES_BUCKET": Setting(
        default="candidates", meaning="the bucket of candidates' files"
    ),
    "SR_MINIO_ATTACHMENTS_BUCKET": Setting(
        default="attachments", meaning="the bucket of people's attachments"
    ),
    "SR_MINIO_CHECKPOINTS_BUCKET": Setting(
        default="log-checkpoints", meaning="the bucket of the log's signed checkpoints"
    ),
    "SR_MINIO_CHECKPOINTS_LOCK": Setting(
        default="COMPLIANCE",
        meaning="who may remove one early: nobody (COMPLIANCE), or who may bypass"
        " (GOVERNANCE)",
    ),
    "SR_MINIO_CHECKPOINTS_LOCK_DAYS": Setting(
        default="3650", meaning="how long none can be removed, in days"
    ),
    "SR_NATS_URL": Setting(default=None, meaning="the NATS server"),
    "SR_NATS_USER": Setting(default="", meaning="who we are at the NATS server"),
    "SR_NATS_PASSWORD": Setting(default="", meaning="its password"),
    "SR_NATS_STREAM_PREFIX": Setting(
        default="sr", meaning="what the names of streams and subjects begin with"
    ),
    "SR_NATS_MONITOR_URL": Setting(
        default="",
        meaning="the NATS server's monitoring page, which tells how it syncs",
    ),
    "SR_NATS_REPLICAS": Setting(
        default="1", meaning="on how many servers the stream has to be: 1, 3 or 5"
    ),
    "SR_NATS_STRICT": Setting(
        default="false", meaning="whether nothing is published to a bus that is unsafe"
    ),
    "SR_OIDC_ISSUER": Setting(default=None, meaning="whose tokens are believed"),
    "SR_OIDC_AUDIENCE": Setting(default="solver-ralph", meaning="whom they are for"),
    "SR_OIDC_JWKS_URI": Setting(default=None, meaning="where the issuer's keys are"),
    "SR_OIDC_HUMAN_CLIENTS": Setting(
        default=None, meaning="clients that people log in through, by commas"
    ),
    "SR_OIDC_AGENT_CLIENTS": Setting(
        default=None, meaning="clients that agents are, by commas"
    ),
    "SR_OIDC_SYSTEM_CLIENTS": Setting(
        default=None, meaning="clients that our own services are, by commas"
    ),
    "SR_DOCS_PATH": Setting(
        default="",
        meaning="the folder of the governed documents, if not those of the wheel",
    ),
    "SR_GOVERNED_DOCS": Setting(
        default=(
            "program/SR-DIRECTIVE.md,platform/SR-CONTRACT.md,platform/SR-SPEC.md,"
            "platform/SR-TYPES.md,config/SR-AGENT.yaml,config/SR-GATING-POLICY.yaml"
        ),
        meaning="the governed documents, by commas, each by its path in that folder",
    ),
    "SR_LOG_FORMAT": Setting(
        default="pretty", meaning="how the log is written: pretty or json"
    ),
    "SR_LOG_LEVEL": Setting(
        default="info",
        meaning="the least that is logged: trace, debug, info, warn, error",
    ),
    "SR_LOG_ORIGIN": Setting(
        default="solver-ralph/log",
        meaning="what checkpoints call the event log; no other log has that name",
    ),
    "SR_LOG_SIGNING_KEY": Setting(
        default="", meaning="what signs checkpoints, a secret; only who signs needs it"
    ),
    "SR_LOG_VERIFIER_KEY": Setting(
        default="", meaning="whose checkpoints are believed"
    ),
    "SR_EVIDENCE_SIGNING_KEY": Setting(
        default="",
        meaning="what signs exported evidence, a secret; only who exports needs it",
    ),
    "SR_EVIDENCE_VERIFIER_KEYS": Setting(
        default="",
        meaning="whose exports are believed, and when: keys by blanks, each with its times",
    ),
    "SR_SANDBOX": Setting(
        default="bubblewrap",
        meaning="where oracles run: bubblewrap, or plain, which proves nothing",
    ),
    "SR_SANDBOX_DIRECTORY": Setting(
        default="",
        meaning="where runs are laid out, if not in the folder for temporary files",
    ),
    "SR_SANDBOX_BWRAP": Setting(
        default="", meaning="the bwrap program, if not the one of the wheel or PATH"
    ),
    "SR_GOVERNOR_POLL_INTERVAL_MS": Setting(
        default="1000", meaning="how long the governor rests between two rounds, in ms"
    ),
    "SR_GOVERNOR_MAX_CONCURRENT_LOOPS": Setting(
        default="10", meaning="how many loops the governor looks at at once"
    ),
    "SR_GOVERNOR_DRY_RUN": Setting(
        default="false", meaning="whether the governor only says what it would do"
    ),
    "SR_GOVERNOR_HEALTH_PORT": Setting(
        default="8081", meaning="the port that tells whether the governor works"
    ),
    "SR_OUTBOX_POLL_INTERVAL_MS": Setting(
        default="100", meaning="how often the publisher looks for new events, in ms"
    ),
    "SR_OUTBOX_LEASE_MS": Setting(
        default="10000",
        meaning="after how long without a sign of life another may publish, in ms",
    ),
    "SR_OUTBOX_AGE_MAX_S": Setting(
        default="60", meaning="how long an event may wait before that is an alarm, in s"
    ),
    "SR_OUTBOX_KEEP_S": Setting(
        default="86400", meaning="how long rows are kept that were published, in s"
    ),
    "SR_OUTBOX_HEALTH_PORT": Setting(
        default="8082", meaning="the port that tells whether the publisher works"
    ),
    "SR_CONSUMER_SILENT_MS": Setting(
        default="10000",
        meaning="how long the bus may be silent while the log is ahead, in ms",
    ),
    "SR_CONSUMER_HEALTH_PORT": Setting(
        default="8083", meaning="the port that tells whether the consumer works"
    ),
    **KEK_SETTINGS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a deployment says of itself; secrets are not part of what it prints."""

    host: str
    port: int
    database_url: str = field(repr=False)
    database_owner_url: str | None = field(repr=False)
    database_strict: bool
    minio_endpoint: str
    minio_access_key: str
    minio_secret_key: str = field(repr=False)
    minio_region: str
    minio_tls: bool
    evidence_bucket: str
    restricted_bucket: str
    candidates_bucket: str
    attachments_bucket: str
    checkpoints_bucket: str
    checkpoints_lock: str
    checkpoints_lock_days: int
    nats_url: str
    nats_user: str
    nats_password: str = field(repr=False)
    stream_prefix: str
    nats_monitor_url: str
    nats_replicas: int
    nats_strict: bool
    log_format: str
    log_level: str
    log_origin: str
    log_signing_key: SigningKey | None = field(repr=False)
    log_verifier_key: VerifierKey | None
    evidence_signing_key: SigningKey | None = field(repr=False)
    evidence_verifier_keys: tuple[TrustedKey, ...]
    oidc_issuer: str
    oidc_audience: str
    oidc_jwks_uri: str
    human_clients: frozenset[str]
    agent_clients: frozenset[str]
    system_clients: frozenset[str]
    docs_path: Path | None
    governed_docs: tuple[str, ...]
    sandbox: str
    sandbox_directory: Path | None
    bwrap: str | None
    governor_poll_interval_ms: int
    governor_max_concurrent_loops: int
    governor_dry_run: bool
    governor_health_port: int
    outbox_poll_interval_ms: int
    outbox_lease_ms: int
    outbox_age_max_s: int
    outbox_keep_s: int
    outbox_health_port: int
    consumer_silent_ms: int
    consumer_health_port: int
    keks: KekSettings

    @property
    def owner_url(self) -> str:
        """The database, as who owns the log; for what changes its tables."""
        return self.database_owner_url or self.database_url

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no line of the log: the secrets, and the password in the URL."""
        urls = (self.database_url, self.owner_url)
        passwords = [urlsplit(each).password or "" for each in urls]
        named = (
            *urls,
            *passwords,
            *map(unquote, passwords),
            self.minio_secret_key,
            self.nats_password,
            self.log_signing_key.text if self.log_signing_key else "",
            self.evidence_signing_key.text if self.evidence_signing_key else "",
            *self.keks.secrets,
        )
        return tuple(each for each in named if each)


def parse_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings that the environment holds.

    Raises:
        MalformedInput: a variable is missing, misspelt, or of the wrong form; or one key
            stands there for two purposes.

    """
    _refuse_unknown(environment)
    settings = _parsed(environment)
    _check_keys_apart(settings)
    return settings


def _parsed(environment: Mapping[str, str]) -> Settings:
    return Settings(
        host=_text(environment, "SR_HOST"),
        port=_number(environment, "SR_PORT", most=PORT_MAX, what="a port"),
        database_url=_text(environment, "SR_DATABASE_URL"),
        database_owner_url=_text(environment, "SR_DATABASE_OWNER_URL") or None,
        database_strict=_choice(environment, "SR_DATABASE_STRICT", ("true", "false"))
        == "true",
        minio_endpoint=_text(environment, "SR_MINIO_ENDPOINT"),
        minio_access_key=_text(environment, "SR_MINIO_ACCESS_KEY"),
        minio_secret_key=_text(environment, "SR_MINIO_SECRET_KEY"),
        minio_region=_text(environment, "SR_MINIO_REGION"),
        minio_tls=_choice(environment, "SR_MINIO_TLS", ("true", "false")) == "true",
        evidence_bucket=_text(environment, "SR_MINIO_EVIDENCE_BUCKET"),
        restricted_bucket=_text(environment, "SR_MINIO_RESTRICTED_BUCKET"),
        candidates_bucket=_text(environment, "SR_MINIO_CANDIDATES_BUCKET"),
        attachments_bucket=_text(environment, "SR_MINIO_ATTACHMENTS_BUCKET"),
        checkpoints_bucket=_text(environment, "SR_MINIO_CHECKPOINTS_BUCKET"),
        checkpoints_lock=_choice(
            environment, "SR_MINIO_CHECKPOINTS_LOCK", ("COMPLIANCE", "GOVERNANCE")
        ),
        checkpoints_lock_days=_number(
            environment, "SR_MINIO_CHECKPOINTS_LOCK_DAYS", most=36_500
        ),
        nats_url=_text(environment, "SR_NATS_URL"),
        nats_user=_text(environment, "SR_NATS_USER"),
        nats_password=_text(environment, "SR_NATS_PASSWORD"),
        stream_prefix=_prefix(environment),
        nats_monitor_url=_text(environment, "SR_NATS_MONITOR_URL"),
        nats_replicas=int(_choice(environment, "SR_NATS_REPLICAS", ("1", "3", "5"))),
        nats_strict=_choice(environment, "SR_NATS_STRICT", ("true", "false")) == "true",
        log_format=_choice(environment, "SR_LOG_FORMAT", ("pretty", "json")),
        log_level=_choice(environment, "SR_LOG_LEVEL", LOG_LEVELS),
        log_origin=_origin(environment),
        log_signing_key=_signing_key(
            environment, "SR_LOG_SIGNING_KEY", Purpose.CHECKPOINT
        ),
        log_verifier_key=_verifier_key(environment),
        evidence_signing_key=_signing_key(
            environment, "SR_EVIDENCE_SIGNING_KEY", Purpose.EVIDENCE
        ),
        evidence_verifier_keys=_trusted_keys(environment),
        oidc_issuer=_text(environment, "SR_OIDC_ISSUER"),
        oidc_audience=_text(environment, "SR_OIDC_AUDIENCE"),
        oidc_jwks_uri=_text(environment, "SR_OIDC_JWKS_URI"),
        human_clients=_names(environment, "SR_OIDC_HUMAN_CLIENTS"),
        agent_clients=_names(environment, "SR_OIDC_AGENT_CLIENTS"),
        system_clients=_names(environment, "SR_OIDC_SYSTEM_CLIENTS"),
        docs_path=_directory(environment, "SR_DOCS_PATH"),
        governed_docs=_paths(environment, "SR_GOVERNED_DOCS"),
        sandbox=_choice(environment, "SR_SANDBOX", ("bubblewrap", "plain")),
        sandbox_directory=_directory(environment, "SR_SANDBOX_DIRECTORY"),
        bwrap=_text(environment, "SR_SANDBOX_BWRAP") or None,
        governor_poll_interval_ms=_number(
            environment, "SR_GOVERNOR_POLL_INTERVAL_MS", most=3_600_000
        ),
        governor_max_concurrent_loops=_number(
            environment, "SR_GOVERNOR_MAX_CONCURRENT_LOOPS", most=1000
        ),
        governor_dry_run=_choice(environment, "SR_GOVERNOR_DRY_RUN", ("true", "false"))
        == "true",
        governor_health_port=_number(
            environment, "SR_GOVERNOR_HEALTH_PORT", most=PORT_MAX, what="a port"
        ),
        keks=parse_keks(environment),
        **_of_the_bus(environment),
    )


def parse_keks(environment: Mapping[str, str]) -> KekSettings:
    """Return where KEKs come from, for a command that needs nothing else.

    Raises:
        MalformedInput: a variable is of the wrong form, or does not go with another.

    """
    return parse_kek_settings(
        partial(_text, environment),
        number=lambda name, least, most: _number(
            environment, name, least=least, most=most
        ),
        choice=partial(_choice, environment),
    )


def _of_the_bus(environment: Mapping[str, str]) -> dict[str, int]:
    """Return the settings of the publisher and of the consumers; all are numbers."""
    most = {
        "SR_OUTBOX_POLL_INTERVAL_MS": 3_600_000,
        "SR_OUTBOX_LEASE_MS": 3_600_000,
        "SR_OUTBOX_AGE_MAX_S": 86_400,
        "SR_OUTBOX_KEEP_S": 31_536_000,
        "SR_CONSUMER_SILENT_MS": 3_600_000,
    }
    ports = ("SR_OUTBOX_HEALTH_PORT", "SR_CONSUMER_HEALTH_PORT")
    numbers = {name: _number(environment, name, most=it) for name, it in most.items()}
    listening = {
        name: _number(environment, name, most=PORT_MAX, what="a port") for name in ports
    }
    return {
        name.removeprefix("SR_").lower(): value
        for name, value in {**numbers, **listening}.items()
    }


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    for name in environment:
        if name.startswith(_FAMILIES) and name not in SETTINGS:
            near = difflib.get_close_matches(name, SETTINGS, n=1)
            raise MalformedInput(
                field="environment",
                found=name,
                expected=near[0] if near else "a variable of deploy/env.example",
            )


def _text(environment: Mapping[str, str], name: str) -> str:
    setting = SETTINGS[name]
    value = environment.get(name, _of_old(environment, name) or setting.default)
    if value is None or (not value and setting.default is None):
        raise MalformedInput(field=name, found=value, expected=setting.meaning)
    return value


def _of_old(environment: Mapping[str, str], name: str) -> str | None:
    """Return what the setting's older name holds, with a warning, if that is set."""
    alias = _ALIASES.get(name)
    if alias is None or name in environment or alias not in environment:
        return None
    _LOG.warning("%s is an older name. Set %s in its place.", alias, name)
    return environment[alias]


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = _text(environment, name)
    if value not in choices:
        raise MalformedInput(field=name, found=value, expected=" or ".join(choices))
    return value


def _names(environment: Mapping[str, str], name: str) -> frozenset[str]:
    given = _text(environment, name).split(",")
    return frozenset(each.strip() for each in given if each.strip())


def _paths(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    given = _text(environment, name).split(",")
    return tuple(each.strip() for each in given if each.strip())


def _directory(environment: Mapping[str, str], name: str) -> Path | None:
    value = _text(environment, name)
    if not value:
        return None
    path = Path(value)
    if not path.is_absolute() or not path.is_dir():
        raise MalformedInput(
            field=name,
            found=value,
            expected="the absolute path of an existing directory",
        )
    return path


def _prefix(environment: Mapping[str, str]) -> str:
    name = "SR_NATS_STREAM_PREFIX"
    value = _text(environment, name)
    if not _PREFIX.fullmatch(value):
        raise MalformedInput(
            field=name,
            found=value,
            expected="1 to 32 small letters, digits, dashes and underscores, with a"
            " letter first",
        )
    return value


def _origin(environment: Mapping[str, str]) -> str:
    name = "SR_LOG_ORIGIN"
    value = _text(environment, name)
    if value.isprintable() and 0 < len(value) <= ORIGIN_CHARS_MAX:
        return value
    raise MalformedInput(
        field=name,
        found=value,
        expected=f"one line of 1 to {ORIGIN_CHARS_MAX} characters",
    )


def _signing_key(
    environment: Mapping[str, str], name: str, purpose: Purpose
) -> SigningKey | None:
    value = _text(environment, name)
    return parse_signing_key(value, field=name, purpose=purpose) if value else None


def _verifier_key(environment: Mapping[str, str]) -> VerifierKey | None:
    name = "SR_LOG_VERIFIER_KEY"
    value = _text(environment, name)
    return parse_verifier_key(value, field=name) if value else None


def _trusted_keys(environment: Mapping[str, str]) -> tuple[TrustedKey, ...]:
    name = "SR_EVIDENCE_VERIFIER_KEYS"
    value = _text(environment, name)
    return parse_trusted_keys(value, field=name, purpose=Purpose.EVIDENCE)


def _check_keys_apart(settings: Settings) -> None:
    """Return if each key serves the one purpose that it is given for (R-ATT-7)."""
    signing = (settings.log_signing_key, settings.evidence_signing_key)
    keys = [
        settings.log_verifier_key,
        *(each.verifier for each in signing if each),
        *(each.key for each in settings.evidence_verifier_keys),
    ]
    each_once = {each.text: each for each in keys if each}
    check_apart([*each_once.values()], field="the keys that sign")


def _number(
    environment: Mapping[str, str],
    name: str,
    *,
    most: int,
    least: int = 1,
    what: str = "a number",
) -> int:
    value = _text(environment, name)
    is_number = value.isascii() and value.isdigit() and len(value) <= len(str(most))
    if is_number and least <= int(value) <= most:
        return int(value)
    raise MalformedInput(field=name, found=value, expected=f"{what}, {least} to {most}")
