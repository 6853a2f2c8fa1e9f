"""The procedure templates that are shipped: the reference instances (SPEC 7.10).

They cannot be changed or taken over by another definition; who wants another procedure
records one under a name of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sr_core.domain.ids import StageId, SuiteId, TemplateId
from sr_core.domain.intake import WorkKind
from sr_core.domain.integrity import Portal
from sr_core.domain.procedure_template import (
    OutputRole,
    ProcedureTemplate,
    RequiredOutput,
    Stage,
)

GOV: Final = SuiteId("suite:SR-SUITE-GOV")
STRUCTURE: Final = SuiteId("suite:SR-SUITE-STRUCTURE")
NONTRIVIALITY: Final = SuiteId("suite:SR-SUITE-NONTRIVIALITY")
TRACEABILITY: Final = SuiteId("suite:SR-SUITE-TRACEABILITY")
REFS: Final = SuiteId("suite:SR-SUITE-REFS")
SEMANTIC: Final = SuiteId("suite:SR-SUITE-SEMANTIC")
INTAKE_ADMISSIBILITY: Final = SuiteId("suite:SR-SUITE-INTAKE-ADMISSIBILITY")

_MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"md": "text/markdown", "json": "application/json", "yaml": "application/yaml"}
)
_ROLES: Final[Mapping[str, OutputRole]] = MappingProxyType(
    {
        "artifacts": OutputRole.ARTIFACT,
        "candidate": OutputRole.CANDIDATE,
        "evidence": OutputRole.EVIDENCE,
        "reports": OutputRole.REPORT,
    }
)
"""What an output is, by the folder that it lies in."""


def _outputs(*paths: str) -> tuple[RequiredOutput, ...]:
    return tuple(
        RequiredOutput(
            path=path,
            role=_ROLES[path.partition("/")[0]],
            media_type=_MEDIA_TYPES[path.rpartition(".")[2]],
        )
        for path in paths
    )


def _stage(
    name: str,
    purpose: str,
    suites: tuple[SuiteId, ...],
    *,
    then: str,
    outputs: tuple[RequiredOutput, ...],
    guideposts: tuple[str, ...] = (),
    is_approved: bool = False,
) -> Stage:
    """Return one stage; where it is approved, that is an acceptance by an engineer."""
    return Stage(
        stage_id=StageId(f"stage:{name}"),
        stage_name=name.replace("_", " ").capitalize(),
        purpose=purpose,
        required_outputs=outputs,
        guideposts=guideposts,
        required_oracle_suites=suites,
        requires_approval=is_approved,
        requires_portal=is_approved,
        portal_id=Portal.EXCEPTION if is_approved else None,
        transition_on_pass=then,
    )


_FRAME: Final = _stage(
    "FRAME",
    "Say what is asked, within which bounds, and in which words.",
    (STRUCTURE,),
    then="stage:OPTIONS",
    outputs=_outputs(
        "artifacts/context/frame.md",
        "artifacts/context/constraints.json",
        "artifacts/context/definitions.json",
    ),
    guideposts=("Restate the objective of the intake.", "Name every constraint."),
)
_OPTIONS: Final = _stage(
    "OPTIONS",
    "Lay out options that really differ, and choose one with a reason.",
    (NONTRIVIALITY,),
    then="stage:DRAFT",
    outputs=_outputs(
        "artifacts/candidates/option_A.md",
        "artifacts/candidates/option_B.md",
        "artifacts/candidates/selection.md",
    ),
    guideposts=("An option that nobody would choose is none.",),
)
_FINAL_OUTPUTS: Final = _outputs("candidate/final.md", "evidence/gate_packet.json")


def _draft(*, then: str) -> Stage:
    return _stage(
        "DRAFT",
        "Write the work out, each claim traced to what it rests on.",
        (STRUCTURE, TRACEABILITY),
        then=then,
        outputs=_outputs("candidate/main.md", "evidence/traceability.json"),
        guideposts=("Every claim names its source.",),
    )


GENERIC_KNOWLEDGE_WORK: Final = ProcedureTemplate(
    template_id=TemplateId("proc:GENERIC-KNOWLEDGE-WORK"),
    name="Generic knowledge work",
    description="From a question to a document that stands up to semantic evaluation.",
    kind=(
        WorkKind.RESEARCH_MEMO,
        WorkKind.DECISION_RECORD,
        WorkKind.ANALYSIS_REPORT,
        WorkKind.TECHNICAL_SPEC,
    ),
    stages=(
        _FRAME,
        _OPTIONS,
        _draft(then="stage:SEMANTIC_EVAL"),
        _stage(
            "SEMANTIC_EVAL",
            "Measure the draft against the semantic set of its kind.",
            (SEMANTIC,),
            then="stage:FINAL",
            outputs=_outputs(
                "reports/semantic/residual.json",
                "reports/semantic/coverage.json",
                "reports/semantic/violations.json",
            ),
            guideposts=("A violation is answered, not argued away.",),
            is_approved=True,
        ),
        _stage(
            "FINAL",
            "Settle the document, its references and its evidence.",
            (REFS, SEMANTIC),
            then="terminal",
            outputs=_FINAL_OUTPUTS,
            is_approved=True,
        ),
    ),
    initial_stage_id=StageId("stage:FRAME"),
    terminal_stage_id=StageId("stage:FINAL"),
)

PROBLEM_STATEMENT_INGESTION: Final = ProcedureTemplate(
    template_id=TemplateId("proc:PROBLEM-STATEMENT-INGESTION"),
    name="Problem statement ingestion",
    description="From a problem in someone's words to an intake that work can rest on.",
    kind=(WorkKind.INTAKE_PROCESSING,),
    stages=(
        _stage(
            "INGEST",
            "Draft an intake from the statement, and say what came from where.",
            (GOV,),
            then="stage:VALIDATE",
            outputs=_outputs(
                "artifacts/intake/draft_intake.yaml",
                "artifacts/intake/extraction_log.json",
            ),
            guideposts=("Take out of the statement what is there, and no more.",),
        ),
        _stage(
            "VALIDATE",
            "Show that the draft is admissible: complete, consistent, fit to be public.",
            (GOV, INTAKE_ADMISSIBILITY),
            then="stage:ACCEPT",
            outputs=_outputs(
                "artifacts/validation/admissibility_report.json",
                "artifacts/validation/term_map.json",
            ),
        ),
        _stage(
            "ACCEPT",
            "Have a human accept the intake as what is to be worked on.",
            (REFS,),
            then="terminal",
            outputs=_outputs("candidate/intake.yaml", "evidence/gate_packet.json"),
            is_approved=True,
        ),
    ),
    initial_stage_id=StageId("stage:INGEST"),
    terminal_stage_id=StageId("stage:ACCEPT"),
)

RESEARCH_MEMO: Final = ProcedureTemplate(
    template_id=TemplateId("proc:RESEARCH-MEMO"),
    name="Research memo",
    description="From a question to a short memo that says what is known and how.",
    kind=(WorkKind.RESEARCH_MEMO,),
    stages=(
        _FRAME,
        _OPTIONS,
        _draft(then="stage:FINAL"),
        _stage(
            "FINAL",
            "Settle the memo and its references.",
            (REFS,),
            then="terminal",
            outputs=_FINAL_OUTPUTS,
            is_approved=True,
        ),
    ),
    initial_stage_id=StageId("stage:FRAME"),
    terminal_stage_id=StageId("stage:FINAL"),
)

STARTERS: Final[Mapping[TemplateId, ProcedureTemplate]] = MappingProxyType(
    {
        each.template_id: each
        for each in (
            GENERIC_KNOWLEDGE_WORK,
            PROBLEM_STATEMENT_INGESTION,
            RESEARCH_MEMO,
        )
    }
)
"""The shipped templates, by their names."""
