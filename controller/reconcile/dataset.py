"""Dataset: how it is observed, applied and reported. What to do is decided in `controller.core.dataset`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from controller.api.dataset import Dataset, DatasetStatus, Statistics
from controller.api.fields import Mode
from controller.api.status import Identity
from controller.cloud.errors import ParentNotFound
from controller.core import dataset
from controller.core.actions import CloudAction, CreateDataset, DeleteDataset, UpdateDataset
from controller.core.dataset import ObservedDataset
from controller.core.facts import DatasetFacts
from controller.core.intents import Ledger
from controller.core.ownership import Holding, Subject
from controller.core.plan import Plan
from controller.reconcile.binding import FRESH, scope_of
from controller.reconcile.context import Context
from controller.reconcile.dependencies import account_of
from controller.reconcile.figures import project_template
from controller.reconcile.leaving import asks_the_cloud, leaving
from controller.reconcile.ownership import among_objects
from controller.reconcile.requests import since
from controller.reconcile.rivals import subject_of
from controller.reconcile.sessions import Session
from controller.reconcile.steps import Work


def _observe(target: Dataset, context: Context) -> ObservedDataset:
    account = account_of(target.metadata, target.spec.account_ref.name, context)
    what = f"dataset {target.spec.project}/{target.spec.name}"
    gone = leaving(target, what, account.session, context) if target.metadata.deleting else None
    looked_at = context.now()
    exists, found, template = True, None, ""
    bound: tuple[str, ...] = ()
    if account.session is not None and asks_the_cloud(gone, looked_at):
        exists, found = _look_up(target, account.session, context)
        if gone is None and exists and found is None and target.spec.mode is Mode.DRY_RUN:
            template = project_template(target.spec.project, account.session, context)
        if gone is not None and found is not None and found.bind_count:
            bound = _bound(target, found, account.session, context)
    return ObservedDataset(
        held=target.metadata.held,
        needs=(account.dependency,),
        project_exists=exists,
        dataset=found,
        ledger=Ledger(target.status.intent, acknowledged=False, looked_at=looked_at),
        leaving=gone,
        project_template=template,
        bound=bound,
        claim=among_objects(target, _subject(target, account.session, context), context),
    )


def _subject(target: Dataset, session: Session | None, context: Context) -> Subject | None:
    if session is None:
        return subject_of(target, context.objects)
    place = session.caller.account_id, session.place.region
    return Subject(*place, target.spec.project, target.spec.name)


def _bound(target: Dataset, found: DatasetFacts, session: Session, context: Context) -> tuple[str, ...]:
    """The buckets that stand in the way of a delete."""
    imm = context.clouds.imm(session.place, session.credentials, context.lane)
    fresh = since(target, FRESH, context)
    snapshot = context.snapshots.read(scope_of(session, found.project), imm, not_before=fresh)
    return tuple(sorted(b.bucket for b in snapshot.bindings.values() if b.dataset == found.name and not b.gone))


def _look_up(target: Dataset, session: Session, context: Context) -> tuple[bool, DatasetFacts | None]:
    imm = context.clouds.imm(session.place, session.credentials, context.lane)
    try:
        return True, imm.get_dataset(target.spec.project, target.spec.name)
    except ParentNotFound:
        return False, None


def _plan(target: Dataset, observed: ObservedDataset, now: datetime) -> Plan:
    return dataset.plan(None if target.metadata.deleting else target.spec, observed, now)


def _apply(action: CloudAction, observed: ObservedDataset, target: Dataset, context: Context) -> ObservedDataset:
    session = context.sessions.of(target)
    if session is None:
        raise RuntimeError("a cloud action was planned without a session")
    imm = context.clouds.imm(session.place, session.credentials, context.lane)
    match action:
        case CreateDataset(project, name, template_id, description, quotas):
            found = imm.create_dataset(project, name, template_id=template_id, description=description, quotas=quotas)
            return replace(observed, dataset=found)
        case UpdateDataset(project, name, template_id, description, quotas):
            found = imm.update_dataset(project, name, template_id=template_id, description=description, quotas=quotas)
            return replace(observed, dataset=found)
        case DeleteDataset(project, name):
            imm.delete_dataset(project, name)
            return replace(observed, dataset=imm.get_dataset(project, name))
        case _:
            raise TypeError(f"{action} is not an action of a Dataset")


def _report(target: Dataset, observed: ObservedDataset, context: Context) -> DatasetStatus:
    status, found, intent = target.status, observed.dataset, observed.ledger.intent
    session = context.sessions.of(target)
    update: dict[str, object] = {"intent": intent}
    if session is not None and status.identity is None:
        update["identity"] = Identity(account_id=session.caller.account_id, region=session.place.region)
    if found is not None and observed.claim.holding is not Holding.THEIRS:
        created = status.intent is not None and status.intent.operation == "CreateDataset"
        if status.adopted is None and observed.held:
            update["adopted"] = not created
        if intent is not None and (intent.operation == "CreateDataset" or _shows(target, found)):
            update["intent"] = None
        update["template_id"] = found.template_id
        update["statistics"] = Statistics(
            files=found.file_count, total_size=found.total_file_size, bindings=found.bind_count
        )
    return status.model_copy(update=update)


def _shows(target: Dataset, found: DatasetFacts) -> bool:
    return dataset.difference(target.spec, found) is None


DATASET: Work[Dataset, ObservedDataset] = Work(_observe, _plan, _apply, _report)
