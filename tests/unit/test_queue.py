"""The work queue on an event loop whose time is virtual: nothing here waits."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from controller.cloud.limiter import Lane
from controller.reconcile.kinds import Key
from controller.runtime.queue import BACKOFF_CAP, WorkQueue

A, B, C = (Key("DatasetBinding", "team", name) for name in "abc")
EDIT, RESYNC = Lane.EDIT, Lane.RESYNC


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that jumps to its next timer instead of waiting for it."""

    def __init__(self) -> None:
        self._now = 1000.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Virtual seconds."""
        return self._now

    def jump(self, seconds: float) -> None:
        """What the selector would have slept."""
        self._now += seconds


class _Jumping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits and no timer is set: a deadlock")
        if timeout > 0:
            self._loop.jump(timeout)
        return super().select(0)


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test on a virtual loop."""

    def run() -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def now() -> float:
    """Virtual seconds since the start of the test."""
    return asyncio.get_running_loop().time() - 1000.0


async def drain(queue: WorkQueue) -> list[Key]:
    """Run everything that could run now, in order."""
    keys = []
    while len(queue):
        key, _ = await queue.get()
        queue.done(key)
        keys.append(key)
    return keys


@virtual
async def test_a_key_added_many_times_runs_once() -> None:
    """In the order of the first add."""
    queue = WorkQueue()
    for key in (A, B, A, A, B):
        queue.add(key, RESYNC)
    assert 2 == len(queue)
    assert [A, B] == await drain(queue)
    assert (0, 0) == (len(queue), queue.running)


@virtual
async def test_a_key_added_while_it_runs_is_run_once_more_and_never_twice_at_a_time() -> None:
    """However often it is asked for meanwhile."""
    queue = WorkQueue()
    queue.add(A, RESYNC)
    assert (A, RESYNC) == await queue.get()
    for _ in range(3):
        queue.add(A, RESYNC)
    assert (0, 1) == (len(queue), queue.running)
    queue.add(A, EDIT)
    queue.done(A)
    assert (A, EDIT) == await queue.get()
    queue.done(A)
    assert (0, 0) == (len(queue), queue.running)


@virtual
async def test_edits_go_first() -> None:
    """And an edit lifts a key that waits for its resync."""
    queue = WorkQueue()
    queue.add(A, RESYNC)
    queue.add(B, RESYNC)
    queue.add(C, EDIT)
    queue.add(B, EDIT)
    queue.add(C, RESYNC)
    assert [C, B, A] == await drain(queue)


@virtual
async def test_what_goes_first_goes_ahead_of_its_lane_and_of_no_other() -> None:
    """What only has to be reported does not wait for a thousand that wait for the cloud, and runs once all the same."""
    queue = WorkQueue()
    queue.add(A, EDIT)
    queue.add(B, EDIT)
    queue.add(C, RESYNC, first=True)
    queue.add(B, EDIT, first=True)
    assert [B, A, C] == await drain(queue)


@virtual
async def test_the_earliest_due_time_wins() -> None:
    """A later one is forgotten, an earlier one replaces it, and the key runs once."""
    queue = WorkQueue()
    queue.add(A, RESYNC, 60)
    queue.add(A, RESYNC, 5)
    queue.add(A, RESYNC, 30)
    assert (A, RESYNC) == await queue.get()
    assert 5 == pytest.approx(now())
    queue.done(A)
    await asyncio.sleep(100)
    assert 0 == len(queue)


@virtual
async def test_an_add_for_now_replaces_a_delayed_one() -> None:
    """The pass decides anew when to look again."""
    queue = WorkQueue()
    queue.add(A, RESYNC, 60)
    queue.add(A, EDIT)
    assert [A] == await drain(queue)
    await asyncio.sleep(100)
    assert 0 == len(queue)


@virtual
async def test_delayed_keys_come_in_the_order_of_their_time() -> None:
    """Each when it is due."""
    queue = WorkQueue()
    for key, delay in ((A, 30), (B, 10), (C, 20)):
        queue.add(key, RESYNC, delay)
    seen = []
    for _ in range(3):
        key, _ = await queue.get()
        seen.append((key, round(now())))
        queue.done(key)
    assert [(B, 10), (C, 20), (A, 30)] == seen


@virtual
async def test_a_key_that_falls_due_while_it_runs_runs_again_afterwards() -> None:
    """Never in parallel."""
    queue = WorkQueue()
    queue.add(A, RESYNC)
    await queue.get()
    queue.add(A, RESYNC, 5)
    await asyncio.sleep(10)
    assert 0 == len(queue)
    queue.done(A)
    assert [A] == await drain(queue)


@virtual
async def test_the_back_off_doubles_to_its_cap_and_is_forgiven() -> None:
    """With jitter between half and all of it."""
    queue = WorkQueue(random.Random(7))  # noqa: S311 - a fixed sequence for the test
    waits = []
    for _ in range(12):
        began = now()
        queue.retry(A, RESYNC)
        await queue.get()
        waits.append(now() - began)
        queue.done(A)
    for number, waited in enumerate(waits):
        full = min(BACKOFF_CAP, 2.0**number)
        assert full / 2 <= waited <= full + 1e-6
    assert 12 == queue.retries
    queue.forgive(A)
    began = now()
    queue.retry(A, RESYNC)
    await queue.get()
    assert now() - began <= 1


@virtual
async def test_the_back_off_is_each_keys_own() -> None:
    """One failing object does not slow another."""
    queue = WorkQueue()
    for _ in range(8):
        queue.retry(A, RESYNC)
        await queue.get()
        queue.done(A)
    began = now()
    queue.retry(B, RESYNC)
    assert (B, RESYNC) == await queue.get()
    assert now() - began <= 1


@virtual
async def test_a_retry_after_thousands_of_failures_is_still_the_cap() -> None:
    """No overflow."""
    queue = WorkQueue()
    for _ in range(3000):
        queue.retry(A, RESYNC)
    await queue.get()
    assert now() <= 1


@virtual
async def test_a_worker_for_edits_leaves_resyncs_alone() -> None:
    """It waits on, and an ordinary worker takes them."""
    queue = WorkQueue()
    edits = asyncio.create_task(queue.get(edits_only=True))
    await asyncio.sleep(0)
    anything = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add(A, RESYNC)
    assert (A, RESYNC) == await anything
    assert not edits.done()
    queue.add(B, EDIT)
    assert (B, EDIT) == await edits


@virtual
async def test_every_waiting_worker_gets_its_key() -> None:
    """A wake-up is not lost between workers."""
    queue = WorkQueue()
    workers = [asyncio.create_task(queue.get(edits_only=number < 2)) for number in range(4)]
    await asyncio.sleep(0)
    for key, lane in ((A, EDIT), (B, RESYNC), (C, EDIT)):
        queue.add(key, lane)
    done, _ = await asyncio.wait(workers, timeout=1)
    assert {A, B, C} == {task.result()[0] for task in done}
    for task in workers:
        task.cancel()


@virtual
async def test_settled_keys_wait_for_nothing_but_what_was_asked_meanwhile() -> None:
    """The timer and the back-off end; a key asked for while it ran still comes."""
    queue = WorkQueue()
    queue.add(A, RESYNC)
    await queue.get()
    queue.add(A, EDIT)
    queue.done(A)
    queue.settle(A)
    assert [A] == await drain(queue)
    queue.add(B, RESYNC, 5)
    queue.settle(B)
    await asyncio.sleep(10)
    assert 0 == len(queue)


@virtual
async def test_a_forgotten_key_never_comes() -> None:
    """Queued, delayed or asked for while it ran."""
    queue = WorkQueue()
    queue.add(A, EDIT)
    queue.add(B, RESYNC, 5)
    queue.add(C, RESYNC)
    queue.forget(A)
    queue.forget(B)
    await queue.get()
    queue.add(C, RESYNC)
    queue.forget(C)
    queue.done(C)
    await asyncio.sleep(10)
    assert (0, 0) == (len(queue), queue.running)


@pytest.mark.parametrize("interval", [10.0, 600.0, 604_800.0])
def test_a_settled_key_comes_back_after_its_interval_and_up_to_a_tenth_later(interval: float) -> None:
    """Never sooner than the spec says, and a thousand objects of one interval do not come back together."""
    moments: list[float] = []

    @virtual
    async def come_back() -> None:
        queue = WorkQueue()
        for number in range(1000):
            queue.settle(Key("Dataset", "team", str(number)), interval)
        while len(moments) < 1000:
            key, lane = await queue.get()
            queue.done(key)
            assert RESYNC == lane
            moments.append(now())

    come_back()
    assert interval <= min(moments)
    assert max(moments) <= interval * 1.1
    assert max(moments) - min(moments) > interval * 0.09
    assert len(set(moments)) > 900
    together = max(sum(since <= moment < since + interval * 0.001 for moment in moments) for since in moments)
    assert together < 40, "of a thousand, in the hundredth part of that time: ten would be even"
