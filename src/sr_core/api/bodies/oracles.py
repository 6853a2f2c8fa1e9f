"""Bodies of oracle suites."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sr_core.api.bodies.base import Body, Name


class NewOracle(Body):
    """One oracle of a suite."""

    oracle_id: Name
    argv: Annotated[list[str], Meta(min_length=1, max_length=256)]
    report: Name
    classification: Name = "required"
    timeout_s: Annotated[float, Meta(gt=0, le=3600)] = 600


class NewSuite(Body):
    """Register an oracle suite."""

    suite_id: Name
    oracles: Annotated[list[NewOracle], Meta(min_length=1, max_length=64)]
