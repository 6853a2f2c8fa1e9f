"""Which kind each subject is, in a dict."""

from __future__ import annotations

from sr_core.domain.actors import ActorKind


class MemoryKindBindings:
    """`KindBindings` that are forgotten with the process."""

    def __init__(self) -> None:
        self._kinds: dict[str, ActorKind] = {}

    async def bind(self, subject: str, kind: ActorKind) -> ActorKind:
        """See `KindBindings.bind`."""
        return self._kinds.setdefault(subject, kind)
