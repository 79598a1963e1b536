"""kill -9 under writes, many times over the same directory: what was acknowledged is there."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from mns.account import Account
from mns.mns_exception import MNSClientNetworkException, MNSServerException
from mns.queue import Message, QueueMeta

from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET
from tests.emulator.processes import Running, emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

CUT_OFF = (oss2.exceptions.RequestError, MNSClientNetworkException, OSError)
GONE: bytes | None = None


@dataclass
class Promises:
    """What clients were told, and what they asked for without hearing back. Each key has one writer."""

    may_hold: dict[str, set[bytes | None]] = field(default_factory=lambda: defaultdict(lambda: {GONE}))
    sent: set[str] = field(default_factory=set)
    asked_to_delete: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)


def write_objects(running: Running, promises: Promises, seed: int) -> None:
    """Put, overwrite, append to and delete objects until the emulator is gone."""
    chance = random.Random(seed)  # noqa: S311 - a test's choices
    with running.bucket("kept") as bucket, suppress(*CUT_OFF):
        while True:
            key = f"{seed % 10}/{chance.randrange(12)}"
            content = None if chance.random() < 0.2 else chance.randbytes(chance.choice([3, 3000, 30_000]))
            may_hold = promises.may_hold[key]
            may_hold.add(content)
            if content is None:
                bucket.delete_object(key)
            else:
                bucket.put_object(key, content)
            promises.may_hold[key] = {content}


def move_messages(running: Running, promises: Promises, seed: int) -> None:
    """Send messages, receive some and delete some of those, until the emulator is gone."""
    chance = random.Random(seed)  # noqa: S311 - a test's choices
    with queue_of(running) as queue, suppress(*CUT_OFF):
        while True:
            body = f"{seed}-{chance.randrange(10**12)}"
            queue.send_message(Message(body))
            promises.sent.add(body)
            if chance.random() < 0.5:
                continue
            with suppress(MNSServerException):
                got = queue.receive_message()
                if chance.random() < 0.5:
                    promises.asked_to_delete.add(got.message_body)
                    queue.delete_message(got.receipt_handle)
                    promises.deleted.add(got.message_body)


@contextmanager
def queue_of(running: Running) -> Iterator[Any]:
    """A client of the queue, with a connection of its own."""
    account = Account(running.url, DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET)
    queue = account.get_queue("kept")
    queue.set_encoding(False)
    try:
        yield queue
    finally:
        account.mns_client.close_connection()


def write_until_killed(directory: Path, promises: Promises, round_: int) -> None:
    """One life of the emulator: checked, written to by five clients, killed at no moment in particular."""
    with emulator("--data", str(directory), "--clock", "virtual") as running:
        check(running, promises)
        writers: Sequence[Callable[[Running, Promises, int], None]] = [write_objects] * 3 + [move_messages] * 2
        threads = [
            threading.Thread(target=writer, args=[running, promises, 10 * round_ + number])
            for number, writer in enumerate(writers)
        ]
        for thread in threads:
            thread.start()
        time.sleep(random.Random(round_).uniform(0.05, 0.8))  # noqa: S311 - the moment of death
        running.process.kill()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()


def check(running: Running, promises: Promises) -> None:
    """Everything promised is there; the queue is drained, so that the next round starts with nothing hidden."""
    with running.bucket("kept") as bucket:
        if not promises.sent:
            bucket.create_bucket()
            with queue_of(running) as queue:
                queue.create(QueueMeta(3600))
            return
        held = {item.key for item in oss2.ObjectIteratorV2(bucket)}
        for key, allowed in promises.may_hold.items():
            content = bucket.get_object(key).read() if key in held else GONE
            assert content in allowed, f"{key} holds neither what was acknowledged nor what was asked for"
            promises.may_hold[key] = {content}
        assert held <= promises.may_hold.keys()
    running.admin("POST", "clock", {"advance": 3601})
    with queue_of(running) as queue:
        drained = drain(queue)
    assert set() == promises.sent - promises.asked_to_delete - drained, "acknowledged messages are lost"
    assert set() == promises.deleted & drained, "deleted messages came back"
    promises.sent = {"drained"}
    promises.asked_to_delete = {"drained"}
    promises.deleted = set()


def drain(queue: Any) -> set[str]:
    """Bodies of all visible messages, which are deleted."""
    bodies: set[str] = set()
    while True:
        try:
            batch = queue.batch_receive_message(16)
        except MNSServerException as error:
            if error.type != "MessageNotExist":
                raise
            return bodies
        bodies |= {message.message_body for message in batch}
        queue.batch_delete_message([message.receipt_handle for message in batch])


def survive(directory: Path, rounds: int) -> None:
    """Kill it `rounds` times, and look once more."""
    promises = Promises()
    for round_ in range(rounds):
        write_until_killed(directory, promises, round_)
    with emulator("--data", str(directory), "--clock", "virtual") as running:
        check(running, promises)


def test_nothing_acknowledged_is_lost_when_it_is_killed_under_writes(tmp_path: Path) -> None:
    """Objects put, overwritten and deleted, messages sent, received and deleted, by five clients at once."""
    survive(tmp_path / "data", 8)


@pytest.mark.e2e
def test_nothing_acknowledged_is_lost_in_sixty_kills(tmp_path: Path) -> None:
    """The same for minutes."""
    survive(tmp_path / "data", 60)
