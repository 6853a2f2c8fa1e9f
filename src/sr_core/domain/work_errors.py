"""What the rules about intakes, templates and work surfaces raise, and why.

Part of the tree in `sr_core.domain.errors`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sr_core.domain.errors import Conflict, PreconditionFailed, Refused


class IntakeTaken(Conflict):
    """Another active intake has the same content (SPEC 4.7)."""

    code = "INTAKE_TAKEN"

    def __init__(self, *, intake_id: str, content_hash: str) -> None:
        super().__init__(
            f"{intake_id} is active with the same content, {content_hash}",
            remedy="Bind work to that intake, archive it, or change this draft",
        )


class IntakeUnfit(Refused):
    """The intake is not one that this work can be bound to (SPEC 5.6)."""

    code = "INTAKE_UNFIT"

    def __init__(self, *, intake_id: str, why: str, remedy: str) -> None:
        super().__init__(f"{intake_id} {why}", remedy=remedy)


class DefinitionTaken(Conflict):
    """The name is taken, or the very definition is recorded already (SPEC 5)."""

    code = "DEFINITION_TAKEN"

    def __init__(self, *, type_key: str, name: str, why: str) -> None:
        super().__init__(
            f"{type_key} {name} {why}",
            remedy="Record it under a new name, or record a changed definition",
        )


class StarterFixed(Conflict):
    """A starter is shipped with the platform, as a reference for all (SPEC 5.6)."""

    code = "STARTER_FIXED"

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"{name} is shipped with the platform and stays as it is",
            remedy="Record your own version of it under a new name",
        )


class WorkSurfaceTaken(Conflict):
    """The work unit has an active surface, and may have one (SPEC 4.6)."""

    code = "WORK_SURFACE_TAKEN"

    def __init__(self, *, work_unit_id: str, work_surface_id: str) -> None:
        super().__init__(
            f"{work_unit_id} has the active work surface {work_surface_id}",
            remedy="Go on with that one, or archive it first",
        )


class WorkSurfaceNotActive(PreconditionFailed):
    """The work surface is completed or archived (SPEC 4.6)."""

    code = "WORK_SURFACE_NOT_ACTIVE"

    def __init__(self, *, work_surface_id: str, phase: str, allowed: str) -> None:
        super().__init__(
            f"{work_surface_id} is {phase}, which allows {allowed}",
            remedy="Bind a new work surface for the work unit",
        )


class NoLoop(PreconditionFailed):
    """No loop works on the surface yet (SPEC 5.6)."""

    code = "NO_LOOP"

    def __init__(self, *, work_surface_id: str) -> None:
        super().__init__(
            f"No loop works on {work_surface_id}",
            remedy="Start the work surface, which opens its loop",
        )


class LoopNotActive(PreconditionFailed):
    """The surface's loop does not let iterations start (SPEC 5.6)."""

    code = "LOOP_NOT_ACTIVE"

    def __init__(self, *, loop_id: str, phase: str) -> None:
        super().__init__(
            f"{loop_id} is {phase}",
            remedy="Activate or resume the loop; where it is CLOSED, start anew",
        )


class GateFailed(PreconditionFailed):
    """The evidence does not let the stage pass (SPEC 4.6)."""

    code = "GATE_FAILED"

    def __init__(self, *, stage_id: str, failed: Collection[str]) -> None:
        super().__init__(
            f"{stage_id} is held by {', '.join(sorted(failed))}",
            remedy="Mend the candidate and run the stage's suites over it again",
        )


class GateUnanswered(PreconditionFailed):
    """The evidence does not say whether the stage passes (C-OR-4, C-OR-7)."""

    code = "GATE_UNANSWERED"

    def __init__(self, *, stage_id: str, conditions: Mapping[str, str]) -> None:
        told = "; ".join(f"{name}: {why}" for name, why in sorted(conditions.items()))
        super().__init__(
            f"{stage_id} cannot be judged: {told}",
            remedy="Run all suites of the stage over one candidate, then complete it",
        )


class GateMismatch(Conflict):
    """The gate result that was sent is not what the evidence gives (SPEC 4.6)."""

    code = "GATE_MISMATCH"

    def __init__(self, *, claimed: str, computed: str) -> None:
        super().__init__(
            f"The evidence gives {computed}, not the declared {claimed}",
            remedy="Leave gate_result out, or declare what the evidence gives",
        )


class EvidenceUnfit(Refused):
    """The bundle is intact but about something else (SPEC 4.6)."""

    code = "EVIDENCE_UNFIT"

    def __init__(self, *, evidence: str, why: str) -> None:
        super().__init__(
            f"{evidence} {why}",
            remedy="Name the latest bundle of one of the stage's suites, over a "
            "candidate of the work unit's loop",
        )


class ApprovalRequired(PreconditionFailed):
    """A human has to approve the stage first (SPEC 4.6, C-TB-3)."""

    code = "APPROVAL_REQUIRED"

    def __init__(
        self, *, work_surface_id: str, stage_id: str, portal_id: str, why: str
    ) -> None:
        super().__init__(
            f"{stage_id} of {work_surface_id} needs an approval at {portal_id}: {why}",
            remedy=f"Have a human record APPROVED at {portal_id}, about that stage and "
            "with that evidence",
        )
        self.details = {
            "work_surface_id": work_surface_id,
            "stage_id": stage_id,
            "portal_id": portal_id,
        }
