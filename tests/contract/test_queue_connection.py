"""`controller.cloud.mns_connection` under the adapter, against whoever listens: what the SDK's own would not do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse

import pytest

from controller.cloud.credentials import Credentials
from controller.cloud.errors import TimedOut
from controller.cloud.limiter import Limiter
from controller.cloud.mns import MnsQueue
from controller.cloud.mns_connection import Connection, connect_to

NONE = b"<Error><Code>MessageNotExist</Code><Message>m</Message><RequestId>R</RequestId><HostId>h</HostId></Error>"
EMPTY = b"HTTP/1.1 404 Not Found\r\nx-mns-request-id: R\r\nContent-Length: %d\r\n\r\n%s" % (len(NONE), NONE)
Behaviour = Callable[[socket.socket, list[bytes]], None]


def answers(times: int) -> Behaviour:
    """Say that there is no message, so often, and close the connection."""

    def behave(connection: socket.socket, requests: list[bytes]) -> None:
        for _ in range(times):
            requests.append(connection.recv(65536))
            connection.sendall(EMPTY)

    return behave


def hangs_up(connection: socket.socket, requests: list[bytes]) -> None:
    """Take the request and close."""
    requests.append(connection.recv(65536))


def is_silent(connection: socket.socket, requests: list[bytes]) -> None:
    """Take whatever comes until the other side gives up."""
    while data := connection.recv(65536):
        requests.append(data)


def answers_once_and_is_silent(connection: socket.socket, requests: list[bytes]) -> None:
    """A connection that is kept, and dies."""
    answers(1)(connection, requests)
    is_silent(connection, requests)


@contextmanager
def listening(*behaviours: Behaviour, closed: threading.Event | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one connection after the other, each as told; the address, and the requests.

    `closed` is set when a connection has been closed.
    """
    requests: list[bytes] = []
    told = closed or threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for behave in behaviours:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(20)
                    behave(connection, requests)
                told.set()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", requests
        thread.join(20)
    assert not thread.is_alive()


def queue_at(address: str) -> MnsQueue:
    """The adapter of some queue."""
    limiter = Limiter("test", rate=50, burst=50)
    return MnsQueue(Credentials("id", "secret"), endpoint=f"http://{address}", queue="q", limiter=limiter)


def ask(connection: Connection) -> HTTPResponse:
    """A request and its answer."""
    connection.request("GET", "/")
    return connection.getresponse()


def test_a_connection_that_was_closed_meanwhile_is_noticed_before_it_is_used() -> None:
    """A consumer may be busy for longer than the server keeps a connection."""
    closed = threading.Event()
    with listening(answers(2), answers(1), closed=closed) as (address, requests):
        queue = queue_at(address)
        assert [[], []] == [queue.receive(0) for _ in range(2)]
        assert closed.wait(20)
        assert [] == queue.receive(0)
    assert 3 == len(requests)


def test_a_request_without_an_answer_is_not_sent_again() -> None:
    """It may have taken effect: whoever asked decides."""
    with listening(hangs_up, answers(1)) as (address, requests):
        queue = queue_at(address)
        with pytest.raises(TimedOut) as caught:
            queue.send("x")
        assert 1 == len(requests)
        assert caught.value.may_have_taken_effect
        assert [] == queue.receive(0)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_peer_is_given_up(scheme: str) -> None:
    """Over TLS as well, where the SDK sets no time at all: the peer does not even shake hands."""
    with listening(is_silent) as (address, _):
        connection = connect_to(f"{scheme}://{address}")
        began = time.monotonic()
        connection.prepare(0.3)
        with pytest.raises(TimeoutError):
            ask(connection)
        assert 0.2 < time.monotonic() - began < 30
        connection.close()


def test_each_call_has_its_own_patience() -> None:
    """A long poll waits longer than the look that follows on the same connection."""
    with listening(answers_once_and_is_silent) as (address, requests):
        connection = connect_to(f"http://{address}")
        connection.prepare(20)
        assert NONE == ask(connection).read()
        connection.prepare(0.3)
        with pytest.raises(TimeoutError):
            ask(connection)
        connection.close()
    assert 2 == len(requests)
