"""Payloads of earlier versions, as the version of today says them (R-EVT-14).

    stored v1 ──upcast 1──▶ v2 ──upcast 2──▶ v3, the version of today

What is stored stays as it is, byte for byte: it is read anew each time. A type's version
of today is one more than the number of its upcasts, so that no step can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from sr_core.domain.errors import EventNotUnderstood
from sr_core.domain.events import EVENT_TYPES

Payload: TypeAlias = Mapping[str, Any]
Upcast: TypeAlias = Callable[[Payload], Payload]
"""Says a payload as the next version does; a pure function of it."""

FIRST: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcasts:
    """The steps of each event type, the first one from version 1 to version 2."""

    steps: Mapping[str, tuple[Upcast, ...]] = field(default_factory=dict)

    def current(self, event_type: str) -> int:
        """Return the type's version of today."""
        return FIRST + len(self.steps.get(event_type, ()))

    def upcast(
        self, event_type: str, version: object, payload: Payload, *, position: int
    ) -> Payload:
        """Return the payload as the version of today says it.

        Raises:
            EventNotUnderstood: no such type is known, or no such version of it.

        """
        if event_type not in EVENT_TYPES:
            raise EventNotUnderstood(event_type=event_type, position=position)
        current = self.current(event_type)
        versions = {f"{each}": each for each in range(FIRST, current + 1)}
        known = versions.get(version) if isinstance(version, str) else None
        if known is None:
            raise EventNotUnderstood(
                event_type=event_type,
                position=position,
                version=f"{version!r}, and {current} is the latest known",
            )
        for step in self.steps.get(event_type, ())[known - FIRST :]:
            payload = step(payload)
        return payload


UPCASTS: Final = Upcasts(steps=MappingProxyType({}))
"""The steps of this release: every event still has its first version."""
