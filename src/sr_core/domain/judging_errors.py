"""What the rules raise of suites, runs, evidence and what it supports.

They are `sr_core.domain.errors` of their kind; the tree stands there.
"""

from __future__ import annotations

from collections.abc import Collection

from sr_core.domain.errors import Conflict, MalformedInput, PreconditionFailed, Refused


class SuiteTaken(Conflict):
    """The suite's identifier already names a definition (SPEC 5.6)."""

    code = "SUITE_TAKEN"

    def __init__(self, *, suite_id: str) -> None:
        super().__init__(
            f"{suite_id} is registered already",
            remedy="Register the new definition under a new identifier",
        )


class SuiteUnchanged(Conflict):
    """The suite has that very definition, so there is nothing to change (C-OR-6)."""

    code = "SUITE_UNCHANGED"

    def __init__(self, *, suite_id: str, suite_hash: str) -> None:
        super().__init__(
            f"{suite_id} is defined like that already, under {suite_hash}",
            remedy="Change the definition, or leave the suite as it is",
        )


class SuiteApprovalRequired(PreconditionFailed):
    """A human has to have approved it at a portal first (C-TB-3, C-OR-6)."""

    code = "SUITE_APPROVAL_REQUIRED"

    def __init__(self, *, action: str, portal: str) -> None:
        super().__init__(
            f"{action} needs an approval of {portal}",
            remedy=f"Have it approved at {portal}, and name the approval",
        )


class SuiteHashMismatch(Conflict):
    """The suite is not the one that the caller means (C-OR-2)."""

    code = "SUITE_HASH_MISMATCH"

    def __init__(self, *, suite_id: str, declared: str, registered: str) -> None:
        super().__init__(
            f"{suite_id} is registered as {registered}, not as the declared {declared}",
            remedy="Look the suite up, and declare its hash or none",
        )


class CandidateMismatch(Conflict):
    """The declared digest is not that of the bytes (SPEC 1.1, R-ATT-12)."""

    code = "CANDIDATE_MISMATCH"

    def __init__(self, *, declared: str, computed: str) -> None:
        super().__init__(
            f"The bytes have the hash {computed}, not the declared {declared}",
            remedy="Declare the hash of the candidate manifest, or leave it out",
        )


class EvidenceTaken(Conflict):
    """The run has its evidence; another bundle would be another judgement (C-EVID-2)."""

    code = "EVIDENCE_TAKEN"

    def __init__(self, *, run_id: str, evidence: str) -> None:
        super().__init__(
            f"{run_id} has left {evidence} already",
            remedy="Start another run for other evidence",
        )


class AssociationTaken(Conflict):
    """The bundle is associated with that already (C-EVID-4)."""

    code = "ASSOCIATION_TAKEN"

    def __init__(self, *, evidence: str, entity: str) -> None:
        super().__init__(
            f"{evidence} is associated with {entity} already",
            remedy="Associate it with something else, or leave it as it is",
        )


class NotExternal(Refused):
    """The platform carries out the run itself, and takes no one else's word (C-TB-2)."""

    code = "NOT_EXTERNAL"

    def __init__(self, *, run_id: str, attempted: str) -> None:
        super().__init__(
            f"{run_id} is carried out by the platform, which refuses {attempted}",
            remedy="Start a run with execution external to hand in its evidence",
        )


class OutcomeMismatch(Conflict):
    """The declared end of a run is not what its evidence says (C-TB-2)."""

    code = "OUTCOME_MISMATCH"

    def __init__(self, *, run_id: str, declared: str, computed: str) -> None:
        super().__init__(
            f"The evidence of {run_id} gives {computed}, not the declared {declared}",
            remedy="Declare what the evidence gives",
        )


class ManifestInvalid(MalformedInput):
    """An evidence manifest contradicts itself, its run or its blobs (SPEC 7.8).

    `defect` says in which way; it never changes, like a code.
    """

    code = "MANIFEST_INVALID"

    def __init__(self, *, defect: str, why: str) -> None:
        super().__init__(
            field="evidence manifest",
            found=f"{defect}: {why}",
            expected="the manifest of a whole bundle of this run",
        )
        self.defect = defect
        self.why = why


class ProfileTooWeak(Refused):
    """The requested profile asks for less than the one assigned (C-OR-6, C-VER-4)."""

    code = "PROFILE_TOO_WEAK"

    def __init__(self, *, requested: str, assigned: str) -> None:
        super().__init__(
            f"{requested} asks for less than {assigned}, which is assigned",
            remedy=f"Verify by {assigned}, or by one that stands above it",
        )


class EvidenceMissing(PreconditionFailed):
    """Evidence that the claim rests on cannot be retrieved intact (C-EVID-6)."""

    code = "EVIDENCE_MISSING"

    def __init__(self, *, subject: str, evidence: Collection[str]) -> None:
        named = ", ".join(sorted(evidence))
        super().__init__(
            f"Evidence for {subject} cannot be retrieved intact: {named}",
            remedy="Run the suite again, so that new evidence is recorded",
        )
        self.evidence = tuple(sorted(evidence))


class NotVerified(PreconditionFailed):
    """The candidate is not verified (C-SHIP-1)."""

    code = "NOT_VERIFIED"

    def __init__(self, *, candidate_id: str) -> None:
        super().__init__(
            f"{candidate_id} is UNVERIFIED",
            remedy="Run the required suites and verify the candidate",
        )


class EvidenceRestricted(Refused):
    """The bundle is not for everybody, and an export is (C-EVID-5)."""

    code = "EVIDENCE_RESTRICTED"

    def __init__(self, *, bundle: str, why: str) -> None:
        super().__init__(
            f"{bundle} is restricted: {why}",
            remedy="Export the redacted bundle that stands for it",
        )


class AttestationInvalid(MalformedInput):
    """A file of signed evidence does not hold, at the place that it names (R-ATT-6)."""

    code = "ATTESTATION_INVALID"


class SignerNotTrusted(AttestationInvalid):
    """It is signed, and not by a key that is believed for that at that time (R-ATT-7)."""

    code = "SIGNER_NOT_TRUSTED"


class SplitView(AttestationInvalid):
    """One log has signed two stories, which two files prove together (R-ATT-10)."""

    code = "SPLIT_VIEW"
