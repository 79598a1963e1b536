"""The kinds by name, and the one function every trigger ends in."""

from __future__ import annotations

from typing import NamedTuple

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.kind import Kind
from controller.reconcile.account import reconcile_account
from controller.reconcile.batchimport import reconcile_import
from controller.reconcile.binding import BINDING
from controller.reconcile.context import Context, Outcome
from controller.reconcile.dataset import DATASET
from controller.reconcile.steps import reconcile

KINDS: dict[str, type[Kind]] = {kind.kind(): kind for kind in (CloudAccount, Dataset, DatasetBinding, BatchImport)}


class Key(NamedTuple):
    """An object of ours. A tuple, as it is hashed two dozen times for each object of a LIST."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """As logs have it."""
        return f"{self.kind} {self.namespace}/{self.name}"


def key_of(target: Kind) -> Key:
    """The key of an object."""
    return Key(target.kind(), target.metadata.namespace, target.metadata.name)


def reconcile_object(target: Kind, context: Context) -> Outcome:
    """Observe, plan, apply and report one object. Never asks what happened to it."""
    match target:
        case CloudAccount():
            return reconcile_account(target, context)
        case Dataset():
            return reconcile(DATASET, target, context) if _concerns(target) else Outcome(gone=True)
        case DatasetBinding():
            return reconcile(BINDING, target, context) if _concerns(target) else Outcome(gone=True)
        case BatchImport():
            return reconcile_import(target, context)
        case _:
            raise TypeError(f"{target.kind()} is none of {', '.join(KINDS)}")


def _concerns(target: Kind) -> bool:
    """A terminating object without our finalizer is somebody else's to finish; a stand-in is one once it terminates."""
    meta = target.metadata
    return meta.held if meta.deleting else meta.stands_in_for is None


def references(target: Kind) -> tuple[Key, ...]:
    """What an object refers to; it is woken when one of these changes."""
    namespace = target.metadata.namespace
    match target:
        case Dataset():
            return Key("CloudAccount", namespace, target.spec.account_ref.name), *_stood_in_for(target)
        case DatasetBinding():
            account = Key("CloudAccount", namespace, target.spec.account_ref.name)
            ref = target.spec.dataset.ref
            return (account, *_stood_in_for(target), *((Key("Dataset", namespace, ref),) if ref else ()))
        case BatchImport():
            account = Key("CloudAccount", namespace, target.spec.account_ref.name)
            dataset = target.spec.target.dataset
            ref = dataset.ref if dataset is not None else None
            return (account, *((Key("Dataset", namespace, ref),) if ref else ()))
        case _:
            return ()


def _stood_in_for(target: Kind) -> tuple[Key, ...]:
    """A stand-in is woken when the object it stands in for is created again."""
    name = target.metadata.stands_in_for
    return (Key(target.kind(), target.metadata.namespace, name),) if name else ()
