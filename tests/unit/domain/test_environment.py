"""Where oracles ran, against where they had to (SPEC 7.6, C-OR-3)."""

from typing import Any

import pytest

from sr_core.domain.environment import (
    EnvironmentConstraints,
    NetworkMode,
    inputs_of,
    unmet,
)
from sr_core.domain.errors import MalformedInput
from sr_core.testing import FINGERPRINT, SOME_HASH

MEASURED = {
    **FINGERPRINT,
    "sandbox": "bubblewrap 0.11.0",
    "arch": "x86_64",
    "os": "linux",
    "container_image_digest": SOME_HASH,
    "runner_id": "ci",
    "tool python": "3.11.2",
}


@pytest.mark.parametrize(
    ("constraints", "met"),
    [
        ({}, True),
        ({"runtime": "bubblewrap"}, True),
        ({"runtime": "bubblewrap 0.11.0"}, True),
        ({"runtime": "bubblewrap 0.10.0"}, False),
        ({"runtime": "runsc"}, False),
        ({"cpu_arch": "amd64"}, True),
        ({"cpu_arch": "x86_64"}, True),
        ({"cpu_arch": "arm64"}, False),
        ({"os": "linux"}, True),
        ({"os": "plan9"}, False),
        ({"oci_image_digest": SOME_HASH}, True),
        ({"oci_image_digest": "sha256:0"}, False),
        ({"oci_image": "whatever:1"}, True),
        ({"runner": "ci"}, True),
        ({"runner": "laptop"}, False),
        ({"network": NetworkMode.RESTRICTED}, False),
        ({"workspace_readonly": False}, True),
        ({"additional_constraints": {"tool python": "3.11.2"}}, True),
        ({"additional_constraints": {"tool python": "3.12.0"}}, False),
        ({"additional_constraints": {"postgres_available": "true"}}, False),
    ],
    ids=str,
)
def test_each_demand_is_held_against_what_was_measured(constraints, met):
    assert (unmet(EnvironmentConstraints(**constraints), MEASURED) == ()) is met


@pytest.mark.parametrize("name", ["network", "candidate_writable"])
def test_what_was_not_measured_is_not_met(name):
    measured = {it: value for it, value in MEASURED.items() if it != name}

    (violation,) = unmet(EnvironmentConstraints(), measured)

    assert violation.actual is None
    assert violation.reason.endswith("and nothing was observed")


def test_both_sides_are_told():
    (violation,) = unmet(EnvironmentConstraints(os="plan9"), MEASURED)

    assert (violation.constraint, violation.expected, violation.actual) == (
        "os",
        "plan9",
        "linux",
    )


def test_the_older_names_of_a_fingerprint_are_read():
    older = {
        "network_mode": "disabled",
        "workspace_readonly": "true",
        "runtime": "runsc",
    }

    assert unmet(EnvironmentConstraints(runtime="runsc"), older) == ()


def test_a_workspace_that_could_be_written_is_told():
    written = {**MEASURED, "candidate_writable": "true"}

    (violation,) = unmet(EnvironmentConstraints(), written)

    assert (violation.expected, violation.actual) == ("true", "false")


@pytest.mark.parametrize("value", ["", 257 * "a"], ids=["nothing", "too much"])
@pytest.mark.parametrize("name", ["os", "runner", "additional_constraints"])
def test_a_constraint_has_bounds(name, value):
    given: Any = {"a": value} if name == "additional_constraints" else value
    constraints: dict[str, Any] = {name: given}

    with pytest.raises(MalformedInput, match="environment_constraints"):
        EnvironmentConstraints(**constraints)


def test_so_has_their_number():
    many = {f"a{n}": "b" for n in range(65)}

    with pytest.raises(MalformedInput, match="additional_constraints: found 65"):
        EnvironmentConstraints(additional_constraints=many)


def test_what_is_of_the_moment_is_no_input():
    assert inputs_of({"os": "linux", "executed_at": "now"}) == {"os": "linux"}
