"""A small world of steps, faults, checks and mutants, for scenario files to name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from pytest_sr.parse import ScenarioRefused, parse_text
from pytest_sr.registry import Duration, EventName, Registries, Registry

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    digest: str
    size: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    id: str
    loop: str
    candidate: str
    evidence: Evidence
    took: Duration
    labels: Mapping[str, str]
    verdict: Literal["PASS", "FAIL"]
    phase: Literal["PASS", "PENDING"]
    trace: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    body: Mapping[str, object]


STEPS = Registry("step", gives_results=True, reserved=frozenset({"as", "heal"}))
FAULTS = Registry("fault", reserved=frozenset({"at", "landed"}))
CHECKS = Registry("check", reserved=frozenset({"within", "after", "while"}))
MUTANTS = Registry("mutant")
REGISTRIES = Registries(steps=STEPS, faults=FAULTS, checks=CHECKS, mutants=MUTANTS)


@STEPS.register("stack.ready")
def stack_ready(world: object) -> None:
    """Wait for every service."""


@STEPS.register("run.completed")
def run_completed(
    world: object, *, suite: str, verdict: Literal["PASS", "FAIL"] = "PASS"
) -> Completed:
    """Complete a run, and all that comes before it."""
    raise NotImplementedError


@STEPS.register("candidate.verify")
def candidate_verify(world: object, *, candidate: str, force: bool = False) -> Answer:
    """Ask for the verification of a candidate."""
    raise NotImplementedError


@STEPS.register("waiver.request")
def waiver_request(world: object, *, covers: str, candidate: str) -> Answer:
    """Ask that a condition be waived."""
    raise NotImplementedError


@STEPS.register("approval.record")
def approval_record(world: object, *, portal: str, candidate: str) -> Answer:
    """Approve at a portal.

    Args:
        portal: where approvals of that sort are given

    """
    raise NotImplementedError


@STEPS.register("freeze.create")
def freeze_create(world: object, *, candidate: str) -> Answer:
    """Freeze a candidate."""
    raise NotImplementedError


@STEPS.register("run.repeat")
def run_repeat(world: object, *, of: object, times: int = 1) -> Completed:
    """Run the same suite over the same candidate again."""
    raise NotImplementedError


@STEPS.register("wait.until")
def wait_until(
    world: object, *, elapsed: Duration, while_: str | None = None, share: float = 1.0
) -> None:
    """Wait."""


@STEPS.register("user.login")
def user_login(world: object, *, user: str, password: str, age: int = 1) -> Answer:
    """Log in."""
    raise NotImplementedError


@FAULTS.register("s3.object")
def s3_object(
    world: object, *, do: Literal["delete", "corrupt", "deny"], key: str
) -> None:
    """Take an object away."""


@CHECKS.register("event")
def event(
    view: object,
    *,
    type: EventName,  # noqa: A002 - the word that scenarios have for it
    where: Mapping[str, object] | None = None,
    count: int | None = None,
) -> None:
    """Such an event was recorded."""


@CHECKS.register("no_event")
def no_event(
    view: object,
    *,
    type: EventName,  # noqa: A002 - the word that scenarios have for it
    where: Mapping[str, object] | None = None,
) -> None:
    """No such event was recorded."""


@CHECKS.register("projection")
def projection(
    view: object,
    *,
    projection: Literal["loops", "events"],
    has: Mapping[str, object],
    id: str | None = None,  # noqa: A002 - the word that scenarios have for it
    event: str | None = None,
) -> None:
    """A projection holds such a row."""


@CHECKS.register("answer")
def answer(
    view: object,
    *,
    answer: object,
    status: int,
    body: Mapping[str, object] | None = None,
) -> None:
    """A step was answered like this."""


@CHECKS.register("invariant")
def invariant(
    view: object, *, invariant: Literal["projections-equal-replay", "streams-gapless"]
) -> None:
    """A rule that holds in every story."""


@CHECKS.register("carried")
def carried(
    view: object, *, subjects: tuple[str, ...], labels: Mapping[str, str] | None = None
) -> None:
    """The bus carried something on each subject."""


def _nothing() -> None:
    """Patch nothing."""


for name in (
    "verifier.trusts-manifest",
    "policy.evidence-waivable",
    "portal.skips-evidence-gate",
    "freeze.skips-evidence-gate",
    "projector.drops-stop",
    "run.repeat-reuses-bundle",
):
    MUTANTS.register(name)(_nothing)


@pytest.fixture(scope="session")
def registries():
    return REGISTRIES


@pytest.fixture(scope="session")
def parse():
    """Read a text or bytes as the scenario file of that name."""

    def read(text, name="a-story"):
        return parse_text(text, REGISTRIES, shown_as=f"{name}.scenario.yaml")

    return read


@pytest.fixture(scope="session")
def a_file():
    """A small file, with one line or more put in the place of another."""

    def build(old="", new=""):
        text = (HERE / "a-story.yaml").read_text(encoding="utf-8")
        assert old in text
        return text.replace(old, new, 1) if old else text

    return build


@pytest.fixture
def codes(parse):
    """The codes that a text is refused with."""

    def read(text):
        with pytest.raises(ScenarioRefused) as caught:
            parse(text)
        return [each.code for each in caught.value.errors]

    return read
