"""One stack for a whole session, however many workers share it.

    controller: Broker ── supervisor process ── services
        ▲ a socket on loopback, with a secret
    worker: asks at its first case

Nothing is started before the first case asks. The stack belongs to the session's first
process, which stops it at the end; if that process dies, the supervisor notices.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.stack.client import StackProcess
from pytest_sr.stack.errors import StackError

ASK_S_MAX: Final = 180.0
_ANSWER_BYTES_MAX: Final = 1 << 20
_ASKED_CHARS_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where a worker asks for the stack, and the secret that it asks with."""

    port: int
    secret: str


class Broker:
    """Owns the session's stack; starts it when somebody asks for the first time."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._process = StackProcess()
        self._lock = threading.Lock()
        self._answer: StackAddresses | StackError | None = None
        self._desk: threading.Thread | None = None
        self._listener: socket.socket | None = None
        self._secret = secrets.token_hex(16)

    @property
    def addresses(self) -> StackAddresses:
        """The stack's addresses; it is started if it was not.

        Raises:
            StackError: it did not start; nobody tries again in this session.

        """
        with self._lock:
            if self._answer is None:
                try:
                    self._answer = self._process.start(self._progress)
                except StackError as error:
                    self._answer = error
            if isinstance(self._answer, StackError):
                raise self._answer
            return self._answer

    def open_desk(self) -> Desk:
        """Let workers ask, from another process; there is one desk, however many."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self._desk = threading.Thread(
                target=self._serve, daemon=True, name="sr-desk"
            )
            self._desk.start()
        port: int = self._listener.getsockname()[1]
        return Desk(port=port, secret=self._secret)

    def close(self) -> None:
        """Stop the stack, if it was started, and wait until nothing is left of it."""
        if self._listener is not None and self._desk is not None:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for a call
            self._desk.join(ASK_S_MAX)
            self._listener.close()
        self._process.close()

    def _serve(self) -> None:
        assert self._listener is not None, "the desk is open"
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError, ValueError):
                # Whoever calls and says nothing of ours is no worker; others may be.
                self._answer_to(connection)

    def _answer_to(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        asked = (
            connection.makefile("r", encoding="ascii")
            .readline(_ASKED_CHARS_MAX)
            .strip()
        )
        if not secrets.compare_digest(asked, self._secret):
            return
        try:
            answer = f"+{self.addresses.to_json()}\n"
        except StackError as error:
            answer = f"-{' '.join(str(error).splitlines())}\n"
        connection.sendall(answer.encode())


@dataclass(slots=True)
class RemoteStack:
    """The stack as a worker sees it: asked for once, then known."""

    desk: Desk
    _known: StackAddresses | None = field(default=None)

    @property
    def addresses(self) -> StackAddresses:
        """The stack's addresses.

        Raises:
            StackError: the session's stack did not start.

        """
        if self._known is None:
            self._known = self._asked()
        return self._known

    def _asked(self) -> StackAddresses:
        with socket.create_connection(("127.0.0.1", self.desk.port), ASK_S_MAX) as desk:
            desk.sendall(f"{self.desk.secret}\n".encode())
            answer = desk.makefile("r", encoding="utf-8").readline(_ANSWER_BYTES_MAX)
        if not answer.startswith("+"):
            raise StackError(
                found=answer.removeprefix("-").strip() or "the session gave no stack",
                remedy="See what the session's first process said of it",
            )
        return StackAddresses.from_json(answer.removeprefix("+"))
