"""What is said of an object that is let go of without the operator: what stays in the cloud, and what nobody does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import DeletionPolicy, Mode
from controller.core.binding import BindingName
from controller.core.deletion import Leaving, without_looking
from controller.reconcile.leaving import may_be_made
from controller.runtime.held import Held

BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Farewell:
    """An object and what letting go of it means.

    Attributes:
        cloud: What becomes of the cloud's side, in words.
        identity: What names it there: account, region, project, dataset, and of a binding the bucket.
        undone: What the operator would have done and nobody does now.
    """

    kind: str
    namespace: str
    name: str
    terminating: bool
    cloud: str
    identity: dict[str, str]
    undone: tuple[str, ...]

    def __str__(self) -> str:
        """For people, in a few lines."""
        place = ", ".join(f"{key} {value}" for key, value in self.identity.items() if key in {"account", "region"})
        first = f"{self.kind} {self.namespace}/{self.name}{'' if self.terminating else ' (is not being deleted)'}"
        return "\n  ".join([first, self.cloud + (f" ({place})" if place else ""), *self.undone])

    def document(self) -> dict[str, Any]:
        """For programs."""
        where = {"kind": self.kind, "namespace": self.namespace, "name": self.name, "terminating": self.terminating}
        return where | {"cloud": self.cloud, "identity": self.identity, "undone": list(self.undone)}


def farewell(one: Held) -> Farewell:
    """Put into words what letting go of an object means."""
    meta = one.body["metadata"]
    where = one.kind.kind(), str(meta["namespace"]), str(meta["name"]), one.terminating
    try:
        target = one.kind.read(one.body)
    except ValidationError:
        words = "this version cannot read it, so look for yourself what it has in the cloud: nothing there is touched"
        return Farewell(*where, words, {}, ())
    return Farewell(*where, _cloud(target), _identity(target), _undone(target))


def _cloud(target: Dataset | DatasetBinding) -> str:
    """The operator's own words for what is left as it is."""
    leaving = Leaving(
        what=_what(target),
        policy=DeletionPolicy.RETAIN,
        grace_period="0s",
        since=BEGINNING,
        grace_ended=False,
        detached=False,
        made=may_be_made(target.status),
    )
    plan = without_looking(leaving, BEGINNING)
    if plan is None:
        raise RuntimeError("what is retained needs no look at the cloud")
    return plan.verdict.message


def _what(target: Dataset | DatasetBinding) -> str:
    if isinstance(target, Dataset):
        return f"dataset {target.spec.project}/{target.spec.name}"
    status, bucket = target.status, target.spec.bucket
    if not (status.project and status.dataset):
        return f"the binding of oss://{bucket}"
    return str(BindingName(status.project, status.dataset, bucket))


def _identity(target: Dataset | DatasetBinding) -> dict[str, str]:
    known = target.status.identity
    found = {"account": known.account_id, "region": known.region} if known else {}
    if isinstance(target, Dataset):
        return found | {"project": target.spec.project, "dataset": target.spec.name}
    named = {"project": target.status.project, "dataset": target.status.dataset, "bucket": target.spec.bucket}
    return found | {key: value for key, value in named.items() if value}


def _undone(target: Dataset | DatasetBinding) -> tuple[str, ...]:
    status, undone = target.status, []
    if not may_be_made(status):
        return ()
    meant = target.spec.deletion_policy is DeletionPolicy.DELETE and target.spec.mode is Mode.APPLY
    if meant and target.metadata.deleting:
        undone.append("not done: its deletionPolicy is Delete, and nobody deletes it in the cloud")
    if status.intent is not None:
        undone.append(f"not known: the answer to {status.intent.operation} was lost; what it made may still appear")
    record = target.status.owner_record if isinstance(target, DatasetBinding) else None
    if record:
        undone.append(
            f"not done: its owner record {record} stays. The same object, or another one of this "
            "cluster, takes it over; for another cluster remove it: imm-operator owners --help"
        )
    return tuple(undone)
