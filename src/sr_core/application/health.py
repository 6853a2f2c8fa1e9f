"""What the platform depends on, and how each shows that it works (R-API-17).

Every dependency has the same few seconds, all at once, and the answer is there when they
have passed: one that hangs is left to itself, and said to be unhealthy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sr_core.domain.errors import SrError

DEADLINE_S: Final = 5.0
"""How long a dependency has to show that it works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """Something outside that the platform needs.

    `check` does something real with it, with our credentials, and raises an `SrError`
    if that does not work. What it returns are notes: what works, and is not as it should
    be. Neither holds a secret.
    """

    name: str
    check: Callable[[], Awaitable[tuple[str, ...] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a dependency showed; `error` is None where it works."""

    name: str
    latency_ms: float
    error: str | None
    notes: tuple[str, ...] = ()


class Readiness:
    """Tries the dependencies; `deadline_s` bounds each of them."""

    def __init__(
        self, dependencies: Iterable[Dependency], *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._dependencies = tuple(dependencies)
        self._deadline_s = deadline_s
        self._left: set[asyncio.Task[tuple[str, ...] | None]] = set()

    async def checked(self) -> tuple[Checked, ...]:
        """Try all of them at once, and return what each showed."""
        return tuple(await asyncio.gather(*map(self._tried, self._dependencies)))

    async def _tried(self, dependency: Dependency) -> Checked:
        loop = asyncio.get_running_loop()
        began = loop.time()
        task = asyncio.ensure_future(_run(dependency))
        await asyncio.wait({task}, timeout=self._deadline_s)
        return Checked(
            name=dependency.name,
            latency_ms=round((loop.time() - began) * 1000, 3),
            error=(error := self._error(task)),
            notes=() if error else task.result() or (),
        )

    def _error(self, task: asyncio.Task[tuple[str, ...] | None]) -> str | None:
        if not task.done():
            self._leave(task)
            return f"no answer within {self._deadline_s:g} s"
        try:
            task.result()
        except SrError as error:
            return str(error)
        return None

    def _leave(self, task: asyncio.Task[tuple[str, ...] | None]) -> None:
        """Ask the task to end, without waiting for it: it may hang while it does."""
        self._left.add(task)
        task.add_done_callback(self._forget)
        task.cancel()

    def _forget(self, task: asyncio.Task[tuple[str, ...] | None]) -> None:
        self._left.discard(task)
        if not task.cancelled():
            task.exception()  # it came too late to say so; asyncio wants it looked at


async def _run(dependency: Dependency) -> tuple[str, ...] | None:
    return await dependency.check()
