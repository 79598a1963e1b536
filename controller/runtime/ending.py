"""An orderly end: what is under way is finished, or left where the next process finds it, within a pod's last seconds.

Passes have a while to end by themselves. Then nothing more is submitted, and who has a call on its way waits for the
answer and writes it down. What is left after that was on record before it was sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from controller.cloud.ports import CALL_TIMEOUT
from controller.runtime.leadership import Leadership
from controller.runtime.queue import WorkQueue

DRAIN = 5.0  # seconds for passes to end by themselves; one still in the limiter then is turned away by the fence
NOTING = 1.0  # seconds from the last answer for what it said to be written down
RELEASE = 3.0  # seconds for giving the Lease back, where the API server answers slowly
CLOSING = 1.0  # seconds for who still talks to the probes or to the callbacks' port
LONGEST = DRAIN + CALL_TIMEOUT + 2 * NOTING + RELEASE + CLOSING
MENTIONED = 5  # keys in a line of the log
log = logging.getLogger(__name__)


class Ending:
    """The end of one process. Lives in the event loop."""

    def __init__(self, queue: WorkQueue, leadership: Leadership, readers: Callable[[], Sequence[str]]) -> None:
        """`readers` are the queues whose messages are in hand."""
        self._queue = queue
        self._leadership = leadership
        self._readers = readers
        self._began: float | None = None
        self._why = ""

    @property
    def why(self) -> str | None:
        """What the process ends for, once it does."""
        return f"this process is ending: {self._why}" if self._began is not None else None

    def begin(self, why: str) -> None:
        """Take nothing new, from now on. Only the first word counts."""
        if self._began is not None:
            return
        self._began, self._why = asyncio.get_running_loop().time(), why
        self._queue.close()
        log.info("%s: nothing new is begun; %s", why, self._told(f"waiting up to {DRAIN:.0f} s for "))

    async def drained(self) -> bool:
        """Wait for what is under way; whether every submit has its answer, so that the Lease may be given back.

        The Lease is renewed meanwhile.
        """
        if not self._leadership.leads:
            return False
        await self._calm(DRAIN, lambda: True)
        self._leadership.close(records=True)
        if self._busy:
            log.info("nothing more is submitted; %s", self._told("still waiting for "))
            await self._calm(CALL_TIMEOUT + NOTING, self._answers)
        self._leadership.close()
        answered = await self._leadership.submitted(NOTING)
        if self._busy or not answered:
            log.warning("not finished, and on record for the next process: %s", self._told(""))
        else:
            log.info("everything under way is finished")
        return answered

    async def _calm(self, seconds: float, worth: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._busy and worth() and loop.time() < deadline:  # noqa: ASYNC110 - what is waited for is threads'
            await asyncio.sleep(0.02)

    def _answers(self) -> bool:
        """Whether a call is on its way, or has just been answered."""
        return self._leadership.quiet < NOTING

    @property
    def _busy(self) -> bool:
        return bool(self._queue.running or self._readers())

    def _told(self, before: str) -> str:
        keys, calls = sorted(map(str, self._queue.keys_running)), self._leadership.submitting
        parts = [f"messages of queue {place}" for place in self._readers()]
        if keys:
            more = f" and {len(keys) - MENTIONED} more" if len(keys) > MENTIONED else ""
            parts.append(f"{_plural(len(keys), 'pass')} ({', '.join(keys[:MENTIONED])}{more})")
        if calls:
            parts.append(f"{_plural(calls, 'call')} to the cloud without an answer")
        return f"{before}{', '.join(parts)}" if parts else "nothing is under way"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}{'es' if word.endswith('s') else 's'}"
