"""The report's pages, made of the transcripts that were kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_sr.registry import Registries
from pytest_sr.report.folder import kept_in
from pytest_sr.report.html import render_report
from pytest_sr.report.transcript import Session


def write_report(
    folder: Path,
    registries: Registries,
    *,
    started_at: str,
    command: str,
    values: Mapping[str, str],
) -> Path:
    """Make the pages of the transcripts in `folder`, and return the first page."""
    transcripts = kept_in(folder, registries)
    session = Session(
        started_at=started_at,
        command=command,
        backend=values["sr_backend"],
        system=values["sr_system"],
        versions=transcripts[0].history.versions if transcripts else {},
    )
    for name, text in render_report(session, transcripts).items():
        page = folder / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    return folder / "index.html"
