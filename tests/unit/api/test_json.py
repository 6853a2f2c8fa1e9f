"""What a body's JSON may be, before anyone looks at its fields (R-API-10)."""

from __future__ import annotations

import json

import pytest

from sr_core.codec.canonical import DEPTH_MAX, parse_json
from sr_core.domain.errors import MalformedInput


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


class TestDepth:
    """JSON nests as deep as is allowed, and no deeper."""

    def test_the_deepest_that_is_allowed_is_read(self):
        assert parse_json(nested(DEPTH_MAX), what="body") is not None

    @pytest.mark.parametrize("levels", [DEPTH_MAX + 1, 500, 100_000])
    def test_one_level_more_is_refused(self, levels):
        with pytest.raises(MalformedInput):
            parse_json(nested(levels), what="body")

    def test_maps_count_as_lists_do(self):
        deep = json.loads(nested(DEPTH_MAX - 1))

        with pytest.raises(MalformedInput):
            parse_json(json.dumps({"a": {"b": deep}}).encode(), what="body")


class TestKeys:
    """A key stands once, at every level."""

    @pytest.mark.parametrize("body", [b'{"a":1,"a":2}', b'[{"b":{"a":1,"a":1}}]'])
    def test_a_repeated_key_is_named(self, body):
        with pytest.raises(MalformedInput, match="repeated key a"):
            parse_json(body, what="body")
