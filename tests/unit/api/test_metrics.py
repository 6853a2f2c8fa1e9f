"""Metrics move by what was done, by exactly that, and by nobody's word (SPEC 14.1)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.bootstrap.replay import replayed
from sr_core.ports.event_store import BEGINNING
from sr_core.ports.metrics import (
    COUNTERS,
    HISTOGRAMS,
    Count,
    Counter,
    Duration,
    Histogram,
)
from sr_core.testing import BUILD, CORE, fails

pytestmark = pytest.mark.anyio


async def told(api) -> dict[str, int]:
    """All numbers of the JSON view that count something, by their path in it."""
    answer = await api.ask("GET", "metrics", by=None)
    assert answer.status_code == 200
    return dict(flat(answer.json()["domain"], ""))


def flat(value: object, at: str):
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name not in {"sum", "buckets"}:
                yield from flat(each, f"{at}/{name}")
    elif isinstance(value, int):
        yield at, value


async def moved(api, act) -> dict[str, int]:
    """What `act` moved, and by how much."""
    before = await told(api)
    await act()
    after = await told(api)
    changed = {name: n - before.get(name, 0) for name, n in after.items()}
    return {name: by for name, by in changed.items() if by}


async def logged(api) -> int:
    """How many events the log has, those of the start among them."""
    return len(await api.stage.log.read(after=BEGINNING, limit=1000))


APPENDED = "/event_store_append_duration_seconds/count"


class TestOneActionMovesItsMetrics:
    async def test_opening_a_loop(self, api, loop_body):
        assert await moved(api, lambda: api.done("loops", loop_body)) == {
            "/loops_created": 1,
            "/events_appended": 1,
            APPENDED: 1,
        }

    async def test_closing_one_tells_how_long_it_lived(self, api):
        loop_id = await api.a_loop()

        assert await moved(api, lambda: api.done(f"loops/{loop_id}/close")) == {
            "/loop_lifecycle_duration_seconds/count": 1,
            "/events_appended": 1,
            APPENDED: 1,
        }
        view = (await api.get("metrics")).json()["domain"]
        lived = view["loop_lifecycle_duration_seconds"]
        assert lived["sum"] > 0
        assert lived["buckets"]["+Inf"] == lived["count"] == 1

    @pytest.mark.parametrize("outcome", ["SUCCESS", "FAILURE"])
    async def test_an_iteration(self, api, suite, outcome):
        await api.done("oracles/suites", suite)
        loop_id = await api.a_loop()
        started = await moved(
            api, lambda: api.done(f"loops/{loop_id}/iterations", by="system")
        )
        events = await api.events()
        iteration_id = events[-1].event.iteration_id
        body = {"outcome": outcome, "summary": "done"}

        ended = await moved(
            api,
            lambda: api.done(f"iterations/{iteration_id}/complete", body, by="agent"),
        )

        assert started["/iterations_started"] == 1
        assert ended["/iterations_completed"] == 1
        assert ended[f"/iteration_total/{outcome.lower()}"] == 1
        assert len([name for name in ended if "iteration_total" in name]) == 1

    async def test_a_candidate_and_its_run(self, api):
        made: list[str] = []

        async def make():
            made.append((await api.a_candidate())[1])

        assert (await moved(api, make))["/candidates_registered"] == 1
        ran = await moved(api, lambda: api.a_run(made[0]))
        assert ran["/oracle_runs_total"] == ran["/oracle_runs_passed"] == 1
        assert ran[f"/oracle_run_duration_seconds/{CORE}/count"] == 1
        assert "/oracle_runs_failed" not in ran

    async def test_a_run_that_fails(self, api):
        api.runner.scripts[BUILD] = fails
        _, candidate_id = await api.a_candidate()

        ran = await moved(api, lambda: api.a_run(candidate_id))

        assert ran["/oracle_runs_total"] == ran["/oracle_runs_failed"] == 1
        assert "/oracle_runs_passed" not in ran

    async def test_events_are_counted_as_the_log_has_them(self, api):
        before = await logged(api)

        moves = await moved(api, api.a_candidate)

        assert moves["/events_appended"] == await logged(api) - before > 0
        assert (await told(api))["/events_appended"] == await logged(api)

    async def test_making_the_read_model_anew(self, api):
        await api.a_loop()
        stored = await api.stage.log.read(after=BEGINNING, limit=100)

        async def rebuild():
            assert replayed(stored, api.stage.metrics)["loops"]

        assert await moved(api, rebuild) == {
            "/projection_rebuild_duration_seconds/count": 1
        }


class TestWhatIsNotDoneMovesNothing:
    async def test_a_refusal(self, api):
        loop_id = await api.a_loop()

        async def again():
            assert (await api.post(f"loops/{loop_id}/activate")).status_code == 422

        assert await moved(api, again) == {}

    async def test_reading(self, api):
        await api.a_loop()

        assert await moved(api, lambda: api.get("loops")) == {}

    async def test_what_a_client_says(self, api, loop_body):
        async def claims():
            spoilt = {**loop_body, "loops_created": 100}
            assert (await api.post("loops", spoilt)).status_code == 400
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                assert (await api.ask(method, "metrics", json={})).status_code == 405

        assert await moved(api, claims) == {}

    async def test_a_crowded_append_counts_once(self, api, loop_body):
        api.stage.log.conflicts = 3

        assert (await moved(api, lambda: api.done("loops", loop_body))) == {
            "/loops_created": 1,
            "/events_appended": 1,
            APPENDED: 1,
        }


class TestRequests:
    async def test_each_answer_is_counted_in_its_class(self, api):
        before = (await api.get("metrics")).json()["http"]
        await api.get("whoami")
        await api.get("loops/none")
        await api.get("/none")
        after = (await api.get("metrics")).json()["http"]

        grown = {name: after[name] - before[name] for name in after if "req" in name}
        assert grown == {
            "requests_total": 4,  # those three, and the look at the metrics before
            "requests_success": 2,
            "requests_client_error": 2,
            "requests_server_error": 0,
        }

    async def test_a_failure_of_ours_is_one_of_ours(self, api, monkeypatch):
        async def broken(*_: object, **__: object) -> None:
            raise ValueError

        monkeypatch.setattr(api.stage.rows, "rows", broken)
        assert (await api.get("loops")).status_code == 500

        assert (await api.get("metrics")).json()["http"]["requests_server_error"] == 1

    async def test_many_at_once_are_all_counted(self, api):
        await asyncio.gather(*(api.get("whoami") for _ in range(100)))

        assert (await api.get("metrics")).json()["http"]["requests_total"] == 100

    async def test_the_mean_is_no_whole_number_of_milliseconds(self, api):
        for _ in range(5):
            await api.get("whoami")

        mean = (await api.get("metrics")).json()["http"]["avg_latency_ms"]
        assert isinstance(mean, float)
        assert 0 < mean < 1000


class TestViews:
    async def test_the_envelope(self, api):
        view = (await api.ask("GET", "metrics", by=None)).json()

        assert view["service"] == "solver-ralph-api"
        assert view.keys() == {
            "service",
            "version",
            "uptime_seconds",
            "timestamp",
            "http",
            "domain",
        }

    async def test_prometheus_reads_the_same_numbers(self, api):
        await api.a_loop()

        answer = await api.get("/metrics/prometheus", by=None)

        assert answer.headers["content-type"].startswith("text/plain")
        assert re.search(r"^loops_created_total 1\.0$", answer.text, re.MULTILINE)
        appended = rf"^events_appended_total {await logged(api)}\.0$"
        assert re.search(appended, answer.text, re.MULTILINE)
        for name in (
            "loop_lifecycle_duration_seconds_bucket",
            'iteration_total{outcome="success"} 0.0',
            'iteration_total{outcome="failure"} 0.0',
            "# TYPE oracle_run_duration_seconds histogram",
            "event_store_append_duration_seconds_count 3.0",  # and that of the start
            "projection_rebuild_duration_seconds_count 0.0",
        ):
            assert name in answer.text

    async def test_two_platforms_count_for_themselves(self, api):
        await api.a_loop()

        fresh = PrometheusMetrics().reading()

        assert fresh.counts[Counter.LOOPS_CREATED][""] == 0


class TestRegistry:
    def test_threads_lose_nothing(self):
        metrics = PrometheusMetrics()

        def work(_: int) -> None:
            for _ in range(100):
                metrics.move(
                    Count(Counter.LOOPS_CREATED),
                    Duration(Histogram.ORACLE_RUN, 0.2, CORE),
                )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

        reading = metrics.reading()
        assert reading.counts[Counter.LOOPS_CREATED][""] == 800
        runs = reading.distributions[Histogram.ORACLE_RUN][CORE]
        assert runs.count == runs.buckets["0.5"] == 800
        assert runs.buckets["0.1"] == 0
        assert runs.mean_ms == pytest.approx(200)

    def test_every_metric_can_be_told(self):
        reading = PrometheusMetrics().reading()

        assert reading.counts.keys() == COUNTERS.keys()
        assert reading.distributions.keys() == HISTOGRAMS.keys()
        assert json.dumps(reading.counts[Counter.ITERATION])
