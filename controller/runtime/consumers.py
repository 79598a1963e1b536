"""One reader for every queue that unfinished imports are answered on, and for a while after the last of them.

Which queues those are follows from the store at each tick: nothing is started or ended by an event. Each reader has a
thread of its own, as it waits all the time: in the pool it would take a place from people's edits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.cloud.limiter import Lane
from controller.reconcile.context import Context
from controller.reconcile.kinds import Key
from controller.reconcile.rivals import instance_contest, run_contest
from controller.runtime.consumer import Consumer, Office
from controller.runtime.duties import QueuePlace, duties
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store
from controller.runtime.traffic import Traffic
from controller.runtime.wakes import Wakes

LINGER = 120.0  # seconds: what comes late or twice is still taken out of the queue


class Consumers:
    """Starts and ends the readers. Made, and called, in the event loop of a process that leads."""

    def __init__(
        self,
        context: Context,
        *,
        store: Store,
        queue: WorkQueue,
        leads: Callable[[], bool],
        traffic: Traffic,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context = context
        self._store = store
        self._queue = queue
        self._clock = clock
        self._wakes = Wakes(queue)
        self._loop = asyncio.get_running_loop()
        self._office = Office(context, traffic, leads, self._wake)
        self._readers: dict[QueuePlace, Consumer] = {}
        self._wanted_at: dict[QueuePlace, float] = {}
        self._stopped = False

    async def tend(self) -> None:
        """Have each queue read that has to be, and no other; forget what no import works off any more."""
        if self._stopped:
            return
        now = self._clock()
        self._context.runs.keep(self._followed, lambda run: bool(self._store.contenders(run_contest(run))))
        self._context.resolutions.keep(lambda owner: self._store.get(BatchImport, *owner) is not None)
        self._context.boards.keep(lambda seat: bool(self._store.contenders(instance_contest(seat[2]))))
        active = {Key(BatchImport.kind(), *run.target) for run in self._context.runs.active() if not run.concluded}
        known = self._store.all()
        self._context.reporter.keep({target.metadata.uid for target in known})
        wanted = duties(known, active)
        for place, duty in wanted.items():
            self._wanted_at[place] = now
            reader = self._readers.get(place)
            if reader is None or not reader.alive:
                reader = self._readers[place] = Consumer(place, duty, self._office)
                reader.start()
            else:
                reader.duty = duty  # one that was told to end has to be gone first: two readers would be one too many
        for place in self._readers.keys() - wanted.keys():
            if now - self._wanted_at[place] >= LINGER:
                self._end(place)

    def stop(self) -> None:
        """Have no further message taken out of a queue; `working` tells whether some are in hand still."""
        self._stopped = True
        for reader in self._readers.values():
            reader.stop()

    @property
    def readers(self) -> list[Consumer]:
        """Those that are not gone."""
        return list(self._readers.values())

    @property
    def working(self) -> list[str]:
        """The queues whose messages are in hand."""
        return [str(place) for place, reader in self._readers.items() if reader.working]

    def _followed(self, owner: tuple[str, str], run: str) -> bool:
        """Whether an import works a run off: one that is gone has no pass that would let go of it.

        A new run is worked off before the status names it, and the status speaks of an older spec until then.
        """
        target = self._store.get(BatchImport, *owner)
        if target is None:
            return False
        return target.status.run in {None, run} or target.status.observed_generation != target.metadata.generation

    def _end(self, place: QueuePlace) -> None:
        reader = self._readers[place]
        reader.stop()
        if not reader.alive:
            del self._readers[place], self._wanted_at[place]

    def _wake(self, keys: Collection[Key]) -> None:
        """From any thread; one that outlives the loop wakes nobody."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._woken, tuple(keys))

    def _woken(self, keys: Collection[Key]) -> None:
        for key in keys:
            self._wakes.wake(key)
        for (namespace, account), delay in self._context.sessions.take_wakes().items():
            self._queue.add(Key(CloudAccount.kind(), namespace, account), Lane.EDIT, delay)
