"""What steps give: the answer of the system, and names for what it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_sr.world.world import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An answer, and nothing that can be named of it."""

    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteMade:
    """A registered oracle suite."""

    answer: Answer
    suite: str
    suite_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopMade:
    """A loop."""

    answer: Answer
    loop: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationMade:
    """An iteration of a loop."""

    answer: Answer
    loop: str
    iteration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationsMade:
    """Several iterations in a row; `answer` is that of the last one's end."""

    answer: Answer
    loop: str
    iteration: str
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade:
    """A plan, `plan_hash` being over what binds in it."""

    answer: Answer
    plan: str
    plan_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationMade:
    """A look of the governor at a loop; `iteration` is empty unless it started one."""

    answer: Answer
    loop: str
    iteration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateMade:
    """A candidate, `digest` being the hash that the platform computed of its bytes."""

    answer: Answer
    loop: str
    iteration: str
    candidate: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMade:
    """A run that has ended, `evidence` being its bundle's hash, or empty."""

    answer: Answer
    loop: str
    iteration: str
    candidate: str
    run: str
    evidence: str
    suite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceHandedIn:
    """A bundle that was handed in; `evidence` is its hash, empty if it was refused."""

    answer: Answer
    run: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """What a step gives that only waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commanded:
    """A command of an operator's; `failure` is the code of its error, or empty."""

    failure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalMade:
    """An approval; empty if it was refused."""

    answer: Answer
    approval: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionMade:
    """A governed exception; empty if it was refused."""

    answer: Answer
    exception: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade:
    """A decision; empty if it was refused."""

    answer: Answer
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeMade:
    """A freeze record; empty if it was refused."""

    answer: Answer
    freeze: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """What several attempts came to: status and code by the name of each."""

    attempts: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMade:
    """A note."""

    answer: Answer
    record: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentMade:
    """A file that was added; `digest` is the hash that the platform computed."""

    answer: Answer
    attachment: str
    digest: str


def text(answer: Answer, field: str) -> str:
    """Return a field of the answer, empty if it is not there."""
    value = answer.body.get(field)
    return value if isinstance(value, str) else ""
