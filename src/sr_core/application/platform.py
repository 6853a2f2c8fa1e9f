"""What the use cases work with: the ports, filled, and the cases they take on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sr_core.application.event_manager import LogFollower
from sr_core.application.recorder import Case, Recorder
from sr_core.domain import dossier
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, stream_name
from sr_core.domain.ids import CandidateId, LoopId, SuiteId, parse_loop_id
from sr_core.domain.oracle_suite import OracleSuiteRegistered
from sr_core.domain.profile import STRICT_CORE, Profile
from sr_core.ports.clock import Clock, IdSource
from sr_core.ports.content_store import ContentStore
from sr_core.ports.event_store import StreamId
from sr_core.ports.oracle_runner import OracleRunner
from sr_core.ports.read_model import ReadModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that a use case may reach."""

    recorder: Recorder
    rows: ReadModel
    candidate_bytes: ContentStore
    evidence_bytes: ContentStore
    runner: OracleRunner
    clock: Clock
    ids: IdSource
    profile: Profile = STRICT_CORE
    follower: LogFollower = field(default_factory=LogFollower)

    async def loop_of(self, prefix: str, identifier: str, *, kind: str) -> LoopId:
        """Return the loop that governs what `identifier` names.

        Raises:
            NotFound: nothing is recorded of it, under any loop.

        """
        stream = StreamId(stream_name(prefix, identifier))
        boundary = await self.recorder.store.boundary_of(stream)
        if boundary is None or not boundary.startswith("loop:"):
            raise NotFound(kind=kind, identifier=identifier)
        return parse_loop_id(boundary.removeprefix("loop:"))

    async def candidate_case(self, candidate_id: CandidateId) -> Case[Dossier]:
        """Return the case that the candidate belongs to, or raise `NotFound`."""
        loop_id = await self.loop_of("cand", candidate_id, kind="candidate")
        return loop_case(loop_id)

    async def suite(self, suite_id: SuiteId) -> OracleSuiteRegistered | None:
        """Return the registered suite of that name, if there is one."""
        return await self.recorder.state(suite_case(suite_id))


def loop_case(loop_id: LoopId) -> Case[Dossier]:
    """Return the case of one loop and all that belongs to it."""
    return Case(boundary=StreamId(stream_name("loop", loop_id)), fold=dossier.fold)


def suite_case(suite_id: SuiteId) -> Case[OracleSuiteRegistered | None]:
    """Return the case of one oracle suite."""
    return Case(boundary=StreamId(stream_name("suite", suite_id)), fold=_latest_suite)


def _latest_suite(
    events: Iterable[DomainEvent], onto: OracleSuiteRegistered | None
) -> OracleSuiteRegistered | None:
    suite = onto
    for event in events:
        assert isinstance(event, OracleSuiteRegistered), "a suite's boundary is its own"
        suite = event
    return suite
