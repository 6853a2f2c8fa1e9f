"""The HTTP face over memory stores, asked over ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from sr_core.api.app import Face, build_app
from sr_core.application.governed import BOUNDARY
from sr_core.application.health import Dependency
from sr_core.codec.envelope import opened
from sr_core.domain.actors import Actor
from sr_core.domain.loop import Budgets
from sr_core.ports.event_store import BEGINNING
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    CORE,
    DIRECTIVE,
    GOVERNED,
    HUMAN,
    SYSTEM,
    ScriptedRunner,
    Stage,
    TokenTable,
    build_suite,
)

TOKENS = {
    "human-token": HUMAN,
    "bystander-token": BYSTANDER,
    "agent-token": AGENT,
    "system-token": SYSTEM,
}
SUITE = {
    "suite_id": CORE,
    "oracles": [
        {
            "oracle_id": each.oracle_id,
            "argv": list(each.argv),
            "report": each.report,
            "classification": each.classification.value,
        }
        for each in build_suite().oracles
    ],
}
LOOP = {
    "goal": "a goal",
    "directive_ref": {
        "kind": DIRECTIVE.kind.value,
        "id": DIRECTIVE.id,
        "rel": DIRECTIVE.rel.value,
        "meta": dict(DIRECTIVE.meta),
    },
    "budgets": {"max_iterations": Budgets().max_iterations},
}


@dataclass
class Api:
    """What a client sees, and what the platform holds behind it."""

    client: httpx.AsyncClient
    stage: Stage
    runner: ScriptedRunner

    async def ask(
        self, method: str, path: str, *, by: str | None = "human", **more: Any
    ) -> httpx.Response:
        headers = dict(more.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {by}-token"
        url = path if path.startswith("/") else f"/api/v1/{path}"
        return await self.client.request(method, url, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.ask("POST", path, json=body, **more)

    async def done(self, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """Ask for something that has to succeed."""
        answer = await self.post(path, body, **more)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def a_loop(self, **changes: Any) -> str:
        told = await self.done("loops", {**LOOP, **changes})
        await self.done(f"loops/{told['loop_id']}/activate")
        return str(told["loop_id"])

    async def a_suite(self) -> None:
        """See that the suite is registered: an iteration starts from it."""
        answer = await self.post("oracles/suites", SUITE)
        assert answer.is_success or answer.json()["code"] == "SUITE_TAKEN"

    async def a_candidate(self) -> tuple[str, str]:
        """A loop with the suite, an iteration and a candidate."""
        await self.a_suite()
        loop_id = await self.a_loop()
        told = await self.done(f"loops/{loop_id}/iterations", by="system")
        body = {
            "produced_by_iteration_id": told["iteration_id"],
            "files": {"src/a.py": "YSA9IDEK"},
        }
        made = await self.done("candidates", body, by="agent")
        return loop_id, str(made["candidate_id"])

    async def a_run(self, candidate_id: str) -> dict[str, Any]:
        body = {"candidate_id": candidate_id, "oracle_suite_id": CORE}
        return await self.done("runs", body, by="system")

    def waiver_of(self, candidate_id: str, **changes: Any) -> dict[str, Any]:
        """What a request for a waiver holds."""
        return {
            "scope": {"candidate_id": candidate_id},
            "oracle_id": BUILD,
            "gate_id": "G-VERIFIED-STRICT",
            "rationale": "known",
            "target_description": "a slow build",
            "risk": "low",
            "mitigation": "watched",
            "resolution_criteria": "mended",
            "expires_at": "2030-01-01T00:00:00Z",
            **changes,
        }

    def approval_of(
        self, candidate_id: str, evidence: str, /, **changes: Any
    ) -> dict[str, Any]:
        """What an approval of a release holds."""
        return {
            "portal_id": "ReleaseApprovalPortal",
            "decision": "APPROVED",
            "subject_refs": [{"kind": "Candidate", "id": candidate_id, "meta": {}}],
            "evidence_refs": [evidence],
            "exceptions_acknowledged": [],
            **changes,
        }

    async def events(self) -> list[Any]:
        stored = await self.stage.log.read(after=BEGINNING, limit=1000)
        asked = (each for each in stored if each.stream_id != BOUNDARY)
        return [opened(each) for each in asked]


class Broken:
    """An `Identity` that fails in the one way that it was made for."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def actor_of(self, token: str) -> Actor:
        assert token, "a request without one does not come here"
        raise self._error


def client_of(app: Litestar) -> httpx.AsyncClient:
    asgi = cast("Any", app)  # each has its own types of the same protocol
    transport = httpx.ASGITransport(app=asgi, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://sr")


@cache
def built() -> Face:
    """The routes, built once: each test serves its own platform from them."""
    return build_app(Stage().platform, TokenTable({}), [])


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    runner = ScriptedRunner()
    stage = Stage(runner)
    await stage.start()
    app = built()
    app.serve(stage.platform, TokenTable(TOKENS), [])
    async with client_of(app) as client:
        yield Api(client, stage, runner)


@pytest.fixture
async def undocumented() -> AsyncIterator[Api]:
    """A platform whose process was started with no documents."""
    runner = ScriptedRunner()
    stage = Stage(runner, governed=replace(GOVERNED, artifacts=()))
    app = build_app(stage.platform, TokenTable(TOKENS), [])
    async with client_of(app) as client:
        yield Api(client, stage, runner)


@pytest.fixture
def suite() -> dict[str, Any]:
    return SUITE


@pytest.fixture
def loop_body() -> dict[str, Any]:
    return LOOP


@pytest.fixture
def ask() -> Callable[[Exception], Awaitable[httpx.Response]]:
    """Asks a platform that answers with the error."""

    async def whoami(error: Exception) -> httpx.Response:
        app = built()
        app.serve(Stage().platform, Broken(error), [])
        async with client_of(app) as client:
            return await client.get(
                "/api/v1/whoami", headers={"Authorization": "Bearer a"}
            )

    return whoami


@pytest.fixture
def ready() -> Callable[..., Awaitable[httpx.Response]]:
    """Asks a platform with these dependencies whether it is ready."""

    async def asked(*dependencies: Dependency) -> httpx.Response:
        app = built()
        app.serve(Stage().platform, TokenTable({}), dependencies)
        async with client_of(app) as client:
            return await client.get("/ready")

    return asked
