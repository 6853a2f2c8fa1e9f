"""Bodies of approvals."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sr_core.api.bodies.base import Body, Name, Prose
from sr_core.api.bodies.refs import Hashes, TypedRefs
from sr_core.domain.approval import ApprovalDecision
from sr_core.domain.integrity import Portal
from sr_core.domain.portal import RequestType


class AttestationsBody(Body):
    """What the approver says to have looked at."""

    verification_reviewed: bool
    validation_assessed: bool
    exceptions_understood: bool
    assessment_note_refs: Annotated[list[Name], Meta(max_length=64)] = msgspec.field(
        default_factory=list
    )


class NewApproval(Body):
    """Say at a portal what is to become of something.

    `exceptions_acknowledged` has to be there, even if it is empty.
    """

    portal_id: Portal
    decision: ApprovalDecision
    subject_refs: TypedRefs
    evidence_refs: Hashes
    exceptions_acknowledged: Annotated[list[Name], Meta(max_length=256)]
    request_type: RequestType | None = None
    rationale: Prose | None = None
    attestations: AttestationsBody | None = None
