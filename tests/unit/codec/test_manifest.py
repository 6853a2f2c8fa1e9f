"""The evidence manifest, to and from its bytes (SPEC 7.8, appendix A 8)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.canonical import canonical, plain
from sr_core.codec.manifest import manifest_from, parse_manifest, stored_form
from sr_core.domain.evidence import EvidenceManifest, ManifestDefect, defects
from sr_core.domain.judging_errors import ManifestInvalid
from sr_core.testing import UNIT_TESTS, Story

D = ManifestDefect
Raw = dict[str, Any]


@pytest.fixture
def manifest() -> EvidenceManifest:
    story = Story().open().iterate().register().judge({UNIT_TESTS: None})
    assert story.reading.manifest is not None
    return story.reading.manifest


@pytest.fixture
def raw(manifest) -> Raw:
    made: Raw = json.loads(canonical(manifest))
    return made


def older(raw: Raw) -> Raw:
    """The manifest in the older form, all of it."""
    context = raw.pop("context")
    raw["version"] = raw.pop("artifact_version")
    raw["procedure_template_id"] = raw.pop("template_id")
    raw.update(context)
    del raw["produced_at"]
    for each in raw["artifacts"]:
        each["content_type"] = each.pop("media_type")
    for each in raw["results"]:
        each["artifact_refs"] = [part["path"] for part in each.pop("artifacts")]
        each["duration_ms"] = 1000
        each["output"] = each.pop("summary")
        del each["started_at"], each["finished_at"], each["classification"]
    return raw


class TestThereAndBack:
    """SPEC 7.8: read as strictly as it was written, in either form."""

    def test_one_comes_back_as_it_went_in(self, manifest):
        assert parse_manifest(canonical(manifest)) == manifest

    def test_the_older_form_says_the_same(self, manifest, raw):
        found = manifest_from(older(raw))

        assert [each.artifacts for each in found.results] == [
            each.artifacts for each in manifest.results
        ]
        assert found.context == manifest.context
        assert found.artifacts == manifest.artifacts
        assert [each.summary for each in found.results] == [
            each.summary for each in manifest.results
        ]
        assert defects(found) == ()

    def test_an_error_message_is_a_summary_too(self, raw):
        raw = older(raw)
        raw["results"][0]["error_message"] = "it broke"

        assert manifest_from(raw).results[0].summary == "it broke"

    def test_a_result_that_says_nothing_has_an_empty_summary(self, raw):
        raw = older(raw)
        del raw["results"][0]["output"]

        assert manifest_from(raw).results[0].summary == ""

    def test_a_manifest_that_says_once_when_it_was_made_says_when_it_ran(self, raw):
        del raw["run_started_at"], raw["run_completed_at"]

        found = manifest_from(raw)

        assert found.run_started_at == found.run_completed_at == raw["produced_at"]


def timeless(raw: Raw) -> None:
    del raw["produced_at"], raw["run_started_at"], raw["run_completed_at"]


FAULTS: dict[str, tuple[ManifestDefect, Callable[[Raw], object]]] = {
    "type": (D.WRONG_TYPE, lambda it: it.update(artifact_type="other")),
    "no type": (D.WRONG_TYPE, lambda it: it.pop("artifact_type")),
    "version": (D.UNKNOWN_VERSION, lambda it: it.update(artifact_version="v2")),
    "no version": (D.UNKNOWN_VERSION, lambda it: it.pop("artifact_version")),
    "both versions": (D.FIELD_UNKNOWN, lambda it: it.update(version="v1")),
    "no bundle": (D.FIELD_MISSING, lambda it: it.pop("bundle_id")),
    "no verdict": (D.FIELD_MISSING, lambda it: it.pop("verdict")),
    "no results": (D.FIELD_MISSING, lambda it: it.pop("results")),
    "no time": (D.FIELD_MISSING, timeless),
    "no oracle": (D.FIELD_MISSING, lambda it: it["results"][0].pop("oracle_id")),
    "no fingerprint": (
        D.FINGERPRINT_MISSING,
        lambda it: it["context"].pop("environment_fingerprint"),
    ),
    "empty fingerprint": (
        D.FINGERPRINT_MISSING,
        lambda it: it["context"].update(environment_fingerprint={}),
    ),
    "no context": (D.FINGERPRINT_MISSING, lambda it: it.pop("context")),
    "no attribution": (D.ATTRIBUTION_MISSING, lambda it: it.pop("attribution")),
    "surplus": (D.FIELD_UNKNOWN, lambda it: it.update(confidence="high")),
    "surplus in a result": (
        D.FIELD_UNKNOWN,
        lambda it: it["results"][0].update(confidence="high"),
    ),
    "surplus in an artifact": (
        D.FIELD_UNKNOWN,
        lambda it: it["artifacts"][1].update(confidence="high"),
    ),
    "number for text": (D.FIELD_MALFORMED, lambda it: it.update(run_id=7)),
    "unknown status": (
        D.FIELD_MALFORMED,
        lambda it: it["results"][0].update(status="GREEN"),
    ),
    "bare hash": (
        D.FIELD_MALFORMED,
        lambda it: it["artifacts"][0].update(content_hash=64 * "a"),
    ),
    "results are a map": (D.FIELD_MALFORMED, lambda it: it.update(results={})),
    "a result is a word": (D.FIELD_MALFORMED, lambda it: it.update(results=["PASS"])),
    "artifacts are a word": (D.FIELD_MALFORMED, lambda it: it.update(artifacts="a")),
    "an artifact is a word": (D.FIELD_MALFORMED, lambda it: it.update(artifacts=["a"])),
}


class TestWhatIsNone:
    """SPEC 7.8: each defect has a code of its own."""

    @pytest.mark.parametrize("data", [b"", b"not JSON", b"\xff", b'{"a":1,"a":2}'])
    def test_what_is_not_json(self, data):
        with pytest.raises(ManifestInvalid) as refused:
            parse_manifest(data)

        assert refused.value.defect is D.NOT_JSON

    @pytest.mark.parametrize("data", [b"[]", b"null", b"7", b'"a"'])
    def test_what_is_no_map(self, data):
        with pytest.raises(ManifestInvalid) as refused:
            parse_manifest(data)

        assert refused.value.defect is D.FIELD_MALFORMED

    @pytest.mark.parametrize("fault", FAULTS)
    def test_each_fault_by_its_name(self, raw, fault):
        defect, spoil = FAULTS[fault]
        spoil(raw)

        with pytest.raises(ManifestInvalid) as refused:
            manifest_from(raw)

        assert refused.value.defect is defect
        assert refused.value.why

    @pytest.mark.parametrize(
        ("spoil", "defect"),
        [
            (lambda it: it.update(artifact_refs=["gone"]), D.ARTIFACT_UNRESOLVED),
            (lambda it: it.update(artifact_refs="gone"), D.FIELD_MALFORMED),
            (lambda it: it.update(artifact_refs=[7]), D.FIELD_MALFORMED),
            (lambda it: it.update(duration_ms="long"), D.FIELD_MALFORMED),
        ],
        ids=["unresolved", "no list", "no names", "no number"],
    )
    def test_faults_of_the_older_form(self, raw, spoil, defect):
        raw = older(raw)
        spoil(raw["results"][0])

        with pytest.raises(ManifestInvalid) as refused:
            manifest_from(raw)

        assert refused.value.defect is defect

    def test_a_time_that_is_none_is_left_for_the_rules(self, raw):
        raw = older(raw)
        raw["run_started_at"] = "yesterday"

        found = manifest_from(raw)

        assert D.TIME_MALFORMED in {each.defect for each in defects(found)}

    def test_older_names_without_artifacts_resolve_nothing(self, raw):
        raw = older(raw)
        raw["artifacts"] = None

        with pytest.raises(ManifestInvalid) as refused:
            manifest_from(raw)

        assert refused.value.defect is D.ARTIFACT_UNRESOLVED

    @given(st.binary(max_size=200))
    def test_no_bytes_make_it_fail_otherwise(self, data):
        with pytest.raises(ManifestInvalid):
            parse_manifest(data)


class TestTheFormThatIsKept:
    """C-EVID-2: what was handed in is hashed as it was handed in."""

    def test_it_is_canonical(self, manifest):
        assert stored_form(plain(manifest)) == canonical(manifest)

    def test_what_canonical_json_cannot_hold_is_refused(self, manifest):
        beyond = plain(replace(manifest, metadata={"a": "half \ud800"}))

        with pytest.raises(ManifestInvalid) as refused:
            stored_form(beyond)

        assert refused.value.defect is D.FIELD_MALFORMED
