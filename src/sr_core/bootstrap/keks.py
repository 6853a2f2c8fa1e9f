"""Where this deployment's KEKs come from."""

from __future__ import annotations

from typing import Final, NoReturn

from sr_core.bootstrap.settings import Settings
from sr_core.domain.kek import KekId, KekRef, parse_kek_id
from sr_core.ports.kek_source import KekSource, KekUnavailable

KEK_ID: Final = parse_kek_id("solver-ralph-kek")
"""The KEK that new evidence is sealed under."""


def keks_of(_: Settings) -> KekSource:
    """Return where the KEKs of a deployment with these settings come from."""
    return NoKekSource()


class NoKekSource:
    """A `KekSource` for a deployment without a secret store: it seals and opens nothing."""

    async def current(self, kek_id: KekId) -> NoReturn:
        """See `KekSource.current`."""
        raise KekUnavailable(cause=f"none is configured that could hold {kek_id}")

    async def version(self, ref: KekRef) -> NoReturn:
        """See `KekSource.version`."""
        raise KekUnavailable(cause=f"none is configured that could hold {ref}")
