"""Bodies of iterations, and the summary that one leaves."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, RefBody
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.iteration import IterationOutcome
from sr_core.domain.iteration_summary import (
    ITEMS_MAX,
    PROSE_CHARS_MAX,
    ActionKind,
    NextStepKind,
    RiskSeverity,
)

Short = Annotated[str, Meta(min_length=1, max_length=PROSE_CHARS_MAX)]
Few = Meta(max_length=ITEMS_MAX)


class StartInLoop(Body):
    """Begin a loop's next iteration; refs are added to what the platform compiles."""

    work_unit_id: Name | None = None
    refs: Annotated[list[RefBody], Few] = msgspec.field(default_factory=list)


class NewIteration(StartInLoop, kw_only=True):
    """Begin the next iteration of the loop that is named."""

    loop_id: Name


class ActionBody(Body):
    """One thing that was done."""

    kind: ActionKind
    summary: Short
    artifacts: Annotated[list[Name], Few] = msgspec.field(default_factory=list)


class OracleResultBody(Body):
    """What a run of this iteration came to."""

    run_id: Name
    oracle_suite_id: Name
    status: ResultStatus
    evidence_refs: Annotated[list[Name], Few] = msgspec.field(default_factory=list)


class OutcomesBody(Body):
    """What came of it; both lists are given, and may be empty."""

    oracle_results: Annotated[list[OracleResultBody], Few]
    stop_triggers_fired: Annotated[list[StopTrigger], Few]


class NextStepBody(Body):
    """One thing that is to be done."""

    kind: NextStepKind
    description: Short
    blocking: bool = False


class OpenRiskBody(Body):
    """Something that may go wrong."""

    severity: RiskSeverity
    description: Short
    mitigation: Annotated[str, Meta(max_length=PROSE_CHARS_MAX)] = ""


class ExtensionBody(Body):
    """What goes beyond the summary and binds nobody."""

    non_binding_reviews: Annotated[list[Short], Few] = msgspec.field(
        default_factory=list
    )


class SummaryBody(Body):
    """An iteration in short; the identifiers are the path's if they are left out."""

    intent: Short
    outcomes: OutcomesBody
    iteration_id: Name | None = None
    loop_id: Name | None = None
    actions: Annotated[list[ActionBody], Few] = msgspec.field(default_factory=list)
    artifacts_touched: Annotated[list[Name], Few] = msgspec.field(default_factory=list)
    candidates_produced: Annotated[list[Name], Few] = msgspec.field(
        default_factory=list
    )
    runs_executed: Annotated[list[Name], Few] = msgspec.field(default_factory=list)
    next_steps: Annotated[list[NextStepBody], Few] = msgspec.field(default_factory=list)
    open_risks: Annotated[list[OpenRiskBody], Few] = msgspec.field(default_factory=list)
    ext: ExtensionBody = msgspec.field(default_factory=ExtensionBody)


class EndOfIteration(Body):
    """End an iteration; a summary that is text alone is taken for the intent."""

    outcome: IterationOutcome
    summary: SummaryBody | Short


class FailureOfIteration(Body):
    """Why an iteration will not be ended by its worker."""

    reason: Short
