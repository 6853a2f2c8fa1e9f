"""The frame of every page: one file, no script, nothing fetched from anywhere.

The page forbids itself every request by its own policy, which names the one style sheet
that it carries.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources

from pytest_sr.report.markup import Child, Html, joined, tag


@cache
def style_sheet() -> str:
    """Return the style sheet that each page carries."""
    return resources.files(__package__).joinpath("report.css").read_text("utf-8")


def page(title: str, *body: Child) -> str:
    """Return a whole page."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", Html(style_sheet())),
    )
    whole = tag("html", head, tag("body", *body), lang="en")
    return f"<!doctype html>\n{whole}\n"


def section(title: str, anchor: str, *body: Child) -> Html:
    """Return a section with its heading, which can be linked to."""
    heading = f"{anchor}-heading"
    return tag(
        "section",
        tag("h2", title, id=heading),
        joined(*body),
        id=anchor,
        aria_labelledby=heading,
    )


@cache
def _policy() -> str:
    digest = hashlib.sha256(style_sheet().encode()).digest()
    sheet = base64.b64encode(digest).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{sheet}'; "
        "base-uri 'none'; form-action 'none'"
    )
