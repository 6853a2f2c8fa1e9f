"""What a summary says of its iteration, held against the log.

A worker's word about its own work is not taken on trust: what it names has to be
recorded, for this very iteration, and a run's status is the one that its evidence has.
"""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import MalformedInput
from sr_core.domain.ids import CandidateId, IterationId, RunId
from sr_core.domain.iteration_summary import IterationSummary, Outcomes, ReportedResult
from sr_core.domain.run import Run


def require_true(summary: IterationSummary, dossier: Dossier) -> None:
    """Raise `MalformedInput` unless the log bears out what `summary` names."""
    made = _made_in(dossier, summary.iteration_id)
    runs = _runs_in(dossier, summary.iteration_id)
    _require_known("candidates_produced", summary.candidates_produced, made)
    _require_known("runs_executed", summary.runs_executed, runs)
    reported = [each.run_id for each in summary.outcomes.oracle_results]
    _require_known("outcomes.oracle_results[].run_id", reported, runs)
    for each in summary.outcomes.oracle_results:
        _require_result(each, dossier.runs[each.run_id])
    _require_known(
        "outcomes.stop_triggers_fired",
        summary.outcomes.stop_triggers_fired,
        dossier.the_loop().fired,
    )


def told_by_the_log(
    dossier: Dossier, iteration_id: IterationId, intent: str
) -> IterationSummary:
    """Return the summary of an iteration of which only the intent is told.

    Candidates, runs and outcomes are what the log has of it.
    """
    loop = dossier.the_loop()
    runs = _runs_in(dossier, iteration_id)
    judged = [dossier.runs[each] for each in runs]
    return IterationSummary(
        iteration_id=iteration_id,
        loop_id=loop.loop_id,
        intent=intent,
        candidates_produced=tuple(_made_in(dossier, iteration_id)),
        runs_executed=tuple(runs),
        outcomes=Outcomes(
            oracle_results=tuple(
                ReportedResult(
                    run_id=each.run_id,
                    oracle_suite_id=each.suite_id,
                    status=each.verdict,
                    evidence_refs=(each.evidence,),
                )
                for each in judged
                if each.evidence is not None and each.verdict is not None
            ),
            stop_triggers_fired=tuple(sorted(loop.fired)),
        ),
    )


def _made_in(dossier: Dossier, iteration_id: IterationId) -> list[CandidateId]:
    return [
        each.candidate_id
        for each in dossier.candidates.values()
        if each.iteration_id == iteration_id
    ]


def _runs_in(dossier: Dossier, iteration_id: IterationId) -> list[RunId]:
    return [
        each.run_id
        for each in dossier.runs.values()
        if each.iteration_id == iteration_id
    ]


def _require_known(field: str, named: Iterable[str], known: Iterable[str]) -> None:
    recorded = set(known)
    unknown = [each for each in named if each not in recorded]
    if unknown:
        told = ", ".join(sorted(recorded)) or "none"
        raise MalformedInput(
            field=f"summary.{field}",
            found=unknown,
            expected=f"what the log has of this iteration: {told}",
        )


def _require_result(said: ReportedResult, run: Run) -> None:
    recorded = (run.suite_id, run.verdict)
    if (said.oracle_suite_id, said.status) != recorded:
        raise MalformedInput(
            field=f"summary.outcomes.oracle_results of {run.run_id}",
            found=f"{said.oracle_suite_id} {said.status}",
            expected=f"what its evidence says: {run.suite_id} {run.verdict}",
        )
    _require_known(
        "outcomes.oracle_results[].evidence_refs",
        said.evidence_refs,
        [run.evidence] if run.evidence else [],
    )
