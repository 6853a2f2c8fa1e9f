"""What the use cases work with: the ports, filled, and the cases they take on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sr_core.application.event_manager import LogFollower
from sr_core.application.known import Case
from sr_core.application.reactions import Reactions
from sr_core.application.recorder import Recorder
from sr_core.application.vault import Vault
from sr_core.codec.envelope import opened
from sr_core.domain import dossier, oracle_suite
from sr_core.domain.dossier import Dossier
from sr_core.domain.errors import NotFound
from sr_core.domain.events import DomainEvent, stream_name
from sr_core.domain.governed_manifest import GovernedManifest
from sr_core.domain.ids import CandidateId, LoopId, SuiteId, parse_loop_id
from sr_core.domain.oracle_suite import (
    OracleSuite,
    OracleSuitePinned,
    SuiteDefinition,
    SuiteEvent,
)
from sr_core.domain.profile import Profile, Profiles
from sr_core.domain.refs import ContentHash
from sr_core.ports.clock import Clock, IdSource
from sr_core.ports.content_store import ContentStore
from sr_core.ports.event_store import Position, StreamId
from sr_core.ports.graph import Graph
from sr_core.ports.oracle_runner import OracleRunner
from sr_core.ports.read_model import ReadModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that a use case may reach."""

    recorder: Recorder
    rows: ReadModel
    graph: Graph
    reactions: Reactions
    candidate_bytes: ContentStore
    evidence_bytes: ContentStore
    attachment_bytes: ContentStore
    vault: Vault
    runner: OracleRunner
    clock: Clock
    ids: IdSource
    governed: GovernedManifest
    """The documents that this process was started with; they change at a restart only."""
    follower: LogFollower = field(default_factory=LogFollower)
    profiles: Profiles = field(default_factory=Profiles)

    @property
    def profile(self) -> Profile:
        """The profile of work that none is assigned to."""
        return self.profiles.default

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

    async def suite(self, suite_id: SuiteId) -> OracleSuite | None:
        """Return the registered suite of that name, if there is one."""
        return await self.recorder.state(suite_case(suite_id))

    async def suite_history(self, suite_id: SuiteId) -> SuiteHistory:
        """Return all definitions that the suite ever had, by their places in the log."""
        stream = StreamId(stream_name("suite", suite_id))
        history = await self.recorder.store.history(stream)
        entries: list[tuple[Position, ContentHash, SuiteDefinition]] = []
        for stored in history.events:
            event = opened(stored).event
            assert isinstance(event, SuiteEvent), "a suite's boundary is its own"
            if not isinstance(event, OracleSuitePinned):
                place = (stored.position, event.suite_hash, event.definition)
                entries.append(place)
        return SuiteHistory(entries=tuple(entries))


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteHistory:
    """The definitions that a suite had, each from its place in the log on."""

    entries: tuple[tuple[Position, ContentHash, SuiteDefinition], ...]

    def hash_at(self, position: int) -> ContentHash | None:
        """Return the hash that was registered when the log had come to `position`."""
        hashes = [suite_hash for at, suite_hash, _ in self.entries if at < position]
        return hashes[-1] if hashes else None

    def definition(self, suite_hash: ContentHash) -> SuiteDefinition | None:
        """Return the definition that was registered under the hash, if one was."""
        return next((it for _, known, it in self.entries if known == suite_hash), None)


def loop_case(loop_id: LoopId) -> Case[Dossier]:
    """Return the case of one loop and all that belongs to it."""
    return Case(boundary=StreamId(stream_name("loop", loop_id)), fold=dossier.fold)


def suite_case(suite_id: SuiteId) -> Case[OracleSuite | None]:
    """Return the case of one oracle suite."""
    return Case(boundary=StreamId(stream_name("suite", suite_id)), fold=_suite)


def _suite(
    events: Iterable[DomainEvent], onto: OracleSuite | None
) -> OracleSuite | None:
    suite = onto
    for event in events:
        assert isinstance(event, SuiteEvent), "a suite's boundary is its own"
        suite = oracle_suite.evolve(suite, event)
    return suite
