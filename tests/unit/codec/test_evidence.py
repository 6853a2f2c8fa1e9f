"""Manifests, suites and reports, to and from their bytes (SPEC 1.1, 7.4, 7.7, 7.8)."""

import json
import re
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.canonical import canonical, plain
from sr_core.codec.evidence import (
    TEXT_CHARS_MAX,
    escaped,
    hash_candidate,
    hash_suite,
    manifest_of,
    parse_manifest,
    parse_report,
)
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.oracle_result import NoReport, OracleReport
from sr_core.domain.oracle_suite import Classification, Oracle, SuiteDefinition
from sr_core.domain.refs import hash_bytes
from sr_core.testing import BUILD, FILES, UNIT_TESTS, Story, build_report, build_suite

ANOTHER: dict[str, Any] = {
    "oracle_id": "oracle:another",
    "argv": ("another",),
    "report": "reports/another.json",
    "classification": Classification.OPTIONAL,
    "timeout_s": 17,
}
"""Another value for each field of an oracle."""


class TestCandidates:
    """SPEC 1.1: one set of files, one hash, whatever the order they come in."""

    def test_the_manifest_lists_them_by_path(self):
        manifest = manifest_of({"b": b"two", "a": b""})

        assert [(each.path, each.size) for each in manifest.files] == [
            ("a", 0),
            ("b", 3),
        ]
        assert manifest.files[1].content_hash == hash_bytes(b"two")

    def test_the_hash_is_that_of_the_canonical_manifest(self):
        digest = hash_bytes(b"two")
        by_hand = f'{{"files":[{{"content_hash":"{digest}","path":"b","size":3}}]}}'

        assert hash_candidate(manifest_of({"b": b"two"})) == hash_bytes(
            by_hand.encode()
        )

    def test_the_order_is_no_matter(self):
        one = hash_candidate(manifest_of({"a": b"1", "b": b"2"}))
        other = hash_candidate(manifest_of({"b": b"2", "a": b"1"}))

        assert one == other

    @pytest.mark.parametrize(
        "files",
        [{"src/b.py": b"a = 1\n"}, {"src/a.py": b"a = 2\n"}, {**FILES, "b": b""}],
        ids=["another path", "another byte", "one more"],
    )
    def test_any_change_makes_another_candidate(self, files):
        assert hash_candidate(manifest_of(files)) != hash_candidate(manifest_of(FILES))

    def test_no_files_are_no_candidate(self):
        with pytest.raises(MalformedInput):
            manifest_of({})


class TestSuites:
    """SPEC 7.4, C-OR-6: every field of the definition is part of the hash."""

    def test_two_that_are_alike_have_one(self):
        assert hash_suite(build_suite()) == hash_suite(build_suite())

    def test_there_is_another_value_for_every_field(self):
        assert ANOTHER.keys() == {each.name for each in fields(Oracle)}

    @pytest.mark.parametrize("name", [each.name for each in fields(Oracle)])
    def test_a_change_of_any_field_of_an_oracle_changes_it(self, name):
        suite = build_suite()
        first, *others = suite.oracles
        changed = replace(first, **{name: ANOTHER[name]})

        assert hash_suite(replace(suite, oracles=(changed, *others))) != hash_suite(
            suite
        )

    @pytest.mark.parametrize("name", [each.name for each in fields(SuiteDefinition)])
    def test_every_field_of_a_suite_is_hashed(self, name):
        """Not every field has another value that is allowed; the bytes show them all."""
        suite = build_suite()
        whole = plain(suite)
        changed = {**whole, name: "another"}

        assert hash_bytes(canonical(whole)) == hash_suite(suite)
        assert hash_bytes(canonical(changed)) != hash_suite(suite)

    def test_the_order_of_its_oracles_changes_it(self):
        suite = build_suite()
        turned = replace(suite, oracles=suite.oracles[::-1])

        assert hash_suite(turned) != hash_suite(suite)


@pytest.fixture
def manifest():
    story = Story().open().iterate().register().judge({UNIT_TESTS: None})
    return story.reading.manifest


class TestManifests:
    """SPEC 7.8: read as strictly as it was written."""

    def test_one_comes_back_as_it_went_in(self, manifest):
        assert parse_manifest(canonical(manifest)) == manifest

    @pytest.mark.parametrize(
        "data", [b"", b"not JSON", b"[]", b"{}", b"null"], ids=repr
    )
    def test_what_is_none_is_refused(self, data):
        with pytest.raises(MalformedInput, match="evidence manifest"):
            parse_manifest(data)

    @pytest.mark.parametrize(
        ("spoil", "where"),
        [
            (lambda raw: raw, "'confidence'"),
            (lambda raw: raw["results"][0], r"'results\[0\]\.confidence'"),
            (lambda raw: raw["artifacts"][1], r"'artifacts\[1\]\.confidence'"),
        ],
        ids=["outside", "in a result", "in an artifact"],
    )
    def test_a_surplus_field_is_refused(self, manifest, spoil, where):
        raw = json.loads(canonical(manifest))
        spoil(raw)["confidence"] = "high"

        with pytest.raises(MalformedInput, match=where):
            parse_manifest(json.dumps(raw).encode())

    @given(st.binary(max_size=200))
    def test_no_bytes_make_it_fail_otherwise(self, data):
        with pytest.raises(MalformedInput):
            parse_manifest(data)


REQUIRED = [
    "schema",
    "oracle_id",
    "status",
    "started_at",
    "completed_at",
    "duration_ms",
    "exit_code",
    "summary",
]


class TestReports:
    """SPEC 7.7, C-OR-4: a report that cannot be read is none."""

    @pytest.mark.parametrize("status", ResultStatus)
    def test_what_it_says_is_read(self, status):
        report = parse_report(build_report(BUILD, status))

        assert report == OracleReport(
            oracle_id=BUILD, status=status, summary=f"{status} by script"
        )

    def test_details_and_artifacts_may_be_there(self):
        data = build_report(BUILD, "PASS", details={"a": 1}, artifacts=[])

        assert isinstance(parse_report(data), OracleReport)

    def test_where_there_is_none_there_is_none(self):
        assert parse_report(None) == NoReport(why="it left no report")

    @pytest.mark.parametrize(
        ("data", "why"),
        [
            (b"", "Expecting value"),
            (b"PASS", "Expecting value"),
            (b"\xff", "codec can't decode"),
            (b"null", "None"),
            (b"[]", r"\[\]"),
            (b'"PASS"', "PASS"),
            (b'{"status": "PASS"}', "{'status': 'PASS'}"),
            (b'{"status": "FAIL", "status": "PASS"}', "repeated key status"),
            (build_report(BUILD, "PASS", schema="sr.oracle_result.v2"), "v2"),
            (build_report(BUILD, "PASS", schema=None), "'schema': None"),
            (build_report(BUILD, "PASS", verdict="PASS"), r"with \['verdict'\]"),
            (build_report(BUILD, "pass"), "status 'pass'"),
            (build_report(BUILD, ""), "status ''"),
            (build_report(BUILD, "PASS", status=None), "a field that is no text"),
            (build_report(BUILD, "PASS", status=0), "a field that is no text"),
            (build_report(BUILD, "PASS", status=[]), "a field that is no text"),
            (build_report(BUILD, "PASS", status={}), "a field that is no text"),
            (build_report(BUILD, "PASS", oracle_id=1), "a field that is no text"),
            (build_report(BUILD, "PASS", summary=None), "a field that is no text"),
        ],
        ids=[
            "empty",
            "a word",
            "no text",
            "null",
            "list",
            "text",
            "status alone",
            "doubled key",
            "other schema",
            "no schema",
            "surplus field",
            "small letters",
            "empty status",
            "null status",
            "number for status",
            "list for status",
            "map for status",
            "number for oracle",
            "null summary",
        ],
    )
    def test_what_cannot_be_read_is_none(self, data, why):
        report = parse_report(data)

        assert isinstance(report, NoReport)
        assert report.why.startswith("its report cannot be read: ")
        assert re.search(why, report.why)

    def test_any_record_can_hold_what_it_says(self):
        strange = "half \ud800, nul \x00"

        report = parse_report(
            build_report(strange, "PASS", summary=strange + TEXT_CHARS_MAX * "a")
        )

        assert isinstance(report, OracleReport)
        assert canonical(report)
        assert report.oracle_id == r"half \ud800, nul \x00"
        assert report.summary.startswith(r"half \ud800, nul \x00aaa")
        assert report.summary.endswith("a ...")

    def test_any_record_can_hold_why_it_cannot_be_read(self):
        report = parse_report(build_report(BUILD, "\ud800" + TEXT_CHARS_MAX * "a"))

        assert isinstance(report, NoReport)
        assert canonical(report)
        assert report.why.endswith("a ...")

    @pytest.mark.parametrize("name", REQUIRED)
    def test_without_one_of_its_fields_it_is_none(self, name):
        report = parse_report(build_report(BUILD, "PASS", **{name: ...}))

        assert isinstance(report, NoReport)

    @given(st.binary(max_size=200))
    def test_no_bytes_make_it_fail_otherwise(self, data):
        assert isinstance(parse_report(data), NoReport)


class TestTextThatNobodyVouchesFor:
    """R-EVT-10: it is kept as text that the log and its index can hold."""

    @pytest.mark.parametrize("text", ["", "plain", "é and 漢, \U0001f600", "a\\b"])
    def test_what_can_be_printed_stays_as_it_is(self, text):
        assert escaped(text) == text

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ("\ud800", r"\ud800"),
            ("a\x00b", r"a\x00b"),
            ("\x1b[31m", r"\x1b[31m"),
            ("one\ntwo", r"one\ntwo"),
            ("\u202e", r"\u202e"),
        ],
        ids=ascii,
    )
    def test_the_rest_is_written_out(self, text, kept):
        assert escaped(text).encode() == kept.encode()

    def test_a_long_one_is_cut_and_shows_it(self):
        longest = TEXT_CHARS_MAX * "a"

        assert escaped(longest) == longest
        assert escaped(longest + "a") == longest + " ..."

    @given(st.text(st.characters(), max_size=50))
    def test_any_record_can_hold_it(self, text):
        assert canonical(escaped(text))
