"""What the fuzzer does with each request: give it real identifiers, note its answer.

It is loaded by the fuzzer's own process, by `SCHEMATHESIS_HOOKS`.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis

SEEDS = json.loads(Path(os.environ["FUZZ_SEEDS"]).read_text(encoding="utf-8"))
ANSWERS = Path(os.environ["FUZZ_ANSWERS"])
TURN = int(os.environ["FUZZ_TURN"])

_turns: dict[str, Iterator[int]] = defaultdict(count)


@schemathesis.hook
def before_call(_: Any, case: Any, __: dict[str, Any]) -> None:
    """Have every third request be one in order, and most others name what is there."""
    label = case.operation.label
    turn = next(_turns[label])
    known = SEEDS["requests"].get(label)
    if known and not turn % 3:
        _repeat(case, known[turn // 3 % len(known)])
    elif turn % 4 != 3:
        _name(case, TURN + turn)
        if known and turn % 2:
            _give(case, known[(TURN + turn) % len(known)]["body"])


def _repeat(case: Any, request: dict[str, Any]) -> None:
    """Make the case the request that is known to be in order."""
    case.path_parameters = dict(request["path"])
    case.query = dict(request["query"])
    case.headers.pop("Idempotency-Key", None)
    _give(case, request["body"] or ({} if case.operation.body else None))


def _name(case: Any, turn: int) -> None:
    """Have the case name what is there."""
    for name in list(case.path_parameters or {}):
        known = SEEDS["parameters"].get(name)
        if known:
            case.path_parameters[name] = known[turn % len(known)]


def _give(case: Any, body: object) -> None:
    if body is not None:
        case.body = body
        case.media_type = "application/json"


@schemathesis.hook
def after_call(_: Any, case: Any, response: Any) -> None:
    """Note what was answered."""
    line = {"operation": case.operation.label, "status": response.status_code}
    with ANSWERS.open("a", encoding="utf-8") as answers:
        answers.write(f"{json.dumps(line)}\n")
