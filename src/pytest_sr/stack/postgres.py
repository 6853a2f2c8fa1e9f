"""Postgres: a fresh cluster with checksums, that syncs what it commits.

`initdb` and the server are one child, a shell that becomes the server, so that there is
one process to await and to stop.
"""

import os
import shlex
import signal
from contextlib import suppress
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

from pytest_sr.stack.accounts import Account
from pytest_sr.stack.addresses import PostgresAddress, PostgresLogin
from pytest_sr.stack.plan import Launch, Plan, expect
from pytest_sr.stack.ports import LOOPBACK, PortBook

SUPERUSER: Final = "postgres"
APP: Final = "sr_platform"
"""Whom a platform logs in as."""
PUBLISHER: Final = "sr_bus"
"""Whom its workers at the bus log in as."""
MAINTENANCE_DATABASE: Final = "postgres"

_ZONES: Final = Path("/usr/share/zoneinfo")
_SETTINGS: Final = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
_PROBE_CONNECT_S: Final = 2


def plan(
    bin_dir: Path, directory: Path, account: Account, ports: PortBook
) -> Plan[PostgresAddress]:
    """Return how to make and run a cluster below `directory`, as `account`."""
    address = PostgresAddress(
        host=LOOPBACK,
        port=ports.take(),
        user=SUPERUSER,
        password=token_urlsafe(24),
        app=PostgresLogin(user=APP, password=token_urlsafe(24)),
        publisher=PostgresLogin(user=PUBLISHER, password=token_urlsafe(24)),
    )
    data = directory / "data"
    password_file = directory / "password"
    password_file.touch(mode=0o600)
    password_file.write_text(address.password, encoding="ascii")
    if account.is_other:
        for path in (directory, password_file):
            os.chown(path, account.uid, account.gid)
    return Plan(
        launch=Launch(
            argv=("/bin/sh", "-c", _script(bin_dir, data, password_file, address.port)),
            directory=directory,
            environment={
                "PATH": "/usr/bin:/bin",
                "LC_ALL": "C",
                "HOME": f"{directory}",
            },
            account=account,
            stop_signal=signal.SIGINT,
        ),
        address=address,
        port=address.port,
        probe=lambda: probe(address),
    )


def probe(address: PostgresAddress) -> None:
    """Write a row and read it back."""
    import psycopg  # noqa: PLC0415 - only who probes needs the driver

    with psycopg.connect(
        address.dsn(MAINTENANCE_DATABASE), connect_timeout=_PROBE_CONNECT_S
    ) as connection:
        connection.execute("CREATE TEMPORARY TABLE probe (n integer)")
        connection.execute("INSERT INTO probe VALUES (1)")
        row = connection.execute("SELECT n FROM probe").fetchone()
        expect(row == (1,), that="a row is what was written")
        connection.rollback()


def admit_users(address: PostgresAddress) -> None:
    """Make the users that a platform's processes log in as, unless they are there.

    They are members of groups that the migrations have to have made.
    """
    import psycopg  # noqa: PLC0415 - only who makes databases needs the driver
    from psycopg.sql import SQL, Identifier, Literal  # noqa: PLC0415 - the same

    with psycopg.connect(address.dsn(MAINTENANCE_DATABASE)) as connection:
        for login, group in (
            (address.app, "sr_app"),
            (address.publisher, "sr_publisher"),
        ):
            statement = SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                Identifier(login.user), Literal(login.password), Identifier(group)
            )
            with (
                # Of several that make it at once, the others wait for the first.
                suppress(
                    psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation
                ),
                connection.transaction(),
            ):
                connection.execute(statement)


def _script(bin_dir: Path, data: Path, password_file: Path, port: int) -> str:
    """Return the shell's commands; the last becomes the server."""
    settings = {**_SETTINGS, "port": str(port), "timezone": _timezone()}
    initdb = [
        str(bin_dir / "initdb"),
        f"--pgdata={data}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
        "--no-sync",  # of the empty cluster; the server syncs all that it is given
        *(f"--set={name}={value}" for name, value in settings.items()),
    ]
    server = [str(bin_dir / "postgres"), "-D", str(data)]
    remove = ["rm", "-f", str(password_file)]
    return f"{shlex.join(initdb)} && {shlex.join(remove)} && exec {shlex.join(server)}"


def _timezone() -> str:
    """Return UTC, by the name that works where there is no database of time zones."""
    return "UTC" if (_ZONES / "UTC").exists() else "GMT"
