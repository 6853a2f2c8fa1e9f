"""The oracles of intake admissibility, run as a sandbox runs them (SPEC 7.4, 7.9)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from sr_core.adapters.sandbox.probing import ORACLES_ROOT
from sr_core.codec.canonical import canonical
from sr_core.codec.evidence import hash_candidate, manifest_of
from sr_core.codec.semantic import hash_set, parse_evaluation
from sr_core.domain.ids import CandidateId
from sr_core.domain.refs import hash_bytes
from sr_core.domain.semantic import DecisionStatus, bind, defects, redecide
from sr_core.domain.semantic_sets import (
    INTAKE_ADMISSIBILITY,
    INTAKE_ORACLES,
    SEMANTIC_SUITE,
)
from sr_core.testing import ulid

SET_HASH: Final = hash_set(INTAKE_ADMISSIBILITY)
ORACLES: Final = [each.name for each in INTAKE_ORACLES]
AXIS_OF: Final = {each.name: each.axis_id for each in INTAKE_ORACLES}

SOURCE: Final = """
The board wants a memo on ledger formats. It must name every format in use.
The memo must have at least 5 pages. Every claim cites a ledger entry.
A reader decides from the memo alone.
"""
INTAKE: Final[dict[str, Any]] = {
    "work_unit_id": "WU-memo",
    "title": "Ledger formats",
    "kind": "research_memo",
    "objective": "Write a memo on ledger formats for the board.",
    "audience": "the board",
    "deliverables": [
        {"name": "memo", "format": "markdown", "path": "candidate/main.md"},
        {"name": "list", "format": "json", "path": "candidate/formats.json"},
    ],
    "constraints": [
        "The memo must name every format in use.",
        "The memo must have at least 5 pages.",
        "Every claim cites a ledger entry.",
    ],
    "definitions": {"ledger": "an append-only record", "format": "a way to write it"},
    "inputs": [{"kind": "Record", "id": "rec_1", "rel": "depends_on", "meta": {}}],
    "unknowns": ["who keeps the ledger"],
    "completion_criteria": ["A reader decides from the memo alone."],
}
TRACES: Final = [
    ("objective", "a memo on ledger formats"),
    ("constraints[0]", "must name every format in use"),
    ("constraints[1]", "at least 5 pages"),
    ("constraints[2]", "Every claim cites a ledger entry"),
    ("completion_criteria[0]", "A reader decides from the memo alone"),
]
TERMS: Final = {
    "ledger": {"definition": "an append-only record", "aliases": ["journal"]},
    "format": {"definition": "a way to write it", "aliases": []},
}


class Candidate:
    """An intake in order, with all that bears it out; a test spoils what it is about."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "candidate"
        self.scratch = directory / "scratch"
        self.directory.mkdir()
        self.scratch.mkdir()
        self.intake = deepcopy(INTAKE)
        self.traces = [
            {"statement": where, "source": "artifacts/intake/source.md", "quote": quote}
            for where, quote in TRACES
        ]
        self.terms = deepcopy(TERMS)
        self.files: dict[str, bytes] = {"artifacts/intake/source.md": SOURCE.encode()}

    def trace(self, where: str, text: str) -> None:
        """Let the source say the text, and the log trace the statement to it."""
        source = "artifacts/intake/source.md"
        self.files[source] += f"{text}\n".encode()
        self.traces.append({"statement": where, "source": source, "quote": text})

    def constrain(self, *texts: str) -> None:
        """Let the intake have these constraints as well, each of them traced."""
        for text in texts:
            where = f"constraints[{len(self.intake['constraints'])}]"
            self.intake["constraints"].append(text)
            self.trace(where, text)

    def all_files(self) -> dict[str, bytes]:
        return {
            "candidate/intake.json": json.dumps(self.intake).encode(),
            "artifacts/intake/extraction_log.json": json.dumps(
                {"traces": self.traces}
            ).encode(),
            "artifacts/validation/term_map.json": json.dumps(
                {"terms": self.terms}
            ).encode(),
            **self.files,
        }

    def write(self, files: dict[str, bytes] | None = None) -> None:
        for name, data in (self.all_files() if files is None else files).items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def run(
        self, oracle: str, *more: str, set_hash: str = SET_HASH
    ) -> tuple[int, Any, str]:
        """Return the exit status, the report if there is one, and what was complained."""
        ended = subprocess.run(  # noqa: S603 - our own program
            [
                *(sys.executable, "-I", "-B", str(ORACLES_ROOT / f"{oracle}.py")),
                *("--oracle-id", f"oracle:{oracle}", "--set-hash", set_hash, *more),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.directory,
            env={
                "PATH": "/usr/bin:/bin",
                "SR_CANDIDATE": str(self.directory),
                "SR_SCRATCH": str(self.scratch),
            },
            timeout=60,
        )
        report = self.scratch / "reports" / f"{oracle}.json"
        told = json.loads(report.read_bytes()) if report.is_file() else None
        return ended.returncode, told, ended.stderr

    def red(self) -> set[str]:
        """Return the oracles that say no."""
        return {each for each in ORACLES if self.status(each) != "PASS"}

    def status(self, oracle: str) -> str:
        exit_status, report, complaint = self.run(oracle)
        assert report is not None, complaint
        assert exit_status == report["exit_code"] == (report["status"] == "FAIL")
        return str(report["status"])

    def details(self, oracle: str) -> dict[str, Any]:
        told: dict[str, Any] = self.run(oracle)[1]["details"]
        return told

    def evaluate(self) -> tuple[int, Any, dict[str, Any]]:
        """Return exit status, result and the four reports of the whole evaluation."""
        exit_status, report, _ = self.run("semantic_eval", "--suite-id", SEMANTIC_SUITE)
        folder = self.scratch / "reports" / "semantic"
        reports = {each.stem: each.read_bytes() for each in folder.glob("*.json")}
        return exit_status, report, reports


@pytest.fixture
def candidate(tmp_path):
    return Candidate(tmp_path)


def without_audience(it: Candidate) -> None:
    del it.intake["audience"]


def untraced(it: Candidate) -> None:
    it.traces = it.traces[:2]


def contradicted(it: Candidate) -> None:
    it.constrain("The memo must cite sources.", "The memo must not cite sources.")


def vague(it: Candidate) -> None:
    it.constrain(*(f"Reviewer {number} reads several chapters." for number in range(3)))


def exposed(it: Candidate) -> None:
    it.files["notes.md"] = b"Ask jane.roe@bank.com about it.\n"


def misnamed(it: Candidate) -> None:
    del it.terms["format"]


SPOILT: Final[dict[str, Callable[[Candidate], None]]] = {
    "schema_compliance": without_audience,
    "traceability": untraced,
    "contradiction": contradicted,
    "ambiguity": vague,
    "privacy": exposed,
    "term_map": misnamed,
}
"""For each oracle, what is wrong on its axis and on no other."""
assert SPOILT.keys() == set(ORACLES)


class TestControls:
    """Each axis can be red, and what makes it red leaves the others green."""

    def test_an_intake_in_order_is_green_everywhere(self, candidate):
        candidate.write()

        assert candidate.red() == set()

    @pytest.mark.parametrize("oracle", ORACLES)
    def test_one_fault_turns_exactly_one_red(self, candidate, oracle):
        SPOILT[oracle](candidate)
        candidate.write()

        assert candidate.red() == {oracle}

    @pytest.mark.parametrize("oracle", ORACLES)
    def test_where_there_is_nothing_to_judge_none_is_green(self, candidate, oracle):
        candidate.write({})

        assert candidate.status(oracle) == "FAIL"

    @pytest.mark.parametrize("oracle", sorted(set(ORACLES) - {"privacy"}))
    @pytest.mark.parametrize(
        "data",
        [b"", b"title: memo", b"[]", b'{"a": 1, "a": 2}', b"\xff", b"{" * 10_000],
    )
    def test_what_is_no_intake_is_not_green(self, candidate, oracle, data):
        candidate.write({"candidate/intake.json": data})

        assert candidate.status(oracle) == "FAIL"

    @pytest.mark.parametrize("oracle", [*ORACLES, "semantic_eval"])
    def test_another_semantic_set_is_no_verdict(self, candidate, oracle):
        """A crash and a FAIL do not look alike: the one leaves no report."""
        candidate.write()
        more = ("--suite-id", SEMANTIC_SUITE) if oracle == "semantic_eval" else ()

        exit_status, report, complaint = candidate.run(
            oracle, *more, set_hash=hash_bytes(b"another set")
        )

        assert exit_status == 3
        assert report is None
        assert SET_HASH in complaint

    def test_the_shipped_set_is_the_one_of_the_rules(self):
        shipped = (ORACLES_ROOT / "intake_admissibility.json").read_bytes()

        assert shipped == canonical(INTAKE_ADMISSIBILITY)


class TestSchema:
    """Known answers: 11 fields, one check for surplus, one for each deliverable's path."""

    def test_an_intake_in_order(self, candidate):
        candidate.write()

        told = candidate.details("schema_compliance")

        assert (told["residual"], told["coverage"], told["counted"]) == (0.0, 1.0, 14)

    def test_a_field_that_is_missing(self, candidate):
        del candidate.intake["audience"]
        candidate.write()

        told = candidate.details("schema_compliance")

        assert told["residual"] == pytest.approx(1 / 14)
        assert told["coverage"] == pytest.approx(10 / 11)
        assert told["violations"] == [
            {
                "axis": "schema_compliance",
                "code": "required_fields_present",
                "detail": "audience",
                "severity": "error",
            }
        ]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("work_unit_id", "memo"),
            ("title", "  "),
            ("kind", "poem"),
            ("objective", "Write it. Then publish it."),
            ("audience", 7),
            ("deliverables", []),
            ("deliverables", [{"name": "memo", "path": "a.md"}]),
            ("deliverables", [{**INTAKE["deliverables"][0], "surplus": 1}]),
            ("constraints", [""]),
            ("definitions", {"ledger": ""}),
            ("inputs", [{"kind": "Record"}]),
            ("unknowns", "none"),
            ("completion_criteria", []),
            ("surplus", "field"),
        ],
    )
    def test_each_field_has_its_form(self, candidate, field, value):
        candidate.intake[field] = value
        candidate.write()

        assert candidate.status("schema_compliance") == "FAIL"

    @pytest.mark.parametrize("path", [None, "", "/etc/passwd", "a/../../b", 7])
    def test_a_deliverable_has_a_path_inside(self, candidate, path):
        candidate.intake["deliverables"][0]["path"] = path
        candidate.write()

        (violation,) = candidate.details("schema_compliance")["violations"]

        assert violation["code"] == "deliverables_have_paths"


class TestTraceability:
    def test_four_of_five_are_enough(self, candidate):
        del candidate.traces[0]
        candidate.write()

        told = candidate.details("traceability")

        assert (told["coverage"], told["residual"], told["counted"]) == (0.8, 0.0, 5)
        assert candidate.status("traceability") == "PASS"

    def test_without_a_log_nothing_is_traced(self, candidate):
        files = candidate.all_files()
        del files["artifacts/intake/extraction_log.json"]
        candidate.write(files)

        assert candidate.details("traceability")["coverage"] == 0.0
        assert candidate.status("traceability") == "FAIL"

    @pytest.mark.parametrize(
        "change",
        [
            {"quote": "words that ledger formats never had"},
            {"quote": "Every claim cites"},
            {"quote": ""},
            {"source": "artifacts/intake/absent.md"},
            {"source": "../outside.md"},
            {"source": ""},
            {"statement": "constraints[99]"},
        ],
        ids=str,
    )
    def test_a_claim_is_no_trace(self, candidate, change):
        candidate.traces[0] |= change
        (candidate.directory.parent / "outside.md").write_text(SOURCE)
        candidate.write()

        told = candidate.details("traceability")

        assert told["coverage"] == 0.8
        assert told["residual"] == pytest.approx(0.2)
        assert candidate.status("traceability") == "FAIL"

    def test_how_words_are_set_does_not_matter(self, candidate):
        candidate.traces[0]["quote"] = "A  memo,\non LEDGER formats"
        candidate.write()

        assert candidate.details("traceability")["coverage"] == 1.0

    @pytest.mark.parametrize("log", [b"[]", b'{"traces": 1}', b'{"traces": [1]}', b"{"])
    def test_a_log_that_is_none_is_not_green(self, candidate, log):
        candidate.files["artifacts/intake/extraction_log.json"] = log
        candidate.write()

        assert candidate.status("traceability") == "FAIL"


class TestContradiction:
    @pytest.mark.parametrize(
        "pair",
        [
            ("The memo must use tables.", "The memo must not use tables."),
            ("Authors should never sign.", "The authors shall sign."),
            ("The memo has at most 3 chapters.", "The memo has at least 4 chapters."),
            ("The memo has exactly 3 chapters.", "The memo has exactly 4 chapters."),
        ],
    )
    def test_two_statements_that_rule_each_other_out(self, candidate, pair):
        candidate.constrain(*pair)
        candidate.write()

        told = candidate.details("contradiction")

        assert told["residual"] == pytest.approx(2 / 7)
        assert [each["code"] for each in told["violations"]] == ["no_contradictions"]

    @pytest.mark.parametrize(
        "pair",
        [
            ("The memo must use tables.", "The memo must not use colours."),
            ("The memo must use tables.", "The memo must use tables."),
            ("The memo must not use tables.", "The memo should not use tables."),
            ("The memo has at most 5 chapters.", "The memo has at least 5 chapters."),
            ("The memo has at most 3 chapters.", "The annex has at least 4 chapters."),
            ("The memo has at most 3 chapters.", "The memo has at most 4 chapters."),
            ("It must not be.", "It must be."),
        ],
    )
    def test_two_that_do_not(self, candidate, pair):
        candidate.constrain(*pair)
        candidate.write()

        assert candidate.details("contradiction")["residual"] == 0.0

    def test_two_things_at_one_place(self, candidate):
        candidate.intake["deliverables"][1]["path"] = "candidate/main.md"
        candidate.write()

        (violation,) = candidate.details("contradiction")["violations"]

        assert violation["detail"] == (
            "deliverables[0] and deliverables[1]: both lie at candidate/main.md"
        )

    def test_one_term_with_two_meanings(self, candidate):
        candidate.intake["definitions"]["Ledger"] = "a book"
        candidate.write()

        assert candidate.status("contradiction") == "FAIL"


class TestAmbiguity:
    def test_known_numbers(self, candidate):
        vague(candidate)
        candidate.write()

        told = candidate.details("ambiguity")

        assert told["counted"] == 8
        assert told["residual"] == pytest.approx(3 / 8)
        assert told["coverage"] == pytest.approx(5 / 8)
        assert {each["severity"] for each in told["violations"]} == {"warning"}

    @pytest.mark.parametrize(
        "unknown", ["which chapters are several", "constraints[3] has to be counted"]
    )
    def test_what_is_listed_as_unknown_is_inventoried(self, candidate, unknown):
        candidate.constrain("Reviewers read several chapters.")
        candidate.intake["unknowns"].append(unknown)
        candidate.write()

        assert candidate.details("ambiguity")["coverage"] == 1.0

    def test_a_word_inside_another_is_not_that_word(self, candidate):
        candidate.constrain("Breakfast is served at the fewest tables.")
        candidate.write()

        assert candidate.details("ambiguity")["coverage"] == 1.0


class TestPrivacy:
    """Real detection: what its own check says is real, and nothing else."""

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("jane.roe@bank.com", "an e-mail address"),
            ("call +44 20 7946 0958 now", "a telephone number"),
            ("call (212) 555-0123", "a telephone number"),
            ("paid with 4111 1111 1111 1111", "a payment card"),
            ("paid with 378282246310005", "a payment card"),
            ("to DE89 3704 0044 0532 0130 00", "an IBAN"),
            ("to GB82WEST12345698765432", "an IBAN"),
            ("ssn 078-05-1120", "a social security number"),
            ("born on 1990-02-01", "a date of birth"),
            ("DOB: 1/2/1990", "a date of birth"),
        ],
    )
    def test_what_identifies_somebody_is_found(self, candidate, text, kind):
        candidate.files["notes.md"] = f"first line\n{text}\n".encode()
        candidate.write()

        told = candidate.details("privacy")

        assert f"notes.md:2: {kind}" in [each["detail"] for each in told["violations"]]
        assert told["residual"] == pytest.approx(1 / 5)

    @pytest.mark.parametrize(
        "text",
        [
            "nobody@example.com and nobody@mail.example.org",
            "user@host.invalid",
            "4111 1111 1111 1112",
            "0000 0000 0000 0000",
            "DE88 3704 0044 0532 0130 00",
            "000-12-3456 and 666-12-3456 and 912-12-3456 and 123-00-4567",
            "version 1.2.3, page 12 of 240, 2026-01-09",
            f"sha256:{'1234567890abcdef' * 4}",
            "evt_01KEGTXJ4B8N2QW5RZ7YM3CDVF",
            "+1 23",
        ],
    )
    def test_what_does_not_is_left_alone(self, candidate, text):
        candidate.files["notes.md"] = text.encode()
        candidate.write()

        assert candidate.details("privacy")["violations"] == []

    def test_what_is_found_is_not_repeated(self, candidate):
        exposed(candidate)
        candidate.write()

        _, report, complaint = candidate.run("privacy")

        assert "jane" not in json.dumps(report) + complaint

    @pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\xff", b"a\0b"])
    def test_what_cannot_be_read_is_not_covered(self, candidate, data):
        candidate.files["picture.png"] = data
        candidate.write()

        assert candidate.details("privacy")["coverage"] == pytest.approx(4 / 5)
        assert candidate.status("privacy") == "FAIL"

    @pytest.mark.parametrize("is_folder", [False, True])
    def test_a_link_is_not_covered(self, candidate, is_folder):
        candidate.write()
        target = candidate.directory / ("artifacts" if is_folder else "absent")
        (candidate.directory / "link").symlink_to(target)

        assert candidate.status("privacy") == "FAIL"


class TestTermMap:
    def test_known_numbers(self, candidate):
        misnamed(candidate)
        candidate.write()

        told = candidate.details("term_map")

        assert (told["coverage"], told["residual"], told["counted"]) == (0.5, 0.5, 2)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda it: it.terms["ledger"].update(definition="a book"),
            lambda it: it.constrain("Each journal is kept for ten years."),
            lambda it: it.terms.update(ledger="a book"),
        ],
        ids=["another meaning", "an alias is used", "no entry"],
    )
    def test_a_term_that_is_not_aligned(self, candidate, spoil):
        spoil(candidate)
        candidate.write()

        (violation,) = candidate.details("term_map")["violations"]

        assert violation["code"] == "terms_used_consistently"
        assert violation["detail"].startswith("ledger: ")

    @pytest.mark.parametrize("definitions", [{}, None, "none"])
    def test_without_terms_there_is_nothing_to_align(self, candidate, definitions):
        candidate.intake["definitions"] = definitions
        candidate.write()

        assert candidate.status("term_map") == "FAIL"

    def test_without_a_map_no_term_is_aligned(self, candidate):
        files = candidate.all_files()
        del files["artifacts/validation/term_map.json"]
        candidate.write(files)

        assert candidate.details("term_map")["coverage"] == 0.0


class TestWhole:
    """The aggregate, held against the rules by numbers of their own."""

    def test_an_intake_in_order_is_admissible(self, candidate):
        candidate.write()

        exit_status, report, reports = candidate.evaluate()

        assert (exit_status, report["status"]) == (0, "PASS")
        assert reports.keys() == {"coverage", "eval", "residual", "violations"}

    @pytest.mark.parametrize("oracle", [None, *ORACLES])
    def test_the_rules_come_to_the_same_decision(self, candidate, oracle):
        if oracle is not None:
            SPOILT[oracle](candidate)
        candidate.write()

        _, report, reports = candidate.evaluate()

        record = parse_evaluation(reports["eval"])
        assert defects(record, INTAKE_ADMISSIBILITY) == ()
        assert redecide(record) == record.decision
        is_pass = record.decision.status is DecisionStatus.PASS
        assert (report["status"] == "PASS") is is_pass

    @pytest.mark.parametrize("oracle", ORACLES)
    def test_the_fault_shows_on_its_own_axis(self, candidate, oracle):
        SPOILT[oracle](candidate)
        candidate.write()

        record = parse_evaluation(candidate.evaluate()[2]["eval"])

        residual, coverage = record.metrics.residual, record.metrics.coverage
        off = {
            name
            for name in residual.per_axis
            if residual.per_axis[name] > 0 or coverage.per_axis[name] < 1
        }
        assert off == {AXIS_OF[oracle]}

    @pytest.mark.parametrize(
        ("oracle", "status"),
        [
            ("schema_compliance", "FAIL"),
            ("traceability", "FAIL"),
            ("contradiction", "FAIL"),
            ("privacy", "FAIL"),
            ("ambiguity", "PASS"),
            ("term_map", "PASS"),
        ],
    )
    def test_a_required_axis_decides_and_an_advisory_one_does_not(
        self, candidate, oracle, status
    ):
        SPOILT[oracle](candidate)
        candidate.write()

        assert candidate.evaluate()[1]["status"] == status

    def test_an_axis_that_cannot_be_measured_leaves_it_open(self, candidate):
        candidate.intake["definitions"] = {}
        candidate.write()

        exit_status, report, reports = candidate.evaluate()

        record = parse_evaluation(reports["eval"])
        assert record.decision.status is DecisionStatus.INDETERMINATE
        assert record.notes == "term_map_aligned: the intake defines no term"
        assert (exit_status, report["status"]) == (1, "FAIL")
        assert report["details"]["decision"] == "INDETERMINATE"

    def test_nothing_at_all_is_never_admissible(self, candidate):
        candidate.write({})

        _, report, reports = candidate.evaluate()

        assert report["status"] == "FAIL"
        record = parse_evaluation(reports["eval"])
        assert redecide(record).status is DecisionStatus.INDETERMINATE

    def test_it_names_the_bytes_that_it_judged(self, candidate):
        candidate.files["größe.txt"] = "Maß\n".encode()
        candidate.write()
        digest = hash_candidate(manifest_of(candidate.all_files()))

        record = parse_evaluation(candidate.evaluate()[2]["eval"])

        bound = bind(
            record,
            candidate_id=CandidateId(f"{digest}|cand_{ulid(1)}"),
            suite_id=SEMANTIC_SUITE,
            suite_hash=hash_bytes(b"a suite"),
        )
        assert record.candidate_id == digest
        assert bound.candidate_id.endswith(ulid(1))

    def test_the_reports_say_what_the_record_says(self, candidate):
        contradicted(candidate)
        vague(candidate)
        candidate.write()

        reports = {
            name: json.loads(data) for name, data in candidate.evaluate()[2].items()
        }

        metrics = reports["eval"]["metrics"]
        assert reports["residual"]["per_axis"] == metrics["residual"]["per_axis"]
        assert reports["coverage"]["composite"] == metrics["coverage"]["composite"]
        assert reports["violations"]["violations"] == metrics["violations"]
        assert reports["violations"]["summary"] == {
            "error": 1,
            "warning": 3,
            "info": 0,
        }

    def test_the_same_bytes_give_the_same_numbers(self, candidate):
        vague(candidate)
        candidate.write()

        first = json.loads(candidate.evaluate()[2]["eval"])
        second = json.loads(candidate.evaluate()[2]["eval"])

        assert first["metrics"] == second["metrics"]
        assert first["decision"] == second["decision"]
