"""Starts the services of a stack, watches over them, and clears them away.

    resolve programs ─▶ sweep ─▶ start all ─▶ await all ─▶ addresses ─▶ watch ─▶ stop all
                                    ▲            │
                                    └── a port was taken meanwhile

All processes are started from the main thread, while no other runs: the kernel ties a
child to the life of the thread that started it. Only the waiting is done in threads.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final, Generic

from pytest_sr.stack import nats, own_servers, postgres, s3
from pytest_sr.stack.accounts import Account, reachable_install, without_root
from pytest_sr.stack.addresses import (
    READY,
    InfisicalAddress,
    IssuerAddress,
    NatsAddress,
    PostgresAddress,
    S3Address,
    StackAddresses,
)
from pytest_sr.stack.binaries import Binaries, resolve_all
from pytest_sr.stack.children import Child
from pytest_sr.stack.errors import PlaceError, ServiceError, StackError
from pytest_sr.stack.owner import Home
from pytest_sr.stack.plan import AddressT_co, Plan
from pytest_sr.stack.ports import PortBook, is_listening
from pytest_sr.stack.stopping import StopRequest
from pytest_sr.stack.sweep import end_postgres, remove_sockets, sweep

ROUNDS_MAX: Final = 5
"""How often services whose ports were taken are started anew."""

EXIT_NOT_READY: Final = 2

_TICK_S: Final = 0.1
_WATCH_S: Final = 1.0
_RETRY_S: Final = 0.02
_PORT_TAKEN: Final = ("address already in use", "already in use", "is not available")

Say = Callable[[str], None]


class Cancelled(Exception):  # noqa: N818 - no error: somebody asked for it
    """The start is not wanted any more."""


class Slot(Generic[AddressT_co]):
    """A service of the stack, from its first plan to its end."""

    def __init__(
        self, name: str, version: str, make_plan: Callable[[Path], Plan[AddressT_co]]
    ) -> None:
        """`make_plan` is given an empty directory, and again another after a clash."""
        self.name = name
        self.version = version
        self._make_plan = make_plan
        self._plan: Plan[AddressT_co] | None = None
        self.child: Child | None = None
        self.is_reported_dead = False

    @property
    def label(self) -> str:
        """Its name, with its version where it has one."""
        return f"{self.name} {self.version}".rstrip()

    @property
    def plan(self) -> Plan[AddressT_co]:
        """The plan by which it was started."""
        assert self._plan is not None, "asked for after the start only"
        return self._plan

    def start(self, home: Home) -> None:
        """Start it in a directory of its own."""
        if self.child is not None:
            self.child.finish_stop()
        self._plan = self._make_plan(home.room(self.name))
        self.child = Child(self._plan.launch, log=home.path / f"{self.name}.log")
        home.note(
            children={self.name: self.child.identity},
            weed_grpc_ports=self._plan.weed_grpc_ports,
        )

    def await_ready(self, *, deadline_s: float, cancelled: threading.Event) -> float:
        """Return after how many seconds it did its first real work.

        Raises:
            ServiceError: it ended, or did no work within `deadline_s`.
            Cancelled: nobody waits any more.

        """
        child, began = self.child, time.monotonic()
        assert child is not None, "started before it is awaited"
        found = "nobody listens at its port"
        while (waited_s := time.monotonic() - began) < deadline_s:
            if (status := child.exit_status()) is not None:
                raise self._failed(found=f"ended with status {status} during its start")
            if cancelled.is_set():
                raise Cancelled
            try:
                if is_listening(self.plan.port):
                    self.plan.probe()
                    return time.monotonic() - began
            except Exception as error:  # noqa: BLE001 - whatever a driver raises means: not yet
                found = f"{type(error).__name__}: {error}"
            cancelled.wait(_RETRY_S)
        raise self._failed(found=f"is not ready after {waited_s:.0f} s ({found})")

    def has_lost_its_port(self) -> bool:
        """Return whether it ended because somebody else took a port of its own."""
        if self.child is None or self.child.exit_status() is None:
            return False
        log = self.child.log_tail().lower()
        return any(words in log for words in _PORT_TAKEN)

    def _failed(self, *, found: str) -> ServiceError:
        log = self.child.log_tail() if self.child else ""
        return ServiceError(service=self.label, found=found, log=log)


class Stack:
    """The five services, in one home."""

    def __init__(
        self,
        binaries: Binaries,
        home: Home,
        account: Account,
        *,
        ports: PortBook,
        say: Say,
    ) -> None:
        """Prepare the services; Postgres will run as `account`."""
        self._binaries = binaries
        self._home = home
        installed = binaries.postgres.path.parent
        bin_dir = reachable_install(installed, account, copy_to=home.path / "pginstall")
        if bin_dir != installed:
            say(f"{account.name} cannot reach {installed}: its programs are copied")
        self.postgres_program = (bin_dir / "postgres").resolve()
        self.postgres: Slot[PostgresAddress] = Slot(
            "postgres",
            binaries.postgres.version,
            lambda room: postgres.plan(bin_dir, room, account, ports),
        )
        self.nats: Slot[NatsAddress] = Slot(
            "nats",
            binaries.nats.version,
            lambda room: nats.plan(binaries.nats.path, room, ports),
        )
        self.s3: Slot[S3Address] = Slot(
            "s3",
            binaries.weed.version,
            lambda room: s3.plan(binaries.weed.path, room, ports),
        )
        self.infisical: Slot[InfisicalAddress] = Slot(
            "infisical", "", lambda room: own_servers.plan_infisical(room, ports)
        )
        self.issuer: Slot[IssuerAddress] = Slot(
            "issuer", "", lambda room: own_servers.plan_issuer(room, ports)
        )
        home.note(postgres_program=self.postgres_program)

    @property
    def slots(self) -> tuple[Slot[object], ...]:
        """All services, the slowest to start first."""
        return (self.postgres, self.s3, self.nats, self.issuer, self.infisical)

    def start(self, *, deadline_s: float, stop: StopRequest, say: Say) -> None:
        """Start all services, and return when each has done real work.

        Raises:
            ServiceError: one did not; the others may be running.
            Cancelled: the request to stop came first.

        """
        pending = self.slots
        failed: dict[Slot[object], ServiceError] = {}
        for _ in range(ROUNDS_MAX):
            for slot in pending:
                slot.start(self._home)
            failed = _await_all(pending, deadline_s=deadline_s, stop=stop, say=say)
            if not failed:
                return
            pending = tuple(failed)
            for slot, error in failed.items():
                if not slot.has_lost_its_port():
                    raise error
                say(f"{slot.name}: another program took a port of its own; once more")
        raise next(iter(failed.values()))

    def addresses(self) -> StackAddresses:
        """Return where everything is."""
        return StackAddresses(
            directory=str(self._home.path),
            backend="embedded",
            postgres=self.postgres.plan.address,
            s3=self.s3.plan.address,
            nats=self.nats.plan.address,
            infisical=self.infisical.plan.address,
            issuer=self.issuer.plan.address,
            versions={each.name: each.version for each in self.slots if each.version},
            binaries={
                "postgres": str(self.postgres_program),
                "nats": str(self._binaries.nats.path),
                "s3": str(self._binaries.weed.path),
            },
        )

    def watch(self, *, stop: StopRequest, say: Say) -> None:
        """Return when it is time to stop; meanwhile keep the logs short."""
        while not stop.is_made(wait_s=_WATCH_S):
            for slot in self.slots:
                assert slot.child is not None, "watched after the start only"
                slot.child.cap_log()
                status = slot.child.exit_status()
                if status is not None and not slot.is_reported_dead:
                    slot.is_reported_dead = True
                    say(f"{slot.label} has ended with status {status}")

    def stop(self, *, say: Say) -> None:
        """Stop all services, Postgres last, and remove what they leave elsewhere."""
        _stop([each for each in self.slots if each is not self.postgres], say=say)
        _stop([self.postgres], say=say)
        end_postgres(self._home.path / "postgres" / "data", self.postgres_program)
        if self.s3.child is not None:
            remove_sockets(self.s3.plan.weed_grpc_ports)


def supervise(base: Path, *, deadline_s: float, say: Say) -> int:
    """Run a stack in `base` until the parent is done; return the exit status.

    Its addresses are printed on standard output as soon as everything is ready.
    """
    stop = StopRequest()
    try:
        binaries = resolve_all()
        account = _postgres_account(base, say=say)
        home = Home(base, open_to_others=account.is_other)
    except StackError as error:
        say(str(error))
        return EXIT_NOT_READY
    try:
        sweep(home.path.parent, say=say, ours=home.path)
        _run(
            Stack(binaries, home, account, ports=PortBook(), say=say),
            deadline_s=deadline_s,
            stop=stop,
            say=say,
        )
    except StackError as error:
        say(str(error))
        return EXIT_NOT_READY
    except Cancelled:
        return 0
    else:
        return 0
    finally:
        home.remove()


def _run(stack: Stack, *, deadline_s: float, stop: StopRequest, say: Say) -> None:
    began = time.monotonic()
    try:
        stack.start(deadline_s=deadline_s, stop=stop, say=say)
        say(f"{READY} in {time.monotonic() - began:.1f} s")
        sys.stdout.write(f"{stack.addresses().to_json()}\n")
        sys.stdout.flush()
        stack.watch(stop=stop, say=say)
    finally:
        began = time.monotonic()
        stack.stop(say=say)
        say(f"all stopped in {time.monotonic() - began:.1f} s")


def _postgres_account(base: Path, *, say: Say) -> Account:
    """Return as whom Postgres runs, and say so if that is not who runs us."""
    account = without_root()
    if account.is_other:
        say(f"postgres does not run as root: it runs as the user {account.name}")
        if base.is_dir() and not account.may_enter(base):
            raise PlaceError(
                found=f"the user {account.name} cannot reach {base}",
                remedy="Give --directory or TMPDIR one that everybody may enter",
            )
    return account


def _await_all(
    slots: Iterable[Slot[object]], *, deadline_s: float, stop: StopRequest, say: Say
) -> dict[Slot[object], ServiceError]:
    """Return the services that failed; at the first failure stop awaiting the rest."""
    failed: dict[Slot[object], ServiceError] = {}
    cancelled = threading.Event()
    slots = tuple(slots)
    with ThreadPoolExecutor(len(slots)) as pool:
        awaited = {
            pool.submit(
                slot.await_ready, deadline_s=deadline_s, cancelled=cancelled
            ): slot
            for slot in slots
        }
        pending = set(awaited)
        while pending:
            done, pending = wait(pending, _TICK_S, FIRST_COMPLETED)
            for future in done:
                slot = awaited[future]
                if error := _failure(future):
                    failed[slot] = error
                elif not future.exception():
                    say(_ready_line(slot, future.result()))
            if stop.is_made() or any(not each.has_lost_its_port() for each in failed):
                cancelled.set()
    if stop.is_made():
        raise Cancelled
    return failed


def _failure(future: Future[float]) -> ServiceError | None:
    match future.exception():
        case None | Cancelled():
            return None
        case ServiceError() as error:
            return error
        case unexpected:
            raise unexpected


def _ready_line(slot: Slot[object], seconds: float) -> str:
    assert slot.child is not None, "ready after its start"
    account = slot.plan.launch.account.name
    return (
        f"{slot.label} ready in {seconds:.1f} s (pid {slot.child.pid}, user {account})"
    )


def _stop(slots: Iterable[Slot[object]], *, say: Say) -> None:
    """Ask all to end at once, then see to it that each does."""
    running = [(each, each.child) for each in slots if each.child is not None]
    for _, child in running:
        child.begin_stop()
    for slot, child in running:
        if not child.finish_stop():
            say(f"{slot.label} did not stop and was killed")
