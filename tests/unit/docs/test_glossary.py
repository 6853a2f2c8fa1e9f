"""`docs/glossary.md`: each word once, in order, and where it says that it lives."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
TEXT: Final = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")

ENTRIES: Final = dict(
    re.findall(r"^\*\*(.+?)\*\* — (.*?)(?=\n\n|\n*\Z)", TEXT, re.MULTILINE | re.DOTALL)
)
MODULES: Final = sorted(set(re.findall(r"`((?:sr_core|pytest_sr)\.[\w.]+)`", TEXT)))
FILES: Final = sorted(set(re.findall(r"`(\w+/[\w./-]+)`", TEXT)))


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_there(module):
    assert find_spec(module) is not None


@pytest.mark.parametrize("file", FILES)
def test_every_file_is_there(file):
    assert (ROOT / file).is_file()


def test_every_entry_says_where_it_lives():
    homeless = [
        word
        for word, told in ENTRIES.items()
        if not any(f"`{place}`" in told for place in [*MODULES, *FILES])
    ]

    assert homeless == []


@pytest.mark.parametrize("part", ["The platform", "The proof"])
def test_the_words_of_a_part_stand_in_order(part):
    section = TEXT.partition(f"## {part}\n")[2].partition("\n## ")[0]
    words = re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE)

    assert words == sorted(words)
    assert words != []


def test_no_word_stands_twice():
    assert len(ENTRIES) == TEXT.count("\n**")
