"""Reads one queue in a thread of its own, with the session of whoever of its accounts is signed in.

The thread spends its life in long polls, so it is a daemon: no end waits for one. A message that a dying poll still
takes out of the queue comes back after the queue's visibility timeout.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from controller.cloud import pulse, spans
from controller.cloud.errors import CloudError, Terminal, Throttled
from controller.cloud.ports import QueuePort
from controller.reconcile.context import Context
from controller.reconcile.denials import Account
from controller.reconcile.kinds import Key
from controller.reconcile.sessions import Session
from controller.runtime.complaints import Complaints
from controller.runtime.duties import Duty, QueuePlace
from controller.runtime.handling import Handling
from controller.runtime.logs import about
from controller.runtime.traffic import Traffic

WAIT = 10  # seconds of a long poll: how long a thread may outlive its end
LOOK_EVERY = 30.0
NOBODY = 1.0  # seconds until it is asked again whether somebody signed in
BACKOFF_FIRST = 1.0
BACKOFF_CAP = 60.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Office:
    """What all consumers work with, from their threads. `wake` also passes on what the sessions learned."""

    context: Context
    traffic: Traffic
    leads: Callable[[], bool]
    wake: Callable[[Collection[Key]], None]


@dataclass(frozen=True, slots=True)
class _Ports:
    """The queue, and the one for what is set aside, as one session reaches them."""

    account: Account
    session: Session
    queue: QueuePort
    aside: QueuePort | None
    aside_name: str | None


class Consumer:
    """The reader of one queue. `duty` may be replaced at any time, by another thread."""

    def __init__(self, place: QueuePlace, duty: Duty, office: Office) -> None:
        self.place = place
        self.duty = duty
        self.working = False  # has messages in hand
        self._office = office
        self._complaints = Complaints(place, office.context)
        self._handling = Handling(place, office.context, office.traffic, office.wake)
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._stopping = threading.Event()
        self._ports: _Ports | None = None
        self._refused: dict[Account, Session] = {}  # what only a person can mend
        self._failures = 0
        self._looked_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name=f"consumer-{place.queue}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more: what is in hand is finished, and the poll under way is the last."""
        self._stopping.set()

    @property
    def alive(self) -> bool:
        """Whether the thread is still there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        with about(queue=str(self.place)):
            self._read()

    def _read(self) -> None:
        log.info("queue %s: reading begins", self.place)
        while not self._stopping.is_set() and self._office.leads():
            ports = self._connect()
            if ports is None:
                self._stopping.wait(NOBODY)
                continue
            try:
                with (
                    pulse.running(f"queue {self.place}"),
                    spans.span("queue:round", {"imm_operator.queue": str(self.place)}),
                ):
                    self._round(ports)
            except CloudError as error:
                self._fail(ports, error)
            except Exception:
                log.exception("queue %s: a round failed; it is tried again", self.place)
                self._back_off()
            else:
                self._failures = 0
                self._complaints.mended(ports.account)
        self._ports = None  # which closes the connections
        self._complaints.end()
        self._office.traffic.forget(str(self.place))
        log.info("queue %s: reading ends", self.place)

    def _connect(self) -> _Ports | None:
        """The ports of the first account that can read, as its present session has them.

        One that was refused is tried again with its next session, or when nobody else can read either.
        """
        duty, known = self.duty, self._ports
        for account in duty.accounts:
            session = self._office.context.sessions.get(*account)
            if session is None or self._refused.get(account) is session or not self.place.is_at(session.place):
                continue
            if known is None or known.session is not session or known.aside_name != duty.dead_letters:
                self._ports = self._open(account, session, duty.dead_letters)
            return self._ports
        self._refused.clear()
        self._ports = None
        return None

    def _open(self, account: Account, session: Session, aside: str | None) -> _Ports:
        def port(queue: str) -> QueuePort:
            return self._office.context.clouds.queue(session.place, session.credentials, queue)

        return _Ports(account, session, port(self.place.queue), port(aside) if aside else None, aside)

    def _round(self, ports: _Ports) -> None:
        received = ports.queue.receive(WAIT)
        if received and self._office.leads():
            self.working = True
            try:
                self._handling.work(received, ports.queue, ports.aside, self.duty)
            finally:
                self.working = False
        if time.monotonic() - self._looked_at >= LOOK_EVERY:
            self._looked_at = time.monotonic()
            self._handling.look(ports.queue)

    def _fail(self, ports: _Ports, error: CloudError) -> None:
        if isinstance(error, Terminal):
            self._refused[ports.account] = ports.session
        self._complaints.failed(ports.account, error, self.duty)
        self._office.wake(())
        self._back_off(error.retry_after if isinstance(error, Throttled) else None)

    def _back_off(self, least: float | None = None) -> None:
        delay = min(BACKOFF_CAP, BACKOFF_FIRST * 2.0 ** min(self._failures, 16)) * self._jitter.uniform(0.5, 1.0)
        self._failures += 1
        self._stopping.wait(max(delay, least or 0.0))
