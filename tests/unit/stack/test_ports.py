"""Ports are free when they are given out, and each is given out once."""

import socket

import pytest

from pytest_sr.stack.errors import PlaceError
from pytest_sr.stack.ports import (
    ADMIN_GRPC_DISTANCE,
    LOOPBACK,
    PortBook,
    is_free,
    is_free_for_weed_grpc,
    is_listening,
)


@pytest.fixture
def taken():
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_server_is_not_free(taken):
    assert not is_free(taken)
    assert is_listening(taken)


def test_a_port_that_is_given_out_is_free():
    port = PortBook().take()

    assert is_free(port)
    assert not is_listening(port)


def test_no_port_is_given_out_twice():
    book = PortBook()

    ports = [book.take() for _ in range(50)]

    assert len(set(ports)) == 50


def test_a_port_that_is_taken_is_passed_over(taken):
    free = PortBook().take()
    draws = iter([taken, free])

    assert PortBook(lambda: next(draws)).take() == free


def test_where_none_is_free_the_search_ends(taken):
    with pytest.raises(PlaceError, match="none of"):
        PortBook(lambda: taken).take()


def test_weed_gets_no_port_at_which_a_socket_was_left(tmp_path):
    port = PortBook().take()
    (tmp_path / f"seaweedfs-filer-grpc-{port}.sock").touch()

    assert is_free(port)
    assert not is_free_for_weed_grpc(port, socket_home=tmp_path)


def test_weeds_admin_server_has_its_grpc_where_the_worker_looks():
    book = PortBook()

    port, grpc_port = book.take_weed_admin()

    assert grpc_port == port + ADMIN_GRPC_DISTANCE
