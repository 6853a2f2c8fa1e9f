"""Where oracles ran: what a suite demands of the place, against what was measured there.

A fingerprint is measured inside the sandbox by whoever ran the oracles; nothing of it is
copied from the suite, so a comparison can come out either way (C-OR-3, SPEC 7.6).
A constraint that nothing was measured for is not met.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sr_core.domain.errors import MalformedInput
from sr_core.domain.violation import Violation, mismatched

CONSTRAINTS_MAX: Final = 64
_CHARS_MAX: Final = 256

_OBSERVED_AS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "cpu_arch": ("cpu_arch", "arch"),
        "network": ("network", "network_mode"),
        "oci_image_digest": ("container_image_digest", "oci_image_digest"),
        "os": ("os",),
        "runner": ("runner", "runner_id"),
        "runtime": ("runtime", "sandbox"),
        "workspace_readonly": ("workspace_readonly",),
    }
)
"""The names under which a fingerprint may say what a constraint asks for."""

_SAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aarch64": "arm64",
        "none": "disabled",
        "x86_64": "amd64",
    }
)
"""Words for the same thing; the second one is compared."""

_OF_THE_MOMENT: Final = frozenset(
    {"executed_at", "runner", "runner_id", "visible_pids"}
)
"""What differs from run to run though the environment is the same."""


class NetworkMode(StrEnum):
    """What of the network an oracle may reach (SPEC 7.4)."""

    DISABLED = "disabled"
    RESTRICTED = "restricted"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentConstraints:
    """What a suite demands of the place it runs in; None is no demand.

    `additional_constraints` holds further facts of the fingerprint by their names.
    """

    network: NetworkMode = NetworkMode.DISABLED
    workspace_readonly: bool = True
    runner: str | None = None
    runtime: str | None = None
    oci_image: str | None = None
    """What the digest is known as; it is the digest that is compared."""
    oci_image_digest: str | None = None
    cpu_arch: str | None = None
    os: str | None = None
    additional_constraints: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {
            "runner": self.runner,
            "runtime": self.runtime,
            "oci_image": self.oci_image,
            "oci_image_digest": self.oci_image_digest,
            "cpu_arch": self.cpu_arch,
            "os": self.os,
            **self.additional_constraints,
        }
        for name, value in named.items():
            if value is not None and not 0 < len(value) <= _CHARS_MAX:
                raise MalformedInput(
                    field=f"environment_constraints.{name}",
                    found=value[:_CHARS_MAX],
                    expected=f"1 to {_CHARS_MAX} characters",
                )
        if len(self.additional_constraints) > CONSTRAINTS_MAX:
            raise MalformedInput(
                field="environment_constraints.additional_constraints",
                found=len(self.additional_constraints),
                expected=f"{CONSTRAINTS_MAX} at most",
            )


def unmet(
    constraints: EnvironmentConstraints, fingerprint: Mapping[str, str]
) -> tuple[Violation, ...]:
    """Return each constraint that the fingerprint does not meet, with both sides."""
    return tuple(_unmet(constraints, fingerprint))


def inputs_of(fingerprint: Mapping[str, str]) -> Mapping[str, str]:
    """Return what of the fingerprint is an input of a judgement (C-OR-5)."""
    return {
        name: value for name, value in fingerprint.items() if name not in _OF_THE_MOMENT
    }


def _unmet(
    constraints: EnvironmentConstraints, fingerprint: Mapping[str, str]
) -> Iterator[Violation]:
    for name, expected in sorted(_demanded(constraints).items()):
        actual = _observed(name, fingerprint)
        if actual is None or not _meets(name, expected, actual):
            yield mismatched(name, expected=expected, actual=actual)


def _demanded(constraints: EnvironmentConstraints) -> Mapping[str, str]:
    demands = {
        "cpu_arch": constraints.cpu_arch,
        "network": constraints.network,
        "oci_image_digest": constraints.oci_image_digest,
        "os": constraints.os,
        "runner": constraints.runner,
        "runtime": constraints.runtime,
        "workspace_readonly": "true" if constraints.workspace_readonly else None,
        **constraints.additional_constraints,
    }
    return {name: value for name, value in demands.items() if value is not None}


def _observed(name: str, fingerprint: Mapping[str, str]) -> str | None:
    """Return what was measured of the constraint, under whichever name it was."""
    for known in _OBSERVED_AS.get(name, (name,)):
        if known in fingerprint:
            return fingerprint[known]
    if name == "workspace_readonly" and "candidate_writable" in fingerprint:
        return "false" if fingerprint["candidate_writable"] == "true" else "true"
    return None


def _meets(name: str, expected: str, actual: str) -> bool:
    if name == "runtime":  # a version may be asked for, or not
        return actual == expected or actual.split(" ", maxsplit=1)[0] == expected
    return _SAME.get(actual, actual) == _SAME.get(expected, expected)
