"""Verify candidates: gather the facts anew, and let the rules say what they support."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sr_core.application.definitions import DefinitionBook
from sr_core.application.facts import (
    judged_by,
    suite_facts,
    work_context,
)
from sr_core.application.in_force import active_for
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.application.staleness import Stale
from sr_core.domain import dossier as dossiers
from sr_core.domain import governed_exception, shippable
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import SrError
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.governed_exception import GovernedException
from sr_core.domain.ids import CandidateId, SuiteId
from sr_core.domain.profile import Profile
from sr_core.domain.profile_definition import canonical_profile_id
from sr_core.domain.shippable import Readiness
from sr_core.domain.verification import SuiteFacts, VerificationScope
from sr_core.ports.event_store import NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What the evidence supports, asked for on request and at every gate."""

    platform: Platform

    async def verify(
        self, candidate_id: CandidateId, asked: Asked, *, profile: str | None = None
    ) -> tuple[NewEvent, ...]:
        """Compute the candidate's verification and record it.

        `profile` asks for one that is at least as strong as the assigned one.

        Raises:
            EvidenceMissing: evidence cannot be read intact; that is recorded.
            ProfileTooWeak, NotFound: the profile asked for cannot be had.
            Unavailable: the store did not answer; nothing is recorded.

        """
        case = await self.platform.candidate_case(candidate_id)

        async def rule(dossier: Dossier) -> Ruling:
            return await self.ruling(dossier, candidate_id, requested=profile)

        return await self.platform.recorder.record(case, rule, asked)

    async def recompute(
        self, candidate_id: CandidateId, why: str, *, correlation_id: str | None = None
    ) -> tuple[NewEvent, ...]:
        """Compute the verification because of something that happened (SPEC 4.3).

        It is computed by the profile of before, and recorded if anything changed.
        """
        case = await self.platform.candidate_case(candidate_id)

        async def rule(dossier: Dossier) -> Ruling:
            ruling = await self._recomputed(dossier, candidate_id, because=why)
            return replace(ruling, refusal=None)  # nobody asked

        asked = Asked(by=self.platform.recorder.platform, correlation_id=correlation_id)
        return await self.platform.recorder.record(case, rule, asked)

    async def recompute_judged_by(
        self, suite_id: SuiteId, why: str, *, correlation_id: str | None = None
    ) -> None:
        """Compute anew the verification of every candidate that the suite has judged."""
        for candidate_id in await judged_by(self.platform, suite_id):
            await self.recompute(candidate_id, why, correlation_id=correlation_id)

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
            known = after.candidate(candidate_id)
            active = await active_for(self.platform, after, known)
            found[:] = [
                shippable.assess(
                    after,
                    candidate_id,
                    stale=stale,
                    active=[each.exception_id for each in active],
                )
            ]
            return Ruling(events=gate.events)

        await self.platform.recorder.record(case, rule, asked)
        return found[0]

    async def ruling(
        self,
        dossier: Dossier,
        candidate_id: CandidateId,
        *,
        requested: str | None = None,
    ) -> Ruling:
        """Return the verification of the candidate as it stands now."""
        ended = await self.lapses(dossier)
        after = dossiers.fold(ended, dossier)
        profile = await self._profile(after, requested)
        ruling = dossiers.verify(
            after,
            candidate_id,
            await self._facts(after, candidate_id, profile),
            profile=profile,
            scope=await self._scope(after, candidate_id),
            now=self.platform.clock.now(),
            because="it was asked for",
        )
        return replace(ruling, events=(*ended, *ruling.events))

    async def lapses(self, dossier: Dossier) -> tuple[DomainEvent, ...]:
        """Return the end of each exception that is past it, and what that changes.

        Whoever takes a decision over a loop asks this first, so that what has ended is
        on record before it is left out of account (SPEC 4.5).
        """
        ended = governed_exception.lapsed(
            dossier.exceptions.values(), now=self.platform.clock.now()
        )
        over = [dossier.exception(each.exception_id) for each in ended]
        after = dossiers.fold(ended, dossier)
        reconsidered = await self.reconsider(after, over, because="an exception ended")
        return (*ended, *reconsidered.events)

    async def reconsider(
        self, dossier: Dossier, exceptions: Iterable[GovernedException], *, because: str
    ) -> Ruling:
        """Return what changes for each candidate that a waiver among these covers.

        The refusal is that of the first whose evidence cannot be read.
        """
        covers = [each.cover for each in exceptions if each.cover is not None]
        concerned = {
            dossier.run(run_id).candidate_id: None
            for cover in covers
            for run_id in sorted(cover.run_ids)
        }
        events: list[DomainEvent] = []
        refusal: SrError | None = None
        for candidate_id in concerned:
            after = dossiers.fold(events, dossier)
            ruling = await self._recomputed(after, candidate_id, because=because)
            events += ruling.events
            refusal = refusal or ruling.refusal
        return Ruling(events=tuple(events), refusal=refusal)

    async def _recomputed(
        self, dossier: Dossier, candidate_id: CandidateId, *, because: str
    ) -> Ruling:
        profile = await self._profile(dossier, None)
        return dossiers.recompute(
            dossier,
            candidate_id,
            await self._facts(dossier, candidate_id, profile),
            profile=profile,
            scope=await self._scope(dossier, candidate_id),
            now=self.platform.clock.now(),
            because=because,
        )

    async def gate(self, dossier: Dossier, candidate_id: CandidateId) -> Ruling:
        """Return what a fresh look at the evidence changes, and whether it bars the way.

        Each of the gates asks this: an approval, a freeze, shippable (SPEC 6.1).
        """
        ended = await self.lapses(dossier)
        after = dossiers.fold(ended, dossier)
        profile = await self._profile(dossier, None)
        ruling = dossiers.gate(
            after,
            candidate_id,
            await self._facts(after, candidate_id, profile),
            profile=profile,
            scope=await self._scope(after, candidate_id),
            now=self.platform.clock.now(),
        )
        return replace(ruling, events=(*ended, *ruling.events))

    async def _profile(self, dossier: Dossier, requested: str | None) -> Profile:
        """Return the profile to verify by; one that was recorded is as good as asked.

        Raises:
            NotFound: the requested one is neither shipped nor recorded.
            ProfileTooWeak: it asks for less than the one assigned.

        """
        profiles = self.platform.profiles
        unit = dossier.work_unit_id
        if requested is None or profiles.knows(requested):
            return profiles.resolved(requested, work_unit_id=unit)
        book = DefinitionBook(platform=self.platform)
        recorded = await book.profile(canonical_profile_id(requested))
        return profiles.allowed(recorded.profile, work_unit_id=unit)

    async def _scope(
        self, dossier: Dossier, candidate_id: CandidateId
    ) -> VerificationScope:
        iteration_id = dossier.candidate(candidate_id).iteration_id
        return (await work_context(self.platform, dossier, iteration_id)).scope

    async def _facts(
        self, dossier: Dossier, candidate_id: CandidateId, profile: Profile
    ) -> tuple[SuiteFacts, ...]:
        dossier.candidate(candidate_id)
        return tuple(
            [
                await suite_facts(self.platform, dossier, candidate_id, suite_id)
                for suite_id in profile.required_suites
            ]
        )
