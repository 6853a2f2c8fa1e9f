"""Each row of the log against the one before, its envelope and its hashes (R-EVT-9)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sr_core.application.log_check import (
    Before,
    Fault,
    after,
    check_head,
    check_row,
)
from sr_core.codec.canonical import canonical
from sr_core.codec.log_row import COLUMNS
from sr_core.domain.chain import CHAIN_START, link
from sr_core.domain.refs import hash_bytes
from sr_core.ports.log_record import LogHead, LogRow

SAID: dict[str, object] = {
    "event_id": "evt_1",
    "stream_id": "loop:a",
    "stream_kind": "LOOP",
    "stream_seq": 1,
    "event_type": "LoopActivated",
    "actor_kind": "HUMAN",
    "actor_id": "ada",
    "occurred_at": "2026-01-09T12:00:00.000001Z",
    "correlation_id": None,
}


def a_row(
    *, position: int = 1, before: bytes = CHAIN_START, envelope: bytes | None = None
) -> LogRow:
    data = canonical(SAID) if envelope is None else envelope
    return LogRow(
        position=position,
        event_id="evt_1",
        stream_id="loop:a",
        stream_kind="LOOP",
        stream_seq=1,
        event_type="LoopActivated",
        actor_kind="HUMAN",
        actor_id="ada",
        occurred_at="2026-01-09T12:00:00.000001Z",
        correlation_id=None,
        envelope=data,
        envelope_hash=hash_bytes(data),
        chain_hash=link(before, max(position, 0), hash_bytes(data)),
    )


def found(row: LogRow, before: Before | None = None) -> list[tuple[Fault, int | None]]:
    findings = check_row(before or Before(), row)
    return [(each.fault, each.position) for each in findings]


class TestARow:
    def test_that_follows_holds(self):
        first = a_row()
        second = a_row(position=2, before=first.chain_hash)

        assert found(first) == found(second, after(first)) == []

    @pytest.mark.parametrize(
        ("position", "named"),
        [(3, 2), (1, 1), (-7, -7)],
        ids=["hole", "twice", "below"],
    )
    def test_that_does_not_follow_is_a_gap(self, position, named):
        first = a_row()

        assert found(a_row(position=position), after(first)) == [(Fault.GAP, named)]

    def test_whose_chain_starts_elsewhere_is_found(self):
        assert found(a_row(before=bytes(31) + b"\1")) == [(Fault.CHAIN, 1)]

    @pytest.mark.parametrize("text", ["", "sha256:", "sha256:" + "0" * 64, "md5:00"])
    def test_whose_hash_is_another_or_none_is_found(self, text):
        row = replace(a_row(), envelope_hash=text)

        assert (Fault.ENVELOPE_HASH, 1) in found(row)

    @pytest.mark.parametrize("column", COLUMNS)
    def test_whose_column_says_something_else_is_found(self, column):
        other: dict[str, Any] = {column: 2 if column == "stream_seq" else "other"}

        assert found(replace(a_row(), **other)) == [(Fault.COLUMN, 1)]

    @pytest.mark.parametrize("column", COLUMNS)
    def test_whose_envelope_does_not_say_it_is_found(self, column):
        said = {name: value for name, value in SAID.items() if name != column}

        assert found(a_row(envelope=canonical(said))) == [(Fault.COLUMN, 1)]

    @pytest.mark.parametrize(
        "envelope",
        [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b'{"a":1,"a":1}'],
    )
    def test_whose_envelope_is_none_is_found(self, envelope):
        assert found(a_row(envelope=envelope)) == [(Fault.COLUMN, 1)]

    def test_whose_number_is_a_truth_value_is_found(self):
        """Python would take true for 1."""
        envelope = canonical({**SAID, "stream_seq": True})

        assert found(a_row(envelope=envelope)) == [(Fault.COLUMN, 1)]


class TestTheHead:
    END = Before(position=7, chain_hash=bytes(32))

    def test_that_is_the_end_holds(self):
        assert (
            list(check_head(self.END, LogHead(position=7, chain_hash=bytes(32)))) == []
        )

    @pytest.mark.parametrize(
        ("head", "position"),
        [
            (LogHead(position=9, chain_hash=bytes(32)), 8),
            (LogHead(position=5, chain_hash=bytes(32)), 6),
            (LogHead(position=7, chain_hash=b"\1" * 32), 7),
            (None, None),
        ],
        ids=["further", "earlier", "another hash", "none"],
    )
    def test_that_is_elsewhere_is_found(self, head, position):
        (finding,) = check_head(self.END, head)

        assert (finding.fault, finding.position) == (Fault.HEAD, position)
