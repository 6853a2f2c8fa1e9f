"""R-ENC-3, R-ENC-4, R-ENC-6: no mutant of what is stored is opened, and each guard counts.

`python -m tests.sealed_mutants` prints the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR
from tests import sealed_mutants as mutants
from tests.sealed_mutants import SMALL_ONES, STORED, Tally, World

from sr_core.codec import crypto, floe, key_record, sealed
from sr_core.domain.kek import SecretKey

Guard: TypeAlias = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def world() -> World:
    return mutants.build()


@pytest.fixture(scope="module")
def tallies(world) -> Mapping[str, Tally]:
    return mutants.judge_all(world)


@pytest.mark.parametrize("name", [each.__name__ for each in (*STORED, *SMALL_ONES)])
def test_every_mutant_of_a_family_is_refused(name, tallies):
    assert mutants.is_refused(tallies[name]), mutants.table(tallies)


def test_there_are_many_and_every_error_is_met(tallies):
    refused = {code for each in tallies.values() for code in each.refused}

    assert sum(each.tried for each in tallies.values()) >= 12_000
    assert refused == {
        "KEY_NOT_COMMITTED",
        "SEAL_CONTEXT_MISMATCH",
        "SEAL_MALFORMED",
        "SEAL_TAMPERED",
        "SEAL_TRUNCATED",
        "WRONG_KEK",
    }


def test_what_is_stored_is_opened(world):
    """The families would be refused by a reader that opens nothing, too."""
    for stored in (world.stored, world.older, world.rotated):
        assert b"".join(mutants.read(stored)) == mutants.BLOB
    for small in (world.small, world.small_other):
        assert b"".join(mutants.read_small(small)) == mutants.SMALL_BLOB


def unchecked(self: crypto.Aead, data: bytes, *, nonce: bytes, **_: object) -> bytes:
    """Decrypt as GCM does, and never look at the tag."""
    counter = bytes(nonce) + (2).to_bytes(4, "big")
    cipher = Cipher(AES256(self.bare), CTR(counter)).decryptor()  # type: ignore[attr-defined]
    return cipher.update(bytes(data)[:-16])


def without_tags(patch: pytest.MonkeyPatch) -> None:
    began = crypto.Aead.__init__

    def begin(self: crypto.Aead, key: SecretKey) -> None:
        began(self, key)
        self.bare = key.reveal()  # type: ignore[attr-defined]

    patch.setattr(crypto.Aead, "__init__", begin)
    patch.setattr(crypto.Aead, "decrypted", unchecked)


def without(module: Any, *names: str) -> Guard:
    """Take out checks, which return nothing."""

    def take_out(patch: pytest.MonkeyPatch) -> None:
        for name in names:
            patch.setattr(module, name, lambda *_: None)

    return take_out


def without_position(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(floe, "_segment_aad", lambda _, *, is_last: bytes((is_last,)))


def without_last_mark(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        floe, "_segment_aad", lambda position, **_: position.to_bytes(8, "big")
    )


def without_last_segment(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(floe, "_required_last", lambda last, *_: last or b"")


UNBOUND: Final[Mapping[str, Guard]] = {
    "wrapping key": lambda patch: patch.setattr(
        key_record, "_wrap_info", lambda _: b"unbound"
    ),
    "head": lambda patch: patch.setattr(
        key_record.KeyRecord, "head", property(lambda _: b"unbound")
    ),
    "container": lambda patch: patch.setattr(
        sealed, "container_aad", lambda _: b"unbound"
    ),
}
"""The three places where the context is bound in."""

CONTROLS: Final[Mapping[str, tuple[Guard, str]]] = {
    "tags of segments": (without_tags, "small_bits"),
    "position of segments": (without_position, "small_orders"),
    "mark of the last segment": (without_last_mark, "small_marks"),
    "that a last segment comes": (without_last_segment, "small_cuts"),
    "that nothing follows it": (without(floe, "_require_end"), "small_more"),
    "tag of the header": (without(floe, "_require_tag"), "small_bits"),
    "parameters": (without(floe, "_require_block"), "small_bits"),
    "tag of the wrapped key": (without_tags, "record_bits"),
    "form of the record": (without(key_record, "_require_form"), "record_bits"),
    "end of the record": (without(key_record, "_require_end"), "record_more"),
    "context of the record": (without(key_record, "_require_context"), "replays"),
    "hash of the container": (without(sealed, "_require_named"), "of_the_same_key"),
}
"""Each guard, and a family of which some mutant is opened without it."""


def judged(name: str) -> Tally:
    """Seal anew, as the platform is now, and try the family."""
    world = mutants.build()
    for each in STORED:
        if each.__name__ == name:
            return mutants.judge(world, each)
    small = next(each for each in SMALL_ONES if each.__name__ == name)
    return mutants.judge_small(world, small)


class TestWithoutAGuard:
    """A mutant is opened: so it was this guard that refused it."""

    @pytest.mark.parametrize("guard", CONTROLS)
    def test_some_mutant_is_accepted(self, guard, monkeypatch):
        take_out, family = CONTROLS[guard]

        take_out(monkeypatch)

        assert judged(family).accepted > 0

    def test_bytes_come_out_behind_the_first_bad_segment(self, monkeypatch):
        without_tags(monkeypatch)

        assert judged("small_bits").bytes_behind > 0

    def test_a_relabelled_record_is_accepted_where_no_place_binds_the_context(
        self, monkeypatch
    ):
        for take_out in UNBOUND.values():
            take_out(monkeypatch)
        monkeypatch.setattr(key_record.KeyRecord, "data", property(bare_data))

        assert judged("relabelled").accepted > 0

    @pytest.mark.parametrize("left", UNBOUND)
    def test_it_is_refused_where_one_place_does(self, left, monkeypatch):
        for place, take_out in UNBOUND.items():
            if place != left:
                take_out(monkeypatch)
        monkeypatch.setattr(key_record.KeyRecord, "data", property(bare_data))

        assert mutants.is_refused(judged("relabelled"))


HEAD: Final = key_record.KeyRecord.__dict__["head"].func


def bare_data(record: key_record.KeyRecord) -> bytes:
    """Return the record as it is stored, whatever is bound."""
    stored: bytes = HEAD(record) + record.wrapped
    return stored
