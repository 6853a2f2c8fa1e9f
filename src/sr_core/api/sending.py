"""Answers that are sent without the framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec
from litestar.types import HTTPScope, Message, Send

from sr_core.api.problems import PROBLEM_JSON, problem_headers, problem_of
from sr_core.domain.errors import SrError
from sr_core.ports.receipts import StoredAnswer


async def send_problem(scope: HTTPScope, error: SrError, send: Send) -> None:
    """Answer with the problem that `error` is."""
    problem = problem_of(error, scope["state"])
    answer = StoredAnswer(
        status=problem.status,
        media_type=PROBLEM_JSON,
        body=msgspec.json.encode(problem),
    )
    await send_answer(answer, send, problem_headers(problem.status))


async def send_answer(
    answer: StoredAnswer, send: Send, headers: Mapping[str, str]
) -> None:
    """Send the answer, byte for byte."""
    head = {
        "content-type": answer.media_type,
        "content-length": str(len(answer.body)),
        **{name.lower(): value for name, value in headers.items()},
    }
    start = {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [(name.encode(), value.encode()) for name, value in head.items()],
    }
    body = {"type": "http.response.body", "body": answer.body, "more_body": False}
    await send(cast("Message", start))
    await send(cast("Message", body))
