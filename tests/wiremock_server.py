"""A WireMock with the mappings of `deploy/infisical-mock`, where there is a Java."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

import pytest
from wiremock.constants import Config

MAPPINGS: Final = (
    Path(__file__).parent.parent / "deploy" / "infisical-mock" / "mappings"
)
JAVA: Final = shutil.which("java")
_PORT: Final = re.compile(r"^port:\s+(\d+)")


@contextmanager
def wiremock(directory: Path) -> Iterator[str]:
    """Start WireMock, and give its address; skip where there is no Java to run it."""
    if JAVA is None:
        pytest.skip("there is no java on PATH, which WireMock needs")
    shutil.copytree(MAPPINGS, directory / "mappings")
    [jar] = Path(str(files("wiremock") / "server")).glob("wiremock-standalone-*.jar")
    with subprocess.Popen(  # noqa: S603 - our own arguments
        [
            *(JAVA, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m"),
            *("-jar", str(jar), "--port", "0", "--bind-address", "127.0.0.1"),
            *("--root-dir", str(directory)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            url = f"http://127.0.0.1:{_port(server)}"
            Config.base_url = f"{url}/__admin"
            yield url
        finally:
            server.terminate()


def _port(server: subprocess.Popen[str]) -> int:
    """Return where the server listens, which it says when it does."""
    assert server.stdout is not None
    said = []
    for line in server.stdout:
        said.append(line)
        if found := _PORT.match(line):
            return int(found[1])
    pytest.fail(f"WireMock did not start: {''.join(said)}")
