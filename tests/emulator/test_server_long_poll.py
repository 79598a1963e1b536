"""Long polls: a receive that finds nothing waits for a message, for its time, or for the server's end."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import Message, QueueMeta

from emulator.testing import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mns.queue import Queue

    from emulator.testing import LocalCloud


def queue_of(cloud: LocalCloud) -> Queue:
    """A client of its own of the same queue: MNS clients are not thread-safe."""
    queue = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret).get_queue("results")
    queue.set_encoding(False)
    return queue


def test_a_message_ends_the_wait_at_once(cloud: LocalCloud) -> None:
    """The receiver waits up to 20 s and is answered when the sender sends."""
    receiver, sender = queue_of(cloud), queue_of(cloud)
    with closing_both(receiver, sender):
        sender.create(QueueMeta())
        got: list[str] = []
        thread = threading.Thread(target=lambda: got.append(receiver.receive_message(20).message_body))
        started = time.monotonic()
        thread.start()
        sender.send_message(Message("hello"))
        thread.join(60)
        assert ["hello"] == got
        assert time.monotonic() - started < 19


def test_the_virtual_clock_ends_the_wait_too(cloud: LocalCloud) -> None:
    """A test need not sit out twenty seconds: advancing the clock past them answers MessageNotExist."""
    receiver = queue_of(cloud)
    with closing_both(receiver):
        receiver.create(QueueMeta())
        refused: list[str] = []

        def receive() -> None:
            with pytest.raises(MNSServerException) as caught:
                receiver.receive_message(20)
            refused.append(caught.value.type)

        thread = threading.Thread(target=receive)
        thread.start()
        deadline = time.monotonic() + 60
        while thread.is_alive() and time.monotonic() < deadline:
            cloud.advance(25)
            thread.join(0.05)
        assert ["MessageNotExist"] == refused


def test_stopping_the_server_answers_those_who_wait() -> None:
    """No receiver is left hanging for thirty seconds when the emulator ends."""
    with running() as cloud:
        receiver = queue_of(cloud)
        receiver.create(QueueMeta())
        failed: list[Exception] = []

        def receive() -> None:
            try:
                receiver.receive_message(30)
            except Exception as error:  # noqa: BLE001 - whichever it is, it must come soon
                failed.append(error)

        thread = threading.Thread(target=receive)
        thread.start()
        deadline = time.monotonic() + 60
        while not cloud.long_polls() and time.monotonic() < deadline:
            thread.join(0.01)
        assert 1 == cloud.long_polls()
    thread.join(60)
    with closing_both(receiver):
        assert 1 == len(failed)


@contextmanager
def closing_both(*queues: Queue) -> Iterator[None]:
    """Close the clients' sockets at the end."""
    try:
        yield
    finally:
        for queue in queues:
            queue.mns_client.close_connection()
