"""Wakes for what comes in often: an object is looked at now, and again a second later if more came for it meanwhile.

The first word after a quiet time costs no wait, and a thousand in the same second cost one pass more. A delay of the
work queue would not do: the end of a pass takes it back.
"""

from __future__ import annotations

import asyncio

from controller.cloud.limiter import Lane
from controller.reconcile.kinds import Key
from controller.runtime.queue import WorkQueue

INTERVAL = 1.0  # seconds


class Wakes:
    """For one event loop; every method is called in it."""

    def __init__(self, queue: WorkQueue) -> None:
        self._queue = queue
        self._resting: dict[Key, bool] = {}  # whether more came meanwhile

    def wake(self, key: Key) -> None:
        """Have the object looked at, at most once in `INTERVAL`."""
        if key in self._resting:
            self._resting[key] = True
        else:
            self._add(key)

    def _add(self, key: Key) -> None:
        self._resting[key] = False
        self._queue.add(key, Lane.RESYNC)
        asyncio.get_running_loop().call_later(INTERVAL, self._rested, key)

    def _rested(self, key: Key) -> None:
        if self._resting.pop(key):
            self._add(key)
