"""The governed documents on disk (SPEC 8.2): read once, refused by file and line."""

import logging
import shutil
from pathlib import Path

import pytest

from sr_core.bootstrap import documents
from sr_core.bootstrap.compose import governed_manifest
from sr_core.bootstrap.documents import documents_folder, read_manifest
from sr_core.bootstrap.settings import SETTINGS, parse_settings
from sr_core.domain.errors import DocumentInvalid, DocumentMissing, MalformedInput
from sr_core.domain.refs import hash_bytes
from sr_core.testing import NOON

REQUIRED = {name: "given" for name, each in SETTINGS.items() if each.default is None}
SHIPPED = (SETTINGS["SR_GOVERNED_DOCS"].default or "").split(",")
DIRECTIVE = "program/SR-DIRECTIVE.md"
SPEC = "platform/SR-SPEC.md"


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped documents, to be changed."""
    shipped = documents_folder()
    assert isinstance(shipped, Path)
    for each in SHIPPED:
        (tmp_path / each).parent.mkdir(exist_ok=True)
        shutil.copy(shipped / each, tmp_path / each)
    return tmp_path


def read(folder, *paths):
    return read_manifest(folder, paths or SHIPPED, computed_at=NOON)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


class TestShipped:
    def test_each_has_its_name_and_type(self):
        manifest = read(documents_folder())

        assert {each.doc_id: each.type_key for each in manifest.artifacts} == {
            "SR-AGENT": "config.agent_definition",
            "SR-CONTRACT": "governance.arch_contract",
            "SR-DIRECTIVE": "governance.dev_directive",
            "SR-GATING-POLICY": "config.gating_policy",
            "SR-SPEC": "governance.technical_spec",
            "SR-TYPES": "governance.types",
        }

    @pytest.mark.parametrize("path", SHIPPED)
    def test_each_is_named_as_its_file(self, path):
        (entry,) = [
            each for each in read(documents_folder()).artifacts if each.path == path
        ]

        assert entry.doc_id == Path(path).stem
        assert entry.metadata.title.startswith(f"{entry.doc_id}: ")


class TestBytes:
    """SPEC 1.2: the hash is that of the bytes as they lie there."""

    def test_it_is(self, folder):
        entry = read(folder).entry("SR-SPEC")

        assert entry is not None
        assert entry.content_hash == hash_bytes((folder / SPEC).read_bytes())

    @pytest.mark.parametrize(
        "changed",
        [
            lambda data: data.replace(b"\n", b"\r\n"),
            lambda data: data + b"\n",
            lambda data: data.rstrip(b"\n"),
            lambda data: data.replace(b"the", b"the ", 1),
        ],
    )
    def test_nothing_is_normalised(self, folder, changed):
        before = read(folder)
        file = folder / SPEC

        file.write_bytes(changed(file.read_bytes()))

        after = read(folder)
        assert after.manifest_hash != before.manifest_hash
        assert [
            each.doc_id
            for each, other in zip(after.artifacts, before.artifacts, strict=True)
            if each != other
        ] == ["SR-SPEC"]

    def test_the_same_bytes_give_the_same_manifest(self, folder):
        assert read(folder) == read(documents_folder())

    def test_a_manifest_does_not_follow_its_files(self, folder):
        manifest = read(folder)
        before = manifest.manifest_hash

        (folder / SPEC).write_text("gone", encoding="utf-8")

        assert manifest.manifest_hash == before


class TestControl:
    """What the tests of bytes would make of a manifest that normalises text."""

    def test_line_endings_would_go_unseen(self, folder, monkeypatch):
        def normalised(data):
            return hash_bytes(data.replace(b"\r\n", b"\n"))

        monkeypatch.setattr(documents, "hash_bytes", normalised)
        before = read(folder)

        (folder / SPEC).write_bytes(
            (folder / SPEC).read_bytes().replace(b"\n", b"\r\n")
        )

        assert read(folder).manifest_hash == before.manifest_hash


class TestRefusals:
    """SPEC 8.2: nothing starts without its documents."""

    @pytest.mark.parametrize("path", SHIPPED)
    def test_one_that_is_not_there_is_named(self, folder, path):
        (folder / path).unlink()

        with pytest.raises(DocumentMissing, match=f"{folder / path} is not there"):
            read(folder)

    def test_a_folder_is_no_document(self, folder):
        with pytest.raises(DocumentMissing, match="program is not there"):
            read(folder, "program", *SHIPPED)

    def test_the_directive_has_to_be_among_them(self, folder):
        with pytest.raises(DocumentMissing, match=r"SR-DIRECTIVE\.md is not among"):
            read(folder, *(each for each in SHIPPED if each != DIRECTIVE))

    def test_it_alone_is_enough_to_start(self, folder):
        assert [each.doc_id for each in read(folder, DIRECTIVE).artifacts] == [
            "SR-DIRECTIVE"
        ]

    def test_the_directive_under_another_name_is_none(self, folder):
        change(folder / DIRECTIVE, "id: SR-DIRECTIVE", "id: SR-OTHER")

        with pytest.raises(DocumentMissing, match="is not among"):
            read(folder)

    def test_one_without_front_matter_is_named_with_its_line(self, folder):
        (folder / SPEC).write_text("# SR-SPEC\n", encoding="utf-8")

        with pytest.raises(
            DocumentInvalid, match=f"{folder / SPEC}:1: the document has"
        ):
            read(folder)

    def test_one_with_a_broken_field_is_named_with_its_line(self, folder):
        change(folder / SPEC, "version: 1.0.0", "version: 1.0")

        with pytest.raises(DocumentInvalid, match=f"{folder / SPEC}:7: version is 1.0"):
            read(folder)

    def test_a_policy_that_says_what_none_can_is_refused(self, folder):
        policy = folder / "config" / "SR-GATING-POLICY.yaml"
        change(policy, "plan_review: soft", "plan_review: maybe")

        with pytest.raises(DocumentInvalid, match=r"SR-GATING-POLICY\.yaml:1: mode"):
            read(folder)

    def test_one_that_is_too_large_is_refused(self, folder):
        with (folder / SPEC).open("ab") as file:
            file.truncate(5 * 1024 * 1024)

        with pytest.raises(DocumentInvalid, match="more than 4194304 bytes"):
            read(folder)

    @pytest.mark.parametrize("path", ["../secret.md", "/etc/passwd", "a/../../b.md"])
    def test_no_path_leads_out_of_the_folder(self, folder, path):
        with pytest.raises(MalformedInput, match="paths inside SR_DOCS_PATH"):
            read(folder, path)

    def test_a_draft_is_not_in_force(self, folder):
        change(folder / SPEC, "status: governed", "status: draft")

        with pytest.raises(MalformedInput, match="status of platform/SR-SPEC"):
            read(folder)


class TestSettings:
    """SR_DOCS_PATH and SR_GOVERNED_DOCS say which documents count."""

    def test_by_default_it_is_what_is_shipped(self):
        manifest = governed_manifest(parse_settings(REQUIRED))

        assert len(manifest.artifacts) == 6

    def test_a_folder_of_ones_own_takes_its_place(self, folder):
        change(folder / SPEC, "version: 1.0.0", "version: 2.0.0")

        settings = parse_settings({**REQUIRED, "SR_DOCS_PATH": str(folder)})

        entry = governed_manifest(settings).entry("SR-SPEC")
        assert entry is not None
        assert entry.version == "2.0.0"

    def test_the_list_says_which_count(self):
        given = {**REQUIRED, "SR_GOVERNED_DOCS": f" {DIRECTIVE} , {SPEC},"}

        manifest = governed_manifest(parse_settings(given))

        assert [each.doc_id for each in manifest.artifacts] == [
            "SR-DIRECTIVE",
            "SR-SPEC",
        ]

    def test_the_older_name_is_read_with_a_warning(self, folder, caplog):
        with caplog.at_level(logging.WARNING):
            settings = parse_settings({**REQUIRED, "DOCS_PATH": str(folder)})

        assert settings.docs_path == folder
        (record,) = caplog.records
        assert "Set SR_DOCS_PATH in its place" in record.getMessage()

    def test_the_name_of_today_comes_first_and_warns_of_nothing(self, folder, caplog):
        given = {"SR_DOCS_PATH": str(folder), "DOCS_PATH": "/nowhere"}

        settings = parse_settings({**REQUIRED, **given})

        assert settings.docs_path == folder
        assert caplog.records == []

    @pytest.mark.parametrize("path", ["docs", "/no/such/folder"])
    def test_it_is_an_absolute_path_of_a_folder(self, path):
        with pytest.raises(MalformedInput, match="SR_DOCS_PATH"):
            parse_settings({**REQUIRED, "SR_DOCS_PATH": path})

    @pytest.mark.parametrize("name", ["SR_DOCS_PAHT", "SR_GOVERNED_DOC"])
    def test_a_misspelt_name_is_refused(self, name):
        with pytest.raises(MalformedInput, match=name):
            parse_settings({**REQUIRED, name: "x"})
