"""Intakes: draft them, fix them under their hash, fork and archive them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sr_core.application.known import Case
from sr_core.application.platform import Platform
from sr_core.application.recorder import Asked
from sr_core.codec.definitions import hash_intake
from sr_core.domain import intake
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, Ruling
from sr_core.domain.ids import IntakeId, parse_intake_id
from sr_core.domain.intake import (
    ActivateIntake,
    ArchiveIntake,
    CreateIntake,
    ForkIntake,
    Intake,
    IntakeChanges,
    IntakeCommand,
    IntakeContent,
    IntakeEvent,
    IntakePhase,
    UpdateIntake,
)
from sr_core.domain.refs import ContentHash
from sr_core.ports.event_store import NewEvent, StreamId

Recorded = tuple[NewEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Intakes:
    """The intakes of one log."""

    platform: Platform

    async def known(self, intake_id: IntakeId) -> Intake:
        """Return the intake as the log has it, or raise `NotFound`."""
        return _require(await self.platform.recorder.state(_case(intake_id)), intake_id)

    async def create(
        self, content: IntakeContent, asked: Asked
    ) -> tuple[IntakeId, Recorded]:
        """Draft an intake; return its identifier and what was recorded."""
        intake_id = self._fresh()
        command = CreateIntake(by=asked.by, intake_id=intake_id, content=content)
        return intake_id, await self._give(intake_id, command, asked)

    async def fork(
        self, source_id: IntakeId, asked: Asked
    ) -> tuple[IntakeId, Recorded]:
        """Draft the next version of an intake that is fixed."""
        source = await self.known(source_id)
        intake_id = self._fresh()
        command = ForkIntake(by=asked.by, intake_id=intake_id, source=source)
        return intake_id, await self._give(intake_id, command, asked)

    async def update(
        self, intake_id: IntakeId, changes: IntakeChanges, asked: Asked
    ) -> Recorded:
        """Edit a draft."""
        command = UpdateIntake(by=asked.by, changes=changes)
        return await self._give_known(intake_id, command, asked)

    async def archive(
        self, intake_id: IntakeId, reason: str | None, asked: Asked
    ) -> Recorded:
        """Take the intake out of use, for good."""
        command = ArchiveIntake(by=asked.by, reason=reason)
        return await self._give_known(intake_id, command, asked)

    async def activate(self, intake_id: IntakeId, asked: Asked) -> Recorded:
        """Fix the content under its hash, unless an active intake has the same one."""

        async def rule(state: Intake | None) -> Ruling:
            known = _require(state, intake_id)
            content_hash = hash_intake(known.content)
            command = ActivateIntake(
                by=asked.by,
                content_hash=content_hash,
                taken_by=await self._active_with(content_hash),
            )
            return Ruling(events=intake.decide(known, command))

        return await self.platform.recorder.record(_case(intake_id), rule, asked)

    async def _active_with(self, content_hash: ContentHash) -> IntakeId | None:
        row = await self.platform.rows.row(
            "intakes", {"content_hash": content_hash, "status": IntakePhase.ACTIVE}
        )
        return parse_intake_id(str(row["intake_id"])) if row is not None else None

    async def _give(
        self, intake_id: IntakeId, command: IntakeCommand, asked: Asked
    ) -> Recorded:
        async def rule(state: Intake | None) -> Ruling:
            return Ruling(events=intake.decide(state, command))

        return await self.platform.recorder.record(_case(intake_id), rule, asked)

    async def _give_known(
        self, intake_id: IntakeId, command: IntakeCommand, asked: Asked
    ) -> Recorded:
        async def rule(state: Intake | None) -> Ruling:
            known = _require(state, intake_id)
            return Ruling(events=intake.decide(known, command))

        return await self.platform.recorder.record(_case(intake_id), rule, asked)

    def _fresh(self) -> IntakeId:
        return parse_intake_id(self.platform.ids.fresh("intake").replace("_", ":"))


def _case(intake_id: IntakeId) -> Case[Intake | None]:
    return Case(boundary=StreamId(intake_id), fold=_fold)


def _fold(events: Iterable[DomainEvent], onto: Intake | None) -> Intake | None:
    known: list[IntakeEvent] = []
    for event in events:
        assert isinstance(event, IntakeEvent), "an intake's boundary is its own"
        known.append(event)
    return intake.fold(known, onto)


def _require(state: Intake | None, intake_id: IntakeId) -> Intake:
    if state is None:
        raise NotFound(kind="intake", identifier=intake_id)
    return state
