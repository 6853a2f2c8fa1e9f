"""Who may publish: one process at a time (R-OUT-2).

Leadership keeps two from working against each other. What keeps a second one's messages
out is the stream itself, which refuses them (`Fenced`): a process that was paused may
believe for a while to be what it is no longer.
"""

from __future__ import annotations

from typing import Protocol


class Leadership(Protocol):
    """A claim that ends with its holder's connection, or when it was not renewed."""

    async def hold(self) -> bool:
        """Take or renew the claim; return whether it is ours at this moment.

        Raises:
            Unavailable: no answer in time; what was ours may be so no longer.

        """
        ...

    async def give_up(self) -> None:
        """Let another have the claim; nothing happens where it is not ours."""
        ...
