"""What the supervisor needs to know about a service: how to start it, and when it is up.

Each service's module has a function that writes its files and returns a `Plan`. Planned
again, after a clash of ports, it begins afresh with other ports.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import Generic, TypeVar

from pytest_sr.stack.accounts import Account
from pytest_sr.stack.errors import ProbeError

AddressT_co = TypeVar("AddressT_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A process to start; it runs in `directory`, which lies inside the stack's."""

    argv: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str]
    account: Account
    stop_signal: Signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Generic[AddressT_co]):
    """A service that can be started.

    `probe` does a real operation, and raises whatever it meets while the service is not
    ready. `port` is one at which nobody listens before the service does.
    """

    launch: Launch
    address: AddressT_co
    port: int
    probe: Callable[[], None]
    weed_grpc_ports: tuple[int, ...] = field(default=())


def expect(held: bool, *, that: str) -> None:  # noqa: FBT001 - reads as a sentence: expect(x == y, that=...)
    """Raise `ProbeError` unless what a probe expects `held`."""
    if not held:
        raise ProbeError(
            found=f"a probe expected that {that}, and it is not so",
            remedy="Look into the service's log",
        )
