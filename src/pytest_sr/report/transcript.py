"""One case, from what was written to what was found: what reports are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_sr.history import History
from pytest_sr.judge import Judgement
from pytest_sr.scenario import Scenario, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One case that was run and judged.

    `scenario` is bound to the case. `control` is the control that it was run as, None
    for the case as it is written; `surprise` says what a control did not turn red.
    """

    node_id: str
    scenario: Scenario
    history: History
    judgement: Judgement
    duration_s: float
    control: str | None = None
    surprise: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The case's verdict."""
        return self.judgement.verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is true of a whole session."""

    started_at: str
    command: str
    backend: str
    system: str
    versions: Mapping[str, str]
