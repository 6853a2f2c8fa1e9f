"""What an oracle suite consists of; the hash of all of it is the suite's (SPEC 7.4).

Nothing here may be left out of the hash, and nothing is accepted that the platform does
not keep to: a field that is only written down would promise what nobody does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sr_core.domain.environment import EnvironmentConstraints
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import OracleId, SuiteId, parse_oracle_id, parse_suite_id
from sr_core.domain.refs import ContentHash

TIMEOUT_S_MAX: Final = 3600
ORACLES_MAX: Final = 64
OUTPUTS_MAX: Final = 64
ENV_MAX: Final = 64
_CHARS_MAX: Final = 4096

RESERVED_ENV: Final = frozenset(
    {"HOME", "LC_ALL", "PATH", "PWD", "SR_CANDIDATE", "SR_SCRATCH"}
)
"""The names that the sandbox itself sets for every oracle."""

_ENV_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class Classification(StrEnum):
    """Whether an oracle's word decides (SPEC 7.4)."""

    REQUIRED = "required"
    ADVISORY = "advisory"
    OPTIONAL = "optional"


class OutputRole(StrEnum):
    """What a file that an oracle leaves is for.

    An artifact belongs to the judgement: two runs over the same inputs that leave
    different ones are no judgement (C-OR-5). A log or a report may differ, if only by
    the time of day.
    """

    REPORT = "report"
    LOG = "log"
    ARTIFACT = "artifact"


class OnFlake(StrEnum):
    """What becomes of an oracle that judges the same inputs in two ways (SPEC 7.4)."""

    STOP_THE_LINE = "stop_the_line"
    WARN_ONLY = "warn_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedOutput:
    """A file that an oracle leaves in its scratch folder, beside its report."""

    path: str
    media_type: str = "application/octet-stream"
    role: OutputRole = OutputRole.ARTIFACT
    required: bool = True

    def __post_init__(self) -> None:
        _require_inside("expected_outputs.path", self.path)
        named = re.fullmatch(r"[\w.+-]+/[\w.+-]+", self.media_type)
        _require(
            named is not None,
            "expected_outputs.media_type",
            self.media_type,
            "a media type, such as text/plain",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticTarget:
    """The axis of a semantic set that an oracle measures, the set pinned by its hash."""

    semantic_set_id: str
    semantic_set_hash: ContentHash
    target_axis: str

    def __post_init__(self) -> None:
        for name in ("semantic_set_id", "target_axis"):
            value = getattr(self, name)
            _require(0 < len(value) <= _CHARS_MAX, name, value, "a name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """One program that judges.

    `argv` is run without a shell, in `working_dir` below the candidate's folder. It
    leaves its result, of the form ``sr.oracle_result.v1``, in the scratch folder under
    `report`.
    """

    oracle_id: OracleId
    argv: tuple[str, ...]
    report: str
    classification: Classification = Classification.REQUIRED
    timeout_s: float = 600
    oracle_name: str = ""
    purpose: str = ""
    retries: int = 0
    expected_outputs: tuple[ExpectedOutput, ...] = ()
    working_dir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    semantic: SemanticTarget | None = None

    def __post_init__(self) -> None:
        parse_oracle_id(self.oracle_id)
        _require(bool(self.argv), "argv", self.argv, "a program and its arguments")
        _require(
            0 < self.timeout_s <= TIMEOUT_S_MAX,
            "timeout_s",
            self.timeout_s,
            "0 to 3600 seconds",
        )
        inside = self.report.startswith("reports/") and ".." not in self.report
        _require(inside, "report", self.report, "a path below reports/")
        _require(
            self.retries == 0,
            "retries",
            self.retries,
            "0: a pass after a retry would hide that the oracle is flaky",
        )
        if self.working_dir:
            _require_inside("working_dir", self.working_dir)
        self._check_outputs()
        self._check_env()

    def _check_outputs(self) -> None:
        paths = [each.path for each in self.expected_outputs]
        once = len({*paths, self.report}) == len(paths) + 1
        _require(once, "expected_outputs", paths, "each path once, the report apart")
        _require(
            len(paths) <= OUTPUTS_MAX,
            "expected_outputs",
            len(paths),
            f"{OUTPUTS_MAX} at most",
        )
        for each in self.expected_outputs:
            _require(
                each.role is not OutputRole.REPORT,
                "expected_outputs.role",
                each.path,
                "one report, and log or artifact for the rest",
            )

    def _check_env(self) -> None:
        _require(len(self.env) <= ENV_MAX, "env", len(self.env), f"{ENV_MAX} at most")
        for name, value in self.env.items():
            _require(
                _ENV_NAME.fullmatch(name) is not None and name not in RESERVED_ENV,
                "env",
                name,
                "names of letters, digits and underscores, none that the sandbox sets",
            )
            _require(
                len(value) <= _CHARS_MAX and "\0" not in value,
                f"env.{name}",
                value[:80],
                f"{_CHARS_MAX} characters at most",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlakePolicy:
    """What becomes of flaky oracles; a required one always stops the line (C-OR-5)."""

    required: OnFlake = OnFlake.STOP_THE_LINE
    advisory: OnFlake = OnFlake.WARN_ONLY

    def __post_init__(self) -> None:
        _require(
            self.required is OnFlake.STOP_THE_LINE,
            "flake_policy.required",
            self.required,
            f"{OnFlake.STOP_THE_LINE}: a required oracle has to be deterministic",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCapturePolicy:
    """What of an oracle's outputs is kept; without the last two nothing is evidence."""

    stdout: bool = True
    stderr: bool = True
    fingerprint: bool = True
    artifact_hashes: bool = True

    def __post_init__(self) -> None:
        for name in ("fingerprint", "artifact_hashes"):
            _require(
                getattr(self, name),
                f"evidence_capture_policy.{name}",
                found=False,
                expected="true: a bundle without it is no evidence",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteDefinition:
    """A complete suite; its hash covers every field."""

    suite_id: SuiteId
    oracles: tuple[Oracle, ...]
    suite_version: str = "1.0.0"
    description: str = ""
    determinism_required: bool = True
    environment_constraints: EnvironmentConstraints = field(
        default_factory=EnvironmentConstraints
    )
    flake_policy: FlakePolicy = field(default_factory=FlakePolicy)
    evidence_capture_policy: EvidenceCapturePolicy = field(
        default_factory=EvidenceCapturePolicy
    )
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parse_suite_id(self.suite_id)
        names = [each.oracle_id for each in self.oracles]
        _require(len(set(names)) == len(names), "oracles", names, "each oracle once")
        _require(bool(self.required), "oracles", names, "at least one required oracle")
        _require(
            len(names) <= ORACLES_MAX, "oracles", len(names), f"{ORACLES_MAX} at most"
        )
        version = re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", self.suite_version)
        _require(
            version is not None,
            "suite_version",
            self.suite_version,
            "a version such as 1.0.0",
        )

    @property
    def required(self) -> frozenset[OracleId]:
        """The oracles whose word decides."""
        return frozenset(
            each.oracle_id
            for each in self.oracles
            if each.classification is Classification.REQUIRED
        )

    @property
    def stopped_by_flakes_of(self) -> frozenset[OracleId]:
        """The oracles whose flakes stop the line."""
        if self.flake_policy.advisory is OnFlake.WARN_ONLY:
            return self.required
        return frozenset(each.oracle_id for each in self.oracles)


def _require_inside(name: str, path: str) -> None:
    parts = path.split("/")
    inside = all(parts) and not {".", ".."} & set(parts) and "\0" not in path
    _require(
        inside and len(path) <= _CHARS_MAX,
        name,
        path,
        "a relative path without . or ..",
    )


def _require(holds: bool, field: str, found: object, expected: str) -> None:  # noqa: FBT001 - the condition is the point
    if not holds:
        raise MalformedInput(field=field, found=found, expected=expected)
