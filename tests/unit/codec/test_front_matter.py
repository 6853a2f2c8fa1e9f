"""Front matter (C-META-1..3): a document describes itself, or is not governed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.front_matter import REQUIRED, parse_document
from sr_core.domain.artifact_metadata import (
    ArtifactStatus,
    AuthorityKind,
    NormativeStatus,
)
from sr_core.domain.errors import DocumentInvalid
from sr_core.domain.type_keys import TYPE_KEYS

FIELDS = {
    "schema": "solver-ralph.artifact-metadata/v1",
    "id": "SR-SPEC",
    "type": "governance.technical_spec",
    "title": "The specification",
    "version": "1.2.0",
    "status": "governed",
    "normative_status": "normative",
    "authority_kind": "content",
    "governed_by": "[SR-CONTRACT]",
}
LINE = {name: 3 + at for at, name in enumerate(FIELDS)}
"""Where each stands, below the fence and the root."""


def document(without: str = "", extra: str = "", **changes: str) -> bytes:
    fields = {**FIELDS, **changes}
    lines = "".join(
        f"  {name}: {value}\n" for name, value in fields.items() if name != without
    )
    return f"---\nsolver_ralph:\n{lines}{extra}---\n\n# Text\n".encode()


def refused(data: bytes, file: str = "docs/a.md") -> DocumentInvalid:
    with pytest.raises(DocumentInvalid) as found:
        parse_document(data, file=file)
    assert found.value.file == file
    return found.value


class TestWhole:
    def test_it_is_read(self):
        found = parse_document(
            document(extra="  tags: [a, b c]\n  supersedes: [1.1.0]\n"), file="a.md"
        )

        assert (found.id, found.type) == ("SR-SPEC", "governance.technical_spec")
        assert (found.title, found.version) == ("The specification", "1.2.0")
        assert found.status is ArtifactStatus.GOVERNED
        assert found.normative_status is NormativeStatus.NORMATIVE
        assert found.authority_kind is AuthorityKind.CONTENT
        assert found.governed_by == ("SR-CONTRACT",)
        assert (found.tags, found.supersedes) == (("a", "b c"), ("1.1.0",))
        assert found.ext == {}
        assert found.is_normative

    @pytest.mark.parametrize("type_key", sorted(TYPE_KEYS))
    def test_every_type_is_one(self, type_key):
        assert parse_document(document(type=type_key), file="a.md").type == type_key

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("status", ArtifactStatus),
            ("normative_status", NormativeStatus),
            ("authority_kind", AuthorityKind),
        ],
    )
    def test_every_choice_is_one(self, name, kind):
        read = {
            getattr(parse_document(document(**{name: each.value}), file="a.md"), name)
            for each in kind
        }

        assert read == {*kind}

    def test_what_belongs_to_the_type_is_told_apart(self):
        extra = "  ext:\n    governance.technical_spec:\n      chapters: [1, 2]\n"

        found = parse_document(document(extra=extra), file="a.md")

        assert found.ext == {"chapters": [1, 2]}

    @pytest.mark.parametrize("file", ["a.yaml", "a.yml"])
    def test_yaml_is_front_matter_from_end_to_end(self, file):
        data = document().removeprefix(b"---\n").partition(b"---")[0]

        assert parse_document(data, file=file).id == "SR-SPEC"

    def test_windows_line_endings_are_read(self):
        data = document().replace(b"\n", b"\r\n")

        assert parse_document(data, file="a.md").id == "SR-SPEC"


class TestWithout:
    """C-META-1: without front matter it is not governed."""

    @pytest.mark.parametrize(
        "data",
        [b"", b"# A title\n", b"\n---\n", b"----\n", b" ---\nsolver_ralph:\n---\n"],
        ids=repr,
    )
    def test_there_is_none(self, data):
        error = refused(data)

        assert error.line == 1
        assert error.found.endswith("the document has no front matter")
        assert "Begin it with a line ---" in error.remedy

    def test_it_does_not_end(self):
        assert "does not end" in refused(document().rpartition(b"---")[0]).found

    @pytest.mark.parametrize("name", REQUIRED)
    def test_one_field_is_missing(self, name):
        error = refused(document(without=name))

        assert f"solver_ralph lacks {name}" in error.found
        assert error.line == 2

    def test_all_that_is_missing_is_named(self):
        error = refused(b"---\nsolver_ralph: {id: a}\n---\n")

        assert ", ".join(each for each in REQUIRED if each != "id") in error.found

    @pytest.mark.parametrize(
        ("data", "found"),
        [
            (b"---\n---\n", "front matter is no map"),
            (b"---\ndoc_id: SR-SPEC\n---\n", "'doc_id' does not belong here"),
            (b"---\n{}\n---\n", "there is no solver_ralph"),
            (b"---\nsolver_ralph: SR-SPEC\n---\n", "solver_ralph is no map"),
            (b"---\nsolver_ralph: {}\nmore: 1\n---\n", "'more' does not belong here"),
            (b"---\nsolver_ralph: \xff\n---\n", "the byte 0xff is not UTF-8"),
        ],
    )
    def test_it_is_of_another_form(self, data, found):
        assert found in refused(data).found


class TestFields:
    """C-META-1, C-META-3: each field holds what it can, and the line is told."""

    @pytest.mark.parametrize(
        ("name", "value", "found"),
        [
            ("schema", "solver-ralph.artifact-metadata/v2", "schema is"),
            ("id", "SR SPEC", "found 'SR SPEC'"),
            ("id", "7", "id is 7"),
            ("id", "''", "id is ''"),
            ("id", "a" * 129, "artifact id"),
            ("type", "governance.specification", "type key"),
            ("type", "[a]", "type is ['a']"),
            ("title", "' '", "title is ' '"),
            ("title", "a" * 201, "title is"),
            ("title", "null", "title is None"),
            ("version", "1.0", "version is 1.0"),
            ("version", "'1.0'", "found '1.0'"),
            ("version", "v1.0.0", "found 'v1.0.0'"),
            ("status", "current", "status is 'current'"),
            ("status", "true", "status is True"),
            ("normative_status", "binding", "normative_status is 'binding'"),
            ("authority_kind", "human", "authority_kind is 'human'"),
            ("governed_by", "SR-CONTRACT", "governed_by is no list"),
            ("governed_by", "[1]", "governed_by holds 1"),
            ("governed_by", "['']", "governed_by holds ''"),
        ],
    )
    def test_another_value_is_refused(self, name, value, found):
        error = refused(document(**{name: value}))

        assert found in error.found
        assert error.line == LINE[name]
        assert error.remedy

    def test_a_choice_names_the_choices(self):
        remedy = refused(document(status="current")).remedy

        assert (
            remedy == "Write one of draft, governed, superseded, deprecated, archived"
        )

    @pytest.mark.parametrize(
        ("extra", "found"),
        [
            ("  doc_kind: spec\n", "'doc_kind' does not belong here"),
            ("  chapters: [1]\n", "'chapters' does not belong here"),
            ("  tags: a\n", "tags is no list"),
            ("  ext: [a]\n", "ext is no map"),
            ("  ext: {chapters: [1]}\n", "ext.chapters belongs to another type"),
            (
                "  ext: {config.gating_policy: {}}\n",
                "ext.config.gating_policy belongs to another type",
            ),
            (
                "  ext: {governance.technical_spec: 1}\n",
                "ext.governance.technical_spec is no map",
            ),
            ("  id: SR-OTHER\n", "'id' stands here already"),
            ("  tags: &t [a]\n", "gives the value a name"),
        ],
    )
    def test_what_is_not_of_the_form_is_refused(self, extra, found):
        error = refused(document(extra=extra))

        assert found in error.found
        assert error.line == 12

    @given(st.binary(max_size=200))
    def test_any_bytes_are_read_or_refused(self, data):
        with pytest.raises(DocumentInvalid):
            parse_document(b"---\n" + data, file="a.md")
