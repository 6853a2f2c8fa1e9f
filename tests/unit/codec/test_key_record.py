"""Key records: their bytes, read field by field, and what is no record."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Final

import pytest
from tests.sealing import OTHER_TEXT, a_blob, a_context, a_kek, seal

from sr_core.codec.key_record import (
    RECORD_BYTES_MAX,
    KeyRecord,
    container_aad,
    kek_check,
    parse_key_record,
    rewrapped_key,
    unwrapped_key,
)
from sr_core.domain.context_compiler import Classification
from sr_core.domain.kek import KEK_VERSION_MAX, WrapCount
from sr_core.domain.sealing_errors import (
    SealContextMismatch,
    SealMalformed,
    SealTampered,
    SealTruncated,
    WrapLimitReached,
    WrongKek,
)

ID: Final = b"bundle_01KEGTXJ4B8N2QW5RZ7YM3CDVF"
NAME: Final = "logs/größe.txt".encode()


def a_record(**context: Any) -> KeyRecord:
    return seal(a_blob(100), **context)[1].record


def context_bytes() -> bytes:
    texts = b"".join(len(each).to_bytes(2, "big") + each for each in (ID, NAME))
    return texts + b"\x02\x00\x01"


class TestARecord:
    def test_has_the_bytes_that_the_page_tells(self):
        container, done = seal(a_blob(100))
        data = done.record.data
        head = b"SRKR\x01\x01" + context_bytes() + b"\x00\x05a-kek\x00\x00\x00\x01"

        assert data.startswith(head)
        rest = data[len(head) :]
        assert rest[:32] == kek_check(a_kek())
        assert int.from_bytes(rest[32:40], "big") == len(container)
        assert rest[40:72] == hashlib.sha256(container).digest()
        assert len(rest[72:]) == 32 + 32 + 16

    def test_reads_back_as_it_was(self):
        record = a_record()

        assert parse_key_record(record.data) == record
        assert parse_key_record(record.data).data == record.data

    def test_binds_its_container_to_the_context_and_not_to_the_kek(self):
        assert container_aad(a_context()) == b"sr/restricted/v1" + context_bytes()

    def test_has_a_longest_form(self):
        kek = a_kek(version=KEK_VERSION_MAX, name="k" * 64)
        _, done = seal(b"", kek=kek, evidence_id="x" * 200, blob_name="ü" * 256)

        assert len(done.record.data) == 947 <= RECORD_BYTES_MAX
        assert parse_key_record(done.record.data) == done.record

    def test_is_another_each_time_and_its_check_value_the_same(self):
        one, other = a_record(), a_record()

        assert one.salt != other.salt
        assert one.wrapped != other.wrapped
        assert one.check == other.check

    def test_has_a_check_value_for_each_kek_version_and_name(self):
        keks = [a_kek(), a_kek(OTHER_TEXT), a_kek(version=2), a_kek(name="b-kek")]

        assert len({kek_check(each) for each in keks}) == 4


class TestBytes:
    """R-ENC-3."""

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            (b"SRKR", b"SRKS", "begins with 53524b53"),
            (b"SRKR\x01", b"SRKR\x02", "begins with 53524b5202"),
            (b"SRKR\x01\x01", b"SRKR\x01\x00", "begins with 53524b520100"),
            (b"\x02\x00\x01", b"\x01\x00\x01", "classification"),
            (b"\x02\x00\x01", b"\x04\x00\x01", "classification"),
            (b"\x02\x00\x01", b"\x02\x00\x00", "schema version"),
            (ID, b" " + ID[1:], "evidence id"),
            (ID, b"\xff" + ID[1:], "text"),
            (b"logs/", b"/logs", "blob name"),
            (b"logs/", b"../l/", "blob name"),
            (b"logs/", b"l\x00gs/", "blob name"),
            (b"a-kek\x00\x00\x00\x01", b"a-kek\x00\x00\x00\x00", "kek version"),
            (b"a-kek", b"a/kek", "kek id"),
        ],
    )
    def test_that_are_no_record_are_refused(self, old, new, said):
        data = a_record().data
        assert data.count(old) == 1

        with pytest.raises(SealMalformed, match=said):
            parse_key_record(data.replace(old, new))

    @pytest.mark.parametrize("data", [b"", b"S", b"SRKR\x01", b"SRKR\x01\x01\xff\xff"])
    def test_that_end_too_early_are_refused(self, data):
        with pytest.raises(SealTruncated, match=f"ends after {len(data)} bytes"):
            parse_key_record(data)

    def test_of_another_kind_are_refused(self):
        for data in (b"{}", b"\x00" * 300, b"sr-key/1"):
            with pytest.raises(SealMalformed, match="begins with"):
                parse_key_record(data)


class TestOpening:
    """R-ENC-6, R-ENC-7."""

    def test_gives_the_key(self):
        assert len(unwrapped_key(a_record(), a_kek(), a_context())) == 32

    @pytest.mark.parametrize(
        ("changed", "fields"),
        [
            ({"evidence_id": "other"}, ("evidence_id",)),
            ({"blob_name": "logs/other.txt"}, ("blob_name",)),
            ({"classification": Classification.CONFIDENTIAL}, ("classification",)),
            ({"schema_version": 2}, ("schema_version",)),
            (
                {"schema_version": 2, "evidence_id": "other"},
                ("evidence_id", "schema_version"),
            ),
        ],
    )
    def test_for_another_blob_is_refused_by_what_differs(self, changed, fields):
        with pytest.raises(SealContextMismatch) as refused:
            unwrapped_key(a_record(), a_kek(), a_context(**changed))

        assert refused.value.fields == fields
        assert all(name in str(refused.value) for name in fields)

    @pytest.mark.parametrize(
        ("kek", "said"),
        [
            (a_kek(OTHER_TEXT), "has another check value"),
            (a_kek(version=2), "version 2 of a-kek was given"),
            (a_kek(name="b-kek"), "version 1 of b-kek was given"),
        ],
    )
    def test_with_another_kek_is_refused(self, kek, said):
        with pytest.raises(WrongKek, match=said):
            unwrapped_key(a_record(), kek, a_context())

    def test_of_what_was_changed_is_refused(self):
        record = a_record()

        for changed in (
            replace(record, salt=bytes(32)),
            replace(record, wrapped=bytes(48)),
            replace(record, sealed=replace(record.sealed, size=1)),
        ):
            with pytest.raises(SealTampered, match="not as it was written"):
                unwrapped_key(changed, a_kek(), a_context())


class TestRotation:
    """R-ENC-8: a record goes to the next version of the KEK, and its container stays."""

    def rewrapped(self, record: KeyRecord) -> KeyRecord:
        new = a_kek(OTHER_TEXT, version=2)
        made, count = rewrapped_key(
            record,
            old=a_kek(),
            new=new,
            context=a_context(),
            count=WrapCount(kek=new.ref, wraps=7),
        )
        assert count.wraps == 8
        return made

    def test_changes_the_wrap_and_nothing_else(self):
        record = a_record()

        made = self.rewrapped(record)

        assert (made.context, made.sealed) == (record.context, record.sealed)
        assert made.kek == a_kek(version=2).ref
        assert (made.check, made.salt, made.wrapped) != (
            record.check,
            record.salt,
            record.wrapped,
        )

    def test_keeps_the_data_key(self):
        record = a_record()
        opened = unwrapped_key(
            self.rewrapped(record), a_kek(OTHER_TEXT, version=2), a_context()
        )

        assert opened == unwrapped_key(record, a_kek(), a_context())

    def test_leaves_nothing_for_the_old_version(self):
        with pytest.raises(WrongKek, match="wrapped under version 2 of a-kek"):
            unwrapped_key(self.rewrapped(a_record()), a_kek(), a_context())

    def test_is_refused_for_a_record_that_does_not_open(self):
        record = replace(a_record(), salt=bytes(32))

        with pytest.raises(SealTampered):
            self.rewrapped(record)

    def test_is_counted(self):
        new = a_kek(version=2)

        with pytest.raises(WrapLimitReached, match="version 2 of a-kek"):
            rewrapped_key(
                a_record(),
                old=a_kek(),
                new=new,
                context=a_context(),
                count=WrapCount(kek=new.ref, wraps=5, wraps_max=5),
            )
