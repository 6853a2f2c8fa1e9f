"""The governed documents say what the code does, in the code's own words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

from sr_core.bootstrap.documents import documents_folder
from sr_core.bootstrap.settings import SETTINGS
from sr_core.codec.front_matter import OPTIONAL, REQUIRED
from sr_core.domain.artifact_metadata import (
    ArtifactStatus,
    AuthorityKind,
    NormativeStatus,
)
from sr_core.domain.context_compiler import Classification
from sr_core.domain.events import EVENT_TYPES
from sr_core.domain.gating_policy import GateMode, GateTrigger, Hook
from sr_core.domain.integrity import IntegrityCondition, Portal, StopTrigger
from sr_core.domain.refs import RefKind, RefRelation
from sr_core.domain.type_keys import TYPE_KEYS
from sr_core.domain.verification import VerificationStatus

ROOT: Final = Path(__file__).parents[3]
DOCS: Final = ROOT / "docs"
PATHS: Final = (SETTINGS["SR_GOVERNED_DOCS"].default or "").split(",")
CONTRACT: Final = (DOCS / "platform" / "SR-CONTRACT.md").read_text(encoding="utf-8")
SPEC: Final = (DOCS / "platform" / "SR-SPEC.md").read_text(encoding="utf-8")
TYPES: Final = (DOCS / "platform" / "SR-TYPES.md").read_text(encoding="utf-8")

FAMILIES: Final = {
    "ARCH": 3,
    "TB": 7,
    "VER": 4,
    "SHIP": 1,
    "OR": 7,
    "EVID": 6,
    "EVT": 7,
    "LOOP": 4,
    "CTX": 2,
    "EXC": 5,
    "DEC": 1,
    "META": 3,
}
"""How many clauses the contract has of each family."""
CLAUSES: Final = [
    f"C-{family}-{number}"
    for family, size in FAMILIES.items()
    for number in range(1, size + 1)
]


def section(text: str, heading: str) -> str:
    below = re.split(rf"(?m)^#+ {re.escape(heading)}$", text)[1]
    return re.split(r"(?m)^#+ ", below)[0]


class TestContract:
    def test_it_has_every_clause_once_and_in_order(self):
        assert re.findall(r"(?m)^### (C-\w+-\d+): ", CONTRACT) == CLAUSES

    @pytest.mark.parametrize("clause", CLAUSES)
    def test_each_clause_says_something_binding(self, clause):
        (text,) = re.findall(rf"(?ms)^### {clause}: [^\n]+\n(.+?)(?=^##|\Z)", CONTRACT)

        assert len(text.split()) > 8
        assert re.search(r"\b(must|may|only if|if|That is|are ORACLE_FLAKE)\b", text)

    def test_every_clause_that_the_code_cites_is_one(self):
        sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "scenarios").rglob("*.yaml")]
        cited = {
            clause
            for each in sources
            for clause in re.findall(r"\bC-[A-Z]+-\d+\b", each.read_text("utf-8"))
        }

        assert cited <= {*CLAUSES}


class TestSpec:
    def test_it_has_every_kind_of_ref(self):
        kinds = section(SPEC, "2.1 Kinds").strip().partition(".")[0]

        assert re.findall(r"\w+", kinds) == sorted(RefKind)

    def test_it_has_every_relation(self):
        rows = "".join(
            row.split("|")[1]
            for row in section(SPEC, "2.2 Relations").splitlines()
            if row.startswith("| `")
        )

        assert sorted(re.findall(r"`(\w+)`", rows)) == sorted(RefRelation)

    @pytest.mark.parametrize(
        "word",
        [*IntegrityCondition, *StopTrigger, *Portal, *VerificationStatus]
        + [each.name for each in Classification],
    )
    def test_it_has_every_word(self, word):
        if word != IntegrityCondition.MANIFEST_INVALID:
            assert word in SPEC

    @pytest.mark.parametrize("name", sorted(EVENT_TYPES))
    def test_it_has_every_event(self, name):
        assert re.search(rf"\b{name}\b", section(SPEC, "1.3 Events"))


class TestTypes:
    def test_it_has_every_type_key(self):
        rows = re.findall(
            r"(?m)^\| (`\w+`|none) \| (`.+`) \|$", section(TYPES, "Type keys")
        )
        told = {
            name if namespace == "none" else f"{namespace.strip('`')}.{name}"
            for namespace, names in rows
            for name in re.findall(r"`(\w+)`", names)
        }

        assert told == TYPE_KEYS

    def test_it_has_every_key_of_front_matter(self):
        rows = re.findall(r"(?m)^\| `(\w+)` \| (yes|no) \|", section(TYPES, "Metadata"))

        assert [name for name, needed in rows if needed == "yes"] == [*REQUIRED]
        assert [name for name, needed in rows if needed == "no"] == [*OPTIONAL]

    @pytest.mark.parametrize(
        "word",
        [
            *ArtifactStatus,
            *NormativeStatus,
            *AuthorityKind,
            *Hook,
            *GateMode,
            *GateTrigger,
        ],
    )
    def test_it_has_every_choice(self, word):
        assert f"`{word}`" in TYPES


class TestWheel:
    """What a process starts with by default is inside the wheel."""

    def test_every_folder_of_a_governed_document_is_packed(self):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

        for path in PATHS:
            folder = Path(path).parent.as_posix()
            assert packed[f"docs/{folder}"] == f"sr_core/bootstrap/governed/{folder}"

    def test_from_a_checkout_it_is_the_checkout(self):
        assert documents_folder() == DOCS
