"""Free ports on the loopback interface.

They are drawn below the range from which systems take the ports of outgoing
connections, so that nobody gets one by accident between our check and the server's
own bind. Who loses that race all the same tries again with other ports.
"""

import socket
from collections.abc import Callable
from pathlib import Path
from secrets import randbelow
from typing import Final, TypeAlias

from pytest_sr.stack.errors import PlaceError

LOOPBACK: Final = "127.0.0.1"
SOCKET_HOME: Final = Path("/tmp")  # noqa: S108 - where weed itself puts its sockets, whatever TMPDIR says
ADMIN_GRPC_DISTANCE: Final = 10_000
"""Weed's worker dials its admin server this far above the admin port."""

_LOWEST: Final = 15_000
_COUNT: Final = 17_000
_DRAWS_MAX: Final = 2_000

IsFree: TypeAlias = Callable[[int], bool]


def is_free(port: int) -> bool:
    """Return whether a server could bind `port` on the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_free_for_weed_grpc(port: int, *, socket_home: Path = SOCKET_HOME) -> bool:
    """Return whether `port` is free and nobody left a socket of weed's at that name.

    Weed hangs for ever on the stale socket of another user.
    """
    return not weed_sockets(port, socket_home=socket_home) and is_free(port)


def weed_sockets(port: int, *, socket_home: Path = SOCKET_HOME) -> list[Path]:
    """Return the sockets that weed servers with the gRPC port `port` have made."""
    return sorted(socket_home.glob(f"seaweedfs-*-grpc-{port}.sock"))


def is_listening(port: int) -> bool:
    """Return whether a server takes connections at `port` on the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


class PortBook:
    """Gives out each port once."""

    def __init__(self, draw: Callable[[], int] | None = None) -> None:
        self._draw = draw or (lambda: _LOWEST + randbelow(_COUNT))
        self._given: set[int] = set()

    def take(self, *, free: IsFree = is_free) -> int:
        """Return a port that is `free` and was not given out before.

        Raises:
            PlaceError: there seems to be no free port at all.

        """
        for _ in range(_DRAWS_MAX):
            port = self._draw()
            if port not in self._given and free(port):
                self._given.add(port)
                return port
        raise PlaceError(
            found=f"none of {_DRAWS_MAX} ports from {_LOWEST} on is free on {LOOPBACK}",
            remedy="Stop what holds them, or allow this process to bind sockets",
        )

    def take_weed_grpc(self) -> int:
        """Return a port at which weed's gRPC may listen."""
        return self.take(free=is_free_for_weed_grpc)

    def take_weed_admin(self) -> tuple[int, int]:
        """Return the port of weed's admin server and that of its gRPC."""
        port = self.take(
            free=lambda each: (
                is_free(each) and is_free_for_weed_grpc(each + ADMIN_GRPC_DISTANCE)
            )
        )
        self._given.add(port + ADMIN_GRPC_DISTANCE)
        return port, port + ADMIN_GRPC_DISTANCE
