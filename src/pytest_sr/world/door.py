"""A way to a service of the stack that is one case's own, and can be in trouble.

    the system ──▶ door ──▶ the service        as it is
                    │ trouble
                    └─▶ hung up, kept waiting, answered by the door, or altered

The service itself and everybody else who asks it notice nothing. What is not in trouble
is handed on byte for byte, with the host that was asked for, which a signature may cover.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Final, Literal

ASKED_S_MAX: Final = 60.0
"""How long a question waits at most: for the service, or in the door's trouble."""
_HOP: Final = {"connection", "content-length", "keep-alive", "transfer-encoding"}
"""Headers about one connection, which are not handed on to the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, whole."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What becomes of the questions whose path has `where` in it."""

    do: Literal["hang up", "keep waiting", "answer", "alter"]
    where: str = ""
    answer: Reply | None = None
    """What is said in the service's place, if that is what is done."""


class Door:
    """One listening address in front of a service; it opens when it is first needed."""

    def __init__(self, service: str) -> None:
        """Take an address; `service` is host:port."""
        self._service = service
        self._trouble: Trouble | None = None
        self._healed = threading.Event()
        self._thread: threading.Thread | None = None
        self._server = _Server(self)

    @property
    def address(self) -> str:
        """Where it listens: host:port."""
        host, port = self._server.server_address[:2]
        return f"{host!s}:{port}"

    def open(self) -> None:
        """Begin to answer, unless it does."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._server.serve_forever, args=(0.01,), daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """Take the address away."""
        self._healed.set()
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @contextmanager
    def troubled(self, trouble: Trouble) -> Iterator[None]:
        """Be in trouble until the block ends; whoever is kept waiting is hung up then."""
        assert self._trouble is None, "one trouble at a time"
        self._healed.clear()
        self._trouble = trouble
        try:
            yield
        finally:
            self._trouble = None
            self._healed.set()

    def reply(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Reply | None:
        """Return what is to be answered; None if the connection is to be hung up."""
        trouble = self._trouble
        if trouble is None or trouble.where not in path:
            return self._handed_on(method, path, headers, body)
        match trouble.do:
            case "hang up":
                return None
            case "keep waiting":
                self._healed.wait(ASKED_S_MAX)
                return None
            case "answer":
                assert trouble.answer is not None, "it says what is answered"
                return trouble.answer
            case "alter":
                reply = self._handed_on(method, path, headers, body)
                return _altered(reply)

    def _handed_on(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Reply:
        connection = HTTPConnection(self._service, timeout=ASKED_S_MAX)
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return Reply(
                status=answer.status,
                body=answer.read(),
                headers=_passed_on(dict(answer.getheaders())),
            )
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, door: Door) -> None:
        self.door = door
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the resolver for our own name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever asked has hung up, or will see that we have."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = ASKED_S_MAX
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        reply = self.server.door.reply(
            self.command,
            self.path,
            _passed_on(dict(self.headers.items())),
            self.rfile.read(length),
        )
        if reply is None:
            self.close_connection = True
            return
        head = [
            f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('',))[0]}",
            *(f"{name}: {value}" for name, value in reply.headers.items()),
            f"Content-Length: {len(reply.body)}",
        ]
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + reply.body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: a line for each request would fill the log."""


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: each for name, each in headers.items() if name.lower() not in _HOP}


def _altered(reply: Reply) -> Reply:
    """Return the answer with the last bit of its body turned."""
    if not reply.body:
        return reply
    body = reply.body[:-1] + bytes([reply.body[-1] ^ 1])
    return Reply(status=reply.status, body=body, headers=reply.headers)
