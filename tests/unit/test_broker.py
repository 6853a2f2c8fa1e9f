"""One stack for a session: started when first asked for, told to whoever may know."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from pytest_sr import broker as module
from pytest_sr.broker import Broker, Desk, RemoteStack
from pytest_sr.stack.addresses import (
    InfisicalAddress,
    IssuerAddress,
    NatsAddress,
    PostgresAddress,
    PostgresLogin,
    S3Address,
    S3Keys,
    StackAddresses,
)
from pytest_sr.stack.client import StackProcess
from pytest_sr.stack.errors import StackError, SupervisorError

HIDDEN = "hidden"
KEYS = S3Keys(access_key="key", secret_key=HIDDEN)
ADDRESSES = StackAddresses(
    directory="a-stack",
    backend="embedded",
    postgres=PostgresAddress(
        host="127.0.0.1",
        port=1,
        user="sr",
        password=HIDDEN,
        app=PostgresLogin(user="app", password=HIDDEN),
        publisher=PostgresLogin(user="bus", password=HIDDEN),
    ),
    s3=S3Address(endpoint="127.0.0.1:2", region="here", admin=KEYS, app=KEYS),
    nats=NatsAddress(url="nats://x", user="sr", password=HIDDEN, monitor_url="http"),
    infisical=InfisicalAddress(
        url="http", client_id="a", client_secret=HIDDEN, project_id="c", environment="d"
    ),
    issuer=IssuerAddress(issuer_url="http", audience="sr", clients=(), people=()),
    versions={"postgres": "17"},
    binaries={},
)
THREADS = 8


class QuietProcess(StackProcess):
    """A supervisor that starts nothing, and counts."""

    starts: ClassVar[int] = 0
    closes: ClassVar[int] = 0
    fails: ClassVar[bool] = False
    may_end: ClassVar[threading.Event]

    def start(self, progress: Callable[[str], None]) -> StackAddresses:
        type(self).starts += 1
        progress("starting")
        assert self.may_end.wait(10)
        if self.fails:
            raise SupervisorError(
                found="no port is free,\nand none will be", remedy="Free one"
            )
        return ADDRESSES

    def close(self) -> None:
        type(self).closes += 1


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> type[QuietProcess]:
    class Process(QuietProcess):
        may_end = threading.Event()

    Process.may_end.set()
    monkeypatch.setattr(module, "StackProcess", Process)
    return Process


@pytest.fixture
def said() -> list[str]:
    """What was told of the start."""
    return []


@pytest.fixture
def broker(process: type[QuietProcess], said: list[str]) -> Iterator[Broker]:
    made = Broker(said.append)
    assert process.starts == 0
    yield made
    made.close()


def at_once(ask: Callable[[], StackAddresses]) -> list[StackAddresses]:
    """What so many threads are given that ask together."""
    together = threading.Barrier(THREADS)

    def one(_: int) -> StackAddresses:
        together.wait(10)
        return ask()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


class TestStart:
    """Nothing is started before it is asked for, and nothing twice."""

    def test_neither_a_broker_nor_its_desk_starts_anything(self, broker, process):
        broker.open_desk()

        assert process.starts == 0

    def test_the_first_who_asks_starts_it(self, broker, process, said):
        assert broker.addresses is ADDRESSES
        assert (process.starts, said) == (1, ["starting"])

    def test_however_many_ask_at_once_it_starts_once(self, broker, process):
        given = at_once(lambda: broker.addresses)

        assert given == [ADDRESSES] * THREADS
        assert process.starts == 1

    def test_who_asks_during_the_start_waits_for_it(self, broker, process):
        process.may_end.clear()

        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(lambda: broker.addresses) for _ in range(2)]
            process.may_end.set()

            assert [each.result(10) for each in asked] == [ADDRESSES] * 2
        assert process.starts == 1

    def test_a_failure_is_told_again_and_not_retried(self, broker, process):
        process.fails = True

        for _ in range(2):
            with pytest.raises(SupervisorError, match="no port is free"):
                _ = broker.addresses

        assert process.starts == 1

    def test_it_is_closed_with_the_broker(self, broker, process):
        _ = broker.addresses

        broker.close()

        assert process.closes == 1


class TestDesk:
    """Workers ask over a socket, with a secret."""

    def test_a_worker_is_given_the_addresses(self, broker, process):
        desk = broker.open_desk()

        assert RemoteStack(desk).addresses == ADDRESSES
        assert process.starts == 1

    def test_workers_at_once_start_it_once(self, broker, process):
        desk = broker.open_desk()

        given = at_once(lambda: RemoteStack(desk).addresses)

        assert given == [ADDRESSES] * THREADS
        assert process.starts == 1

    @pytest.mark.usefixtures("process")
    def test_a_worker_asks_once(self, said):
        broker = Broker(said.append)
        worker = RemoteStack(broker.open_desk())
        first = worker.addresses

        broker.close()

        assert worker.addresses is first

    def test_there_is_one_desk(self, broker):
        assert broker.open_desk() == broker.open_desk()

    def test_it_is_on_loopback_alone(self, broker):
        desk = broker.open_desk()

        with socket.create_connection(("127.0.0.1", desk.port), 10) as connection:
            assert connection.getpeername()[0] == "127.0.0.1"

    @pytest.mark.parametrize("asked", ["wrong", "", "+", "0" * 32])
    def test_a_wrong_secret_is_given_nothing_and_starts_nothing(
        self, broker, process, asked
    ):
        desk = broker.open_desk()

        with socket.create_connection(("127.0.0.1", desk.port), 10) as connection:
            connection.sendall(f"{asked}\n".encode())
            assert connection.recv(1) == b""

        assert process.starts == 0

    def test_who_has_a_wrong_secret_is_told_so(self, broker):
        desk = Desk(port=broker.open_desk().port, secret=HIDDEN)

        with pytest.raises(StackError, match="the session gave no stack"):
            _ = RemoteStack(desk).addresses

    def test_it_answers_after_a_wrong_secret(self, broker):
        desk = broker.open_desk()

        with pytest.raises(StackError):
            _ = RemoteStack(Desk(port=desk.port, secret=HIDDEN)).addresses

        assert RemoteStack(desk).addresses == ADDRESSES

    def test_a_failure_is_told_to_every_worker_in_a_line(self, broker, process):
        process.fails = True
        desk = broker.open_desk()

        for _ in range(2):
            with pytest.raises(StackError, match="no port is free, and none will be"):
                _ = RemoteStack(desk).addresses

        assert process.starts == 1

    def test_secrets_differ_by_session(self, broker, said):
        other = Broker(said.append)

        try:
            assert other.open_desk().secret != broker.open_desk().secret
        finally:
            other.close()

    @pytest.mark.usefixtures("process")
    def test_a_closed_desk_answers_nobody(self, said):
        broker = Broker(said.append)
        desk = broker.open_desk()

        broker.close()

        with pytest.raises(OSError, match="refused"):
            _ = RemoteStack(desk).addresses
