"""The report as pages: `index.html`, and one for each case.

    Session, Transcripts ──▶ {"index.html": …, "cases/evidence-missing.deleted.html": …}

The same input gives the same bytes. A page is read from a file, without a server, and
asks nobody for anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pytest_sr.report.case_page import case_name, case_page
from pytest_sr.report.controls import by_scenario
from pytest_sr.report.index_page import index_page
from pytest_sr.report.transcript import Session, Transcript

NAME_CHARS_MAX: Final = 80
_UNSAFE: Final = re.compile(r"[^a-z0-9-]+")


def render_report(
    session: Session, transcripts: Sequence[Transcript]
) -> Mapping[str, str]:
    """Return each page's text by its name, which is a path of safe characters."""
    scenarios = by_scenario(transcripts)
    names = page_names(transcripts)
    links = {id(each): name for each, name in zip(transcripts, names, strict=True)}
    pages = {"index.html": index_page(session, scenarios, links)}
    for runs in scenarios:
        for each in runs.transcripts:
            pages[links[id(each)]] = case_page(each, runs)
    return pages


def page_names(transcripts: Sequence[Transcript]) -> tuple[str, ...]:
    """Return a page's name for each transcript; no two are the same."""
    taken: dict[str, int] = {}
    names = []
    for each in transcripts:
        safe = _UNSAFE.sub(".", case_name(each).lower()).strip(".")
        stem = safe[:NAME_CHARS_MAX].rstrip(".") or "case"
        taken[stem] = taken.get(stem, 0) + 1
        number = "" if taken[stem] == 1 else f"~{taken[stem]}"
        names.append(f"cases/{stem}{number}.html")
    return tuple(names)
