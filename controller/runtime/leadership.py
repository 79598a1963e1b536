"""This process's part in the election: gets and renews the Lease, and keeps the fence that every submit has to pass.

A process leads at most once and then ends: a pass of its past that still waits somewhere, in the limiter for instance,
can never meet a fence that a later term has opened again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp

from controller.cloud.errors import NotLeading
from controller.core import lease
from controller.core.lease import Candidacy, Record, Terms
from controller.reconcile.ports import ObjectGone, StaleObject
from controller.runtime.kube import Kube, KubeError

# What may still be written at an end, when nothing is submitted any more: the answer to what was submitted before.
RECORDS = ("oss:", "mns:")
ENDING = "this process is ending"
WAITING = "nothing is submitted until the lease is renewed, and a previous leader's calls have ended; goes on by itself"
log = logging.getLogger(__name__)


def boot_clock() -> float:
    """Seconds that go on while the machine sleeps; the loop's clock, where a system has no other, may stop then."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def own_identity() -> str:
    """A name for people, made unique for ever: a container that is restarted keeps its host name and nothing else."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


class Leadership:
    """Runs in the event loop; `fence` is for worker threads."""

    def __init__(
        self,
        kube: Kube,
        *,
        namespace: str,
        name: str,
        terms: Terms,
        identity: str,
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        self.name = name
        self.trouble: str | None = None  # what kept the last attempt from getting through
        self._kube = kube
        self._meta = {"namespace": namespace, "name": name}
        self._terms = terms
        self._clock = clock
        self._candidacy = Candidacy(identity, terms)  # a value: worker threads read it as a whole
        self._version: dict[str, str] | None = None  # of the Lease as seen; None: it has to be read first
        self._over = ""  # why this process submits nothing any more
        self._lock = threading.Lock()
        self._closing = False
        self._submitting = 0
        self._submitted_at = float("-inf")
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing

    @property
    def leads(self) -> bool:
        """Whether this process leads now."""
        return self._candidacy.leads and not self._over

    @contextmanager
    def fence(self, operation: str) -> Iterator[None]:
        """`controller.cloud.fence.Fence`: lets a submit through while nobody else can lead before its answer is due."""
        with self._lock:
            # The clock is read last: whatever held this thread up until here counts.
            shut = self._over or (self._closing and not operation.startswith(RECORDS))
            self._refuse(operation, None if shut else lease.opens_in(self._candidacy, self._clock()))
            self._submitting += 1
        try:
            yield
        finally:
            with self._lock:
                self._submitting -= 1
                self._submitted_at = self._clock()

    @property
    def submitting(self) -> int:
        """Calls that passed the fence and have no answer yet."""
        return self._submitting

    @property
    def quiet(self) -> float:
        """Seconds since the last of them was answered; 0 while one is not."""
        with self._lock:
            return 0.0 if self._submitting else self._clock() - self._submitted_at

    async def acquire(self) -> None:
        """Stand by until this process leads."""
        holder = None
        while not await self._attempt():
            seen = self._candidacy.seen
            if seen is not None and seen.holder != holder:
                holder = seen.holder
                log.info("standing by: %s holds the lease %s", holder or "nobody", self._place)
            await asyncio.sleep(self._terms.retry * self._jitter.uniform(1.0, 1.2))
        wait = lease.opens_in(self._candidacy, self._clock()) or 0.0
        log.info("leading: %s holds the lease %s; first submit in %.0f s", self._candidacy.identity, self._place, wait)

    async def keep(self) -> None:
        """Renew the Lease until that fails for too long or somebody else has it; then nothing is submitted any more."""
        while True:
            await asyncio.sleep(self._terms.retry)
            # Asked before an attempt too: a process that was paused must not renew what others may think over.
            if lease.lost(self._candidacy, self._clock()):
                return self._end("it could not be renewed in time")
            await self._attempt()
            if self._candidacy.over:
                holder = self._candidacy.seen.holder if self._candidacy.seen else ""
                return self._end(f"{holder or 'nobody'} holds it now")

    def close(self, *, records: bool = False) -> None:
        """Let no further submit through, in an orderly end; with `records` the answers to others are still noted."""
        self._closing = True
        if not records:
            self._over = self._over or ENDING

    async def submitted(self, seconds: float) -> bool:
        """Wait until the submits under way have their answers; whether they had, in so many seconds."""
        deadline = self._clock() + seconds
        while self._submitting and self._clock() < deadline:  # noqa: ASYNC110 - the counter is other threads'
            await asyncio.sleep(0.02)
        return not self._submitting

    async def release(self, seconds: float) -> None:
        """Give the Lease back, so that the next leader starts at once. Only after `close`, with no submit under way."""
        try:
            async with asyncio.timeout(seconds):
                # The last renewal may have been cut off, so the version is read again.
                await self._look()
                record = lease.release(self._candidacy, self._clock(), _stamp())
                if record is None or not self._version:
                    log.info("left the lease %s to run out", self._place)
                    return
                await self._kube.write_lease(self._meta | self._version, record.spec(), self._patience)
            log.info("released the lease %s", self._place)
        except (KubeError, StaleObject, ObjectGone, aiohttp.ClientError, TimeoutError) as error:
            log.warning("the lease %s could not be released, so the next leader waits: %r", self._place, error)

    async def _attempt(self) -> bool:
        """Get or renew the Lease; whether that worked. What was read before may be old: then read and try once more."""
        for _ in range(2):
            try:
                return await self._write_bid()
            except (StaleObject, ObjectGone):
                self._version = None
            except (KubeError, aiohttp.ClientError, TimeoutError) as error:
                self._version = None
                self._complain(str(error) or type(error).__name__)
                return False
        return False

    async def _write_bid(self) -> bool:
        # Who does not lead reads the Lease each time: that it goes on is all there is to know of its holder.
        if self._version is None or not self._candidacy.leads:
            await self._look()
        sent_at = self._clock()
        record = lease.bid(self._candidacy, sent_at, _stamp())
        if record is None:
            return False
        written = await self._kube.write_lease(self._meta | (self._version or {}), record.spec(), self._patience)
        self._remember(lease.won(self._candidacy, record, sent_at), written)
        return True

    async def _look(self) -> None:
        try:
            found: dict[str, Any] | None = await self._kube.get_lease(**self._meta, seconds=self._patience)
        except ObjectGone:
            found = None
        record = Record.read(found.get("spec") or {}) if found is not None else None
        self._remember(lease.observe(self._candidacy, record, self._clock()), found)

    def _complain(self, words: str) -> None:
        trouble = f"the lease {self._place} cannot be read or written: {words}"
        if trouble != self.trouble:
            log.warning("%s", trouble)
        self.trouble = trouble

    def _remember(self, candidacy: Candidacy, body: dict[str, Any] | None) -> None:
        self._candidacy = candidacy
        self.trouble = None
        self._version = {"resourceVersion": body["metadata"]["resourceVersion"]} if body is not None else {}

    def _end(self, why: str) -> None:
        self._over = why
        log.error("lost the lease %s: %s; this process submits nothing more and ends", self._place, why)

    def _refuse(self, operation: str, opens_in: float | None) -> None:
        if opens_in is None:
            why = self._over or (ENDING if self._closing else "another one does")
            raise NotLeading(operation, f"this process does not lead: {why}")
        if opens_in > 0:
            raise NotLeading(operation, WAITING, opens_in=opens_in)

    @property
    def _patience(self) -> float:
        """For one request: a lost one must leave time for another before the deadline."""
        return self._terms.renew_deadline / 3

    @property
    def _place(self) -> str:
        return f"{self._meta['namespace']}/{self._meta['name']}"


def _stamp() -> str:
    """The time for people; Kubernetes' MicroTime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
