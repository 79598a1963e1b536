"""Dataset: created or adopted, kept to its spec, deleted only by policy and only when empty."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from pydantic.alias_generators import to_camel

from controller.api.dataset import DatasetSpec
from controller.api.status import Drift, Intent
from controller.core.actions import CreateDataset, DeleteDataset, RecordIntent, UpdateDataset
from controller.core.deletion import Leaving, plan_deletion
from controller.core.dependency import Dependency, waiting_for
from controller.core.drift import absent, as_change, differs
from controller.core.facts import DatasetFacts, QuotaFacts
from controller.core.intents import Ledger, submit_once
from controller.core.ownership import UNLOOKED, Claim, Holding, conflict, left_alone
from controller.core.plan import Plan, hold_first, progressing, ready, restrict, stalled
from controller.core.reasons import Reason

# UpdateDataset takes up to five minutes to show; an equal one is not repeated within six.
SETTLING = timedelta(minutes=6)
IN_THE_WAY = 60.0  # seconds until a dataset that is to be deleted is looked at again, whether it is empty now
MAX_NAMED = 10  # buckets; a dataset takes no more bindings than that today


@dataclass(frozen=True, slots=True)
class ObservedDataset:
    """Everything a decision about a dataset rests on. `dataset` is None when the project is there and it is not.

    `project_template` is the template that a new dataset gets, asked for where it has to be told; `bound` are the
    buckets that stand in the way of a delete.
    """

    held: bool
    needs: tuple[Dependency, ...]
    project_exists: bool
    dataset: DatasetFacts | None
    ledger: Ledger
    leaving: Leaving | None = None
    project_template: str = ""
    bound: tuple[str, ...] = ()
    claim: Claim = UNLOOKED


def plan(desired: DatasetSpec | None, observed: ObservedDataset, now: datetime) -> Plan:
    """The next actions and the verdict. `desired` None means that the object is being deleted."""
    if desired is None:
        return _plan_deletion(observed, now)
    decided = _plan_kept(desired, observed, now)
    return restrict(
        decided,
        desired.mode,
        suspend=desired.suspend,
        drift=_drift(desired, observed, decided),
        consequences=_consequences(desired, observed),
    )


def _plan_deletion(observed: ObservedDataset, now: datetime) -> Plan:
    if observed.leaving is None:
        raise ValueError("a dataset is deleted only with what is known of its leaving")
    if observed.claim.holding is Holding.THEIRS:
        return left_alone(observed.leaving.what, observed.claim)
    found = observed.dataset
    delete = DeleteDataset(found.project, found.name) if found else None
    decided = plan_deletion(observed.leaving, delete, observed.ledger.looked_at, now)
    if found is not None and delete in decided.actions and (found.bind_count or found.file_count):
        return stalled(
            Reason.NOT_EMPTY,
            f"dataset {found.project}/{found.name} still has {found.bind_count} bindings{_named(observed.bound)} and "
            f"{found.file_count} files, and nothing here purges them. Unbind its buckets and delete its file metadata, "
            "or annotate the object with imm-operator.dev/detach=true to leave the dataset as it is",
            look_again=IN_THE_WAY,
        )
    return decided


def _named(buckets: tuple[str, ...]) -> str:
    if not buckets:
        return ""
    rest = f" and {len(buckets) - MAX_NAMED} more" if len(buckets) > MAX_NAMED else ""
    return f" (oss://{', oss://'.join(buckets[:MAX_NAMED])}{rest})"


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
    if observed.claim.holding is Holding.THEIRS:
        return conflict(f"dataset {desired.project}/{desired.name}", observed.claim)
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
    # By all that is managed, not by what differs now: an update may come into force field by field.
    wanted = hashlib.sha256(repr(_create(desired)).encode()).hexdigest()[:16]
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
    drifted = drift_of(desired, found)
    if not drifted:
        return None
    names = {one.field for one in drifted}
    quotas = {
        quota.name: getattr(desired.quotas, quota.name)
        for quota in fields(QuotaFacts)
        if _quota_field(quota.name) in names
    }
    return UpdateDataset(
        found.project,
        found.name,
        desired.template_id if "templateId" in names else None,
        desired.description if "description" in names else None,
        QuotaFacts(**quotas),
        tuple(as_change(one) for one in drifted),
    )


def drift_of(desired: DatasetSpec, found: DatasetFacts) -> tuple[Drift, ...]:
    """Every managed field that the cloud has otherwise, under its name in the spec."""
    pairs: list[tuple[str, object, object]] = [
        ("templateId", desired.template_id, found.template_id),
        ("description", desired.description, found.description),
    ]
    pairs += [
        (_quota_field(quota.name), getattr(desired.quotas, quota.name), getattr(found.quotas, quota.name))
        for quota in fields(QuotaFacts)
    ]
    return tuple(differs(name, wanted, have) for name, wanted, have in pairs if wanted is not None and wanted != have)


def _quota_field(name: str) -> str:
    return f"quotas.{to_camel(name)}"


def _drift(desired: DatasetSpec, observed: ObservedDataset, decided: Plan) -> tuple[Drift, ...]:
    """What mode Observe reports: nothing while it cannot look, or while an accepted update has yet to show."""
    if decided.verdict.reason is Reason.SETTLING or waiting_for(*observed.needs) is not None:
        return ()
    if observed.dataset is None:
        return (absent("dataset"),) if observed.project_exists else ()
    return drift_of(desired, observed.dataset)


def _consequences(desired: DatasetSpec, observed: ObservedDataset) -> tuple[str, ...]:
    """What mode DryRun adds: the template that would be in force, where the spec leaves it to the project."""
    if desired.template_id is not None or not observed.project_template:
        return ()
    return (f"leave it with the project's template, {observed.project_template}, which decides what a scan costs",)
