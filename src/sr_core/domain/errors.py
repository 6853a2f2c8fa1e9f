"""What the rules raise, and why.

* SrError
  - MalformedInput           the text is not of the form asked for
  - DocumentInvalid          a governed document's front matter is not in order
  - DocumentMissing          a document that has to be there is not
  - EventNotUnderstood       the log holds what nobody here can read
  - Refused                  the text is well formed, a rule says no
    . TransitionRefused      the subject's phase does not allow it
    . AuthorityRequired      the actor may not give it
      - SelfApproval         the actor made what is to be approved
    . NotFound               nothing is recorded under that identifier
    . Conflict               it is taken, or was declared otherwise
    . NonWaivable            what was to be waived cannot be
    . BudgetDecreased        a bound only rises
    . PreconditionFailed     something else has to be true first

Those of suites, runs and evidence stand in `sr_core.domain.judging_errors`, those of
staged work in `sr_core.domain.work_errors`, those of sealed evidence in
`sr_core.domain.sealing_errors`, those of the outside world in `sr_core.ports.errors`;
which HTTP status each one becomes is said once, in `sr_core.api.problems`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar


class SrError(Exception):
    """Base of every error that this package raises on purpose.

    A message is two sentences: what was found, then what the reader can do.
    Machines match on `code`, which never changes; people read the message,
    which may.
    """

    code: ClassVar[str]

    def __init__(self, found: str, *, remedy: str) -> None:
        super().__init__(f"{found}. {remedy}.")
        self.found = found
        self.remedy = remedy
        self.details: Mapping[str, str] = {}
        """Facts for machines, by name; a problem document tells them (SPEC 5)."""


class MalformedInput(SrError):  # noqa: N818 - named for what it says, like Refused
    """Text from outside that is not of the form asked for."""

    code = "MALFORMED_INPUT"

    def __init__(self, *, field: str, found: object, expected: str) -> None:
        super().__init__(f"{field}: found {found!r}", remedy=f"Give {expected}")
        self.field = field
        self.value = found
        self.expected = expected

    def within(self, outer: str) -> MalformedInput:
        """Return the same, said of a part of `outer`."""
        return MalformedInput(
            field=f"{outer}: {self.field}", found=self.value, expected=self.expected
        )


class DocumentInvalid(SrError):  # noqa: N818 - named for what it says, like Refused
    """A governed document without front matter, or with one that is broken (C-META-1)."""

    code = "DOCUMENT_INVALID"

    def __init__(self, *, file: str, line: int, found: str, remedy: str) -> None:
        super().__init__(f"{file}:{line}: {found}", remedy=remedy)
        self.file = file
        self.line = line


class DocumentMissing(SrError):  # noqa: N818 - as above
    """A document that the platform has to start with is not there (SPEC 8.2)."""

    code = "DOCUMENT_MISSING"

    def __init__(self, *, file: str, why: str) -> None:
        super().__init__(
            f"{file} {why}",
            remedy="Put it there, or set SR_DOCS_PATH and SR_GOVERNED_DOCS to where the "
            "governed documents are",
        )
        self.file = file


class EventNotUnderstood(SrError):  # noqa: N818 - named for what it says
    """The log holds an event, or a version of one, that nobody here reads (SPEC 12.1)."""

    code = "EVENT_NOT_UNDERSTOOD"

    def __init__(
        self, *, event_type: str, position: int, version: str | None = None
    ) -> None:
        of_version = "" if version is None else f" of version {version}"
        super().__init__(
            f"No reader knows {event_type}{of_version}, the event at position {position}",
            remedy="Run the release that wrote the log, or a later one",
        )


class Refused(SrError):  # noqa: N818
    """A well-formed command that a rule of the domain does not allow."""

    code = "REFUSED"


class TransitionRefused(Refused):
    """The subject's phase does not allow the command (SPEC 3.1.2)."""

    code = "TRANSITION_REFUSED"

    def __init__(
        self, *, subject: str, phase: str, attempted: str, allowed: Collection[str]
    ) -> None:
        choices = ", ".join(sorted(allowed)) or "nothing"
        super().__init__(
            f"{subject} is {phase}, which refuses {attempted}",
            remedy=f"From {phase} it allows {choices}",
        )
        self.subject = subject
        self.phase = phase


class AuthorityRequired(Refused):
    """The actor's kind or role may not give the command (C-TB-1)."""

    code = "AUTHORITY_REQUIRED"

    def __init__(self, *, action: str, required: str, actor: str) -> None:
        super().__init__(
            f"{action} needs {required}, and {actor} is not that",
            remedy=f"Have {required} give the command",
        )


class SelfApproval(AuthorityRequired):
    """Who made something may not be the one who approves it (C-TB-2, R-API-3)."""

    code = "SELF_APPROVAL"

    def __init__(self, *, candidate_id: str, actor: str) -> None:
        super().__init__(
            action=f"approving the release of {candidate_id}",
            required="a human other than the one who registered it",
            actor=actor,
        )


class NotFound(Refused):
    """Nothing is recorded under that identifier."""

    code = "NOT_FOUND"

    def __init__(self, *, kind: str, identifier: str) -> None:
        super().__init__(
            f"No {kind} {identifier} is recorded",
            remedy=f"Give the identifier of a recorded {kind}",
        )


class Conflict(Refused):
    """What was to be recorded is recorded already, or was declared otherwise."""

    code = "CONFLICT"


class VersionTaken(Conflict):
    """The version of the governed artifact is recorded already (C-META-2)."""

    code = "VERSION_TAKEN"

    def __init__(self, *, artifact_id: str, version: str, why: str) -> None:
        super().__init__(
            f"{artifact_id} {version} {why}",
            remedy="Register what changed under a new version",
        )


class PlanTaken(Conflict):
    """A plan is recorded already, or a work unit belongs to another active plan."""

    code = "PLAN_TAKEN"

    def __init__(self, *, subject: str, plan_id: str) -> None:
        super().__init__(
            f"{subject} is held by {plan_id}",
            remedy="Cancel that plan first, or leave the work unit out of this one",
        )


class NonWaivable(Refused):
    """Only an explicit failure of a required oracle can be waived (C-EXC-4)."""

    code = "NON_WAIVABLE"

    def __init__(self, *, target: str, why: str) -> None:
        super().__init__(
            f"{target} cannot be waived: {why}",
            remedy="Cure what is wrong and run the oracles again",
        )


class PreconditionFailed(Refused):
    """Something else has to be true before the command can hold."""

    code = "PRECONDITION_FAILED"


class BudgetExhausted(PreconditionFailed):
    """The loop has used up one of its bounds (C-LOOP-1)."""

    code = "BUDGET_EXHAUSTED"

    def __init__(self, *, bound: str, used: float, limit: int) -> None:
        super().__init__(
            f"{bound} is {limit} and {used:.6g} are used",
            remedy="Close the loop, or have a human raise the bound",
        )
        self.bound = bound


class BudgetDecreased(Refused):
    """A bound of a loop only rises (SPEC 4.1, C-TB-1)."""

    code = "BUDGET_DECREASED"

    def __init__(self, *, bound: str, limit: int, wanted: int) -> None:
        super().__init__(
            f"budgets.{bound} is {limit}, and {wanted} is less",
            remedy=f"Give a number from {limit} up, or leave the bound out",
        )


class WorkSurfaceMissing(PreconditionFailed):
    """Staged work has no active work surface (SPEC 4.1, SPEC 6.4)."""

    code = "WORK_SURFACE_MISSING"

    def __init__(self, *, work_unit: str) -> None:
        super().__init__(
            f"{work_unit} has no active work surface",
            remedy="Bind an intake and a procedure to it as a work surface",
        )


class StageUnknown(PreconditionFailed):
    """The work surface stands at a stage that its procedure does not have (SPEC 6.4)."""

    code = "STAGE_UNKNOWN"

    def __init__(self, *, work_surface_id: str, stage_id: str) -> None:
        super().__init__(
            f"{work_surface_id} is at {stage_id}, which its procedure does not have",
            remedy="Have the procedure mended, and bind the work surface anew",
        )


class SemanticProfileMissing(PreconditionFailed):
    """A suite that the stage asks for is not registered as it was bound (SPEC 6.4)."""

    code = "SEMANTIC_PROFILE_MISSING"

    def __init__(
        self, *, work_surface_id: str, stage_id: str, suites: Collection[str] = ()
    ) -> None:
        named = f": {', '.join(sorted(suites))}" if suites else ""
        super().__init__(
            f"{stage_id} of {work_surface_id} declares no suite, or one that is not "
            f"registered under the hash that it was bound with{named}",
            remedy="Register the suites of the stage, and bind the work surface anew",
        )


class HookPending(PreconditionFailed):
    """The gating policy holds the loop until a human's record is there (SPEC 6.8)."""

    code = "HOOK_PENDING"

    def __init__(self, *, loop_id: str, hooks: Collection[str]) -> None:
        named = ", ".join(sorted(hooks))
        super().__init__(
            f"The gating policy holds {loop_id}: no record answers {named}",
            remedy="Have a human record the note that the hook asks for",
        )
        self.hooks = tuple(sorted(hooks))


class IterationInProgress(PreconditionFailed):
    """The loop's latest iteration has not been completed (C-LOOP-2)."""

    code = "ITERATION_IN_PROGRESS"

    def __init__(self, *, iteration_id: str) -> None:
        super().__init__(
            f"{iteration_id} is not completed", remedy="Complete it, then start again"
        )


class DecisionRequired(PreconditionFailed):
    """A stop trigger paused the loop, and no human decision says go on (C-DEC-1)."""

    code = "DECISION_REQUIRED"

    def __init__(self, *, loop_id: str, trigger: str) -> None:
        super().__init__(
            f"{trigger} stopped {loop_id}",
            remedy="Record a human decision for this trigger and name it",
        )


class DecisionScopeMismatch(PreconditionFailed):
    """The decision is not one about this loop, this stop, and unused (C-DEC-1)."""

    code = "DECISION_SCOPE_MISMATCH"

    def __init__(self, *, decision_id: str, why: str) -> None:
        super().__init__(
            f"{decision_id} {why}",
            remedy="Record a decision for the stop that is open now",
        )


class IntegrityUnresolved(PreconditionFailed):
    """An integrity condition stands, which no decision lifts (C-OR-7)."""

    code = "INTEGRITY_UNRESOLVED"

    def __init__(self, *, subject: str, conditions: Collection[str]) -> None:
        named = ", ".join(sorted(conditions))
        super().__init__(
            f"{named} stands against {subject}",
            remedy="Cure it: run the suite again, and verify the candidate",
        )
        self.conditions = tuple(sorted(conditions))


class StopUncured(PreconditionFailed):
    """What stopped the loop is still so, and no decision lifts it (SPEC 6.4, 6.9)."""

    code = "STOP_UNCURED"

    def __init__(self, *, loop_id: str, triggers: Collection[str]) -> None:
        named = ", ".join(sorted(triggers))
        super().__init__(
            f"{named} stopped {loop_id} and is not seen to be cured",
            remedy="Cure it, then resume; a decision alone does not suffice",
        )
        self.triggers = tuple(sorted(triggers))


class GovernanceApprovalRequired(PreconditionFailed):
    """A normative version becomes current by an approval of that version (C-TB-4)."""

    code = "GOVERNANCE_APPROVAL_REQUIRED"

    def __init__(self, *, artifact_id: str, why: str) -> None:
        super().__init__(
            f"Making a version of {artifact_id} current needs an approval, and {why}",
            remedy="Record APPROVED at GovernanceChangePortal with this very version as "
            "a subject, and name that approval",
        )


class ContextInadmissible(PreconditionFailed):
    """An iteration's inputs are not all there, pinned and found (G-CTX-ADMISSIBLE)."""

    code = "CONTEXT_INADMISSIBLE"

    def __init__(self, *, loop_id: str, problems: Sequence[str]) -> None:
        super().__init__(
            f"The context of {loop_id}'s next iteration is not admissible: "
            f"{'; '.join(problems)}",
            remedy="Record or mend what is named, then start again",
        )
        self.problems = tuple(problems)


class ApprovalUnfit(Refused):
    """The approval is not one that a freeze can rest on (C-SHIP-1, C-EXC-2)."""

    code = "APPROVAL_UNFIT"

    def __init__(
        self,
        *,
        approval_id: str,
        why: str,
        remedy: str = "Record an approval of this candidate at ReleaseApprovalPortal",
    ) -> None:
        super().__init__(f"{approval_id} {why}", remedy=remedy)


class ResolutionUnfit(Refused):
    """What a resolution points at does not answer the staleness marker (C-EVT-6)."""

    code = "RESOLUTION_UNFIT"

    def __init__(self, *, stale_id: str, why: str) -> None:
        super().__init__(
            f"{stale_id} {why}",
            remedy="Point at a run that started after the marker, or at a later decision "
            "or approval",
        )


class UnresolvedStaleness(PreconditionFailed):
    """What a release rests on has changed, and nobody has answered that (SPEC 4.4)."""

    code = "UNRESOLVED_STALENESS"

    def __init__(self, *, subject: str, stale: Collection[str]) -> None:
        named = ", ".join(sorted(stale))
        super().__init__(
            f"{subject} rests on what is stale: {named}",
            remedy="Resolve the markers that GET /api/v1/staleness lists",
        )
        self.stale = tuple(sorted(stale))
