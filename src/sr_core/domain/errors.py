"""What the rules raise, and why.

* SrError
  - MalformedInput           the text is not of the form asked for
  - Refused                  the text is well formed, a rule says no
    . TransitionRefused      the subject's phase does not allow it
    . AuthorityRequired      the actor may not give it
    . NotFound               nothing is recorded under that identifier
    . Conflict               it is taken, or was declared otherwise
    . NonWaivable            what was to be waived cannot be
    . PreconditionFailed     something else has to be true first

The errors of the outside world are in `sr_core.ports.errors`; which HTTP status
each one becomes is said once, in `sr_core.api.problems`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar


class SrError(Exception):
    """Base of every error that this package raises on purpose.

    A message is two sentences: what was found, then what the reader can do.
    Machines match on `code`, which never changes; people read the message,
    which may.
    """

    code: ClassVar[str]

    def __init__(self, found: str, *, remedy: str) -> None:
        super().__init__(f"{found}. {remedy}.")
        self.found = found
        self.remedy = remedy


class MalformedInput(SrError):  # noqa: N818 - named for what it says, like Refused
    """Text from outside that is not of the form asked for."""

    code = "MALFORMED_INPUT"

    def __init__(self, *, field: str, found: object, expected: str) -> None:
        super().__init__(f"{field}: found {found!r}", remedy=f"Give {expected}")
        self.field = field


class Refused(SrError):  # noqa: N818
    """A well-formed command that a rule of the domain does not allow."""

    code = "REFUSED"


class TransitionRefused(Refused):
    """The subject's phase does not allow the command (SPEC 3.1.2)."""

    code = "TRANSITION_REFUSED"

    def __init__(
        self, *, subject: str, phase: str, attempted: str, allowed: Collection[str]
    ) -> None:
        choices = ", ".join(sorted(allowed)) or "nothing"
        super().__init__(
            f"{subject} is {phase}, which refuses {attempted}",
            remedy=f"From {phase} it allows {choices}",
        )
        self.subject = subject
        self.phase = phase


class AuthorityRequired(Refused):
    """The actor's kind or role may not give the command (C-TB-1)."""

    code = "AUTHORITY_REQUIRED"

    def __init__(self, *, action: str, required: str, actor: str) -> None:
        super().__init__(
            f"{action} needs {required}, and {actor} is not that",
            remedy=f"Have {required} give the command",
        )


class NotFound(Refused):
    """Nothing is recorded under that identifier."""

    code = "NOT_FOUND"

    def __init__(self, *, kind: str, identifier: str) -> None:
        super().__init__(
            f"No {kind} {identifier} is recorded",
            remedy=f"Give the identifier of a recorded {kind}",
        )
