"""What the outside world does to us.

* SrError
  - PortError                the world failed, not the rules
    . VersionConflict        someone else wrote first; read again and decide anew
      - Overtaken            someone else took what only one can have
    . Unavailable            no usable answer within the deadline
    . Unfit                  it answers, and cannot be worked with as it is

An adapter turns what can go wrong in operation into one of these, and keeps its
driver's error as the `__cause__`. Anything else that leaves an adapter is a bug in it.
"""

from __future__ import annotations

from sr_core.domain.errors import SrError


class PortError(SrError):
    """The world failed, not the rules."""

    code = "PORT_ERROR"


class VersionConflict(PortError):  # noqa: N818 - named for what it says, like Refused
    """What was to be written has moved on since it was read (SPEC 1.6.3)."""

    code = "VERSION_CONFLICT"

    def __init__(self, *, boundary: str, expected: int, actual: int) -> None:
        super().__init__(
            f"{boundary} is at version {actual}, not {expected}",
            remedy="Read it again and give the command anew",
        )
        self.boundary = boundary
        self.expected = expected
        self.actual = actual


class Overtaken(VersionConflict):
    """Another command took first what only one of the two can have."""

    code = "OVERTAKEN"

    def __init__(self, *, index: str) -> None:
        PortError.__init__(
            self,
            f"Another command came first, which {index} keeps apart from this one",
            remedy="Read it again and give the command anew",
        )
        self.index = index


class Unavailable(PortError):  # noqa: N818 - named for what it says, like Refused
    """An outside system gave no usable answer; `deadline_s` is None where none ran."""

    code = "UNAVAILABLE"

    def __init__(self, *, system: str, deadline_s: float | None) -> None:
        within = "" if deadline_s is None else f" within {deadline_s:g} s"
        super().__init__(
            f"{system} gave no usable answer{within}",
            remedy=f"Retry, and look at the health of {system} if it lasts",
        )
        self.system = system
        self.deadline_s = deadline_s


class Unfit(PortError):  # noqa: N818 - named for what it says, like Refused
    """An outside system cannot be worked with as it is; `cause` holds no secret."""

    code = "UNFIT"

    def __init__(self, *, system: str, cause: str) -> None:
        super().__init__(
            f"{system} cannot be worked with: {cause}",
            remedy="Mend that, or run `sr init --check` to see all that is missing",
        )
        self.system = system
        self.cause = cause
