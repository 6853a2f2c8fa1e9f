"""What the fuzzer does with each request: give it real identifiers, note its answer.

It is loaded by the fuzzer's own process, by `SCHEMATHESIS_HOOKS`.
"""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path
from typing import Any

import schemathesis

SEEDS = json.loads(Path(os.environ["FUZZ_SEEDS"]).read_text(encoding="utf-8"))
ANSWERS = Path(os.environ["FUZZ_ANSWERS"])

_turn = count(int(os.environ["FUZZ_TURN"]))


@schemathesis.hook
def before_call(_: Any, case: Any, __: dict[str, Any]) -> None:
    """Have three of four requests name what is there, and every other say what fits."""
    turn = next(_turn)
    if turn % 4:
        for name in list(case.path_parameters or {}):
            known = SEEDS["parameters"].get(name)
            if known:
                case.path_parameters[name] = known[turn // 4 % len(known)]
    bodies = SEEDS["bodies"].get(case.operation.label)
    if bodies and turn % 2:
        case.body = bodies[turn // 2 % len(bodies)]
        case.media_type = "application/json"


@schemathesis.hook
def after_call(_: Any, case: Any, response: Any) -> None:
    """Note what was answered."""
    line = {"operation": case.operation.label, "status": response.status_code}
    with ANSWERS.open("a", encoding="utf-8") as answers:
        answers.write(f"{json.dumps(line)}\n")
