"""Inclusion proofs in the form of C2SP tlog-proof."""

from __future__ import annotations

import base64

import pytest

from sr_core.codec.log_proof import (
    ConsistencyProof,
    LogProof,
    read_consistency,
    read_proof,
    write_consistency,
    write_proof,
)
from sr_core.domain.errors import MalformedInput

NOTE = "log\n9\nroot\n\n— log signature\n"
HASHES = tuple(bytes([each]) * 32 for each in (1, 2))
ONE, TWO = (base64.b64encode(each).decode() for each in HASHES)
TEXT = f"c2sp.org/tlog-proof@v1\nindex 6\n{ONE}\n{TWO}\n\n{NOTE}"


class TestAProof:
    def test_is_header_index_path_and_checkpoint(self):
        proof = LogProof(index=6, path=HASHES, note=NOTE.encode())

        assert write_proof(proof) == TEXT
        assert read_proof(TEXT, what="proof") == proof

    def test_of_a_log_with_one_event_has_no_path(self):
        text = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{NOTE}"

        assert read_proof(text, what="proof").path == ()

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("@v1", "@v2", "line 1"),
            ("index 6\n", "", "line 2"),
            ("index 6", "index 06", "line 2"),
            ("index 6", "index -6", "line 2"),
            ("index 6", "index \N{ARABIC-INDIC DIGIT SIX}", "line 2"),
            ("index 6", "extra AAAA\nindex 6", "line 2"),
            ("index 6", "index 6 ", "line 2"),
            ("index 6", f"index {'9' * 20}", "line 2"),
            (ONE, ONE[:-1], "line 3"),
            (TWO, f"{TWO} ", "line 4"),
            (TWO, TWO[4:], "line 4"),
            (ONE, "\n".join([ONE] * 63), "64 hashes"),
            (NOTE, "", "blank line|line 4"),
            (NOTE, "x" * 10_000, "characters at most"),
        ],
    )
    def test_of_another_form_is_refused_where_it_is_wrong(self, old, new, said):
        assert old in TEXT

        with pytest.raises(MalformedInput, match=said):
            read_proof(TEXT.replace(old, new).removesuffix("\n\n"), what="proof")


CONSISTENT = f"old 6\n{ONE}\n{TWO}\n\n{NOTE}"


class TestAConsistencyProof:
    def test_is_size_path_and_checkpoint(self):
        proof = ConsistencyProof(old=6, path=HASHES, note=NOTE.encode())

        assert write_consistency(proof) == CONSISTENT
        assert read_consistency(CONSISTENT, what="proof") == proof

    def test_of_one_size_has_no_path(self):
        assert read_consistency(f"old 9\n\n{NOTE}", what="proof").path == ()

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("old 6", "old 0", "line 1"),
            ("old 6", "old 06", "line 1"),
            ("old 6", "new 6", "line 1"),
            ("old 6\n", "", "line 1"),
            ("old 6", f"old {'9' * 20}", "line 1"),
            (ONE, ONE[:-1], "line 2"),
            (TWO, f"{TWO} ", "line 3"),
            (ONE, "\n".join([ONE] * 63), "64 hashes"),
            (f"\n\n{NOTE}", "", "blank line"),
            (NOTE, "x" * 10_000, "characters at most"),
        ],
    )
    def test_of_another_form_is_refused_where_it_is_wrong(self, old, new, said):
        assert old in CONSISTENT

        with pytest.raises(MalformedInput, match=said):
            read_consistency(CONSISTENT.replace(old, new), what="proof")
