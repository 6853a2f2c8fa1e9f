"""Identifiers: what each names, and the one way to make it from text.

An identifier is ``<prefix>_<ULID>``. The prefix says what it names; the ULID, 26
characters of Crockford base32, sorts by time of creation (SPEC 1.3.1). A candidate's
also carries the hash of its bytes: ``sha256:<hex>|cand_<ULID>``, with ``git:<commit>|``
before it where the bytes are one commit.
"""

from __future__ import annotations

import re
from typing import Final, NewType

from sr_core.domain.errors import MalformedInput
from sr_core.domain.refs import ContentHash, parse_content_hash

LoopId = NewType("LoopId", str)
IterationId = NewType("IterationId", str)
CandidateId = NewType("CandidateId", str)
RunId = NewType("RunId", str)
BundleId = NewType("BundleId", str)
ApprovalId = NewType("ApprovalId", str)
DecisionId = NewType("DecisionId", str)
ExceptionId = NewType("ExceptionId", str)
FreezeId = NewType("FreezeId", str)
SuiteId = NewType("SuiteId", str)
OracleId = NewType("OracleId", str)
PlanId = NewType("PlanId", str)
GovernorDecisionId = NewType("GovernorDecisionId", str)
IntakeId = NewType("IntakeId", str)
WorkSurfaceId = NewType("WorkSurfaceId", str)
WorkUnitId = NewType("WorkUnitId", str)
GateId = NewType("GateId", str)
RecordId = NewType("RecordId", str)
AttachmentId = NewType("AttachmentId", str)
StaleId = NewType("StaleId", str)
TemplateId = NewType("TemplateId", str)
StageId = NewType("StageId", str)
ProfileId = NewType("ProfileId", str)
ConfigId = NewType("ConfigId", str)
EvidenceReadId = NewType("EvidenceReadId", str)

_ULID: Final = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
_CANDIDATE: Final = re.compile(
    rf"(?:git:[0-9a-f]{{7,64}}\|)?(sha256:[0-9a-f]{{64}})\|cand_{_ULID}"
)
_GATE: Final = re.compile(r"G-[A-Z0-9]{1,32}(?:-[A-Z0-9]{1,32}){0,8}")
_LEDGER: Final = re.compile(r"EX-[0-9]{4,9}")
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


def parse_loop_id(text: str) -> LoopId:
    """Return `text` as a loop's identifier, or raise `MalformedInput`."""
    return LoopId(_checked("loop", text))


def parse_iteration_id(text: str) -> IterationId:
    """Return `text` as an iteration's identifier, or raise `MalformedInput`."""
    return IterationId(_checked("iter", text))


def parse_run_id(text: str) -> RunId:
    """Return `text` as a run's identifier, or raise `MalformedInput`."""
    return RunId(_checked("run", text))


def parse_approval_id(text: str) -> ApprovalId:
    """Return `text` as an approval's identifier, or raise `MalformedInput`."""
    return ApprovalId(_checked("appr", text))


def parse_decision_id(text: str) -> DecisionId:
    """Return `text` as a decision's identifier, or raise `MalformedInput`."""
    return DecisionId(_checked("dec", text))


def parse_exception_id(text: str) -> ExceptionId:
    """Return `text` as an exception's identifier, or raise `MalformedInput`.

    Entries of a ledger, such as EX-0001, are legal names too; ours are ``exc_<ULID>``.
    """
    if _LEDGER.fullmatch(text):
        return ExceptionId(text)
    return ExceptionId(_checked("exc", text))


def parse_freeze_id(text: str) -> FreezeId:
    """Return `text` as a freeze record's identifier, or raise `MalformedInput`."""
    return FreezeId(_checked("freeze", text))


def parse_record_id(text: str) -> RecordId:
    """Return `text` as a record's identifier, or raise `MalformedInput`."""
    return RecordId(_checked("rec", text))


def parse_attachment_id(text: str) -> AttachmentId:
    """Return `text` as an attachment's identifier, or raise `MalformedInput`."""
    return AttachmentId(_checked("attach", text))


def parse_evidence_read_id(text: str) -> EvidenceReadId:
    """Return `text` as a reading's identifier, or raise `MalformedInput`."""
    return EvidenceReadId(_checked("evread", text))


def parse_gate_id(text: str) -> GateId:
    """Return `text` as a gate's identifier, or raise `MalformedInput`."""
    if _GATE.fullmatch(text):
        return GateId(text)
    raise MalformedInput(
        field="gate_id", found=text, expected="G- and a name in capitals"
    )


def parse_stale_id(text: str) -> StaleId:
    """Return `text` as a staleness marker's identifier, or raise `MalformedInput`."""
    return StaleId(_checked("stale", text))


def parse_plan_id(text: str) -> PlanId:
    """Return `text` as a plan instance's identifier, or raise `MalformedInput`."""
    return PlanId(_checked("plan", text))


def parse_governor_decision_id(text: str) -> GovernorDecisionId:
    """Return `text` as a governor decision's identifier, or raise `MalformedInput`."""
    return GovernorDecisionId(_checked("gdec", text))


def parse_suite_id(text: str) -> SuiteId:
    """Return `text` as an oracle suite's identifier, or raise `MalformedInput`."""
    return SuiteId(_named("suite", text))


def parse_oracle_id(text: str) -> OracleId:
    """Return `text` as an oracle's identifier, or raise `MalformedInput`."""
    return OracleId(_named("oracle", text))


def parse_candidate_id(text: str) -> CandidateId:
    """Return `text` as a candidate's identifier, or raise `MalformedInput`."""
    if _CANDIDATE.fullmatch(text):
        return CandidateId(text)
    raise MalformedInput(
        field="candidate id",
        found=text,
        expected="sha256:<64 hex digits>|cand_<ULID>, with git:<commit>| before it or "
        "not",
    )


def parse_intake_id(text: str) -> IntakeId:
    """Return `text` as an intake's identifier, or raise `MalformedInput`."""
    return IntakeId(_checked("intake", text, sep=":"))


def parse_work_surface_id(text: str) -> WorkSurfaceId:
    """Return `text` as a work surface's identifier, or raise `MalformedInput`."""
    return WorkSurfaceId(_checked("ws", text, sep=":"))


def parse_work_unit_id(text: str) -> WorkUnitId:
    """Return `text` as a work unit's identifier, or raise `MalformedInput`.

    A loop that nobody gave a work unit is its own.
    """
    if re.fullmatch(rf"WU-{_NAME}|loop_{_ULID}", text):
        return WorkUnitId(text)
    raise MalformedInput(
        field="work unit id",
        found=text,
        expected="WU- and a name of letters, digits, dots, dashes, underscores",
    )


def parse_staged_unit_id(text: str) -> WorkUnitId:
    """Return `text` as the work unit of staged work, or raise `MalformedInput`.

    A loop that is its own work unit has no stages.
    """
    if text.startswith("WU-"):
        return parse_work_unit_id(text)
    raise MalformedInput(
        field="work unit id", found=text, expected="WU- and a name, such as WU-0042"
    )


def parse_template_id(text: str) -> TemplateId:
    """Return `text` as a procedure template's identifier, or raise `MalformedInput`."""
    return TemplateId(_named("proc", text))


def parse_stage_id(text: str) -> StageId:
    """Return `text` as a stage's identifier, or raise `MalformedInput`."""
    return StageId(_named("stage", text))


def parse_profile_id(text: str) -> ProfileId:
    """Return `text` as a verification profile's identifier, or raise `MalformedInput`.

    Governed text writes a profile by its bare name, which names the same one; the form
    with the prefix is the one that is kept.
    """
    return ProfileId(_named("profile", text))


def parse_config_id(text: str) -> ConfigId:
    """Return `text` as the identifier of one recorded definition."""
    return ConfigId(_checked("cfg", text))


def build_candidate_id(
    content_hash: ContentHash, *, fresh: str, git_sha: str | None = None
) -> CandidateId:
    """Return the identifier of the candidate whose bytes have `content_hash`.

    `fresh` is a new ``cand_<ULID>``; `git_sha` is the commit that the bytes are.
    """
    commit = "" if git_sha is None else f"git:{git_sha}|"
    return parse_candidate_id(f"{commit}{content_hash}|{fresh}")


def parse_git_sha(text: str) -> str:
    """Return `text` as the name of a commit, or raise `MalformedInput`."""
    if re.fullmatch(r"[0-9a-f]{7,64}", text):
        return text
    raise MalformedInput(
        field="git_sha", found=text, expected="7 to 64 lower-case hex digits"
    )


def parse_bundle_id(text: str) -> BundleId:
    """Return `text` as an evidence bundle's identifier, or raise `MalformedInput`."""
    return BundleId(_checked("bundle", text))


def candidate_hash(candidate_id: CandidateId) -> ContentHash:
    """Return the content hash that the candidate's identifier carries."""
    found = _CANDIDATE.fullmatch(candidate_id)
    assert found is not None, "a CandidateId is made by parse_candidate_id only"
    return parse_content_hash(found.group(1))


def _checked(prefix: str, text: str, *, sep: str = "_") -> str:
    if re.fullmatch(rf"{prefix}{sep}{_ULID}", text):
        return text
    raise MalformedInput(
        field=f"{prefix} id",
        found=text,
        expected=f"{prefix}{sep} and a 26-character ULID",
    )


def _named(prefix: str, text: str) -> str:
    if re.fullmatch(rf"{prefix}:{_NAME}", text):
        return text
    raise MalformedInput(
        field=f"{prefix} id",
        found=text,
        expected=f"{prefix}: and a name of letters, digits, dots, dashes, underscores",
    )
