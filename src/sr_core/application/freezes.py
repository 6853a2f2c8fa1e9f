"""Freeze records: what a release rests on, computed from the log and read anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sr_core.application.in_force import active_for
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.staleness import Stale
from sr_core.application.verification import Verification
from sr_core.domain import dossier as dossiers
from sr_core.domain import freeze
from sr_core.domain.approval import ApprovalRecorded
from sr_core.domain.candidate import Candidate
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import ApprovalUnfit, NotFound, SrError
from sr_core.domain.events import Ruling
from sr_core.domain.freeze import (
    Basis,
    CreateFreeze,
    Declared,
    FrozenArtifact,
)
from sr_core.domain.ids import (
    ApprovalId,
    CandidateId,
    FreezeId,
    parse_freeze_id,
)
from sr_core.domain.refs import RefKind, parse_content_hash
from sr_core.domain.run import Run
from sr_core.ports.event_store import NewEvent
from sr_core.ports.read_model import Value

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezes:
    """The freeze records of one log."""

    platform: Platform

    async def create(
        self,
        candidate_id: CandidateId,
        approval_id: ApprovalId,
        *,
        baseline_id: str,
        declared: Declared,
        asked: Asked,
    ) -> tuple[FreezeId, Recorded]:
        """Fix the candidate as shippable, its evidence read anew."""
        command = CreateFreeze(
            by=asked.by,
            freeze_id=parse_freeze_id(self.platform.ids.fresh("freeze")),
            baseline_id=baseline_id,
            declared=declared,
        )

        async def rule(dossier: Dossier) -> Ruling:
            freeze.authorise(command)
            gate = await self._gate(dossier, candidate_id)
            if gate.refusal is not None:
                return gate
            after = dossiers.fold(gate.events, dossier)
            candidate = after.candidate(candidate_id)
            try:
                basis = Basis(
                    runs=latest_runs(self.platform, after, candidate_id),
                    approval=await self._approval(after, approval_id),
                    active=await active_for(
                        self.platform, after, candidate, baseline_id=baseline_id
                    ),
                    governed=await self._governed(candidate),
                )
                frozen = freeze.decide(candidate, command, basis)
                await Stale(platform=self.platform).require_fresh(
                    dossiers.fold(frozen, after), candidate_id
                )
            except SrError as refusal:
                return Ruling(events=gate.events, refusal=refusal)
            return Ruling(events=(*gate.events, *frozen))

        case = await self.platform.candidate_case(candidate_id)
        recorded = await self.platform.recorder.record(case, rule, asked)
        return command.freeze_id, recorded

    async def _gate(self, dossier: Dossier, candidate_id: CandidateId) -> Ruling:
        return await Verification(platform=self.platform).gate(dossier, candidate_id)

    async def _approval(
        self, dossier: Dossier, approval_id: ApprovalId
    ) -> ApprovalRecorded:
        """Return the approval; one that another history holds is about something else."""
        if approval_id in dossier.approvals:
            return dossier.approvals[approval_id]
        row = await self.platform.rows.row("approvals", {"approval_id": approval_id})
        if row is None:
            raise NotFound(kind="approval", identifier=approval_id)
        about = row["candidate_id"] or "no candidate"
        raise ApprovalUnfit(approval_id=approval_id, why=f"is about {about}")

    async def _governed(self, candidate: Candidate) -> tuple[FrozenArtifact, ...]:
        """Return the governed artifacts that the candidate's iteration started from."""
        row = await self.platform.rows.row(
            "iterations", {"iteration_id": candidate.iteration_id}
        )
        assert row is not None, "a candidate is of an iteration that is recorded"
        return tuple(
            FrozenArtifact(
                artifact_id=str(each["id"]),
                version=str(meta["version"]),
                content_hash=parse_content_hash(str(meta["content_hash"])),
            )
            for each in cast("Sequence[Mapping[str, Value]]", row["refs"])
            if each["kind"] == RefKind.GOVERNED_ARTIFACT
            for meta in (cast("Mapping[str, Value]", each["meta"]),)
        )


def latest_runs(
    platform: Platform, dossier: Dossier, candidate_id: CandidateId
) -> tuple[Run | None, ...]:
    """Return the candidate's latest run of each suite that its work unit requires."""
    profile = platform.profiles.resolved(None, work_unit_id=dossier.work_unit_id)
    return tuple(
        dossier.latest_run(candidate_id, each) for each in profile.required_suites
    )
