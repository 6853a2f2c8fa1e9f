"""What every line of the log says of the request that it was written for (SPEC 14.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

SUBJECTS: Final = ("loop_id", "iteration_id", "candidate_id", "run_id")
"""What a request may be about, in a line's own words."""

_FIELDS: Final[ContextVar[dict[str, str] | None]] = ContextVar(
    "sr_log_fields", default=None
)


@contextmanager
def about_request(fields: Mapping[str, str]) -> Iterator[None]:
    """Have each line that is written inside say `fields`."""
    token = _FIELDS.set(dict(fields))
    try:
        yield
    finally:
        _FIELDS.reset(token)


def note_subjects(source: object) -> None:
    """Have the request's further lines say what `source`, an event say, is about.

    The first to be named stays: it is what the request was for.
    """
    fields = _FIELDS.get()
    if fields is None:
        return
    for name in SUBJECTS:
        value = source.get(name) if isinstance(source, Mapping) else _of(source, name)
        if isinstance(value, str):
            fields.setdefault(name, value)


def log_fields() -> Mapping[str, str]:
    """Return what the line that is being written has to say."""
    return dict(_FIELDS.get() or {})


def _of(source: object, name: str) -> object:
    return getattr(source, name, None)
