"""Why evidence is not opened: told to who operates, with the way out, and with no key."""

from __future__ import annotations

import pytest

from sr_core.domain.judging_errors import EvidenceRestricted
from sr_core.domain.sealing_errors import (
    BadKeyMaterial,
    EvidenceErased,
    EvidenceUnreadable,
    KeyNotCommitted,
    KeyRecordMissing,
    SealContextMismatch,
    SealTampered,
    SealTruncated,
    SealUnsound,
    WrapLimitReached,
    WrongKek,
)
from sr_core.testing import SOME_HASH

UNSOUND = [
    SealTruncated(part="container", why="ends after 40 bytes"),
    SealTampered(part="segment 3", why="is not as it was written"),
    KeyNotCommitted(),
    SealContextMismatch(fields=["schema_version", "blob_name"]),
    WrongKek(named="version 2 of a-kek", why="its check value is another"),
    KeyRecordMissing(blob_name="log.txt"),
]


class TestWhatIsUnsound:
    """R-ENC-7: distinct inside, each with a place where it shows."""

    @pytest.mark.parametrize("error", UNSOUND, ids=lambda each: each.code)
    def test_says_where_it_shows_and_what_to_do(self, error):
        assert isinstance(error, SealUnsound)
        assert str(error).startswith(error.part[0].upper() + error.part[1:])
        assert str(error).endswith(f"{error.remedy}.")

    def test_has_a_code_of_its_own(self):
        assert len({each.code for each in UNSOUND}) == len(UNSOUND)

    def test_names_the_fields_that_differ_in_order(self):
        error = SealContextMismatch(fields=["schema_version", "blob_name"])

        assert error.fields == ("blob_name", "schema_version")
        assert "blob_name, schema_version" in str(error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EvidenceUnreadable(blob_name="log.txt"), "log.txt cannot be opened"),
        (EvidenceErased(content_hash=SOME_HASH), f"sealed in {SOME_HASH} was erased"),
        (EvidenceRestricted(bundle="b", why="it is secret"), "b is restricted: it is"),
        (
            BadKeyMaterial(name="A_KEK", why="it has 31 bytes"),
            "A_KEK is no KEK: it has",
        ),
        (
            WrapLimitReached(kek="version 2", limit=5),
            "version 2 has wrapped 5 data keys",
        ),
    ],
    ids=lambda each: getattr(each, "code", ""),
)
def test_it_says_of_what_it_is(error, said):
    assert said in str(error)
    assert str(error).endswith(f"{error.remedy}.")


def test_a_reader_is_told_the_same_whatever_it_was():
    """R-ENC-7: what a reader is told has no room for the reason."""
    assert str(EvidenceUnreadable(blob_name="a")) == str(
        EvidenceUnreadable(blob_name="a")
    )
    assert not isinstance(EvidenceUnreadable(blob_name="a"), SealUnsound)
