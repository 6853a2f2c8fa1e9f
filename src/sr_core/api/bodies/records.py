"""Bodies of notes."""

from __future__ import annotations

from sr_core.api.bodies.base import Body, Name, Prose
from sr_core.api.bodies.refs import Hashes, TypedRefs


class NewNote(Body):
    """What every note says; with `supersedes` it takes an earlier one's place."""

    subject_refs: TypedRefs
    evidence_refs: Hashes
    content: Prose
    severity: Name | None = None
    recommendations: Prose | None = None
    supersedes: Name | None = None


class NewEvaluationNote(NewNote):
    """Note what a verification amounts to."""


class NewAssessmentNote(NewNote):
    """Note whether something is fit for its purpose."""

    fitness_judgment: Prose | None = None
    context: Prose | None = None


class NewInterventionNote(NewNote):
    """Note what a human did, and what it brought about."""

    actions_taken: Prose | None = None
    impact: Prose | None = None
