"""What a consumer does with the messages in its hands: to the runs, and away only what is durable there.

The order is the promise: the verdict is in the journal, then the message is deleted; it lies in the other queue, then
it is deleted here. A crash in between costs a duplicate, which the runs know, and never a message.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

from controller.api.batchimport import BatchImport
from controller.cloud.errors import CloudError
from controller.cloud.ports import QueuePort
from controller.core.facts import Received
from controller.core.imports.messages import Notice, read_notice
from controller.reconcile.context import Context
from controller.reconcile.imports.deliver import Disposition, deliver
from controller.reconcile.kinds import Key, key_of
from controller.reconcile.rivals import run_contest
from controller.runtime.duties import Duty, QueuePlace
from controller.runtime.traffic import Traffic

REMEMBERED = 10_000  # ids of messages that were left: each is told of once
log = logging.getLogger(__name__)


class Handling:
    """Of one queue, for its consumer's thread."""

    def __init__(
        self, place: QueuePlace, context: Context, traffic: Traffic, wake: Callable[[Collection[Key]], None]
    ) -> None:
        self._place = place
        self._context = context
        self._traffic = traffic
        self._wake = wake
        self._left: OrderedDict[str, None] = OrderedDict()
        self._trouble = ""  # with looking or setting aside, which keeps nobody from reading

    def work(self, received: Sequence[Received], queue: QueuePort, aside: QueuePort | None, duty: Duty) -> None:
        """Work on a batch.

        Raises:
            controller.cloud.errors.CloudError: the queue did not take the delete; what it was for comes again.
        """
        now = self._context.now().timestamp()
        notices = [(one, read_notice(one.body)) for one in received]
        fates = deliver(self._context, notices, duty.foreign, duty.accounts)
        self._traffic.lagged(str(self._place), now - min(one.enqueued_at for one in received))
        self._wake(self._concerned(notices, fates))
        settled = [(one, self._settle(one, fates[one.id], aside)) for one in received]
        queue.delete([one.handle for one, fate in settled if fate is not Disposition.LEAVE])
        for one, fate in settled:
            self._traffic.worked(str(self._place), fate.value.replace(" ", "_"))
            if fate is Disposition.LEAVE:
                self._remember(one)

    def look(self, queue: QueuePort) -> None:
        """See how much lies in the queue; that nobody may is told once and keeps nobody from reading."""
        try:
            facts = queue.look()
        except CloudError as error:
            facts = None
            self._complain(f"its backlog is not known: {error.operation} {error.code}", error)
        self._traffic.saw(str(self._place), facts)

    def _settle(self, one: Received, fate: Disposition, aside: QueuePort | None) -> Disposition:
        """What becomes of the message here: one that cannot be set aside is left."""
        if fate is not Disposition.DEAD_LETTER:
            return fate
        if aside is None:
            return Disposition.LEAVE
        try:
            aside.send(one.body)
        except CloudError as error:
            self._complain(f"messages are left, as they cannot be set aside: {error.operation} {error.code}", error)
            return Disposition.LEAVE
        log.info("queue %s: message %s was set aside: it belongs to no import here", self._place, one.id)
        return fate

    def _concerned(
        self, notices: Sequence[tuple[Received, Notice | None]], fates: Mapping[str, Disposition]
    ) -> set[Key]:
        """The imports that verdicts arrived for: by their status, or, where that is behind, by what is loaded."""
        addressed = {notice.address.run for one, notice in notices if notice and fates[one.id] is Disposition.DELETE}
        following = {key_of(one) for run in addressed for one in self._context.objects.contenders(run_contest(run))}
        loaded = [self._context.runs.find(run) for run in addressed]
        return following | {Key(BatchImport.kind(), *run.target) for run in loaded if run is not None}

    def _remember(self, one: Received) -> None:
        """Say that a message is left, the first time."""
        known = one.id in self._left
        self._left[one.id] = None
        self._left.move_to_end(one.id)
        if len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        if not known:
            log.info("queue %s: message %s is left there, received %d times", self._place, one.id, one.times)

    def _complain(self, what: str, error: CloudError) -> None:
        if what != self._trouble:
            self._trouble = what
            log.warning("queue %s: %s: %s", self._place, what, error)
