"""R-ATT-7: which keys are believed, for what, and from when to when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sr_core.codec.note import (
    Purpose,
    SigningKey,
    parse_signing_key,
    parse_verifier_key,
    signed,
)
from sr_core.codec.trust import KEYS_MAX, TrustedKey, parse_time, parse_trusted_keys
from sr_core.domain.errors import MalformedInput

LOG = SigningKey(name="log", seed=bytes(range(32)))
OLD, NEW, TWIN = (
    SigningKey(name=name, seed=seed, purpose=Purpose.EVIDENCE)
    for name, seed in (("e", bytes(32)), ("e", bytes(31) + b"1"), ("e", LOG.seed))
)
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)


def read(text: str, purpose: Purpose | None = None) -> tuple[TrustedKey, ...]:
    return parse_trusted_keys(text, field="keys", purpose=purpose)


class TestAPurpose:
    def test_is_part_of_the_key_and_its_hash(self):
        same = SigningKey(name="e", seed=OLD.seed)

        assert same.verifier.key == OLD.verifier.key
        assert same.verifier.key_id != OLD.verifier.key_id
        assert same.text != OLD.text

    @pytest.mark.parametrize("key", [LOG, OLD], ids=["checkpoint", "evidence"])
    def test_is_read_from_its_text(self, key):
        public, secret = key.verifier.text, key.text

        assert parse_verifier_key(public, field="k", purpose=None) == key.verifier
        assert (
            parse_verifier_key(public, field="k", purpose=key.purpose) == key.verifier
        )
        assert parse_signing_key(secret, field="k", purpose=key.purpose) == key

    @pytest.mark.parametrize(
        ("key", "other"), [(LOG, Purpose.EVIDENCE), (OLD, Purpose.CHECKPOINT)]
    )
    def test_is_not_another(self, key, other):
        said = f"found 'a key of the purpose {key.purpose}'. Give one of .*{other}, as"

        with pytest.raises(MalformedInput, match=said):
            parse_verifier_key(key.verifier.text, field="k", purpose=other)
        with pytest.raises(MalformedInput, match=said) as error:
            parse_signing_key(key.text, field="k", purpose=other)
        assert key.text not in str(error.value)

    def test_of_evidence_signs_no_note(self):
        with pytest.raises(AssertionError, match="signs no notes"):
            signed("text\n", OLD)

    def test_leaves_a_secret_out_of_the_message(self):
        with pytest.raises(MalformedInput, match="found 'a secret'") as error:
            parse_verifier_key(OLD.text, field="k", purpose=Purpose.EVIDENCE)

        assert OLD.text not in str(error.value)


class TestAList:
    def test_is_of_keys_and_their_times(self):
        old, new, log = read(
            f"{OLD.verifier.text} from=2025-01-01T00:00:00Z\n"
            f"  until=2026-01-09T12:00:00Z {NEW.verifier.text}\n"
            f"{LOG.verifier.text} revoked=2026-01-09T12:00:00.5Z"
        )

        assert (old.key, new.key, log.key) == (
            OLD.verifier,
            NEW.verifier,
            LOG.verifier,
        )
        assert old.bounds == {"from": datetime(2025, 1, 1, tzinfo=UTC), "until": NOON}
        assert new.bounds == {}
        assert log.bounds == {"revoked": NOON.replace(microsecond=500_000)}
        assert read(" ".join(each.text for each in (old, new, log))) == (old, new, log)

    def test_may_be_empty(self):
        assert read(" \n") == ()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("until=2026-01-09T12:00:00Z", "a key first"),
            (f"{OLD.verifier.text} till=2026-01-09T12:00:00Z", "from, until, revoked"),
            (f"{OLD.verifier.text} until", "a time in UTC"),
            (f"{OLD.verifier.text} until=", "a time in UTC"),
            (f"{OLD.verifier.text} until=2026-01-09", "a time in UTC"),
            (f"{OLD.verifier.text} until=2026-13-09T12:00:00Z", "a time in UTC"),
            (f"{OLD.verifier.text} {'until=2026-01-09T12:00:00Z ' * 2}", "once"),
            (f"{OLD.verifier.text} {OLD.verifier.text}", "each key once"),
            (f"{LOG.verifier.text} {TWIN.verifier.text}", "for each purpose one of"),
            (OLD.verifier.text[:-2], "sr log keygen` or `sr evidence keygen"),
            ("x" * 65_537, "65536 characters at most"),
        ],
    )
    def test_of_another_form_is_refused(self, text, said):
        with pytest.raises(MalformedInput, match=said):
            read(text)

    def test_has_so_many_keys_at_most(self):
        keys = [
            SigningKey(name="e", seed=each.to_bytes(32, "big")).verifier.text
            for each in range(KEYS_MAX + 1)
        ]

        assert len(read(" ".join(keys[:-1]))) == KEYS_MAX
        with pytest.raises(MalformedInput, match="64 keys at most"):
            read(" ".join(keys))

    def test_of_one_purpose_has_no_other(self):
        with pytest.raises(MalformedInput, match="of the purpose checkpoint"):
            read(LOG.verifier.text, Purpose.EVIDENCE)


class TestAKeysTimes:
    @pytest.mark.parametrize(
        ("name", "before", "at"),
        [("from", False, True), ("until", True, False), ("revoked", True, False)],
    )
    def test_begin_and_end_at_the_moment(self, name, before, at):
        key = TrustedKey(key=OLD.verifier, bounds={name: NOON})
        earlier = NOON.replace(hour=11)

        assert (key.objection(earlier) is None, key.objection(NOON) is None) == (
            before,
            at,
        )

    def test_say_that_it_is_revoked_before_all_else(self):
        bounds = {"until": NOON.replace(hour=10), "revoked": NOON.replace(hour=11)}
        key = TrustedKey(key=OLD.verifier, bounds=bounds)

        assert key.objection(NOON) == "it is revoked from 2026-01-09T11:00:00Z on"

    def test_are_all_open_where_none_is_given(self):
        assert TrustedKey(key=OLD.verifier).objection(NOON) is None

    @pytest.mark.parametrize(
        "text",
        ["2026-01-09T12:00:00", "2026-01-09 12:00:00Z", "20260109T120000Z", "noon", ""],
    )
    def test_are_in_utc_and_written_out(self, text):
        with pytest.raises(MalformedInput, match="a time in UTC such as"):
            parse_time(text, field="k")
