"""The event manager's state follows from the log alone, however it is read (SPEC 12.2)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.plan import hash_view
from sr_core.domain.event_ledger import Ledger, evolve, fold
from sr_core.domain.event_manager import CoarseStatus, view
from sr_core.domain.evidence import ResultStatus
from sr_core.domain.integrity import IntegrityCondition, StopTrigger
from sr_core.domain.refs import RefKind
from sr_core.testing.plans import PLAN_1, build_plan
from sr_core.testing.unit_log import UnitLog

UNITS: Final = ("WU-a", "WU-b", "WU-c")
WAITS: Final = {"WU-b": ("WU-a",), "WU-c": ("WU-a", "WU-b")}

Op = tuple[str, str]


def begun() -> UnitLog:
    """Three units in a row, each with a loop and a candidate that was judged."""
    log = UnitLog(build_plan(units=UNITS, waits=WAITS))
    for unit in UNITS:
        log.open_loop(unit).iterate(unit).make(unit).judge(unit)
    return log


TELLINGS: Final[dict[str, Callable[[UnitLog, str], UnitLog]]] = {
    "bind": lambda log, unit: log.bind(unit),
    "archive": lambda log, unit: log.end_surface(unit, "WorkSurfaceArchived"),
    "iterate": lambda log, unit: log.iterate(unit),
    "finish": lambda log, unit: log.finish(unit),
    "stop": lambda log, unit: log.stop(unit, StopTrigger.ORACLE_GAP),
    "resume": lambda log, unit: log.resume(unit),
    "close": lambda log, unit: log.close(unit),
    "pass": lambda log, unit: log.pass_stage(unit),
    "fail": lambda log, unit: log.judge(unit, ResultStatus.FAIL),
    "mend": lambda log, unit: log.judge(unit),
    "violate": lambda log, unit: log.violate(unit),
    "clear": lambda log, unit: log.verify(unit),
    "stain": lambda log, unit: log.verify(unit, IntegrityCondition.ORACLE_GAP),
    "mark": lambda log, unit: log.mark_stale(RefKind.LOOP, f"loop-{unit}", unit),
    "unmark": lambda log, unit: log.resolve_stale(RefKind.LOOP, f"loop-{unit}", unit),
    "defer": lambda log, unit: log.defer(unit=unit),
    "activate": lambda log, _: log.change_exception("ExceptionActivated"),
    "expire": lambda log, _: log.change_exception("ExceptionExpired"),
}
NEED_SURFACE: Final = {"archive", "pass"}


@st.composite
def scripts(draw: st.DrawFn) -> list[Op]:
    """What happens to the three units, nothing of it before it can."""
    ops = draw(
        st.lists(
            st.tuples(st.sampled_from(sorted(TELLINGS)), st.sampled_from(UNITS)),
            max_size=40,
        )
    )
    bound: set[str] = set()
    possible = []
    for name, unit in ops:
        if name == "bind":
            bound.add(unit)
        if name not in NEED_SURFACE or unit in bound:
            possible.append((name, unit))
    return possible


def play(ops: list[Op]) -> UnitLog:
    log = begun()
    for name, unit in ops:
        TELLINGS[name](log, unit)
    return log


class Model:
    """The clause read word for word, over the whole script, a unit at a time.

    It shares no line with the event manager: where the two differ, one of them is wrong.
    """

    def __init__(self, ops: list[Op]) -> None:
        self.ops = ops

    def of(self, unit: str) -> list[str]:
        return [name for name, each in self.ops if each == unit]

    def latest(self, unit: str, *names: str) -> str | None:
        found = [name for name in self.of(unit) if name in names]
        return found[-1] if found else None

    def is_complete(self, unit: str) -> bool:
        since = self.of(unit)
        if "bind" not in since:
            return False
        last_bind = len(since) - 1 - since[::-1].index("bind")
        has_passed = "pass" in since[last_bind:]
        return has_passed and self.latest(unit, "fail", "mend") != "fail"

    def is_deferred(self, unit: str) -> bool:
        in_force: str | None = None
        drawn_up: str | None = None
        for name, each in self.ops:
            if name == "defer":
                drawn_up, in_force = each, None
            elif name == "activate":
                in_force = drawn_up
            elif name == "expire":
                in_force = None
        return in_force == unit

    def is_eligible(self, unit: str) -> bool:
        is_closed = "close" in self.of(unit)
        is_stopped = self.latest(unit, "stop", "resume") == "stop"
        is_in_doubt = self.latest(unit, "violate", "stain", "clear") in {
            "violate",
            "stain",
        }
        return (
            not self.is_complete(unit)
            and (is_closed or not (is_stopped or is_in_doubt))
            and self.latest(unit, "bind", "archive") == "bind"
            and self.latest(unit, "mark", "unmark") != "mark"
            and all(
                self.is_complete(each) or self.is_deferred(each)
                for each in WAITS.get(unit, ())
            )
        )


@given(scripts())
def test_it_is_what_the_clause_says(ops):
    log, model = play(ops), Model(ops)

    assert log.view.eligible_set == tuple(filter(model.is_eligible, UNITS))
    assert log.view.runlist[CoarseStatus.COMPLETE] == tuple(
        filter(model.is_complete, UNITS)
    )


@given(scripts(), st.data())
def test_to_read_on_is_to_read_all(ops, data):
    """Incremental is the same as full replay, wherever the reading was interrupted."""
    log = play(ops)
    cut = data.draw(st.integers(min_value=0, max_value=len(log.entries)))

    resumed = fold(log.entries[cut:], fold(log.entries[:cut]))
    one_by_one = Ledger()
    for entry in log.entries:
        one_by_one = evolve(one_by_one, entry)

    assert resumed == one_by_one == log.ledger
    assert hash_of(resumed) == hash_of(log.ledger)


def hash_of(ledger: Ledger) -> str:
    return hash_view(view(ledger, ledger.plans[PLAN_1]))


class TestDeterminism:
    """SPEC 12.2, by the names that these properties have there."""

    def test_state_hash_determinism(self):
        log = play([("bind", "WU-a"), ("stop", "WU-a")])

        assert {hash_of(fold(log.entries)) for _ in range(3)} == {hash_of(log.ledger)}

    @pytest.mark.parametrize("told", sorted(TELLINGS))
    def test_state_hash_reflects_changes(self, told):
        log = play([("bind", "WU-b")])
        before = log.view

        after = replace(TELLINGS[told](log, "WU-b").view, last_event_id=None)

        assert hash_view(after) != hash_view(before)

    @pytest.mark.parametrize(
        "change",
        [
            {"coarse_status": CoarseStatus.COMPLETE},
            {"deps_satisfied": False},
            {"has_work_surface": False},
            {"current_stage_id": "stage:OTHER"},
            {"stage_status": {}},
            {"block_reasons": ()},
            {"staleness_markers": ("stale-1",)},
            {"last_iteration_id": None},
            {"last_candidate_id": None},
            {"last_evidence_bundle_id": None},
            {"is_eligible": True},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_state_hash_covers_every_component(self, change):
        view_ = play([("bind", "WU-a"), ("stop", "WU-a")]).view
        changed = replace(view_.units["WU-a"], **change)

        assert changed != view_.units["WU-a"]
        assert hash_view(
            replace(view_, units={**view_.units, "WU-a": changed})
        ) != hash_view(view_)

    def test_full_replay_determinism(self):
        log = UnitLog(build_plan(units=("WU-a",)))
        log.begin("WU-a").iterate("WU-a").make("WU-a").judge("WU-a")

        assert len(log.entries) == 8
        assert fold(log.entries) == log.ledger

    def test_eligible_set_determinism_after_replay(self):
        log = play([("bind", "WU-a"), ("bind", "WU-b"), ("pass", "WU-a")])

        again = fold(log.entries)

        assert view(again, again.plans[PLAN_1]).eligible_set == ("WU-b",)
        assert log.view.eligible_set == ("WU-b",)

    def test_status_projection_determinism(self):
        log = play([("bind", "WU-a"), ("stop", "WU-b")])

        assert {name: each.coarse_status for name, each in log.view.units.items()} == {
            "WU-a": CoarseStatus.IN_PROGRESS,
            "WU-b": CoarseStatus.BLOCKED,
            "WU-c": CoarseStatus.BLOCKED,
        }

    @pytest.mark.parametrize("left_out", range(3, 9))
    def test_no_ghost_inputs(self, left_out):
        """Whatever is told of a unit is in the log: without an event it is gone."""
        log = UnitLog(build_plan(units=("WU-a",)))
        log.begin("WU-a").iterate("WU-a").make("WU-a").judge("WU-a").stop("WU-a")
        whole = hash_of(log.ledger)
        kept = [each for each in log.entries if each.position != left_out]

        try:
            without = hash_of(fold(kept))
        except KeyError:  # what came later rests on it
            return
        assert without != whole

    def test_dependency_satisfaction_replay(self):
        log = play([("bind", "WU-a"), ("pass", "WU-a"), ("bind", "WU-b")])

        assert [
            (each.unit, each.target, str(each.satisfaction)) for each in log.view.edges
        ] == [
            ("WU-b", "WU-a", "complete"),
            ("WU-c", "WU-a", "complete"),
            ("WU-c", "WU-b", "blocked"),
        ]

    def test_verify_replay_deterministic(self):
        """Another process, another hash seed, another time zone: the same state."""
        program = (
            "from sr_core.testing.unit_log import UnitLog;"
            "from sr_core.codec.plan import hash_view;"
            "log = UnitLog().complete('WU-a').begin('WU-b').stop('WU-b');"
            "print(hash_view(log.view))"
        )
        hashes = {
            subprocess.run(  # noqa: S603 - the program stands above
                [sys.executable, "-c", program],
                env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
                cwd=Path(__file__).parent,
                capture_output=True,
                check=True,
                text=True,
            ).stdout.strip()
            for seed, zone in (("1", "Asia/Tokyo"), ("77", "America/Lima"))
        }
        here = UnitLog().complete("WU-a").begin("WU-b").stop("WU-b")

        assert hashes == {hash_view(here.view)}

    def test_replay_proof_full_workflow(self):
        log = begun()
        for unit in UNITS:
            log.bind(unit).finish(unit)
            assert log.view.eligible_set == (unit,)
            log.pass_stage(unit).end_surface(unit)

        assert log.view.is_complete
        assert hash_of(fold(log.entries)) == hash_view(log.view)
