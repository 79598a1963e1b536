"""DatasetBinding: how it is observed, applied and reported. What to do is decided in `controller.core.binding`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from controller.api.datasetbinding import DatasetBinding, DatasetBindingStatus, Progress, RecreatePolicy
from controller.api.fields import Mode
from controller.api.status import Identity
from controller.cloud.errors import ParentNotFound
from controller.core import binding
from controller.core.actions import CloudAction, CreateBinding, DeleteBinding
from controller.core.binding import BindingName, ObservedBinding
from controller.core.dependency import Availability, Dependency
from controller.core.facts import BindingFacts, BucketFacts, Scanned
from controller.core.intents import Ledger
from controller.core.ownership import UNLOOKED, Claim, Holding, Subject, on_record
from controller.core.plan import Plan
from controller.reconcile.context import Context
from controller.reconcile.dependencies import account_of, dataset_of
from controller.reconcile.figures import scan_so_far, template_in_force
from controller.reconcile.leaving import asks_the_cloud, leaving
from controller.reconcile.ownership import at_the_end, look
from controller.reconcile.requests import requested, since
from controller.reconcile.sessions import Session
from controller.reconcile.snapshots import Scope, Snapshot
from controller.reconcile.steps import Work

# The poller keeps snapshots younger than this. An older one means that it fails: then the pass must say so itself.
OLDEST = timedelta(minutes=5)
# Absence decides whether a bucket is scanned and billed, so it rests on a listing of this moment. Many objects that are
# made at once share one.
FRESH = timedelta(seconds=2)
# Whoever asks for many objects asks for one after the other, and each answer rests on a listing that began after that:
# a listing per object, if they did not wait for each other.
SHARED = timedelta(seconds=0.5)


def scope_of(session: Session, project: str) -> Scope:
    """The snapshot a binding is found in: one per CloudAccount and whom it signs in as (decision 0003)."""
    return session.caller.account_id, session.place.region, session.identity, project


def _observe(target: DatasetBinding, context: Context) -> ObservedBinding:
    account = account_of(target.metadata, target.spec.account_ref.name, context)
    dependency, name = _dataset(target, context)
    what = str(name) if name else f"the binding of oss://{target.spec.bucket}"
    gone = leaving(target, what, account.session, context) if target.metadata.deleting else None
    snapshot = (
        _look_up(target, account.session, name, dependency, context) if asks_the_cloud(gone, context.now()) else None
    )
    found = snapshot.bindings.get((name.dataset, name.bucket)) if snapshot and name else None
    wanted = dependency.availability is Availability.READY and not target.metadata.deleting
    # Made, or made again: both ask what the bucket holds first.
    to_be_made = snapshot is not None and (found is None or found.gone or _made_again(target, found))
    scanned, template = None, ""
    if account.session is not None and name is not None and snapshot is not None and not target.metadata.deleting:
        scope = scope_of(account.session, name.project)
        scanned = scan_so_far(target, found, snapshot, scope, account.session, context) if found else None
        if wanted and to_be_made:
            template = template_in_force(target, name.project, name.dataset, account.session, context)
    return ObservedBinding(
        held=target.metadata.held,
        needs=(account.dependency, dependency),
        name=name,
        made=target.status.adopted is not None,
        binding=found,
        bucket=_bucket(target, account.session, context) if to_be_made and wanted else None,
        region=account.session.place.region if account.session else "",
        ledger=Ledger(
            target.status.intent, acknowledged=False, looked_at=snapshot.looked_at if snapshot else context.now()
        ),
        leaving=gone,
        scanned=scanned,
        template=template,
        asked=_asked(target),
        claim=_claim(target, account.session, name, snapshot, context, needed=wanted or bool(found and not found.gone)),
        work_bucket=(account.session.place.work_bucket or "") if account.session else "",
    )


def _claim(
    target: DatasetBinding,
    session: Session | None,
    name: BindingName | None,
    snapshot: Snapshot | None,
    context: Context,
    *,
    needed: bool,
) -> Claim:
    """Whose the binding is, as far as this pass needs to know: for a binding that is there, or that would be made."""
    subject = None
    if session is not None and name is not None:
        place = session.caller.account_id, session.place.region
        subject = Subject(*place, name.project, name.dataset, name.bucket)
    leaves = target.metadata.deleting
    if leaves and snapshot is None:
        return at_the_end(target, subject, session, context)
    if subject is None or session is None or not (needed or leaves):
        return UNLOOKED
    return look(target, subject, session, context, fresh=leaves)


def _made_again(target: DatasetBinding, found: BindingFacts) -> bool:
    return found.state == "Failed" and target.spec.recreate_policy is RecreatePolicy.ALWAYS


def _asked(target: DatasetBinding) -> bool:
    """Whether a person edited the object or asked for a reconcile since the last report."""
    return requested(target) or target.metadata.generation != target.status.observed_generation


def _dataset(target: DatasetBinding, context: Context) -> tuple[Dependency, BindingName | None]:
    """The dataset's name: from status once it is on record, else from the spec or the Dataset object."""
    spec, status = target.spec, target.status
    on_record = BindingName(status.project, status.dataset, spec.bucket) if status.project and status.dataset else None
    if spec.dataset.ref is None:
        name = BindingName(spec.dataset.project or "", spec.dataset.name or "", spec.bucket)
        return Dependency("dataset", name.dataset, Availability.READY), name
    dependency, found = dataset_of(target.metadata, spec.dataset.ref, context)
    if found is not None and spec.mode is Mode.DRY_RUN:  # a plan may go on from a Dataset that is only planned, too
        dependency = replace(dependency, availability=Availability.READY)
    if on_record is not None:
        return dependency, on_record
    return dependency, BindingName(found.spec.project, found.spec.name, spec.bucket) if found else None


def _look_up(
    target: DatasetBinding, session: Session | None, name: BindingName | None, dataset: Dependency, context: Context
) -> Snapshot | None:
    """The project's snapshot; one listed now where a create or a deletion rests on absence (or on state Deleted).

    That a binding is there, any listing since the intent tells: so what was made together is found by one.
    """
    if session is None or name is None:
        return None
    imm = context.clouds.imm(session.place, session.credentials, context.lane)
    scope = scope_of(session, name.project)
    intent, leaves = target.status.intent, target.metadata.deleting
    presence = since(target, timedelta(0) if leaves else OLDEST, context)
    presence = max(presence, intent.recorded_at) if intent is not None else presence
    absence = since(target, timedelta(0) if intent is not None else FRESH, context)
    apart = SHARED if requested(target) else timedelta(0)
    try:
        known = context.snapshots.read(scope, imm, not_before=presence, apart=apart)
        found = known.bindings.get((name.dataset, name.bucket))
        if leaves or (found is not None and not found.gone):
            return known
        return context.snapshots.read(scope, imm, not_before=absence)
    except ParentNotFound:
        if target.metadata.deleting:
            return Snapshot({}, context.now())  # without the project there is no binding
        if dataset.availability is not Availability.READY:
            return None  # the Dataset object tells of its project, and this one waits for it
        raise


def _bucket(target: DatasetBinding, session: Session | None, context: Context) -> BucketFacts | None:
    if session is None:
        return None
    return context.clouds.oss(session.place, session.credentials, context.lane).get_bucket(target.spec.bucket)


def _plan(target: DatasetBinding, observed: ObservedBinding, now: datetime) -> Plan:
    return binding.plan(None if target.metadata.deleting else target.spec, observed, now)


def _apply(action: CloudAction, observed: ObservedBinding, target: DatasetBinding, context: Context) -> ObservedBinding:
    session = context.sessions.of(target)
    if session is None:
        raise RuntimeError("a cloud action was planned without a session")
    imm = context.clouds.imm(session.place, session.credentials, context.lane)
    match action:
        case CreateBinding(project, dataset, bucket):
            found: BindingFacts | None = imm.create_binding(project, dataset, bucket)
            context.snapshots.record(scope_of(session, project), (dataset, bucket), found)
        case DeleteBinding(project, dataset, bucket):
            imm.delete_binding(project, dataset, bucket)
            # Whether a delete is done at once is not documented: only a listing that began after it counts.
            after = context.snapshots.read(scope_of(session, project), imm, not_before=context.now())
            found = after.bindings.get((dataset, bucket))
            observed = replace(observed, ledger=replace(observed.ledger, looked_at=after.looked_at))
        case _:
            raise TypeError(f"{action} is not an action of a DatasetBinding")
    return replace(observed, binding=found)


def _report(target: DatasetBinding, observed: ObservedBinding, context: Context) -> DatasetBindingStatus:
    status, found = target.status, observed.binding
    session = context.sessions.of(target)
    update: dict[str, object] = {"intent": observed.ledger.intent}
    if session is not None and status.identity is None:
        update["identity"] = Identity(account_id=session.caller.account_id, region=session.place.region)
    if observed.name is not None:
        name = observed.name
        update |= {"project": name.project, "dataset": name.dataset, "bucket": name.bucket}
    update["owner_record"] = on_record(observed.claim, status.owner_record)
    if found is not None and not found.gone and observed.claim.holding is not Holding.THEIRS:
        update["intent"] = None
        if status.adopted is None and observed.held:
            update["adopted"] = status.intent is None
        update |= {"state": found.state, "phase": found.phase, "created_at": found.created_at}
        update["progress"] = _progress(observed.scanned)
        update["reason"] = found.reason[:512] or None
    elif all(need.availability is Availability.READY for need in observed.needs):  # looked for, and not there
        update |= {"state": None, "phase": None, "reason": None, "progress": None}
    return status.model_copy(update=update)


def _progress(scanned: Scanned | None) -> Progress | None:
    return Progress(indexed=scanned.files, total=scanned.objects) if scanned is not None else None


BINDING: Work[DatasetBinding, ObservedBinding] = Work(_observe, _plan, _apply, _report)
