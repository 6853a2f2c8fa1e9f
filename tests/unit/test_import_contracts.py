"""C-ARCH-1, C-ARCH-2: each import contract breaks when it is violated; one that cannot
keeps nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VIOLATIONS = {
    "sr_core: imports flow one way, and the domain is at the bottom": (
        "sr_core/ports/clock.py",
        "import sr_core.application.runs",
    ),
    "sr_core.domain: the standard library's pure part is all it knows": (
        "sr_core/domain/refs.py",
        "import asyncio",
    ),
    "sr_core: drivers stay in their adapter": (
        "sr_core/application/runs.py",
        "import psycopg",
    ),
    "sr_core.adapters: no adapter knows another": (
        "sr_core/adapters/s3/buckets.py",
        "import sr_core.adapters.postgres.migrate",
    ),
    "no package cycles, anywhere": (
        "sr_core/domain/refs.py",
        "import sr_core.domain.loop",
    ),
    "pytest_sr: hooks at the top, plain values at the bottom": (
        "pytest_sr/scenario.py",
        "import pytest_sr.run",
    ),
    "pytest_sr: the platform is reached through its face and its composition root": (
        "pytest_sr/run.py",
        "import sr_core.domain.loop",
    ),
    "pytest_sr.judge: a pure function of a recorded history": (
        "pytest_sr/judge.py",
        "import httpx",
    ),
    "sr_core: the runtime never knows that it is being tested": (
        "sr_core/api/app.py",
        "import pytest_sr.history",
    ),
    "sr_core.oracles: programs of their own, which know nothing of the platform": (
        "sr_core/oracles/build.py",
        "import sr_core.domain.refs",
    ),
}


def contracts() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    found = settings["tool"]["importlinter"]["contracts"]
    return [each["name"] for each in found]


def linted(folder: Path) -> str:
    ended = subprocess.run(  # noqa: S603 - the tool beside our own interpreter
        [
            sys.executable,
            "-P",
            str(Path(sys.executable).parent / "lint-imports"),
            "--no-cache",
            "--config",
            str(folder / "pyproject.toml"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return ended.stdout + ended.stderr


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(
        ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_has_its_violation() -> None:
    assert contracts() == list(VIOLATIONS)


@pytest.mark.parametrize("name", contracts())
def test_it_breaks_when_it_is_violated(copied: Path, name: str) -> None:
    file, statement = VIOLATIONS[name]
    path = copied / "src" / file
    path.write_text(f"{path.read_text('utf-8')}\n{statement}\n", encoding="utf-8")

    said = linted(copied)

    assert f"{name} BROKEN" in said
