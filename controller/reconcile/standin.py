"""Stand-ins: an object of another name waits for the end of the grace period, so that the name is free at once.

A stand-in is a copy with the same spec and status, made with our finalizer and deleted right away. From then on it goes
the way of every terminating object, and shows and takes what the one it stands for would have shown and taken.
"""

from __future__ import annotations

from typing import Any

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import FINALIZER, STANDS_IN_FOR, Mode
from controller.core.deletion import Heir
from controller.reconcile.context import Context

Target = Dataset | DatasetBinding
LONGEST_NAME = 253


def stand_in_name(target: Target) -> str:
    """The name of an object's stand-in: always the same for the same object."""
    suffix = f"-leaving-{target.metadata.uid[:8]}"
    return target.metadata.name[: LONGEST_NAME - len(suffix)].rstrip(".-") + suffix


def stand_in_manifest(target: Target, name: str) -> dict[str, Any]:
    """The object to create; its status is written separately."""
    manifest = target.manifest()
    manifest["metadata"] |= {
        "name": name,
        "annotations": {STANDS_IN_FOR: target.metadata.name},
        "finalizers": [FINALIZER],
    }
    return manifest


def heir_of(target: Target, context: Context) -> Heir:
    """How far the object is that was created again and claims what this stand-in is about to delete.

    It may have been created for another shard.
    """
    name, where = target.metadata.stands_in_for, target.metadata.namespace
    if name is None:
        return Heir.NONE
    found = context.objects.get(type(target), where, name) or context.cluster.find(type(target), where, name)
    if found is None or found.metadata.deleting or found.spec.mode is not Mode.APPLY or not _same_claim(found, target):
        return Heir.NONE
    return Heir.COMING if found.status.adopted is None else Heir.THERE


def _same_claim(found: Target, target: Target) -> bool:
    theirs, ours = found.status.identity, target.status.identity
    if theirs is not None and theirs != ours:
        return False
    if theirs is None and found.spec.account_ref != target.spec.account_ref:
        return False
    if isinstance(found, Dataset) and isinstance(target, Dataset):
        return (found.spec.project, found.spec.name) == (target.spec.project, target.spec.name)
    if isinstance(found, DatasetBinding) and isinstance(target, DatasetBinding):
        same_dataset = found.spec.dataset == target.spec.dataset or _names(found) == _names(target)
        return found.spec.bucket == target.spec.bucket and same_dataset
    return False


def _names(target: DatasetBinding) -> tuple[str | None, str | None]:
    status, wanted = target.status, target.spec.dataset
    return status.project or wanted.project, status.dataset or wanted.name
