"""Identifiers (SPEC 1.1): a prefix and a ULID, or a name."""

import pytest

from sr_core.domain import ids
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import build_candidate_id, candidate_hash, parse_candidate_id
from sr_core.testing import SOME_HASH, ulid

PARSERS = {
    "loop": ids.parse_loop_id,
    "iter": ids.parse_iteration_id,
    "run": ids.parse_run_id,
    "appr": ids.parse_approval_id,
    "dec": ids.parse_decision_id,
    "exc": ids.parse_exception_id,
    "freeze": ids.parse_freeze_id,
    "rec": ids.parse_record_id,
    "attach": ids.parse_attachment_id,
    "bundle": ids.parse_bundle_id,
    "stale": ids.parse_stale_id,
    "cfg": ids.parse_config_id,
    "evread": ids.parse_evidence_read_id,
}
NAMED = {"suite": ids.parse_suite_id, "oracle": ids.parse_oracle_id}
LARGEST = "7" + 25 * "Z"
PLAIN = f"{SOME_HASH}|cand_{ulid(1)}"


@pytest.mark.parametrize("prefix", PARSERS)
class TestUlids:
    """SPEC 1.1: 26 characters of Crockford base32, in 128 bits."""

    @pytest.mark.parametrize("text", [ulid(1), LARGEST, "01ARZ3NDEKTSV4RRFFQ69G5FAV"])
    def test_one_is_read(self, prefix, text):
        assert PARSERS[prefix](f"{prefix}_{text}") == f"{prefix}_{text}"

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ulid(1)[1:],
            ulid(1) + "0",
            "8" + 25 * "0",
            "0" * 25 + "I",
            "0" * 25 + "L",
            "0" * 25 + "O",
            "0" * 25 + "U",
            "0" * 25 + "a",
            ulid(1) + "\n",
            " " + ulid(1),
        ],
        ids=repr,
    )
    def test_anything_else_is_refused(self, prefix, text):
        with pytest.raises(MalformedInput, match=f"{prefix}_ and a 26-character ULID"):
            PARSERS[prefix](f"{prefix}_{text}")

    def test_another_prefix_is_refused(self, prefix):
        with pytest.raises(MalformedInput):
            PARSERS[prefix](f"other_{ulid(1)}")


class TestLedger:
    """SPEC 6.5: entries of a ledger are exceptions too; ours are never named so."""

    def test_an_entry_is_read(self):
        assert ids.parse_exception_id("EX-0001") == "EX-0001"

    @pytest.mark.parametrize("text", ["EX-1", "ex-0001", "EX-0001 ", "EX-"], ids=repr)
    def test_anything_else_is_refused(self, text):
        with pytest.raises(MalformedInput):
            ids.parse_exception_id(text)


@pytest.mark.parametrize("prefix", NAMED)
class TestNames:
    """SPEC 1.1: suites and oracles have names that people give."""

    @pytest.mark.parametrize("text", ["a", "SR-SUITE-CORE", "a.b_c-1", "a" * 64])
    def test_one_is_read(self, prefix, text):
        assert NAMED[prefix](f"{prefix}:{text}") == f"{prefix}:{text}"

    @pytest.mark.parametrize(
        "text", ["", "-a", "a b", "a/b", "a:b", "ä", "a" * 65, "a\n"], ids=repr
    )
    def test_anything_else_is_refused(self, prefix, text):
        with pytest.raises(MalformedInput, match=f"{prefix} id"):
            NAMED[prefix](f"{prefix}:{text}")

    def test_the_prefix_is_part_of_it(self, prefix):
        with pytest.raises(MalformedInput):
            NAMED[prefix]("SR-SUITE-CORE")


class TestWork:
    """SPEC 1.1: work surfaces have ULIDs, work units have names that people give."""

    def test_a_surface_is_read(self):
        assert ids.parse_work_surface_id(f"ws:{ulid(1)}") == f"ws:{ulid(1)}"

    @pytest.mark.parametrize("text", ["", "ws:", f"ws_{ulid(1)}", f"ws:{ulid(1)}0"])
    def test_another_text_is_no_surface(self, text):
        with pytest.raises(MalformedInput, match="ws: and a 26-character ULID"):
            ids.parse_work_surface_id(text)

    def test_an_intake_is_read(self):
        assert ids.parse_intake_id(f"intake:{ulid(1)}") == f"intake:{ulid(1)}"

    @pytest.mark.parametrize("text", ["", "intake:", f"intake_{ulid(1)}", ulid(1)])
    def test_another_text_is_no_intake(self, text):
        with pytest.raises(MalformedInput, match="intake: and a 26-character ULID"):
            ids.parse_intake_id(text)

    @pytest.mark.parametrize("text", ["WU-7", "WU-memo.v2", f"loop_{ulid(1)}"])
    def test_a_unit_is_read(self, text):
        assert ids.parse_work_unit_id(text) == text

    @pytest.mark.parametrize(
        "text", ["", "WU-", "wu-7", "7", "WU- 7", f"run_{ulid(1)}"]
    )
    def test_another_text_is_no_unit(self, text):
        with pytest.raises(MalformedInput, match="WU- and a name"):
            ids.parse_work_unit_id(text)


class TestCandidates:
    """SPEC 1.1: a candidate's name carries the hash of its bytes."""

    @pytest.mark.parametrize(
        "text", [PLAIN, f"git:{'a1' * 20}|{PLAIN}", f"git:abcdef0|{PLAIN}"], ids=len
    )
    def test_the_hash_is_read_from_it(self, text):
        assert candidate_hash(parse_candidate_id(text)) == SOME_HASH

    def test_it_is_made_of_the_hash(self):
        made = build_candidate_id(SOME_HASH, fresh=f"cand_{ulid(1)}")

        assert made == PLAIN

    @pytest.mark.parametrize(
        "text",
        [
            "",
            SOME_HASH,
            f"cand_{ulid(1)}",
            f"cand_{ulid(1)}|{SOME_HASH}",
            f"git:{'a1' * 20}|cand_{ulid(1)}",
            f"git:abc|{PLAIN}",
            f"git:ABCDEF0|{PLAIN}",
            f"{PLAIN}|{PLAIN}",
            f"{PLAIN}\n",
        ],
        ids=repr,
    )
    def test_anything_else_is_refused(self, text):
        with pytest.raises(MalformedInput, match="candidate id"):
            parse_candidate_id(text)


class TestCommits:
    """SPEC 1.1: the commit that a candidate is, where it is one."""

    @pytest.mark.parametrize("text", ["0123abc", 40 * "a", 64 * "0"])
    def test_a_name_of_one(self, text):
        assert ids.parse_git_sha(text) == text
        built = build_candidate_id(SOME_HASH, fresh=f"cand_{ulid(1)}", git_sha=text)
        assert built == f"git:{text}|{PLAIN}"
        assert candidate_hash(built) == SOME_HASH

    @pytest.mark.parametrize("text", ["", "012345", "0123ABC", 65 * "a", "main"])
    def test_anything_else_is_none(self, text):
        with pytest.raises(MalformedInput, match=r"^git_sha: found"):
            ids.parse_git_sha(text)
