"""Workers with a real store, queue and informer, running the operator's own passes against doubles of both worlds."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from controller.cloud.errors import Unavailable
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import CALL_TIMEOUT
from controller.core.lease import Terms
from controller.reconcile.kinds import Key
from controller.reconcile.ports import ObjectGone, StaleObject
from controller.runtime.informer import Informer
from controller.runtime.kube import Kube, KubeError
from controller.runtime.leadership import Leadership
from controller.runtime.metrics import Metrics
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store
from controller.runtime.workers import STALE_TIMES, Workers
from tests.unit.operator_doubles import Clock, Fate, World
from tests.unit.steps_room import failing
from tests.unit.test_task_turns import SEAT, import_of, store_of

EDIT, RESYNC = Lane.EDIT, Lane.RESYNC


class Room:
    """An engine room without Kopf: what the cluster's double stores is observed at once."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self.world, self.store, self.queue = World(), Store(Clock()), WorkQueue()
        self.store.complete = True
        self.informer = Informer(self.store, self.queue)
        leadership = Leadership(Kube(), namespace="", name="test", terms=Terms(20, CALL_TIMEOUT), identity="me")
        self.metrics = Metrics(self.queue, Limiters(), leadership, self.store)
        self.world.cluster.after_write = lambda _what: self.remember()
        context = replace(self.world.context, objects=self.store)
        self.workers = Workers(
            context, store=self.store, queue=self.queue, informer=self.informer, pool=pool, metrics=self.metrics
        )

    def remember(self) -> None:
        """What is written goes into the store, as the runtime does with each answer."""
        for key in list(self.world.cluster.bodies):
            self.store.put(self.world.cluster.read(key))

    def observe(self, key: Key) -> None:
        """A watch event."""
        self.informer.observe(self.world.cluster.bodies[key], deleted=False)

    def results(self) -> dict[str, int]:
        """Passes so far by result; of one that there was none of, nothing."""
        lines = self.metrics.render().decode().splitlines()
        found = [line for line in lines if line.startswith("controller_runtime_reconcile_total{")]
        counts: dict[str, int] = {}
        for line in found:
            result = line.split('result="')[1].split('"')[0]
            counts[result] = counts.get(result, 0) + int(float(line.split()[-1]))
        return {result: count for result, count in counts.items() if count}

    def idle(self) -> bool:
        """Nothing runs and nothing could run now."""
        return not self.queue.running and not len(self.queue)

    def ready(self, key: Key) -> bool:
        """As stored."""
        return self.world.condition(key) == ("True", "Succeeded")


@asynccontextmanager
async def working(workers: int, *, for_edits: int = 0) -> AsyncIterator[Room]:
    """A room with so many workers, and so many more that serve edits only."""
    with ThreadPoolExecutor(4) as pool:
        room = Room(pool)
        lanes = [False] * workers + [True] * for_edits
        tasks = [asyncio.create_task(room.workers.work(edits_only=edits)) for edits in lanes]
        try:
            yield room
            assert not [task for task in tasks if task.done()]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for a condition, with a limit."""
    deadline = asyncio.get_running_loop().time() + 60
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, f"waited in vain for {what}"
        await asyncio.sleep(0.005)


async def test_who_waits_for_an_account_is_run_when_it_becomes_ready() -> None:
    """At once, and without anybody asking for it."""
    async with working(2) as room:
        key = room.world.binding()
        room.store.put(room.world.cluster.read(key))
        room.observe(room.world.account)
        await until(lambda: "bind photos" in room.world.cloud.effects, "the binding's own pass")
        assert room.ready(room.world.account)


async def test_whose_turn_came_at_an_instance_is_run_after_the_pass_that_found_it() -> None:
    """Nobody edits it, and it need not wait until it looks by itself."""
    async with working(1) as room:
        turns, first, second = room.world.context.turns, import_of("first"), import_of("second", 1)
        store = store_of(first, second)
        turns.stand(SEAT, first, store, running=True)
        turns.stand(SEAT, second, store, running=False)
        turns.leave(first)
        room.observe(room.world.account)
        await until(lambda: room.results().get("success") == 1, "the second, which is gone meanwhile")


async def test_a_pass_that_met_a_newer_version_is_run_again_soon() -> None:
    """It is no failure and counts for no back-off."""
    async with working(1) as room:
        times = iter([StaleObject("edited meanwhile")])

        def once(_what: str) -> None:
            for error in times:
                raise error

        room.world.cluster.before_write = once
        room.observe(room.world.account)
        await until(lambda: sum(room.results().values()) == 2, "the pass again")
        assert room.ready(room.world.account)
        assert ({"requeue": 1, "requeue_after": 1}, 0) == (room.results(), room.queue.retries)


async def test_a_pass_that_meets_a_newer_version_again_and_again_is_backed_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch does not deliver it, so five passes a second would find the same for ever."""
    monkeypatch.setattr("controller.runtime.workers.STALE_DELAY", 0.01)
    async with working(1) as room:

        def always(_what: str) -> None:
            raise StaleObject("edited meanwhile")

        room.world.cluster.before_write = always
        room.observe(room.world.account)
        await until(lambda: room.queue.retries == 1, "the back-off")
        assert {"requeue": STALE_TIMES + 1} == room.results()
        room.world.cluster.before_write = lambda _what: None
        await until(lambda: room.ready(room.world.account), "the account")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KubeError(500, "etcd is away"), TimeoutError()], ids=repr)
async def test_a_pass_that_breaks_is_backed_off_and_the_worker_lives(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever broke it: the next object is served, and this one comes again."""
    async with working(1) as room:

        def always(_what: str) -> None:
            raise error

        room.world.cluster.before_write = always
        with caplog.at_level(logging.WARNING):
            room.observe(room.world.account)
            await until(lambda: room.queue.retries == 1, "the back-off")
        assert {"error": 1} == room.results()
        assert "CloudAccount team/account" in caplog.text
        room.world.cluster.before_write = lambda _what: None
        await until(lambda: room.ready(room.world.account), "the second attempt")


async def test_a_failed_call_backs_off_and_its_success_forgets_that() -> None:
    """The status says so meanwhile."""
    async with working(1) as room:
        failing(room.world, "get_caller", Unavailable("sts:GetCallerIdentity", "refused"), effect=False)
        room.observe(room.world.account)
        await until(lambda: room.queue.retries == 1, "the back-off")
        await until(lambda: sum(room.results().values()) == 2, "the second attempt")
        assert room.ready(room.world.account)
        assert {"error": 1, "requeue_after": 1} == room.results()


async def test_a_key_runs_once_at_a_time_and_once_more_for_all_that_asked_meanwhile() -> None:
    """With workers to spare."""
    async with working(2, for_edits=1) as room:
        running, most, going = 0, 0, threading.Event()
        lock = threading.Lock()

        def slow(operation: str) -> Fate:
            nonlocal running, most
            if operation == "get_caller":
                with lock:
                    running += 1
                    most = max(most, running)
                assert going.wait(60)
                with lock:
                    running -= 1
            return Fate()

        room.world.cloud.fate = slow
        room.observe(room.world.account)
        await until(lambda: running == 1, "the first pass")
        for _ in range(5):
            room.queue.add(room.world.account, EDIT)
        assert (1, 0) == (room.queue.running, len(room.queue))
        going.set()
        await until(lambda: sum(room.results().values()) == 2 and room.idle(), "the one pass that was asked for")
        assert 1 == most


async def test_a_worker_for_edits_leaves_resyncs_alone() -> None:
    """So a person does not wait behind five thousand of them."""
    async with working(0, for_edits=1) as room:
        spec = room.world.cluster.bodies[room.world.account]["spec"]
        other = room.world.cluster.put("CloudAccount", "second", spec)
        room.remember()
        room.queue.add(other, RESYNC)
        room.queue.add(room.world.account, EDIT)
        await until(lambda: room.ready(room.world.account) and not room.queue.running, "the edit")
        assert (1, 1) == (len(room.queue), room.world.cloud.calls.count("get_caller"))


@pytest.mark.parametrize("gone", ["before", "meanwhile"])
async def test_an_object_that_is_gone_ends_its_key(gone: str) -> None:
    """Nothing is written, nothing comes again."""
    async with working(1) as room:
        key = Key("Dataset", "team", "never-was")
        if gone == "meanwhile":
            key = room.world.account
            room.remember()

            def went(_what: str) -> None:
                raise ObjectGone(str(key))

            room.world.cluster.before_write = went
        room.queue.add(key, EDIT)
        await until(lambda: sum(room.results().values()) == 1 and room.idle(), "the pass")
        assert ({"success": 1}, 0, []) == (room.results(), room.queue.retries, room.world.cluster.writes)
