"""Attachments (SPEC 1.4): files of people, which nothing rests on."""

from dataclasses import replace

import pytest

from sr_core.domain.attachment import (
    ATTACHMENT_BYTES_MAX,
    AttachmentRecorded,
    AttachmentTooLarge,
    RecordAttachment,
    decide,
)
from sr_core.domain.errors import AuthorityRequired, MalformedInput
from sr_core.domain.ids import AttachmentId
from sr_core.testing import AGENT, HUMAN, SOME_HASH, SYSTEM, ulid

COMMAND = RecordAttachment(
    by=HUMAN,
    attachment_id=AttachmentId(f"attach_{ulid(1)}"),
    content_hash=SOME_HASH,
    media_type="application/pdf",
    size_bytes=10,
    filename="a drawing.pdf",
)


def test_it_is_recorded_by_its_hash_and_rests_on_nothing():
    (event,) = decide(COMMAND)

    assert event == AttachmentRecorded(
        attachment_id=COMMAND.attachment_id,
        content_hash=SOME_HASH,
        media_type="application/pdf",
        size_bytes=10,
        filename="a drawing.pdf",
    )
    assert event.refs == ()


@pytest.mark.parametrize("by", [AGENT, SYSTEM], ids=str)
def test_only_humans_add_files(by):
    with pytest.raises(AuthorityRequired, match="adding an attachment needs"):
        decide(replace(COMMAND, by=by))


@pytest.mark.parametrize(
    "name", ["", "a/b", "a\\b", ".", "..", "a\x00", "a\nb", "a" * 256], ids=repr
)
def test_a_name_is_one_that_a_file_may_have(name):
    with pytest.raises(MalformedInput, match="filename"):
        decide(replace(COMMAND, filename=name))


@pytest.mark.parametrize(
    "media_type",
    ["", "text", "text/", "/plain", "text/plain; a=b", "te xt/plain", "T/x"],
)
def test_a_type_is_one(media_type):
    with pytest.raises(MalformedInput, match="media_type"):
        decide(replace(COMMAND, media_type=media_type))


@pytest.mark.parametrize("size", [0, -1])
def test_a_file_has_bytes(size):
    with pytest.raises(MalformedInput, match=f"{size} bytes"):
        decide(replace(COMMAND, size_bytes=size))


def test_a_file_has_not_too_many_bytes():
    with pytest.raises(AttachmentTooLarge, match=f"more than {ATTACHMENT_BYTES_MAX}"):
        decide(replace(COMMAND, size_bytes=ATTACHMENT_BYTES_MAX + 1))


def test_the_largest_is_taken():
    assert decide(replace(COMMAND, size_bytes=ATTACHMENT_BYTES_MAX))
