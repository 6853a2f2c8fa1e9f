"""What goes wrong between a server and who asks it, on demand; around any server of ours.

    troubles = Troubles(application)
    troubles.next(answer_of(503), times=2)           the next two questions
    troubles.limit(per_minute=120, now=...)          429 beyond that
    troubles.lie(lambda request, answer: ...)        answers that are not as they were

Over HTTP the first of these is `POST /_troubles` with `{status, times, headers, only}`,
where `only` is what the path begins with. `asked` keeps every question.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeAlias

from pytest_sr.stack.web import Application, Request, Response

WINDOW: Final = timedelta(minutes=1)
DOOR: Final = ("_troubles",)

Lie: TypeAlias = Callable[[Request, Response], Response]


@dataclass(slots=True, kw_only=True)
class _Planned:
    """An answer instead of the server's; how often, and to which paths."""

    answer: Response
    times: int
    only: str
    after: bool
    """Whether the server does what is asked, and only its answer is lost."""


@dataclass(slots=True)
class _Limit:
    """How many questions a minute has; state of `Troubles`."""

    per_minute: int
    now: Callable[[], datetime]
    seen: list[datetime] = field(default_factory=list)


class Troubles:
    """An application around another one."""

    def __init__(self, application: Application) -> None:
        """Begin without any trouble."""
        self._application = application
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self._limit: _Limit | None = None
        self._lie: Lie | None = None
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Response:
        """Return the answer, or what is in its place."""
        if request.segments == DOOR and request.method == "POST":
            return self._ordered(json.loads(request.body))
        with self._lock:
            self.asked.append(request)
            planned = self._taken(request)
            over = self._over_the_limit()
        if planned is not None and not planned.after:
            return planned.answer
        if over is not None:
            return over
        answer = self._application(request)
        if planned is not None:
            return planned.answer
        return self._lie(request, answer) if self._lie else answer

    def next(
        self, answer: Response, *, times: int = 1, only: str = "", after: bool = False
    ) -> None:
        """Answer so `times` times; if `after`, do what is asked nevertheless."""
        with self._lock:
            plan = _Planned(answer=answer, times=times, only=only, after=after)
            self._planned.append(plan)

    def quiet(self) -> None:
        """Forget what was to go wrong with the next questions."""
        with self._lock:
            self._planned.clear()

    def limit(self, *, per_minute: int, now: Callable[[], datetime]) -> None:
        """Answer no more than so many questions in a minute."""
        self._limit = _Limit(per_minute, now)

    def lie(self, lie: Lie | None) -> None:
        """Put every answer through `lie`."""
        self._lie = lie

    def count(self, method: str, ending: str) -> int:
        """Return how many questions there were of this method, on paths that end so."""
        paths = (
            "/".join(each.segments) for each in self.asked if each.method == method
        )
        return sum(each.endswith(ending) for each in paths)

    def _ordered(self, order: Mapping[str, Any]) -> Response:
        answer = answer_of(order["status"], headers=order.get("headers", {}))
        self.next(answer, times=order.get("times", 1), only=order.get("only", ""))
        return Response(status=HTTPStatus.OK, body={})

    def _taken(self, request: Request) -> _Planned | None:
        path = "/" + "/".join(request.segments)
        for each in self._planned:
            if path.startswith(each.only):
                each.times -= 1
                if each.times == 0:
                    self._planned.remove(each)
                return each
        return None

    def _over_the_limit(self) -> Response | None:
        if self._limit is None:
            return None
        now = self._limit.now()
        seen = [at for at in self._limit.seen if now - at < WINDOW]
        self._limit.seen = [*seen, now]
        if len(seen) < self._limit.per_minute:
            return None
        self._limit.seen.pop()
        wait_s = int((seen[0] + WINDOW - now).total_seconds()) + 1
        return answer_of(
            HTTPStatus.TOO_MANY_REQUESTS,
            message=f"Rate limit exceeded. Please try again in {wait_s} seconds",
            headers={"retry-after": str(wait_s)},
        )


_NAMES: Final[Mapping[int, str]] = {
    400: "BadRequest",
    401: "UnauthorizedError",
    403: "PermissionDenied",
    404: "NotFound",
    422: "ValidationFailure",
    429: "RateLimitExceeded",
    500: "InternalServerError",
}


def answer_of(
    status: int,
    *,
    error: str | None = None,
    message: object = "on demand",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return an error as the real server tells one."""
    return Response(
        status=HTTPStatus(status),
        body={
            "reqId": "req-on-demand",
            "statusCode": status,
            "message": message,
            "error": error or _NAMES.get(status, "Error"),
        },
        headers=headers or {},
    )
