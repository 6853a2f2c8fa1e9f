"""The report's folder: transcripts as they were kept, and pages made of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from pytest_sr.report.html import render_report
from pytest_sr.report.transcript import Session, Transcript

TRANSCRIPTS: Final = "transcripts"


class ReportError(Exception):
    """The folder is not one that a report may be written to."""


def prepare(folder: Path) -> None:
    """Make the folder ready; what an earlier report left there goes.

    Raises:
        ReportError: it holds something that is no report of ours.

    """
    if folder.exists() and any(folder.iterdir()) and not _is_ours(folder):
        message = f"{folder} holds something else. Name a new folder, or empty it."
        raise ReportError(message)
    if folder.exists():
        shutil.rmtree(folder)
    (folder / TRANSCRIPTS).mkdir(parents=True)


def keep(folder: Path, name: str, transcript: Transcript) -> None:
    """Write one transcript where the report is made from."""
    text = msgspec.json.format(msgspec.json.encode(transcript), indent=1)
    (folder / TRANSCRIPTS / f"{name}.json").write_bytes(text)


def write_report(
    folder: Path, *, started_at: str, command: str, values: Mapping[str, str]
) -> Path:
    """Make the pages of the transcripts in `folder`, and return the first page."""
    kept = sorted((folder / TRANSCRIPTS).glob("*.json"))
    transcripts = [
        msgspec.json.decode(each.read_bytes(), type=Transcript) for each in kept
    ]
    versions = transcripts[0].history.versions if transcripts else {}
    session = Session(
        started_at=started_at,
        command=command,
        backend=values["sr_backend"],
        system=values["sr_system"],
        versions=versions,
    )
    for name, text in render_report(session, transcripts).items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    return folder / "index.html"


def _is_ours(folder: Path) -> bool:
    return (folder / TRANSCRIPTS).is_dir()
