"""Bugs in who may do what, and when: authority, identity, loops, waivers, runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_sr.mutants.base import Patch, inside
from pytest_sr.registry import mutant
from sr_core.adapters.oidc import actor_kinds, identity
from sr_core.api.authority import Authority
from sr_core.application import runs
from sr_core.domain import (
    decision,
    dossier,
    exception_terms,
    governed_exception,
    integrity,
    loop,
    oracle_suite,
    portal,
    run,
)
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.ids import SuiteId
from sr_core.domain.run import Run
from sr_core.domain.violation import Violation, gap
from sr_core.ports.identity import NotIdentified

_ALL_ROLES: Final = portal.ALL_ROLES
_NO_TOKEN: Final = "none"  # noqa: S105 - it stands for there being no token


@mutant("loop.never-stops")
def loop_never_stops() -> tuple[Patch, ...]:
    """No trigger stops a loop."""

    def stop(*_: object, **__: object) -> tuple[()]:
        return ()

    return (Patch(owner=loop, name="stop", value=stop),)


@mutant("loop.resumes-at-any-time")
def loop_resumes_at_any_time() -> tuple[Patch, ...]:
    """A stopped loop goes on whenever somebody asks, decision or not."""

    def resume(known: loop.Loop, command: loop.ResumeLoop) -> tuple[loop.LoopResumed]:
        named = command.decision_id
        by_it = dict.fromkeys(known.stops, named) if named is not None else {}
        resumed = loop.LoopResumed(
            loop_id=known.loop_id, decision_id=named, answers=by_it
        )
        return (resumed,)

    return (Patch(owner=loop, name="_resume", value=resume),)


@mutant("loop.decision-lifts-integrity")
def loop_decision_lifts_integrity() -> tuple[Patch, ...]:
    """A decision resumes a loop though an integrity condition stands."""
    real = inside(loop, "_resume")

    def resume(known: loop.Loop, command: loop.ResumeLoop) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(known, replace(command, standing=frozenset()))

    return (Patch(owner=loop, name="_resume", value=resume),)


@mutant("loop.never-resumes")
def loop_never_resumes() -> tuple[Patch, ...]:
    """A loop that was once stopped is taken to have a condition for ever."""
    standing = frozenset({integrity.IntegrityCondition.ORACLE_GAP})
    return (Patch(owner=dossier.Dossier, name="standing", value=lambda _: standing),)


@mutant("waiver.covers-anything")
def waiver_covers_anything() -> tuple[Patch, ...]:
    """Anything can be waived, integrity conditions and silent oracles too."""

    def latest(self: dossier.Dossier, candidate_id: Any, _: object) -> Run | None:  # noqa: ANN401 - passed on as it comes
        of_it = [
            each for each in self.runs.values() if each.candidate_id == candidate_id
        ]
        return of_it[-1] if of_it else None

    def allow(*_: object) -> None:
        return None

    return (
        Patch(owner=dossier.Dossier, name="run_judging_by", value=latest),
        Patch(owner=exception_terms, name="_NEVER", value=frozenset()),
        Patch(owner=exception_terms, name="_refuse_conditions", value=allow),
        Patch(owner=exception_terms, name="parse_oracle_id", value=lambda text: text),
        Patch(owner=exception_terms, name="require_failed", value=lambda run, *_: run),
        Patch(owner=exception_terms, name="require_clean", value=allow),
        Patch(owner=governed_exception, name="require_same_failures", value=allow),
        Patch(owner=governed_exception, name="require_clean", value=allow),
    )


@mutant("run.always-violated")
def run_always_violated() -> tuple[Patch, ...]:
    """Every run is found to have a gap, whatever its oracles said."""

    async def violations(*_: object) -> tuple[Violation, ...]:
        silence = gap(SuiteId("suite:SR-SUITE-CORE"), "so it is said")
        return (silence,)

    return (Patch(owner=runs.Runs, name="_violations", value=violations),)


@mutant("suite.weakened-silently")
def suite_weakened_silently() -> tuple[Patch, ...]:
    """A suite may ask less than before, and nobody has to approve that."""

    def weakenings(*_: object) -> tuple[()]:
        return ()

    return (Patch(owner=oracle_suite, name="weakenings", value=weakenings),)


@mutant("suite.rebase-not-recorded")
def suite_rebase_not_recorded() -> tuple[Patch, ...]:
    """A rebase is accepted and forgotten."""

    def rebase(*_: object) -> tuple[()]:
        return ()

    return (Patch(owner=oracle_suite, name="_rebase", value=rebase),)


@mutant("run.never-cures")
def run_never_cures() -> tuple[Patch, ...]:
    """A stopped loop allows no run, not even the one that would cure it."""
    real = inside(run, "start")

    def start(known: Any, command: Any) -> Any:  # noqa: ANN401 - passed on as it comes
        return real(known, replace(command, cures=False))

    return (Patch(owner=run, name="start", value=start),)


@mutant("decision.not-recorded")
def decision_not_recorded() -> tuple[Patch, ...]:
    """A decision is accepted and forgotten."""

    def decide(_: object) -> tuple[()]:
        return ()

    return (Patch(owner=decision, name="decide", value=decide),)


@mutant("identity.asks-nobody")
def identity_asks_nobody() -> tuple[Patch, ...]:
    """Whoever comes without a token is taken for a human with every role."""
    from sr_core.api import reception  # noqa: PLC0415 - slow to load, and wanted here alone

    real = inside(identity.OidcIdentity, "actor_of")

    async def actor_of(self: Any, token: str) -> Actor:  # noqa: ANN401 - passed on as it comes
        if token == _NO_TOKEN:
            return Actor(ActorKind.HUMAN, "oidc_sub:default:nobody", _ALL_ROLES)
        return await real(self, token)

    def bearer(request: Any) -> str:  # noqa: ANN401 - passed on as it comes
        return request.headers.get("authorization", f" {_NO_TOKEN}").split(" ")[1]

    return (
        Patch(owner=identity.OidcIdentity, name="actor_of", value=actor_of),
        Patch(owner=reception, name="bearer", value=bearer),
    )


@mutant("authority.anyone-binds")
def authority_anyone_binds() -> tuple[Patch, ...]:
    """Nobody's kind or role is asked for."""

    def allow(*_: object, **__: object) -> None:
        return None

    return (
        Patch(owner=Authority, name="require", value=allow),
        Patch(owner=Actor, name="require", value=allow),
        Patch(owner=Actor, name="require_role", value=allow),
        Patch(owner=Actor, name="require_one_of", value=allow),
    )


@mutant("authority.roles-not-asked")
def authority_roles_not_asked() -> tuple[Patch, ...]:
    """Any human may bind at any portal."""
    real = inside(Authority, "require")

    def allow(*_: object, **__: object) -> None:
        return None

    def require(authority: Authority, by: Actor, *, action: str) -> None:
        real(replace(authority, roles=frozenset()), by, action=action)

    return (
        Patch(owner=Authority, name="require", value=require),
        Patch(owner=Actor, name="require_role", value=allow),
        Patch(owner=Actor, name="require_one_of", value=allow),
    )


@mutant("identity.human-by-default")
def identity_human_by_default() -> tuple[Patch, ...]:
    """A token that proves no kind of actor makes a human with every role."""
    real = actor_kinds.actor_from_claims

    def actor_from_claims(claims: Mapping[str, Any], kinds: Any) -> Actor:  # noqa: ANN401 - passed on as it comes
        try:
            return real(claims, kinds)
        except NotIdentified:
            subject = f"oidc_sub:default:{claims.get('sub')}"
            return Actor(ActorKind.HUMAN, subject, _ALL_ROLES)

    return (Patch(owner=identity, name="actor_from_claims", value=actor_from_claims),)
