"""The log of a process: structured lines, which hold no secret (SPEC 14.2, R-API-16).

A line says when, how bad, where from and what; then the request it was written for, and
the loop, candidate and run that is about, as far as they are known.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TextIO
from urllib.parse import quote

from sr_core.application.log_context import log_fields
from sr_core.codec.envelope import rfc3339
from sr_core.ports.clock import Clock

TRACE: Final = 5
LEVELS: Final[Mapping[str, int]] = {
    "trace": TRACE,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
MASK: Final = "[secret]"
SECRET_CHARS_MIN: Final = 6
"""A shorter secret would mask half of what is said; it also keeps nobody out."""
_OF_A_REQUEST: Final = ("method", "uri", "status", "latency_ms")


def start_logging(
    *,
    style: str,
    level: str,
    secrets: Iterable[str],
    clock: Clock,
    stream: TextIO = sys.stderr,
) -> logging.Handler:
    """Have this process log in `style`, and return the handler that writes.

    What there was before is replaced; nothing is written twice.
    """
    handler = logging.StreamHandler(stream)
    masker = Masker(secrets)
    form = _Json(masker, clock) if style == "json" else _Pretty(masker, clock)
    handler.setFormatter(form)
    logging.addLevelName(TRACE, "TRACE")
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level])
    return handler


class Masker:
    """Takes secrets out of text, as they are and in the forms that they travel in."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {
            form
            for secret in secrets
            if len(secret) >= SECRET_CHARS_MIN
            for form in _forms(secret)
        }
        self._forms = sorted(forms, key=len, reverse=True)

    def masked(self, text: str) -> str:
        """Return `text` without a secret in it."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text


def _forms(secret: str) -> Iterator[str]:
    data = secret.encode()
    yield secret
    yield json.dumps(secret)[1:-1]
    yield quote(secret, safe="")
    yield data.hex()
    yield data.hex().upper()
    for skipped in range(3):
        # What does not depend on the bytes before and after it.
        aligned = data[(3 - skipped) % 3 :]
        whole = aligned[: len(aligned) // 3 * 3]
        if whole:
            yield base64.b64encode(whole).decode()
            yield base64.urlsafe_b64encode(whole).decode()


class _Fields(logging.Formatter):
    """What the two styles share."""

    def __init__(self, masker: Masker, clock: Clock) -> None:
        super().__init__()
        self.masker = masker
        self._clock = clock

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        said = {
            "timestamp": rfc3339(self._clock.now()),
            "level": _level_name(record.levelno),
            "target": record.name,
            "message": record.getMessage(),
            **log_fields(),
        }
        of_request = {
            name: getattr(record, name)
            for name in _OF_A_REQUEST
            if hasattr(record, name)
        }
        failure = (
            {"exception": self.formatException(record.exc_info)}
            if record.exc_info
            else {}
        )
        return {**said, **of_request, **failure}


class _Json(_Fields):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = {
            name: self.masker.masked(value) if isinstance(value, str) else value
            for name, value in self.fields(record).items()
        }
        return json.dumps(said, ensure_ascii=False)


class _Pretty(_Fields):
    """For people: time, level, message, and the rest as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and an exception's lines below it."""
        said = self.fields(record)
        head = [str(said.pop(name)) for name in ("timestamp", "level", "target")]
        message, failure = str(said.pop("message")), said.pop("exception", None)
        rest = [f"{name}={value}" for name, value in said.items()]
        line = " ".join([*head, *(_one_line(each) for each in (message, *rest))])
        return self.masker.masked(f"{line}\n{failure}" if failure else line)


def _one_line(text: str) -> str:
    """Return the text on one line, so that nobody can write a line of their own."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _level_name(level: int) -> str:
    reached = [name for name, least in LEVELS.items() if level >= least]
    return (reached or ["trace"])[-1].upper()
