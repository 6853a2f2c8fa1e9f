"""When the supervisor is to stop: a signal, or the end of its input.

Its parent holds the other end of that input. However the parent ends, the kernel closes
it, so nobody is left behind.
"""

import os
import select
import signal
from types import FrameType
from typing import Final

_STDIN: Final = 0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequest:
    """Says whether to stop; once it says so it stays so."""

    def __init__(self) -> None:
        """Begin to listen for signals."""
        self._requested = False
        for number in _SIGNALS:
            signal.signal(number, self._on_signal)

    def is_made(self, *, wait_s: float = 0.0) -> bool:
        """Return whether to stop, waiting up to `wait_s` for the request."""
        if not self._requested:
            readable, _, _ = select.select([_STDIN], [], [], wait_s)
            if readable and not os.read(_STDIN, 4096):
                self._requested = True
        return self._requested

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._requested = True
