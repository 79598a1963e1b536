"""Which queues have to be read, and for whom: those that unfinished imports are answered on.

What several CloudAccounts say of one queue must agree before a message is moved: one tenant's setting never moves
another's messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from controller.api.batchimport import BatchImport, Phase
from controller.api.cloudaccount import CloudAccount
from controller.api.events import Events, ForeignMessages
from controller.api.kind import Kind
from controller.cloud.clouds import Place
from controller.reconcile.denials import Account
from controller.reconcile.kinds import Key, key_of

ANSWERED = {Phase.SUBMITTING, Phase.WAITING}  # the phases in which results arrive


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """A queue, and the address it is read at: who names another address reads for himself alone."""

    account_id: str
    region: str
    endpoint: str | None
    queue: str

    def __str__(self) -> str:
        """As metrics and logs have it."""
        return f"{self.account_id}/{self.region}/{self.queue}"

    def is_at(self, place: Place) -> bool:
        """Whether somebody who signed in for `place` reads this very queue."""
        return (self.account_id, self.region, self.endpoint) == (place.account_id, place.region, place.mns)


@dataclass(frozen=True, slots=True)
class Duty:
    """What reading a queue is for.

    Attributes:
        accounts: The CloudAccounts that name it, in order: the first that is signed in lends its session.
        foreign: What becomes of a message that is no import's.
        dead_letters: Where messages are set aside; None where the accounts name none, or not the same.
        imports: The unfinished imports that wait for it.
    """

    accounts: tuple[Account, ...]
    foreign: ForeignMessages
    dead_letters: str | None
    imports: tuple[Key, ...]


def duties(objects: Iterable[Kind], active: Iterable[Key] = ()) -> dict[QueuePlace, Duty]:
    """The queues to read. An import is unfinished by its status, or because a run of it is `active` here."""
    objects, active = list(objects), set(active)
    waiting: defaultdict[Account, list[Key]] = defaultdict(list)
    for target in objects:
        if not isinstance(target, BatchImport) or target.spec.target.dataset is None:
            continue  # Image Search sends no messages
        if target.status.phase in ANSWERED or key_of(target) in active:
            waiting[target.metadata.namespace, target.spec.account_ref.name].append(key_of(target))
    readers: defaultdict[QueuePlace, dict[Account, Events]] = defaultdict(dict)
    for target in objects:
        account = target.metadata.namespace, target.metadata.name
        if isinstance(target, CloudAccount) and target.spec.events is not None and account in waiting:
            readers[_place(target, target.spec.events)][account] = target.spec.events
    return {place: _duty(named, waiting) for place, named in readers.items()}


def _place(target: CloudAccount, events: Events) -> QueuePlace:
    return QueuePlace(target.spec.account_id, target.spec.region, target.spec.endpoints.mns, events.queue)


def _duty(named: dict[Account, Events], waiting: dict[Account, list[Key]]) -> Duty:
    told = {events.foreign_messages for events in named.values()}
    aside = {events.dead_letter_queue for events in named.values()}
    return Duty(
        accounts=tuple(sorted(named)),
        foreign=told.pop() if len(told) == len(aside) == 1 else ForeignMessages.LEAVE,
        dead_letters=aside.pop() if len(aside) == 1 else None,
        imports=tuple(sorted(key for account in named for key in waiting[account])),
    )
