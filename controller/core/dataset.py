"""Dataset: created or adopted, kept to its spec, deleted only by policy and only when empty."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from controller.api.dataset import DatasetSpec
from controller.api.status import Intent
from controller.core.actions import CreateDataset, DeleteDataset, RecordIntent, UpdateDataset
from controller.core.deletion import Leaving, plan_deletion
from controller.core.dependency import Dependency, waiting_for
from controller.core.facts import DatasetFacts, QuotaFacts
from controller.core.intents import Ledger, submit_once
from controller.core.plan import Plan, hold_first, progressing, ready, restrict, stalled
from controller.core.reasons import Reason

# UpdateDataset takes up to five minutes to show; an equal one is not repeated within six.
SETTLING = timedelta(minutes=6)


@dataclass(frozen=True, slots=True)
class ObservedDataset:
    """Everything a decision about a dataset rests on. `dataset` is None when the project is there and it is not."""

    held: bool
    needs: tuple[Dependency, ...]
    project_exists: bool
    dataset: DatasetFacts | None
    ledger: Ledger
    leaving: Leaving | None = None


def plan(desired: DatasetSpec | None, observed: ObservedDataset, now: datetime) -> Plan:
    """The next actions and the verdict. `desired` None means that the object is being deleted."""
    if desired is None:
        return _plan_deletion(observed, now)
    return restrict(_plan_kept(desired, observed, now), desired.mode, suspend=desired.suspend)


def _plan_deletion(observed: ObservedDataset, now: datetime) -> Plan:
    if observed.leaving is None:
        raise ValueError("a dataset is deleted only with what is known of its leaving")
    found = observed.dataset
    delete = DeleteDataset(found.project, found.name) if found else None
    decided = plan_deletion(observed.leaving, delete, observed.ledger.looked_at, now)
    if found is not None and delete in decided.actions and (found.bind_count or found.file_count):
        return stalled(
            Reason.NOT_EMPTY,
            f"dataset {found.project}/{found.name} still has {found.bind_count} bindings and {found.file_count} "
            "files, and nothing here purges them. Unbind its buckets and delete its file metadata, or annotate the "
            "object with imm-operator.dev/detach=true to leave the dataset as it is",
        )
    return decided


def _plan_kept(desired: DatasetSpec, observed: ObservedDataset, now: datetime) -> Plan:
    wait = waiting_for(*observed.needs)
    if wait is not None:
        return wait
    if not observed.project_exists:
        return stalled(
            Reason.PROJECT_NOT_FOUND,
            f"project {desired.project} does not exist in this account and region; `pulumi up` makes it (a project of "
            "the old 2017-09-06 API does not count)",
        )
    if observed.dataset is None:
        decided = submit_once(_create(desired), observed.ledger, now)
    else:
        decided = _plan_present(desired, observed.dataset, observed.ledger, now)
    return hold_first(decided, held=observed.held, present=observed.dataset is not None)


def _create(desired: DatasetSpec) -> CreateDataset:
    return CreateDataset(
        desired.project,
        desired.name,
        desired.template_id,
        desired.description,
        QuotaFacts(**desired.quotas.model_dump()),
    )


def _plan_present(desired: DatasetSpec, found: DatasetFacts, ledger: Ledger, now: datetime) -> Plan:
    update = difference(desired, found)
    if update is None:
        return ready(f"dataset {found.project}/{found.name} is as specified")
    wanted = hashlib.sha256(update.describe().encode()).hexdigest()[:16]
    intent = ledger.intent
    if intent is not None and intent.operation == "UpdateDataset" and intent.id == wanted:
        if ledger.acknowledged:
            return progressing(Reason.UPDATING, update.describe(), update)
        rest = intent.recorded_at + SETTLING - now
        if rest > timedelta(0):
            return progressing(
                Reason.SETTLING,
                f"the cloud accepted an update and takes up to five minutes to show it: {update.describe()}",
                look_again=min(30.0, rest.total_seconds()),
            )
    record = RecordIntent(Intent(operation="UpdateDataset", id=wanted, recorded_at=now), update)
    return progressing(Reason.UPDATING, update.describe(), record)


def difference(desired: DatasetSpec, found: DatasetFacts) -> UpdateDataset | None:
    """The update that makes the cloud equal to the spec; a field the spec leaves out is not managed."""
    changes: list[str] = []
    quotas: dict[str, int] = {}
    for quota in fields(QuotaFacts):
        wanted, have = getattr(desired.quotas, quota.name), getattr(found.quotas, quota.name)
        if wanted is not None and wanted != have:
            quotas[quota.name] = wanted
            changes.append(f"{quota.name} {have} → {wanted}")
    template = _changed("templateId", desired.template_id, found.template_id, changes)
    description = _changed("description", desired.description, found.description, changes)
    if not changes:
        return None
    return UpdateDataset(found.project, found.name, template, description, QuotaFacts(**quotas), tuple(changes))


def _changed(name: str, wanted: str | None, have: str, changes: list[str]) -> str | None:
    if wanted is None or wanted == have:
        return None
    changes.append(f"{name} {have or 'unset'} → {wanted}")
    return wanted
