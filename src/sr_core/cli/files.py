"""Files that a command reads and writes, at paths that people give."""

from __future__ import annotations

from pathlib import Path

from sr_core.domain.errors import MalformedInput


def read_file(path: str, *, bytes_max: int) -> bytes:
    """Return the file's bytes, one more than the bound if it has more.

    Raises:
        MalformedInput: it cannot be read.

    """
    try:
        with Path(path).open("rb") as file:
            return file.read(bytes_max + 1)
    except OSError as error:
        raise unreadable(path, error) from error


def write_new(path: str, data: bytes) -> None:
    """Write the file where none is yet.

    Raises:
        MalformedInput: one is there, or it cannot be written.

    """
    try:
        with Path(path).open("xb") as file:
            file.write(data)
    except OSError as error:
        raise MalformedInput(
            field="--output",
            found=f"{path}: {error.strerror}",
            expected="the path of a file that is not there yet and can be written",
        ) from error


def unreadable(path: str, error: OSError) -> MalformedInput:
    """Return what it means that the file cannot be read."""
    return MalformedInput(
        field=path,
        found=f"{error.strerror}",
        expected="the path of a file that can be read",
    )
