"""HTTP for our own small servers: a request in, an answer out, in one send.

A server is a function from `Request` to `Response`. Whatever should happen between the
wire and that function, delays or outages, is another such function around it.
"""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

BODY_BYTES_MAX: Final = 1 << 20
IDLE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asked; header names are in lower case, `segments` are decoded."""

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What the client is told; `body` becomes JSON."""

    status: HTTPStatus
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)


Application: TypeAlias = Callable[[Request], Response]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without asking the resolver for our own name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]


def build_server(application: Application, *, host: str, port: int) -> _Server:
    """Return a server that answers at `host`:`port` once it is told to serve."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = IDLE_S

        def setup(self) -> None:
            super().setup()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if length > BODY_BYTES_MAX:
                self.close_connection = True
                self.send(_TOO_LARGE)
                return
            url = urlsplit(self.path)
            request = Request(
                method=self.command,
                segments=tuple(unquote(each) for each in url.path[1:].split("/")),
                query=dict(parse_qsl(url.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )
            self.send(application(request))

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

        def send(self, response: Response) -> None:
            body = json.dumps(response.body).encode()
            head = [
                f"HTTP/1.1 {response.status.value} {response.status.phrase}",
                "Content-Type: application/json; charset=utf-8",
                f"Content-Length: {len(body)}",
                *(f"{name}: {value}" for name, value in response.headers.items()),
                *(["Connection: close"] if self.close_connection else []),
            ]
            self.wfile.write("\r\n".join([*head, "", ""]).encode() + body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing: a line for each request would fill the log."""

    return _Server((host, port), Handler)


def one_at_a_time(application: Application) -> Application:
    """Return `application`, whose state then needs no lock of its own."""
    lock = threading.Lock()

    def locked(request: Request) -> Response:
        with lock:
            return application(request)

    return locked


_TOO_LARGE: Final = Response(
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    body={
        "statusCode": HTTPStatus.REQUEST_ENTITY_TOO_LARGE.value,
        "message": f"Request body is larger than {BODY_BYTES_MAX} bytes",
        "error": "Payload Too Large",
    },
)
