"""Verify candidates: gather the facts anew, and let the rules say what they support."""

from __future__ import annotations

from dataclasses import dataclass

from sr_core.application.evidence import read_bundle
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.staleness import Stale
from sr_core.domain import dossier as dossiers
from sr_core.domain import shippable
from sr_core.domain.dossier import Dossier
from sr_core.domain.events import Ruling
from sr_core.domain.evidence import BundleReading
from sr_core.domain.ids import CandidateId, SuiteId
from sr_core.domain.shippable import Readiness
from sr_core.domain.verification import SuiteFacts
from sr_core.ports.event_store import NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the evidence supports, asked for on request and at every gate."""

    platform: Platform

    async def verify(
        self, candidate_id: CandidateId, asked: Asked
    ) -> tuple[NewEvent, ...]:
        """Compute the candidate's verification and record it.

        Raises:
            EvidenceMissing: evidence cannot be read intact; that is recorded.
            Unavailable: the store did not answer; nothing is recorded.

        """
        case = await self.platform.candidate_case(candidate_id)

        async def rule(dossier: Dossier) -> Ruling:
            return await self.ruling(dossier, candidate_id)

        return await self.platform.recorder.record(case, rule, asked)

    async def shippable(self, candidate_id: CandidateId, asked: Asked) -> Readiness:
        """Return whether the candidate may ship, its evidence read anew.

        What that read finds missing is recorded, though nobody asked for a verification.
        """
        case = await self.platform.candidate_case(candidate_id)
        found: list[Readiness] = []

        async def rule(dossier: Dossier) -> Ruling:
            gate = await self.gate(dossier, candidate_id)
            after = dossiers.fold(gate.events, dossier)
            nodes = shippable.rests_on(after, candidate_id)
            stale = await Stale(platform=self.platform).unresolved(nodes)
            active = after.active_waivers(candidate_id, now=self.platform.clock.now())
            found[:] = [
                shippable.assess(after, candidate_id, stale=stale, active=active)
            ]
            return Ruling(events=gate.events)

        await self.platform.recorder.record(case, rule, asked)
        return found[0]

    async def ruling(self, dossier: Dossier, candidate_id: CandidateId) -> Ruling:
        """Return the verification of the candidate as it stands now."""
        return dossiers.verify(
            dossier,
            candidate_id,
            await self._facts(dossier, candidate_id),
            profile=self.platform.profile,
            now=self.platform.clock.now(),
        )

    async def gate(self, dossier: Dossier, candidate_id: CandidateId) -> Ruling:
        """Return what a fresh look at the evidence changes, and whether it bars the way.

        Each of the gates asks this: an approval, a freeze, shippable (SPEC 6.1).
        """
        return dossiers.gate(
            dossier,
            candidate_id,
            await self._facts(dossier, candidate_id),
            profile=self.platform.profile,
            now=self.platform.clock.now(),
        )

    async def _facts(
        self, dossier: Dossier, candidate_id: CandidateId
    ) -> tuple[SuiteFacts, ...]:
        dossier.candidate(candidate_id)
        return tuple(
            [
                await self._suite_facts(dossier, candidate_id, suite_id)
                for suite_id in self.platform.profile.required_suites
            ]
        )

    async def _suite_facts(
        self, dossier: Dossier, candidate_id: CandidateId, suite_id: SuiteId
    ) -> SuiteFacts:
        run = dossier.latest_run(candidate_id, suite_id)
        reading: BundleReading | None = None
        if run is not None and run.evidence is not None:
            reading = await read_bundle(self.platform.evidence_bytes, run.evidence)
        return SuiteFacts(
            suite_id=suite_id,
            registered=await self.platform.suite(suite_id),
            run=run,
            reading=reading,
        )
