"""The summary that an iteration leaves: what was meant, done, found and is still open.

It is what the next iteration learns of this one, so it holds names and short prose, and
no transcript (SPEC 8.5, C-LOOP-2). That it agrees with the log is checked where the log
is known (`sr_core.domain.summary_claims`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.ids import CandidateId, IterationId, LoopId, RunId, SuiteId
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.refs import ContentHash

PROSE_CHARS_MAX: Final = 4_000
"""Room for a few paragraphs; a transcript does not fit."""
NAME_CHARS_MAX: Final = 512
ITEMS_MAX: Final = 200
"""How many entries each list of a summary may hold."""


class ActionKind(StrEnum):
    """What was done."""

    CODE_CHANGE = "code_change"
    DOC_CHANGE = "doc_change"
    CONFIG_CHANGE = "config_change"
    ANALYSIS = "analysis"
    RUN_ORACLES = "run_oracles"


class NextStepKind(StrEnum):
    """What is to be done next."""

    IMPLEMENT = "implement"
    VERIFY = "verify"
    ESCALATE = "escalate"
    INGEST_INPUT = "ingest_input"


class RiskSeverity(StrEnum):
    """How much a risk weighs."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that was done, and the artifacts that it touched."""

    kind: ActionKind
    summary: str
    artifacts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_prose("actions[].summary", self.summary)
        _require_names("actions[].artifacts", self.artifacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedResult:
    """What a run of this iteration came to, and the bundles that show it."""

    run_id: RunId
    oracle_suite_id: SuiteId
    status: ResultStatus
    evidence_refs: tuple[ContentHash, ...] = ()

    def __post_init__(self) -> None:
        _require_count("outcomes.oracle_results[].evidence_refs", self.evidence_refs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What came of it; both lists are always there, and may be empty."""

    oracle_results: tuple[ReportedResult, ...]
    stop_triggers_fired: tuple[StopTrigger, ...]

    def __post_init__(self) -> None:
        _require_count("outcomes.oracle_results", self.oracle_results)
        _require_count("outcomes.stop_triggers_fired", self.stop_triggers_fired)


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """One thing that is to be done; `blocking` if nothing else can go on before."""

    kind: NextStepKind
    description: str
    blocking: bool = False

    def __post_init__(self) -> None:
        _require_prose("next_steps[].description", self.description)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRisk:
    """Something that may go wrong, and what is done about it."""

    severity: RiskSeverity
    description: str
    mitigation: str = ""

    def __post_init__(self) -> None:
        _require_prose("open_risks[].description", self.description)
        _require_prose("open_risks[].mitigation", self.mitigation, may_be_empty=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryExtension:
    """What goes beyond the summary and binds nobody."""

    non_binding_reviews: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require_count("ext.non_binding_reviews", self.non_binding_reviews)
        for each in self.non_binding_reviews:
            _require_prose("ext.non_binding_reviews[]", each)


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationSummary:
    """One iteration in short (SPEC 8.5); a summary that exists is a valid one.

    Raises:
        MalformedInput: a text is empty or as long as a transcript, or a list too long.

    """

    iteration_id: IterationId
    loop_id: LoopId
    intent: str
    actions: tuple[Action, ...] = ()
    artifacts_touched: tuple[str, ...] = ()
    candidates_produced: tuple[CandidateId, ...] = ()
    runs_executed: tuple[RunId, ...] = ()
    outcomes: Outcomes
    next_steps: tuple[NextStep, ...] = ()
    open_risks: tuple[OpenRisk, ...] = ()
    ext: SummaryExtension = field(default_factory=SummaryExtension)

    def __post_init__(self) -> None:
        _require_prose("intent", self.intent)
        _require_names("artifacts_touched", self.artifacts_touched)
        _require_count("actions", self.actions)
        _require_count("candidates_produced", self.candidates_produced)
        _require_count("runs_executed", self.runs_executed)
        _require_count("next_steps", self.next_steps)
        _require_count("open_risks", self.open_risks)


def _require_prose(field: str, text: str, *, may_be_empty: bool = False) -> None:
    if not may_be_empty and not text.strip():
        raise MalformedInput(
            field=f"summary.{field}", found=text, expected="a few words"
        )
    if len(text) > PROSE_CHARS_MAX:
        raise MalformedInput(
            field=f"summary.{field}",
            found=f"{len(text)} characters",
            expected=f"at most {PROSE_CHARS_MAX}; a summary holds no transcript",
        )


def _require_names(field: str, names: tuple[str, ...]) -> None:
    _require_count(field, names)
    for each in names:
        if not 0 < len(each) <= NAME_CHARS_MAX or not each.isprintable():
            raise MalformedInput(
                field=f"summary.{field}",
                found=each[:NAME_CHARS_MAX],
                expected=f"names of 1 to {NAME_CHARS_MAX} printable characters",
            )


def _require_count(field: str, entries: tuple[object, ...]) -> None:
    if len(entries) > ITEMS_MAX:
        raise MalformedInput(
            field=f"summary.{field}",
            found=f"{len(entries)} entries",
            expected=f"at most {ITEMS_MAX}",
        )
