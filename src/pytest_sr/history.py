"""What was seen of one case: the only thing that is judged.

    given, when ──▶ Answered   what the system said to whom
    fault       ──▶ FaultMoment   asked, landed, healed: when, and how we know
    second      ──▶ Sample     rows and objects, read past the system
    channel     ──▶ Logged     the log itself, read past the system

Everything here is plain and can be written as JSON, so that a history can be kept, judged
again, and judged after it was tampered with. Ticks order what was seen; positions are
those of the log when it was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Plain: TypeAlias = object
"""What JSON can hold."""

Row: TypeAlias = Mapping[str, Plain]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One event, as it stands in the log; `is_sound` says whether its hashes hold."""

    position: int
    event_id: str
    event_type: str
    stream_id: str
    stream_seq: int
    actor_kind: str
    actor_id: str
    occurred_at: str
    payload: Row
    refs: tuple[Row, ...]
    is_sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One step and what came of it; `result` is the step's, in plain form."""

    tick: int
    part: Literal["given", "when"]
    step: str
    name: str | None
    place: str
    arguments: Row
    result: Row
    position: int
    at: str = ""
    """When it was asked: RFC 3339 in UTC, by the clock of whoever looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultMoment:
    """Something that happened to a fault, and how we know."""

    tick: int
    fault: str
    what: Literal["asked", "landed", "not landed", "healed", "not healed"]
    detail: str
    position: int
    at: str = ""
    """When it was: RFC 3339 in UTC, by the clock of whoever looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSeen:
    """One stored object: the hash of its bytes, and its JSON if it is a manifest.

    `in_clear` says whether it has the secret of scenarios in the clear.
    """

    sha256: str
    size: int
    document: Plain = None
    in_clear: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The rows and objects at one moment; `rows` are by table, then by primary key."""

    tick: int
    label: str
    position: int
    rows: Mapping[str, Mapping[str, Row]]
    objects: Mapping[str, ObjectSeen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """The case could not go on; what had been seen until then stays."""

    place: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that was seen of one case, in order.

    `replayed` holds the rows that the log alone gives, made anew after the case.
    """

    scenario: str
    case: str | None
    system: str
    mutant: str | None
    faultless: bool
    answers: tuple[Answered, ...]
    moments: tuple[FaultMoment, ...]
    samples: tuple[Sample, ...]
    events: tuple[Logged, ...]
    replayed: Mapping[str, Mapping[str, Row]] | None
    stop: Stop | None
    versions: Mapping[str, str]
    event_types: tuple[str, ...] = ()
    """What the platform may record; empty where that is not known."""

    def moment(self, fault: str, what: str) -> FaultMoment | None:
        """Return the first such moment of the fault."""
        return next(
            (each for each in self.moments if (each.fault, each.what) == (fault, what)),
            None,
        )
