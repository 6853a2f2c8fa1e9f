"""The report's folder, and the transcripts in it that the report is made of."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import msgspec

from pytest_sr.report.transcript import Transcript

TRANSCRIPTS: Final = "transcripts"


class ReportError(Exception):
    """The folder is not one that a report may be written to."""


def prepare(folder: Path) -> None:
    """Make the folder ready; what an earlier report left there goes.

    Raises:
        ReportError: it holds something that is no report of ours.

    """
    kept = folder / TRANSCRIPTS
    if folder.exists() and any(folder.iterdir()) and not kept.is_dir():
        message = f"{folder} holds something else. Name a new folder, or empty it."
        raise ReportError(message)
    if folder.exists():
        shutil.rmtree(folder)
    kept.mkdir(parents=True)


def keep(folder: Path, name: str, transcript: Transcript) -> None:
    """Write one transcript into the folder."""
    text = msgspec.json.format(msgspec.json.encode(transcript), indent=1)
    (folder / TRANSCRIPTS / f"{name}.json").write_bytes(text)


def kept_in(folder: Path) -> tuple[Transcript, ...]:
    """Return the folder's transcripts, sorted by name."""
    files = sorted((folder / TRANSCRIPTS).glob("*.json"))
    return tuple(
        msgspec.json.decode(each.read_bytes(), type=Transcript) for each in files
    )
