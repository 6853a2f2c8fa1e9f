"""Bodies of oracle suites, and the definitions that they stand for (SPEC 5.6, 7.4)."""

from __future__ import annotations

import shlex
from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose
from sr_core.domain.environment import EnvironmentConstraints, NetworkMode
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import SuiteId, parse_oracle_id, parse_suite_id
from sr_core.domain.oracle_suite import (
    Classification,
    ExpectedOutput,
    Oracle,
    OutputRole,
    SemanticTarget,
    SuiteDefinition,
)
from sr_core.domain.refs import parse_content_hash
from sr_core.domain.suite_definition import (
    ENV_MAX,
    ORACLES_MAX,
    OUTPUTS_MAX,
    EvidenceCapturePolicy,
    FlakePolicy,
)

Text = Annotated[str, Meta(max_length=20_000)]
Argument = Annotated[str, Meta(max_length=20_000)]
Arguments = Annotated[list[Argument], Meta(min_length=1, max_length=256)]
Pairs = Annotated[dict[str, str], Meta(max_length=ENV_MAX)]


class OutputBody(Body):
    """A file that an oracle leaves."""

    path: Name
    content_type: Name = "application/octet-stream"
    role: OutputRole = OutputRole.ARTIFACT
    required: bool = True


class NewOracle(Body):
    """One oracle of a suite.

    Its program stands in `command`, as a list or as one text that is split like a shell
    splits it, though none reads it; or in `argv`. Its report stands in `report`, or among
    the expected outputs with the role report, or is the only required one of JSON.
    """

    oracle_id: Name
    oracle_name: Text = ""
    purpose: Text = ""
    command: Arguments | Prose | None = None
    argv: Arguments | None = None
    report: Name | None = None
    classification: Classification = Classification.REQUIRED
    timeout_seconds: Annotated[float, Meta(gt=0, le=3600)] | None = None
    timeout_s: Annotated[float, Meta(gt=0, le=3600)] | None = None
    retries: Annotated[int, Meta(ge=0)] = 0
    expected_outputs: Annotated[list[OutputBody], Meta(max_length=OUTPUTS_MAX)] = (
        msgspec.field(default_factory=list)
    )
    working_dir: Text = ""
    env: Pairs = msgspec.field(default_factory=dict)
    semantic_set_id: Name | None = None
    semantic_set_hash: Name | None = None
    target_axis: Name | None = None


class ConstraintsBody(Body):
    """What a suite demands of the place it runs in."""

    runner: Name | None = None
    runtime: Name | None = None
    network: NetworkMode = NetworkMode.DISABLED
    oci_image_digest: Name | None = None
    cpu_arch: Name | None = None
    os: Name | None = None
    workspace_readonly: bool = True
    additional_constraints: Annotated[list[Name], Meta(max_length=64)] = msgspec.field(
        default_factory=list
    )


class SuiteBody(Body, kw_only=True):
    """The complete definition of a suite, but for its name."""

    oracles: Annotated[list[NewOracle], Meta(min_length=1, max_length=ORACLES_MAX)]
    suite_version: Name = "1.0.0"
    description: Text = ""
    determinism_required: bool = True
    oci_image: Name | None = None
    oci_image_digest: Name | None = None
    environment_constraints: ConstraintsBody = msgspec.field(
        default_factory=ConstraintsBody
    )
    flake_policy: FlakePolicy = msgspec.field(default_factory=FlakePolicy)
    evidence_capture_policy: EvidenceCapturePolicy = msgspec.field(
        default_factory=EvidenceCapturePolicy
    )
    metadata: Pairs = msgspec.field(default_factory=dict)

    def definition(self, suite_id: str) -> SuiteDefinition:
        """Return the suite that this stands for, or raise `MalformedInput`."""
        return _definition(parse_suite_id(suite_id), self)


class NewSuite(SuiteBody, kw_only=True):
    """Register an oracle suite."""

    suite_id: Name


class NewBase(SuiteBody, kw_only=True):
    """Decide that a suite is another one from now on."""

    rationale: Prose
    approval_id: Name | None = None


def _definition(suite_id: SuiteId, body: SuiteBody) -> SuiteDefinition:
    return SuiteDefinition(
        suite_id=suite_id,
        suite_version=body.suite_version,
        description=body.description,
        determinism_required=body.determinism_required,
        environment_constraints=_constraints(body),
        oracles=tuple(_oracle(each) for each in body.oracles),
        flake_policy=body.flake_policy,
        evidence_capture_policy=body.evidence_capture_policy,
        metadata=body.metadata,
    )


def _constraints(body: SuiteBody) -> EnvironmentConstraints:
    said = body.environment_constraints
    digests = {it for it in (body.oci_image_digest, said.oci_image_digest) if it}
    if len(digests) > 1:
        raise MalformedInput(
            field="oci_image_digest", found=sorted(digests), expected="one digest"
        )
    pairs = [each.partition("=") for each in said.additional_constraints]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise MalformedInput(
                field="environment_constraints.additional_constraints",
                found=f"{name}{equals}{value}",
                expected="constraints of the form name=value",
            )
    return EnvironmentConstraints(
        network=said.network,
        workspace_readonly=said.workspace_readonly,
        runner=said.runner,
        runtime=said.runtime,
        oci_image=body.oci_image,
        oci_image_digest=next(iter(digests), None),
        cpu_arch=said.cpu_arch,
        os=said.os,
        additional_constraints={name: value for name, _, value in pairs},
    )


def _oracle(told: NewOracle) -> Oracle:
    body = _with_report(told)
    return Oracle(
        oracle_id=parse_oracle_id(body.oracle_id),
        oracle_name=body.oracle_name,
        purpose=body.purpose,
        argv=_argv(body),
        report=_report(body),
        classification=body.classification,
        timeout_s=_timeout_s(body),
        retries=body.retries,
        expected_outputs=tuple(
            ExpectedOutput(
                path=each.path,
                media_type=each.content_type,
                role=each.role,
                required=each.required,
            )
            for each in body.expected_outputs
            if each.role is not OutputRole.REPORT
        ),
        working_dir=body.working_dir,
        env=body.env,
        semantic=_semantic(body),
    )


def _argv(body: NewOracle) -> tuple[str, ...]:
    """Return the program and its arguments, which no shell ever reads."""
    field = f"command of {body.oracle_id}"
    if (body.command is None) == (body.argv is None):
        raise MalformedInput(
            field=field, found="both or neither", expected="either command or argv"
        )
    given = body.command if body.command is not None else body.argv
    if not isinstance(given, str):
        return tuple(given or ())
    try:
        return tuple(shlex.split(given))
    except ValueError as error:
        raise MalformedInput(
            field=field,
            found=f"{given!r} ({error})",
            expected="words and closed quotes",
        ) from error


def _with_report(body: NewOracle) -> NewOracle:
    """Return the body, in which the only JSON there is counts as the report."""
    if body.report or any(it.role is OutputRole.REPORT for it in body.expected_outputs):
        return body
    found = [it for it in body.expected_outputs if it.required and _is_json(it)]
    if len(found) != 1:
        return body
    rest = [it for it in body.expected_outputs if it is not found[0]]
    return msgspec.structs.replace(body, report=found[0].path, expected_outputs=rest)


def _is_json(output: OutputBody) -> bool:
    return output.content_type == "application/json"


def _report(body: NewOracle) -> str:
    reports = [it.path for it in body.expected_outputs if it.role is OutputRole.REPORT]
    named = [*reports, *([body.report] if body.report else [])]
    if len(named) != 1:
        raise MalformedInput(
            field=f"report of {body.oracle_id}",
            found=named,
            expected="one report: as report, as an expected output of that role, or as "
            "the only required output of JSON",
        )
    return named[0]


def _timeout_s(body: NewOracle) -> float:
    given = [it for it in (body.timeout_seconds, body.timeout_s) if it is not None]
    if len(given) > 1:
        raise MalformedInput(
            field=f"timeout of {body.oracle_id}",
            found=given,
            expected="either timeout_seconds or timeout_s",
        )
    return given[0] if given else 600


def _semantic(body: NewOracle) -> SemanticTarget | None:
    said = (body.semantic_set_id, body.semantic_set_hash, body.target_axis)
    named, pinned, axis = said
    if named is None and pinned is None and axis is None:
        return None
    if named is None or pinned is None or axis is None:
        raise MalformedInput(
            field=f"semantic set of {body.oracle_id}",
            found=[each for each in said if each],
            expected="semantic_set_id, semantic_set_hash and target_axis, or none",
        )
    return SemanticTarget(
        semantic_set_id=named,
        semantic_set_hash=parse_content_hash(pinned),
        target_axis=axis,
    )
