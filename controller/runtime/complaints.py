"""What keeps a queue from being read, told once until it changes or ends.

It is in the log and, where a person has to act, told to the imports that wait and to the account whose key or rights
are at fault.
"""

from __future__ import annotations

import logging
import time

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.cloud.errors import CloudError, Denied, Terminal
from controller.reconcile.context import Context
from controller.reconcile.denials import Account, Denial
from controller.reconcile.failures import verdict_of
from controller.reconcile.report import with_request_id
from controller.reconcile.snapshots import OF_THE_KEY
from controller.runtime.duties import Duty, QueuePlace

MOST_EVENTS = 50  # imports that an event is made for
TOLD_AGAIN = 600.0  # seconds until the same words are worth another event
log = logging.getLogger(__name__)


class Complaints:
    """Of one queue, for its consumer's thread."""

    def __init__(self, place: QueuePlace, context: Context) -> None:
        self._place = place
        self._context = context
        self._said: tuple[object, ...] | None = None
        self._told_at: dict[tuple[object, ...], float] = {}
        self._denied: set[Account] = set()

    def failed(self, account: Account, error: CloudError, duty: Duty) -> None:
        """Tell of a failed call made for a CloudAccount."""
        if isinstance(error, OF_THE_KEY):
            self._context.sessions.suspect(*account, error, self._context.now())
        elif isinstance(error, Denied):
            denial = Denial(error.operation, error.message)
            self._context.sessions.denials.deny(account, _itself(account), denial)
            self._denied.add(account)
        said = type(error), error.operation, error.code
        if said == self._said:
            return
        self._said = said
        log.warning("queue %s is not read, as CloudAccount %s/%s: %s", self._place, *account, error)
        if isinstance(error, Terminal) and time.monotonic() - self._told_at.get(said, float("-inf")) >= TOLD_AGAIN:
            self._told_at[said] = time.monotonic()
            self._tell(duty, error)

    def mended(self, account: Account) -> None:
        """A round went well."""
        if self._said is not None:
            log.info("queue %s is read again, as CloudAccount %s/%s", self._place, *account)
            self._said = None
        self._allow(account)

    def end(self) -> None:
        """Nobody reads the queue any more, so nobody would learn that a right was granted."""
        for account in list(self._denied):
            self._allow(account)

    def _allow(self, account: Account) -> None:
        if account in self._denied:
            self._denied.discard(account)
            self._context.sessions.denials.allow(account, _itself(account))

    def _tell(self, duty: Duty, error: CloudError) -> None:
        verdict = verdict_of(error)
        message = f"results of this import are not read from MNS queue {self._place.queue}: {verdict.message}"
        for key in duty.imports[:MOST_EVENTS]:
            target = self._context.objects.get(BatchImport, key.namespace, key.name)
            if target is not None:
                self._context.reporter.warn(target, verdict.reason, with_request_id(message, verdict.request_id))


def _itself(account: Account) -> tuple[type[CloudAccount], str]:
    """The queue is read for many imports at once, so RAM's no is met by the account itself."""
    return CloudAccount, account[1]
