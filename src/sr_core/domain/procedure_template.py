"""The procedure template: the stages that a kind of work goes through, and their gates.

    initial stage --pass--> ... --pass--> terminal stage --pass--> "terminal"

Each stage says what it is to leave, which suites judge it, and whether a human has to
approve it. The rule of a gate is computed from evidence; where a human is needed too, the
stage names one of the three portals and the request type that is made there.

Clauses: SPEC 7.10 (structure), SPEC 4.6 (stages), SPEC 1.2 (hash), appendix A 2, 17, 24.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sr_core.domain.bounds import (
    require_count,
    require_distinct,
    require_line,
    require_path,
    require_prose,
)
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.ids import (
    StageId,
    SuiteId,
    TemplateId,
    parse_stage_id,
    parse_suite_id,
    parse_template_id,
)
from sr_core.domain.intake import WorkKind
from sr_core.domain.integrity import Portal

TERMINAL: Final = "terminal"
"""Where the last stage leads."""

STAGES_MAX: Final = 32
ENTRIES_MAX: Final = 64
_VERSION: Final = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}")


class OutputRole(StrEnum):
    """What part an output plays."""

    ARTIFACT = "artifact"
    CANDIDATE = "candidate"
    EVIDENCE = "evidence"
    LOG = "log"
    REPORT = "report"


class GateRule(StrEnum):
    """How a stage's gate follows from its evidence (SPEC 4.6, appendix A 17)."""

    ALL_REQUIRED_ORACLES_PASS = "all_required_oracles_pass"  # noqa: S105 - a rule


class StageRequest(StrEnum):
    """What a stage's approval is asked for as; each is a request type of one portal."""

    ENG_ACCEPT = "ENG_ACCEPT"
    PROCEDURE_CHANGE = "PROCEDURE_CHANGE"
    RELEASE_APPROVAL = "RELEASE_APPROVAL"


REQUEST_AT: Final[Mapping[Portal, StageRequest]] = MappingProxyType(
    {
        Portal.EXCEPTION: StageRequest.ENG_ACCEPT,
        Portal.GOVERNANCE: StageRequest.PROCEDURE_CHANGE,
        Portal.RELEASE: StageRequest.RELEASE_APPROVAL,
    }
)
"""The request that approves a stage at each portal; there are no other portals."""
assert REQUEST_AT.keys() == set(Portal), "every portal can approve a stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredOutput:
    """One file that a stage is to leave."""

    path: str
    role: OutputRole
    media_type: str

    def __post_init__(self) -> None:
        require_path(self.path, field="required_outputs.path")
        require_line(self.media_type, field="required_outputs.media_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of a template."""

    stage_id: StageId
    stage_name: str
    purpose: str
    required_oracle_suites: tuple[SuiteId, ...]
    transition_on_pass: str
    """The stage that follows, or ``terminal``."""
    required_outputs: tuple[RequiredOutput, ...] = ()
    guideposts: tuple[str, ...] = ()
    gate_rule: GateRule = GateRule.ALL_REQUIRED_ORACLES_PASS
    requires_approval: bool = False
    requires_portal: bool = False
    portal_id: Portal | None = None

    def __post_init__(self) -> None:
        parse_stage_id(self.stage_id)
        require_line(self.stage_name, field=f"{self.stage_id}.stage_name")
        require_prose(self.purpose, field=f"{self.stage_id}.purpose")
        require_count(
            self.required_oracle_suites,
            field=f"{self.stage_id}.required_oracle_suites",
            most=ENTRIES_MAX,
            least=1,
        )
        require_distinct(
            self.required_oracle_suites,
            field=f"{self.stage_id}.required_oracle_suites",
        )
        for suite in self.required_oracle_suites:
            parse_suite_id(suite)
        require_count(
            self.required_outputs,
            field=f"{self.stage_id}.required_outputs",
            most=ENTRIES_MAX,
        )
        require_distinct(
            [each.path for each in self.required_outputs],
            field=f"{self.stage_id}.required_outputs",
        )
        require_count(
            self.guideposts, field=f"{self.stage_id}.guideposts", most=ENTRIES_MAX
        )
        for each in self.guideposts:
            require_prose(each, field=f"{self.stage_id}.guideposts")
        _require_portal(self)

    @property
    def request_type(self) -> StageRequest | None:
        """What the stage's approval is asked for as, if it needs one."""
        return REQUEST_AT[self.portal_id] if self.portal_id is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcedureTemplate:
    """A complete template; its hash covers every field.

    Raises:
        MalformedInput: a name comes twice, a transition leads nowhere, or some stage is
            not on the way from the first to the terminal one.

    """

    template_id: TemplateId
    name: str
    description: str
    kind: tuple[WorkKind, ...]
    stages: tuple[Stage, ...]
    initial_stage_id: StageId
    terminal_stage_id: StageId
    version: str = "1.0.0"

    def __post_init__(self) -> None:
        parse_template_id(self.template_id)
        require_line(self.name, field="name")
        require_prose(self.description, field="description")
        require_count(self.kind, field="kind", most=len(WorkKind), least=1)
        require_distinct(self.kind, field="kind")
        require_count(self.stages, field="stages", most=STAGES_MAX, least=1)
        require_distinct([each.stage_id for each in self.stages], field="stages")
        if not _VERSION.fullmatch(self.version):
            raise MalformedInput(
                field="version", found=self.version, expected="a version such as 1.0.0"
            )
        _require_way(self)

    def stage(self, stage_id: str) -> Stage:
        """Return the stage, or raise `NotFound`."""
        for each in self.stages:
            if each.stage_id == stage_id:
                return each
        raise NotFound(kind=f"stage of {self.template_id}", identifier=stage_id)

    def after(self, stage_id: StageId) -> StageId | None:
        """Return the stage that follows when `stage_id` passes; None after the last."""
        to = self.stage(stage_id).transition_on_pass
        return None if to == TERMINAL else StageId(to)

    def is_terminal(self, stage_id: StageId) -> bool:
        """Whether the procedure ends when this stage passes."""
        return stage_id == self.terminal_stage_id


def _require_portal(stage: Stage) -> None:
    """Raise unless a portal is named exactly where a human has to approve."""
    if not stage.requires_approval == stage.requires_portal == bool(stage.portal_id):
        choices = ", ".join(Portal)
        raise MalformedInput(
            field=f"{stage.stage_id}.portal_id",
            found=stage.portal_id,
            expected="requires_approval, requires_portal and portal_id together, or "
            f"none of them; the portals are {choices}",
        )


def _require_way(template: ProcedureTemplate) -> None:
    """Raise unless one way leads from the first stage over all others to the last."""
    known = {each.stage_id: each for each in template.stages}
    for each in template.stages:
        if each.transition_on_pass not in {*known, TERMINAL}:
            raise MalformedInput(
                field=f"{each.stage_id}.transition_on_pass",
                found=each.transition_on_pass,
                expected=f"one of {', '.join(known)}, or {TERMINAL}",
            )
    if template.initial_stage_id not in known:
        raise MalformedInput(
            field="initial_stage_id",
            found=template.initial_stage_id,
            expected=f"one of {', '.join(known)}",
        )
    way = _way(template, known)
    is_straight = len(set(way)) == len(way) == len(known)
    if way[-1] != template.terminal_stage_id or not is_straight:
        raise MalformedInput(
            field="stages",
            found=f"the way {' -> '.join(way)}",
            expected="transitions that lead from initial_stage_id through every stage, "
            f"once, to terminal_stage_id, and from there to {TERMINAL}",
        )


def _way(
    template: ProcedureTemplate, known: Mapping[StageId, Stage]
) -> tuple[StageId, ...]:
    """Return the stages in the order in which they are passed, up to the first repeat."""
    way = [template.initial_stage_id]
    while (to := known[way[-1]].transition_on_pass) != TERMINAL:
        way.append(StageId(to))
        if len(set(way)) != len(way):
            break
    return tuple(way)
