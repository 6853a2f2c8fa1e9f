"""The pages of the HTTP face say what the routes say."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from sr_core.api.app import build_description

DOCS = Path(__file__).parents[3] / "docs"
PROGRAM = runpy.run_path(str(DOCS / "http_api.py"))


@pytest.mark.parametrize("name", sorted(PROGRAM["PAGES"]))
def test_a_page_is_what_the_generator_makes(name):
    made = PROGRAM["PAGES"][name](build_description())

    again = "run `python docs/http_api.py --write`"
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == made, again


def test_every_route_is_on_both_pages():
    routes = {f"{each.method} {each.path}" for each in build_description().operations}

    for name in PROGRAM["PAGES"]:
        text = (DOCS / "reference" / name).read_text(encoding="utf-8")
        assert set(re.findall(r"`([A-Z]+ /\S*)`", text)) == routes


def test_every_form_that_is_named_is_told():
    text = (DOCS / "reference" / "http-api.md").read_text(encoding="utf-8")
    headings = {each.lower() for each in re.findall(r"^### (\w+)$", text, re.MULTILINE)}

    assert set(re.findall(r"\]\(#(\w+)\)", text)) - headings == set()
