"""Bodies of candidates and runs."""

from __future__ import annotations

from sr_core.api.bodies.base import Body, Name


class NewCandidate(Body):
    """Hand over a candidate's files, each as base64 by its path."""

    produced_by_iteration_id: Name
    files: dict[str, bytes]
    content_hash: Name | None = None


class NewRun(Body):
    """Have a suite judge a candidate."""

    candidate_id: Name
    oracle_suite_id: Name
