"""What malformed input is told as: where it was found, what it was, what to give."""

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import parse_ref


class TestWithin:
    """A part of a larger input is named by the whole path to it."""

    def test_only_the_place_is_told_anew(self):
        with pytest.raises(MalformedInput) as caught:
            parse_ref("NO_SUCH_KIND", "x", "about", {})
        inner = caught.value

        outer = inner.within("refs[2]").within("approval")

        assert outer.field == f"approval: refs[2]: {inner.field}"
        assert (outer.value, outer.expected) == (inner.value, inner.expected)
        assert (outer.code, outer.remedy) == (inner.code, inner.remedy)
        assert str(outer).startswith(f"approval: refs[2]: {inner}")

    def test_what_was_caught_stays_as_it_was(self):
        inner = MalformedInput(field="kind", found="x", expected="a kind")

        inner.within("ref")

        assert inner.field == "kind"
