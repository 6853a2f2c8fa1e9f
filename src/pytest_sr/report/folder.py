"""The report's folder, and the transcripts in it that the report is made of."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from pytest_sr.history import History
from pytest_sr.judge import Judgement
from pytest_sr.parse import parse_text
from pytest_sr.registry import Registries
from pytest_sr.report.transcript import Transcript
from pytest_sr.scenario import bind

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A transcript as it is written; its scenario as the text that it was read from."""

    node_id: str
    file: str
    source: str
    case: str | None
    history: History
    judgement: Judgement
    duration_s: float
    control: str | None


def keep(folder: Path, name: str, transcript: Transcript) -> None:
    """Write one transcript into the folder, as JSON that others can read."""
    kept = _Kept(
        node_id=transcript.node_id,
        file=transcript.scenario.place.file,
        source=transcript.scenario.source,
        case=transcript.scenario.cases[0].name,
        history=transcript.history,
        judgement=transcript.judgement,
        duration_s=transcript.duration_s,
        control=transcript.control,
    )
    text = msgspec.json.format(msgspec.json.encode(kept), indent=1)
    (folder / TRANSCRIPTS / f"{name}.json").write_bytes(text)


def kept_in(folder: Path, registries: Registries) -> tuple[Transcript, ...]:
    """Return the folder's transcripts, sorted by name."""
    files = sorted((folder / TRANSCRIPTS).glob("*.json"))
    return tuple(_transcript(each.read_bytes(), registries) for each in files)


def _transcript(data: bytes, registries: Registries) -> Transcript:
    kept = msgspec.json.decode(data, type=_Kept)
    scenario = parse_text(kept.source, registries, shown_as=kept.file)
    (case,) = (each for each in scenario.cases if each.name == kept.case)
    return Transcript(
        node_id=kept.node_id,
        scenario=bind(scenario, case),
        history=kept.history,
        judgement=kept.judgement,
        duration_s=kept.duration_s,
        control=kept.control,
    )
