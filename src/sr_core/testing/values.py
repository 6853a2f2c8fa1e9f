"""Actors, names, times and suites that tests share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final

from sr_core.codec.evidence import hash_suite
from sr_core.domain import oracle_suite
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.ids import (
    ApprovalId,
    LoopId,
    OracleId,
    SuiteId,
)
from sr_core.domain.integrity import Portal
from sr_core.domain.oracle_suite import (
    Classification,
    Oracle,
    OracleSuite,
    SuiteApproval,
    SuiteCommand,
    SuiteDefinition,
    SuiteEvent,
)
from sr_core.domain.portal import ALL_ROLES
from sr_core.domain.redacted_copy import REDACTER
from sr_core.domain.refs import hash_bytes
from sr_core.domain.restricted import ERASER, READER

HUMAN: Final = Actor(
    ActorKind.HUMAN, "oidc_sub:issuer:alice", ALL_ROLES | {READER, ERASER, REDACTER}
)
"""A human who may bind at every portal, and read what is restricted and have it erased."""
BYSTANDER: Final = Actor(ActorKind.HUMAN, "oidc_sub:issuer:bob")
"""A human who may bind at none."""
AGENT: Final = Actor(ActorKind.AGENT, "agent:lab:7", frozenset({"agent"}))
SYSTEM: Final = Actor(ActorKind.SYSTEM, "svc:governor:key_01", frozenset({"system"}))
PLATFORM: Final = Actor(ActorKind.SYSTEM, "svc:sr-core:platform")

NOON: Final = datetime(2026, 1, 9, 12, tzinfo=UTC)


def ulid(n: int) -> str:
    """Return a ULID that reads as its number."""
    return f"{n:026d}"


LOOP_1: Final = LoopId(f"loop_{ulid(1)}")
SOME_HASH: Final = hash_bytes(b"some bytes")
BUILD: Final = OracleId("oracle:build")
UNIT_TESTS: Final = OracleId("oracle:unit_tests")
INTEGRITY_SMOKE: Final = OracleId("oracle:integrity_smoke")
"""An oracle whose failure the profile does not let anyone waive."""
SBOM: Final = OracleId("oracle:sbom")
"""An advisory oracle."""
CORE: Final = SuiteId("suite:SR-SUITE-CORE")
FINGERPRINT: Final[Mapping[str, str]] = {
    "sandbox": "scripted",
    "network": "none",
    "candidate_writable": "false",
}
"""What is measured where oracles are functions: no more than a suite demands by default."""
FILES: Final[Mapping[str, bytes]] = {"src/a.py": b"a = 1\n"}


class TickingClock:
    """A `Clock` that moves on by one second at each look, from noon."""

    def __init__(self, start: datetime = NOON) -> None:
        self._start = start
        self._looks = count()

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._start + timedelta(seconds=next(self._looks))

    def skip(self, step: timedelta) -> None:
        """Let that much time pass at once."""
        self._start += step


class CountingIds:
    """An `IdSource` that numbers what it makes."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def fresh(self, prefix: str) -> str:
        """See `IdSource.fresh`."""
        return f"{prefix}_{ulid(next(self._numbers))}"


def build_suite(
    oracles: Iterable[OracleId] = (BUILD, UNIT_TESTS, INTEGRITY_SMOKE),
    *,
    advisory: Iterable[OracleId] = (SBOM,),
    suite_id: SuiteId = CORE,
) -> SuiteDefinition:
    """Return a suite with these oracles."""
    kinds = {
        **dict.fromkeys(oracles, Classification.REQUIRED),
        **dict.fromkeys(advisory, Classification.ADVISORY),
    }
    return SuiteDefinition(
        suite_id=suite_id,
        oracles=tuple(
            Oracle(
                oracle_id=each,
                argv=("python", f"/oracles/{each.removeprefix('oracle:')}.py"),
                report=f"reports/{each.removeprefix('oracle:')}.json",
                classification=kind,
            )
            for each, kind in kinds.items()
        ),
    )


def with_longer_timeouts(definition: SuiteDefinition) -> SuiteDefinition:
    """Return the suite with a second more for each oracle: another hash, no weaker."""
    oracles = tuple(
        replace(each, timeout_s=each.timeout_s + 1) for each in definition.oracles
    )
    return replace(definition, oracles=oracles)


def register(definition: SuiteDefinition) -> OracleSuite:
    """Return the suite as a human registered it."""
    command = oracle_suite.RegisterSuite(
        by=HUMAN, definition=definition, suite_hash=hash_suite(definition)
    )
    (registered,) = oracle_suite.decide(None, command)
    return oracle_suite.evolve(None, registered)


def build_suite_events() -> tuple[SuiteEvent, ...]:
    """Return every event that a suite can have, in an order that the rules lead to."""
    definition = build_suite()
    better = with_longer_timeouts(definition)
    laxer = replace(better, determinism_required=False)
    approval = SuiteApproval(
        approval_id=ApprovalId(f"appr_{ulid(1)}"),
        portal_id=Portal.GOVERNANCE,
        decision="APPROVED",
        subjects=frozenset({(CORE, hash_suite(better))}),
    )
    commands: tuple[SuiteCommand, ...] = (
        oracle_suite.RegisterSuite(
            by=HUMAN, definition=definition, suite_hash=hash_suite(definition)
        ),
        oracle_suite.UpdateSuite(
            by=HUMAN, definition=better, suite_hash=hash_suite(better)
        ),
        oracle_suite.PinSuite(
            by=PLATFORM, suite_id=CORE, suite_hash=hash_suite(better)
        ),
        oracle_suite.RebaseSuite(
            by=HUMAN,
            definition=laxer,
            suite_hash=hash_suite(laxer),
            rationale="as decided",
            approval=approval,
        ),
    )
    suite: OracleSuite | None = None
    events: list[SuiteEvent] = []
    for command in commands:
        for event in oracle_suite.decide(suite, command):
            suite = oracle_suite.evolve(suite, event)
            events.append(event)
    return tuple(events)
