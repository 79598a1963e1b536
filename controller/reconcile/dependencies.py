"""Looks up what an object refers to, in its own namespace, and says how far that is."""

from __future__ import annotations

from dataclasses import dataclass

from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.kind import Kind, Metadata
from controller.core.dependency import Availability, Dependency
from controller.reconcile.context import Context
from controller.reconcile.sessions import Session


class Postponed(Exception):
    """The account has not signed in since this process began: nothing can be said yet, so nothing is.

    The account's own pass wakes everything that refers to it; where nobody does, `look_again` says when to try, in
    seconds.
    """

    def __init__(self, what: str, look_again: float | None = None) -> None:
        super().__init__(what)
        self.look_again = look_again


@dataclass(frozen=True, slots=True)
class Signed:
    """An account as a dependency, with its session where it is signed in."""

    dependency: Dependency
    session: Session | None


def account_of(target: Metadata, account: str, context: Context) -> Signed:
    """The CloudAccount an object refers to, and its session when the account is Ready.

    A terminating object may go on with the session of an account that is gone already.

    Raises:
        Postponed: the account was Ready when the last process stopped, and has not signed in yet in this one.
    """
    session = context.sessions.get(target.namespace, account, leaving=target.deleting)
    found = context.objects.get(CloudAccount, target.namespace, account)
    if found is None and not target.deleting:
        return Signed(_not_found(CloudAccount, account, target, context), None)
    if session is None and found is not None and found.ready:
        raise Postponed(account)
    if session is None:  # an account that cannot sign in, or as somebody else, has none; an edited one keeps its last
        detail = ready_message(found) if found is not None else ""
        return Signed(Dependency("CloudAccount", account, Availability.NOT_READY, detail), None)
    return Signed(Dependency("CloudAccount", account, Availability.READY), session)


def dataset_of(target: Metadata, dataset: str, context: Context) -> tuple[Dependency, Dataset | None]:
    """The Dataset object of the same namespace."""
    found = context.objects.get(Dataset, target.namespace, dataset)
    if found is None:
        return _not_found(Dataset, dataset, target, context), None
    if not found.ready:
        return Dependency("Dataset", dataset, Availability.NOT_READY, ready_message(found)), found
    return Dependency("Dataset", dataset, Availability.READY), found


def other_shard(kind: type[Kind], name: str, target: Metadata, context: Context) -> str:
    """That another shard serves what is not in the cache; empty where none does, or nobody can tell yet."""
    if not context.objects.complete:
        return ""
    return context.elsewhere.words(kind, name, target, context.cluster, context.now())


def _not_found(kind: type[Kind], name: str, target: Metadata, context: Context) -> Dependency:
    elsewhere = other_shard(kind, name, target, context)
    return Dependency(kind.kind(), name, Availability.NOT_FOUND, elsewhere=elsewhere)


def ready_message(target: Kind) -> str:
    """What the other object says about itself."""
    return next((f"{c.reason}: {c.message}" for c in target.status.conditions if c.type == "Ready"), "")[:300]
