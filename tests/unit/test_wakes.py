"""What comes in often wakes an object at once, then at most once a second, and is never forgotten."""

from __future__ import annotations

import asyncio

from controller.cloud.limiter import Lane
from controller.reconcile.kinds import Key
from controller.runtime.queue import WorkQueue
from controller.runtime.wakes import INTERVAL, Wakes

ONE, TWO = Key("BatchImport", "team", "one"), Key("BatchImport", "team", "two")


async def test_a_thousand_words_in_a_second_are_two_looks() -> None:
    """The first at once; the rest together, a second later, though a pass ended in between."""
    queue = WorkQueue()
    wakes = Wakes(queue)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(1000):
        wakes.wake(ONE)
    assert (ONE, Lane.RESYNC) == await queue.get()
    wakes.wake(ONE)
    queue.done(ONE)
    queue.settle(ONE)  # which takes back every delayed look of the queue's own
    assert 0 == len(queue)
    assert (ONE, Lane.RESYNC) == await asyncio.wait_for(queue.get(), 20)
    assert loop.time() - began >= INTERVAL * 0.99
    queue.done(ONE)
    await asyncio.sleep(INTERVAL * 1.2)
    assert 0 == len(queue)


async def test_each_object_has_its_own_second() -> None:
    """One that is told of often does not hold up another."""
    queue = WorkQueue()
    wakes = Wakes(queue)
    for key in (ONE, ONE, TWO):
        wakes.wake(key)
    assert [ONE, TWO] == [(await queue.get())[0] for _ in range(2)]
