"""What is secret in scenarios is found in every form that it would be copied in."""

import base64

import pytest

from pytest_sr.world.clear import SECRET, is_in_clear


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize(
    "form", [bytes, base64.b64encode, lambda data: data.hex().encode()]
)
def test_it_is_found_wherever_it_begins(before, after, form):
    data = b"#" * before + SECRET + b"#" * after

    assert is_in_clear(b"around " + form(data) + b" it")


@pytest.mark.parametrize("data", [b"", SECRET[1:], SECRET[:-1], SECRET[::-1]])
def test_less_of_it_is_not_it(data):
    assert not is_in_clear(data)


def test_other_base64_is_not_it():
    assert not is_in_clear(base64.b64encode(SECRET[::-1]))
