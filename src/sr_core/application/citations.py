"""Evidence that somebody cites: recorded, of an oracle's making, and readable now.

What people attach is no evidence, under whatever hash it is cited (SPEC 1.4, C-EVID-6).
"""

from __future__ import annotations

from collections.abc import Iterable

from sr_core.application.evidence import read_bundle
from sr_core.application.platform import Platform
from sr_core.domain import loop
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import MalformedInput
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.gates import CONTENT_ADDRESSED
from sr_core.domain.ids import CandidateId, parse_candidate_id
from sr_core.domain.integrity import StopTrigger
from sr_core.domain.judging_errors import EvidenceMissing
from sr_core.domain.refs import ContentHash
from sr_core.domain.run import Run
from sr_core.domain.verification import EvidenceMissingDetected


async def refuse_attachments(
    platform: Platform, hashes: Iterable[ContentHash], *, field: str = "evidence_refs"
) -> None:
    """Raise `MalformedInput` if a cited hash is that of an attachment."""
    for each in hashes:
        found = await platform.rows.rows("attachments", {"content_hash": each}, limit=1)
        if found.rows:
            raise MalformedInput(
                field=field,
                found=each,
                expected="the hash of an evidence bundle; this is an attachment, which "
                "is never evidence",
            )


async def candidates_of(
    platform: Platform, hashes: Iterable[ContentHash], *, field: str = "evidence_refs"
) -> dict[ContentHash, CandidateId]:
    """Return whose evidence each hash is.

    Raises:
        MalformedInput: one is that of an attachment.
        EvidenceMissing: one is recorded as nothing at all.

    """
    named = tuple(hashes)
    await refuse_attachments(platform, named, field=field)
    found: dict[ContentHash, CandidateId] = {}
    for each in named:
        row = await platform.rows.row("evidence_bundles", {"content_hash": each})
        if row is None:
            raise EvidenceMissing(subject=field, evidence=(each,))
        found[each] = parse_candidate_id(str(row["candidate_id"]))
    return found


async def missing_among(
    platform: Platform, dossier: Dossier, hashes: Iterable[ContentHash]
) -> Ruling:
    """Return what a read of these bundles of the loop finds missing, and the refusal.

    What is found missing is recorded once, and stops the loop (C-EVID-6, C-LOOP-3).
    """
    wanted = set(hashes)
    events: list[DomainEvent] = []
    lost: list[ContentHash] = []
    for run in dossier.runs.values():
        if run.evidence is None or run.evidence not in wanted:
            continue
        found = await _missing(platform, run, run.evidence)
        if found is None:
            continue
        lost.append(run.evidence)
        if run.evidence not in dossier.candidate(run.candidate_id).missing:
            events.append(found)
    if not lost:
        return Ruling()
    events += loop.stop(
        dossier.the_loop(),
        StopTrigger.EVIDENCE_MISSING,
        condition=f"EVIDENCE_MISSING: {', '.join(sorted(lost))}",
    )
    refusal = EvidenceMissing(subject="what was cited", evidence=lost)
    return Ruling(events=tuple(events), refusal=refusal)


async def _missing(
    platform: Platform, run: Run, bundle: ContentHash
) -> EvidenceMissingDetected | None:
    reading = await read_bundle(platform.evidence_bytes, bundle, platform.vault)
    if reading.is_intact:
        return None
    return EvidenceMissingDetected(
        candidate_id=run.candidate_id,
        run_id=run.run_id,
        content_hash=bundle,
        missing_parts={name: str(was) for name, was in reading.lost.items()},
        recommended_portal=CONTENT_ADDRESSED.portal_for(StopTrigger.EVIDENCE_MISSING),
    )
