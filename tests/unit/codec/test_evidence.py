"""Manifests, suites and reports, to and from their bytes (SPEC 1.1, 7.4, 7.7, 7.8)."""

import re
from collections.abc import Callable
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
    hash_environment,
    hash_outputs,
    hash_suite,
    manifest_of,
    parse_report,
)
from sr_core.domain.environment import EnvironmentConstraints, NetworkMode
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import (
    Artifact,
    EvidenceManifest,
    ResultArtifact,
    ResultStatus,
    Secrecy,
)
from sr_core.domain.oracle_result import NoReport, OracleReport
from sr_core.domain.refs import hash_bytes
from sr_core.domain.suite_definition import (
    Classification,
    EvidenceCapturePolicy,
    ExpectedOutput,
    FlakePolicy,
    OnFlake,
    Oracle,
    OutputRole,
    SemanticTarget,
    SuiteDefinition,
)
from sr_core.testing import (
    BUILD,
    FILES,
    SOME_HASH,
    UNIT_TESTS,
    Story,
    build_report,
    build_suite,
)

TARGET = SemanticTarget(
    semantic_set_id="semantic_set:SOME",
    semantic_set_hash=SOME_HASH,
    target_axis="coverage",
)

ANOTHER: dict[type, dict[str, Any]] = {
    SuiteDefinition: {
        "suite_id": "suite:ANOTHER",
        "oracles": (replace(build_suite().oracles[0], timeout_s=17),),
        "suite_version": "1.0.1",
        "description": "another",
        "determinism_required": False,
        "environment_constraints": EnvironmentConstraints(os="linux"),
        "flake_policy": FlakePolicy(advisory=OnFlake.STOP_THE_LINE),
        "evidence_capture_policy": EvidenceCapturePolicy(stdout=False),
        "metadata": {"a": "b"},
    },
    Oracle: {
        "oracle_id": "oracle:another",
        "argv": ("another",),
        "report": "reports/another.json",
        "classification": Classification.OPTIONAL,
        "timeout_s": 17,
        "oracle_name": "another",
        "purpose": "another",
        "expected_outputs": (ExpectedOutput(path="logs/a.log", role=OutputRole.LOG),),
        "working_dir": "src",
        "env": {"A": "b"},
        "semantic": TARGET,
    },
    EnvironmentConstraints: {
        "network": NetworkMode.RESTRICTED,
        "workspace_readonly": False,
        "runner": "ci",
        "runtime": "bubblewrap",
        "oci_image": "oracles:1",
        "oci_image_digest": SOME_HASH,
        "cpu_arch": "amd64",
        "os": "linux",
        "additional_constraints": {"postgres_available": "true"},
    },
    ExpectedOutput: {
        "path": "logs/another.log",
        "media_type": "text/plain",
        "role": OutputRole.LOG,
        "required": False,
    },
    SemanticTarget: {
        "semantic_set_id": "semantic_set:ANOTHER",
        "semantic_set_hash": hash_bytes(b"another"),
        "target_axis": "another",
    },
    FlakePolicy: {"advisory": OnFlake.STOP_THE_LINE},
    EvidenceCapturePolicy: {"stdout": False, "stderr": False},
}
"""Another value for each field of a suite and its parts."""

FIXED = {
    (Oracle, "retries"),
    (FlakePolicy, "required"),
    (EvidenceCapturePolicy, "fingerprint"),
    (EvidenceCapturePolicy, "artifact_hashes"),
}
"""The fields that have one value only; the bytes show them all the same."""

WHOLE = build_suite()
WHOLE = replace(
    WHOLE,
    oracles=(
        replace(
            WHOLE.oracles[0],
            expected_outputs=(ExpectedOutput(path="artifacts/a"),),
            semantic=replace(TARGET, target_axis="first"),
        ),
        *WHOLE.oracles[1:],
    ),
)
"""A suite in which every part is there that a suite may have."""


def parts(suite: SuiteDefinition) -> dict[type, Callable[[Any], SuiteDefinition]]:
    """For each kind of part: the suite, with the first part of it replaced."""
    first, *others = suite.oracles

    def with_first(**changes: Any) -> SuiteDefinition:
        return replace(suite, oracles=(replace(first, **changes), *others))

    return {
        SuiteDefinition: lambda it: it,
        Oracle: lambda it: replace(suite, oracles=(it, *others)),
        EnvironmentConstraints: lambda it: replace(suite, environment_constraints=it),
        ExpectedOutput: lambda it: with_first(expected_outputs=(it,)),
        SemanticTarget: lambda it: with_first(semantic=it),
        FlakePolicy: lambda it: replace(suite, flake_policy=it),
        EvidenceCapturePolicy: lambda it: replace(suite, evidence_capture_policy=it),
    }


def first_of(kind: type) -> Any:
    """The first part of that kind in the whole suite."""
    oracle = WHOLE.oracles[0]
    return {
        SuiteDefinition: WHOLE,
        Oracle: oracle,
        EnvironmentConstraints: WHOLE.environment_constraints,
        ExpectedOutput: oracle.expected_outputs[0],
        SemanticTarget: oracle.semantic,
        FlakePolicy: WHOLE.flake_policy,
        EvidenceCapturePolicy: WHOLE.evidence_capture_policy,
    }[kind]


EVERY_FIELD = [(kind, each.name) for kind in ANOTHER for each in fields(kind)]


def other_than(value: Any) -> Any:
    return {0: 1, True: False}.get(value, OnFlake.WARN_ONLY)


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

    def test_every_kind_of_part_is_known(self):
        """A part that is added to the definition has to be added here."""
        used = {
            kind
            for part in ANOTHER
            for kind in ANOTHER
            if kind.__name__ in "".join(str(each.type) for each in fields(part))
        }

        assert used | {SuiteDefinition} == set(ANOTHER)

    @pytest.mark.parametrize(("kind", "name"), EVERY_FIELD)
    def test_a_change_of_any_field_alone_changes_it(self, kind, name):
        """C-OR-6: nothing can be weakened behind the hash's back."""
        part = first_of(kind)
        if (kind, name) in FIXED:
            with pytest.raises(MalformedInput):
                replace(part, **{name: other_than(getattr(part, name))})
            return
        changed = parts(WHOLE)[kind](replace(part, **{name: ANOTHER[kind][name]}))

        assert getattr(part, name) != ANOTHER[kind][name]
        assert hash_suite(changed) != hash_suite(WHOLE)

    @pytest.mark.parametrize(("kind", "name"), EVERY_FIELD)
    def test_the_hash_is_over_every_field(self, kind, name):
        assert name in plain(first_of(kind))
        assert hash_bytes(canonical(plain(WHOLE))) == hash_suite(WHOLE)

    def test_the_order_of_its_oracles_changes_it(self):
        suite = build_suite()
        turned = replace(suite, oracles=suite.oracles[::-1])

        assert hash_suite(turned) != hash_suite(suite)


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


@pytest.fixture
def judged():
    """A run of a suite whose build leaves an artifact, a log and a report."""
    outputs = (
        ExpectedOutput(path="artifacts/out.txt"),
        ExpectedOutput(path="logs/out.log", role=OutputRole.LOG),
    )
    suite = build_suite()
    first, *others = suite.oracles
    suite = replace(suite, oracles=(replace(first, expected_outputs=outputs), *others))
    story = Story().open().iterate().register().judge({UNIT_TESTS: None})
    return suite, story.reading.manifest


def leaving(manifest, **files: bytes):
    """The manifest, its build having left these files too."""
    built, *others = manifest.results
    more = tuple(
        ResultArtifact(
            path=f"build/{path.replace('_', '/', 1).replace('_', '.')}",
            media_type="text/plain",
            sha256=hash_bytes(data),
        )
        for path, data in files.items()
    )
    built = replace(built, artifacts=(*built.artifacts, *more))
    return replace(manifest, results=(built, *others))


class TestWhatHasToBeRepeated:
    """C-OR-5: the status and the artifacts, not what tells the time of day."""

    def test_an_oracle_that_gave_no_answer_has_nothing_to_repeat(self, judged):
        suite, manifest = judged

        assert BUILD in hash_outputs(manifest, suite)
        assert UNIT_TESTS not in hash_outputs(manifest, suite)

    @pytest.mark.parametrize(
        ("files", "same"),
        [
            ({}, False),
            ({"artifacts_out_txt": b"one"}, True),
            ({"artifacts_out_txt": b"two"}, False),
            ({"artifacts_out_txt": b"one", "logs_out_log": b"12:00"}, True),
            ({"artifacts_out_txt": b"one", "reports_build_json": b"12:00"}, True),
        ],
        ids=["without", "the same", "another", "a log besides", "a report besides"],
    )
    def test_only_the_artifacts_count(self, judged, files, same):
        suite, manifest = judged
        once = hash_outputs(leaving(manifest, artifacts_out_txt=b"one"), suite)

        again = hash_outputs(leaving(manifest, **files), suite)

        assert (once[BUILD] == again[BUILD]) is same

    def test_what_is_restricted_does_not_count(self, judged):
        suite, manifest = judged
        one, two = (
            leaving(manifest, artifacts_out_txt=data) for data in (b"one", b"two")
        )

        hashes = {hash_outputs(restricting(each), suite)[BUILD] for each in (one, two)}

        assert len(hashes) == 1
        assert hash_outputs(one, suite)[BUILD] not in hashes

    def test_another_status_is_another_output(self, judged):
        suite, manifest = judged
        built, *others = manifest.results
        failed = replace(built, status=ResultStatus.FAIL)

        once = hash_outputs(manifest, suite)[BUILD]
        again = hash_outputs(replace(manifest, results=(failed, *others)), suite)

        assert again[BUILD] != once


def restricting(manifest: EvidenceManifest) -> EvidenceManifest:
    """Return the manifest with all that its results name restricted."""
    named = [part for each in manifest.results for part in each.artifacts]
    return replace(
        manifest,
        artifacts=tuple(
            Artifact(
                name=each.path,
                media_type=each.media_type,
                size=1,
                content_hash=each.sha256,
                classification=Secrecy.RESTRICTED,
            )
            for each in named
        ),
    )


class TestTheEnvironmentAsAnInput:
    """C-OR-5: where a run took place, but not when and by which of its runners."""

    def test_what_is_of_the_moment_does_not_count(self):
        place = {"os": "linux", "network": "none"}
        moment = {"executed_at": "now", "runner_id": "7", "visible_pids": "3"}

        assert hash_environment({**place, **moment}) == hash_environment(place)

    def test_the_rest_does(self):
        assert hash_environment({"os": "linux"}) != hash_environment({"os": "plan9"})
