"""Oracle suites: which programs judge a candidate, and how their word counts.

    (nothing) --register--> registered --pin--> pinned (a run has judged by it)
        registered --update--> registered     another definition, no weaker
        either     --rebase--> registered     another definition, by a human decision

A suite is known under the hash of its complete definition: a change in anything gives
another hash. Humans with the governance role register and change it (C-TB-1). What would
weaken it needs an approval of GovernanceChangePortal besides (C-OR-6).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.environment import NetworkMode
from sr_core.domain.errors import ApprovalUnfit, NotFound, TransitionRefused
from sr_core.domain.ids import ApprovalId, SuiteId
from sr_core.domain.integrity import PORTAL_ROLE, Portal
from sr_core.domain.judging_errors import (
    SuiteApprovalRequired,
    SuiteTaken,
    SuiteUnchanged,
)
from sr_core.domain.ref_builders import approval_ref, suite_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation
from sr_core.domain.suite_definition import (
    Classification,
    ExpectedOutput,
    Oracle,
    OutputRole,
    SemanticTarget,
    SuiteDefinition,
)

__all__ = [
    "Classification",
    "ExpectedOutput",
    "Oracle",
    "OutputRole",
    "SemanticTarget",
    "SuiteDefinition",
]


class SuitePhase(StrEnum):
    """Where a suite stands."""

    REGISTERED = "REGISTERED"
    PINNED = "PINNED"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteApproval:
    """What is recorded of an approval that a rebase names."""

    approval_id: ApprovalId
    portal_id: str
    decision: str
    subjects: frozenset[tuple[str, str]]
    """Identifier and hash of each suite that it is about."""


# Commands: what someone asks for.


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSuite:
    """Make a suite known; `suite_hash` is that of the definition's canonical form."""

    by: Actor
    definition: SuiteDefinition
    suite_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSuite:
    """Define a suite anew, as nothing has been judged by it yet."""

    by: Actor
    definition: SuiteDefinition
    suite_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class RebaseSuite:
    """Decide that a suite is another one from now on, whatever it has judged."""

    by: Actor
    definition: SuiteDefinition
    suite_hash: ContentHash
    rationale: str
    approval: SuiteApproval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinSuite:
    """Say that a run judges by the definition of this hash."""

    by: Actor
    suite_id: SuiteId
    suite_hash: ContentHash


SuiteCommand: TypeAlias = RegisterSuite | UpdateSuite | RebaseSuite | PinSuite


# Events: what has happened.


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSuiteRegistered:
    """A suite became known."""

    suite_id: SuiteId
    suite_hash: ContentHash
    definition: SuiteDefinition

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (suite_ref(self.suite_id, self.suite_hash, RefRelation.ABOUT),)


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSuiteUpdated:
    """A suite by which nothing had been judged was defined anew."""

    suite_id: SuiteId
    suite_hash: ContentHash
    previous_hash: ContentHash
    definition: SuiteDefinition

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (suite_ref(self.suite_id, self.suite_hash, RefRelation.ABOUT),)


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSuitePinned:
    """A run judges by this definition, the first one to do so."""

    suite_id: SuiteId
    suite_hash: ContentHash

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        return (suite_ref(self.suite_id, self.suite_hash, RefRelation.ABOUT),)


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSuiteRebased:
    """A human decided that the suite is another one; `weakenings` say how it asks less."""

    suite_id: SuiteId
    suite_hash: ContentHash
    previous_hash: ContentHash
    definition: SuiteDefinition
    rationale: str
    weakenings: tuple[str, ...]
    approval_id: ApprovalId | None

    @property
    def refs(self) -> tuple[Ref, ...]:
        """What it is about, and what it rests on (SPEC 2.3)."""
        about = suite_ref(self.suite_id, self.suite_hash, RefRelation.ABOUT)
        before = suite_ref(self.suite_id, self.previous_hash, RefRelation.SUPERSEDES)
        if self.approval_id is None:
            return (about, before)
        approved = approval_ref(self.approval_id, RefRelation.APPROVED_BY)
        return (about, before, approved)


SuiteEvent: TypeAlias = (
    OracleSuiteRegistered | OracleSuiteUpdated | OracleSuitePinned | OracleSuiteRebased
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleSuite:
    """What the events so far say of one suite; `hashes` are all that it ever had."""

    suite_id: SuiteId
    suite_hash: ContentHash
    definition: SuiteDefinition
    phase: SuitePhase = SuitePhase.REGISTERED
    hashes: tuple[ContentHash, ...]


# The rules.

_ALLOWED: Final[Mapping[SuitePhase, frozenset[type[SuiteCommand]]]] = MappingProxyType(
    {
        SuitePhase.REGISTERED: frozenset({UpdateSuite, RebaseSuite, PinSuite}),
        SuitePhase.PINNED: frozenset({RebaseSuite, PinSuite}),
    }
)
assert _ALLOWED.keys() == set(SuitePhase), "every phase says what it allows"

_REACH: Final = (NetworkMode.DISABLED, NetworkMode.RESTRICTED, NetworkMode.ALLOWED)


def decide(suite: OracleSuite | None, command: SuiteCommand) -> tuple[SuiteEvent, ...]:
    """Return the events that `command` leads to; `suite` is None before the first.

    Raises:
        AuthorityRequired: no human with the governance role gives it; pinning is the
            system's.
        SuiteTaken: the identifier names a suite already.
        NotFound: it names none yet.
        SuiteUnchanged: the suite has that very definition.
        TransitionRefused: it has judged, so that only a rebase changes it.
        SuiteApprovalRequired, ApprovalUnfit: the change weakens the suite, and no
            approval of GovernanceChangePortal that is about it says that it may.

    """
    _authorise(command)
    if isinstance(command, RegisterSuite):
        return _register(suite, command)
    if suite is None:
        raise NotFound(kind="oracle suite", identifier=_named(command))
    _require_allowed(suite, command)
    match command:
        case UpdateSuite():
            return _update(suite, command)
        case RebaseSuite():
            return _rebase(suite, command)
        case PinSuite():
            return _pin(suite, command)
        case _:
            assert_never(command)


def evolve(suite: OracleSuite | None, event: SuiteEvent) -> OracleSuite:
    """Fold one event into the state."""
    if isinstance(event, OracleSuiteRegistered):
        assert suite is None, "OracleSuiteRegistered opens a suite"
        return OracleSuite(
            suite_id=event.suite_id,
            suite_hash=event.suite_hash,
            definition=event.definition,
            hashes=(event.suite_hash,),
        )
    assert suite is not None, "every other event follows OracleSuiteRegistered"
    if isinstance(event, OracleSuitePinned):
        return replace(suite, phase=SuitePhase.PINNED)
    return replace(
        suite,
        suite_hash=event.suite_hash,
        definition=event.definition,
        phase=SuitePhase.REGISTERED,
        hashes=(*suite.hashes, event.suite_hash),
    )


def weakenings(old: SuiteDefinition, new: SuiteDefinition) -> tuple[str, ...]:
    """Return where `new` asks less than `old` does, or may do so (C-OR-6).

    Whether another program judges as strictly as the one before, nobody can tell by
    looking at its name: it counts as weaker until it is approved.
    """
    return tuple(_weakenings(old, new))


def _weakenings(old: SuiteDefinition, new: SuiteDefinition) -> Iterator[str]:
    if old.determinism_required and not new.determinism_required:
        yield "determinism is no longer required"
    yield from _loosened(old, new)
    kept = {each.oracle_id: each for each in new.oracles}
    for before in old.oracles:
        after = kept.get(before.oracle_id)
        if after is None:
            yield f"{before.oracle_id} is left out"
        else:
            yield from _weaker(before, after)


def _loosened(old: SuiteDefinition, new: SuiteDefinition) -> Iterator[str]:
    one, other = old.environment_constraints, new.environment_constraints
    if _REACH.index(other.network) > _REACH.index(one.network):
        yield f"the network is {other.network}, not {one.network}"
    if one.workspace_readonly and not other.workspace_readonly:
        yield "the workspace may be written"
    for name in ("runner", "runtime", "oci_image_digest", "cpu_arch", "os"):
        before, after = getattr(one, name), getattr(other, name)
        if before is not None and before != after:
            yield f"{name} is {after or 'anything'}, not {before}"
    for name, before in one.additional_constraints.items():
        after = other.additional_constraints.get(name)
        if before != after:
            yield f"{name} is {after or 'anything'}, not {before}"


def _weaker(before: Oracle, after: Oracle) -> Iterator[str]:
    if _weight(after.classification) < _weight(before.classification):
        yield f"{before.oracle_id} is {after.classification}"
    if _program(before) != _program(after):
        yield f"{before.oracle_id} judges by another program"
    demanded = {each for each in before.expected_outputs if each.required}
    if demanded - set(after.expected_outputs):
        yield f"{before.oracle_id} has to leave less"


def _weight(classification: Classification) -> int:
    """Return how much an oracle's word counts."""
    order = (Classification.OPTIONAL, Classification.ADVISORY, Classification.REQUIRED)
    return order.index(classification)


def _program(oracle: Oracle) -> tuple[object, ...]:
    """Return all that says how the oracle judges."""
    return (
        oracle.argv,
        oracle.report,
        oracle.working_dir,
        dict(oracle.env),
        oracle.semantic,
    )


def _authorise(command: SuiteCommand) -> None:
    if isinstance(command, PinSuite):
        command.by.require(ActorKind.SYSTEM, action="pinning an oracle suite")
        return
    action = {
        RegisterSuite: "registering an oracle suite",
        UpdateSuite: "updating an oracle suite",
        RebaseSuite: "rebasing an oracle suite",
    }[type(command)]
    command.by.require(ActorKind.HUMAN, action=action)
    command.by.require_role(PORTAL_ROLE[Portal.GOVERNANCE], action=action)


def _named(command: SuiteCommand) -> SuiteId:
    if isinstance(command, PinSuite):
        return command.suite_id
    return command.definition.suite_id


def _require_allowed(suite: OracleSuite, command: SuiteCommand) -> None:
    allowed = _ALLOWED[suite.phase]
    if type(command) not in allowed:
        raise TransitionRefused(
            subject=suite.suite_id,
            phase=suite.phase,
            attempted=type(command).__name__,
            allowed=[each.__name__ for each in allowed],
        )


def _register(
    suite: OracleSuite | None, command: RegisterSuite
) -> tuple[SuiteEvent, ...]:
    if suite is not None:
        raise SuiteTaken(suite_id=suite.suite_id)
    return (
        OracleSuiteRegistered(
            suite_id=command.definition.suite_id,
            suite_hash=command.suite_hash,
            definition=command.definition,
        ),
    )


def _update(suite: OracleSuite, command: UpdateSuite) -> tuple[SuiteEvent, ...]:
    _require_changed(suite, command.suite_hash)
    if weaker := weakenings(suite.definition, command.definition):
        raise _needs_approval(suite, weaker)
    return (
        OracleSuiteUpdated(
            suite_id=suite.suite_id,
            suite_hash=command.suite_hash,
            previous_hash=suite.suite_hash,
            definition=command.definition,
        ),
    )


def _rebase(suite: OracleSuite, command: RebaseSuite) -> tuple[SuiteEvent, ...]:
    _require_changed(suite, command.suite_hash)
    weaker = weakenings(suite.definition, command.definition)
    if command.approval is not None:
        _require_fit(suite, command.approval, command.suite_hash)
    elif weaker:
        raise _needs_approval(suite, weaker)
    return (
        OracleSuiteRebased(
            suite_id=suite.suite_id,
            suite_hash=command.suite_hash,
            previous_hash=suite.suite_hash,
            definition=command.definition,
            rationale=command.rationale,
            weakenings=weaker,
            approval_id=command.approval.approval_id if command.approval else None,
        ),
    )


def _pin(suite: OracleSuite, command: PinSuite) -> tuple[SuiteEvent, ...]:
    """Return that it is pinned; nothing if it is, or has been defined anew since."""
    if suite.phase is SuitePhase.PINNED or suite.suite_hash != command.suite_hash:
        return ()
    return (OracleSuitePinned(suite_id=suite.suite_id, suite_hash=suite.suite_hash),)


def _require_changed(suite: OracleSuite, suite_hash: ContentHash) -> None:
    if suite_hash == suite.suite_hash:
        raise SuiteUnchanged(suite_id=suite.suite_id, suite_hash=suite_hash)


def _needs_approval(
    suite: OracleSuite, weaker: Collection[str]
) -> SuiteApprovalRequired:
    return SuiteApprovalRequired(
        action=f"weakening {suite.suite_id} ({'; '.join(weaker)})",
        portal=Portal.GOVERNANCE,
    )


def _require_fit(
    suite: OracleSuite, approval: SuiteApproval, suite_hash: ContentHash
) -> None:
    """Raise `ApprovalUnfit` unless it is about this suite, as it is or is to be.

    What was approved of an earlier definition says nothing of this one.
    """
    pinned = {each for name, each in approval.subjects if name == suite.suite_id}
    why = None
    if approval.portal_id != Portal.GOVERNANCE:
        why = f"was given at {approval.portal_id}"
    elif approval.decision != "APPROVED":
        why = f"says {approval.decision}"
    elif pinned.isdisjoint({suite.suite_hash, suite_hash}):
        why = f"is not about {suite.suite_id} as it is, {suite.suite_hash}"
    if why is not None:
        raise ApprovalUnfit(
            approval_id=approval.approval_id,
            why=why,
            remedy=f"Record an approval of {suite.suite_id} at {Portal.GOVERNANCE}",
        )
