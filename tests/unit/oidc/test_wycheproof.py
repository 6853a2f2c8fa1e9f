"""Every signature vector of Wycheproof's JOSE sets, through our filter and parser."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sr_core.adapters.oidc.key_set import ALGORITHMS, parse_key_set
from sr_core.adapters.oidc.tokens import parse_jws, verify_signature
from sr_core.ports.identity import NotAuthenticated

VECTORS = Path(__file__).parents[2] / "vectors" / "wycheproof"


def load(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every vector of `name` that is a JWS, with the keys of its group."""
    groups = json.loads((VECTORS / name).read_text())["testGroups"]
    return [
        (group.get("public", group["private"]), test)
        for group in groups
        for test in group["tests"]
        if "jws" in test
    ]


def is_accepted(keys: dict[str, Any], token: Any) -> bool:
    token = token if isinstance(token, str) else json.dumps(token)
    answer = json.dumps(keys if "keys" in keys else {"keys": [keys]}).encode()
    try:
        jws = parse_jws(token)
        key = parse_key_set(answer).keys.get(jws.kid)
        if key is None:
            return False
        verify_signature(jws, key)
    except NotAuthenticated:
        return False
    return True


def is_ours(test: dict[str, Any]) -> bool:
    """Whether the vector is valid and of a kind that we allow."""
    if test["result"] != "valid" or not isinstance(test["jws"], str):
        return False
    header = test["jws"].split(".")[0]
    members = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    return members["alg"] in ALGORITHMS and members.keys() <= {"alg", "kid", "typ"}


@pytest.mark.parametrize(
    ("name", "total", "accepted"),
    [
        ("json_web_signature_test.json", 401, 16),
        ("json_web_crypto_test.json", 49, 2),
    ],
)
def test_what_is_valid_and_ours_is_accepted_and_nothing_else(name, total, accepted):
    vectors = load(name)

    wrong = [
        f"{test['tcId']} {test['comment']}: {test['result']}, accepted {found}"
        for keys, test in vectors
        if (found := is_accepted(keys, test["jws"])) is not is_ours(test)
    ]
    ours = sum(is_ours(test) for _, test in vectors)

    assert not wrong, f"{len(wrong)} of {len(vectors)} vectors: {wrong}"
    assert (len(vectors), ours) == (total, accepted), (
        f"{len(vectors)} vectors were run, {ours} of them to be accepted"
    )
