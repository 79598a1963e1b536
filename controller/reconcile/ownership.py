"""Owner records in the work bucket: read, written once, taken over, removed. What follows is decided in the core.

Reading costs a call, so a settled object never does: its status remembers the record. It is read again before
anything is written to the cloud, which is the moment that two owners would hurt each other.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import assert_never

from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import DEFAULT_SHARD, Mode
from controller.cloud.errors import CloudError, Conflict, NotLeading
from controller.cloud.ports import OssPort
from controller.core.actions import ClaimOwnership, ReleaseOwnership
from controller.core.ownership import Address, Claim, Holding, Owner, Record, Subject, address, decode, record
from controller.core.reasons import Reason
from controller.reconcile.context import Context
from controller.reconcile.dependencies import Postponed
from controller.reconcile.failures import verdict_of
from controller.reconcile.rivals import Claimant, claims, first_rival, owner_name, rivals, subject_of, work_bucket_of
from controller.reconcile.sessions import Session

log = logging.getLogger(__name__)
# Two objects of this cluster that find the same abandoned record replace it one after the other.
_taking_over = threading.Lock()


def among_objects(target: Claimant, subject: Subject | None, context: Context) -> Claim:
    """Whose it is as far as this cluster's objects tell; no call is made.

    Raises:
        controller.reconcile.dependencies.Postponed: not every object is known yet.
    """
    if subject is None or _only_observes(target):
        return Claim(Holding.UNLOOKED, subject)
    rival = _first_rival(target, subject, context)
    return Claim(Holding.UNRECORDED, subject) if rival is None else _held_by(rival, target, subject)


def look(target: DatasetBinding, subject: Subject, session: Session, context: Context, *, fresh: bool = False) -> Claim:
    """Whose a binding is. With `fresh` the record is read even if status remembers it as ours.

    Raises:
        controller.cloud.errors.CloudError: the work bucket did not answer, or may not be read.
        controller.reconcile.dependencies.Postponed: not every object is known yet.
    """
    work_bucket = session.place.work_bucket
    if work_bucket is None or _only_observes(target) or work_bucket == subject.bucket:
        return among_objects(target, subject, context)
    rival = _first_rival(target, subject, context)
    if rival is not None and work_bucket_of(rival, context.objects) != work_bucket:
        return _held_by(rival, target, subject)  # it does not see our record, so no record decides between the two
    where = address(work_bucket, subject)
    if not fresh and target.status.owner_record == str(where):
        return Claim(Holding.REMEMBERED, subject, where)
    found = _read(target, subject, where, context)
    if rival is not None and found.holding in {Holding.VACANT, Holding.LEFT}:
        return _held_by(rival, target, subject)
    return found


def at_the_end(target: DatasetBinding, subject: Subject | None, session: Session | None, context: Context) -> Claim:
    """What is known of a deleted object's ownership without a call."""
    among = among_objects(target, subject or subject_of(target, context.objects), context)
    if among.holding is Holding.THEIRS:
        return among
    if target.status.adopted is None and target.status.intent is None and _told_of_conflict(target):
        return Claim(Holding.THEIRS, subject, holder="another owner")
    on_record, where = target.status.owner_record, None
    if session is not None and session.place.work_bucket is not None and subject is not None:
        where = address(session.place.work_bucket, subject)
    if on_record is not None and on_record != str(where):
        return Claim(Holding.UNLOOKED, subject, stays=on_record)
    return Claim(Holding.UNLOOKED, subject, where)


def settle(action: ClaimOwnership | ReleaseOwnership, target: Claimant, known: Claim, context: Context) -> Claim:
    """Carry out what was planned about the record; what is known of it then.

    Raises:
        controller.cloud.errors.CloudError: as `claim`.
    """
    match action:
        case ClaimOwnership():
            return claim(target, known, context)
        case ReleaseOwnership():
            let_go(target, known, context)
            return known
        case _:
            assert_never(action)


def claim(target: Claimant, known: Claim, context: Context) -> Claim:
    """Write the record where there is none, take it over where its object is gone, else read it again.

    Raises:
        controller.cloud.errors.CloudError: as `look`; also when the record changes hands at this moment.
    """
    subject, where = known.subject, known.address
    if subject is None or where is None or not isinstance(target, DatasetBinding):
        raise RuntimeError("a claim was planned without a record to write")
    match known.holding:
        case Holding.VACANT:
            return _write(target, subject, where, context)
        case Holding.LEFT:
            with _taking_over:
                again = _read(target, subject, where, context)
                if again.holding is not Holding.LEFT or again.record != known.record:
                    return again
                log.info("%s names an object that claims it no more (%s): it is taken over", where, again.record)
                _oss(target, context).delete_object(where.bucket, where.key)
                return _write(target, subject, where, context)
        case _:
            return _read(target, subject, where, context)


def let_go(target: Claimant, known: Claim, context: Context) -> None:
    """Remove the record if it is still ours. A failure is told and holds nothing back: the object leaves all the same.

    Between reading and removing it lies one round trip; only a person who removes records by hand could get between.
    """
    where = known.address
    if where is None:
        return
    try:
        oss = _oss(target, context)
        data = oss.get_object(where.bucket, where.key)
        found = decode(data) if data is not None else None
        if found is not None and found.owner == _self(target, context) and not _goes_on(target, context):
            oss.delete_object(where.bucket, where.key)
    except NotLeading:
        raise
    except CloudError as error:
        why = f"{verdict_of(error).message}. Remove the record before an object of another cluster takes over"
        log.warning("%s of %s stays: %s", where, target.metadata.name, error)
        context.cluster.emit(target, warning=True, reason=Reason.OWNERSHIP_CONFLICT.value, message=f"{where}: {why}")


def _first_rival(target: Claimant, subject: Subject, context: Context) -> Claimant | None:
    if target.status.adopted is None and not target.metadata.deleting and not context.objects.complete:
        raise Postponed(target.metadata.name, look_again=1.0)
    return first_rival(target, subject, context.objects)


def _write(target: DatasetBinding, subject: Subject, where: Address, context: Context) -> Claim:
    ours = record(_self(target, context), context.now())
    try:
        _oss(target, context).put_new(where.bucket, where.key, ours.encode())
    except Conflict:
        found = _read(target, subject, where, context)
        if found.holding is Holding.VACANT:
            raise  # written and removed again by somebody else: the next pass sees what comes of it
        return found
    return Claim(Holding.OURS, subject, where, ours)


def _read(target: DatasetBinding, subject: Subject, where: Address, context: Context) -> Claim:
    data = _oss(target, context).get_object(where.bucket, where.key)
    if data is None:
        return Claim(Holding.VACANT, subject, where)
    found = decode(data)
    if found is None:
        holder = "an owner that this version of imm-operator cannot read"
        return Claim(
            Holding.THEIRS, subject, where, holder=holder, way_out=f"Look at {where} and remove it if it is wrong"
        )
    if found.owner == _self(target, context):
        return Claim(Holding.OURS, subject, where, found)
    if found.owner.cluster == context.cluster.uid():
        return _of_this_cluster(found, target, Claim(Holding.LEFT, subject, where, found), context)
    owner = found.owner
    return Claim(
        Holding.THEIRS,
        subject,
        where,
        found,
        holder=f"DatasetBinding {owner.namespace}/{owner.name} of another cluster (kube-system uid {owner.cluster})",
        way_out=f"Delete that object there, or, if it is no more, its record: ossutil rm {where}. Then have this "
        "object looked at: annotate imm-operator.dev/reconcile-requested-at",
    )


def _of_this_cluster(found: Record, target: DatasetBinding, left: Claim, context: Context) -> Claim:
    owner, subject = found.owner, left.subject
    if subject is None:
        raise RuntimeError("a record was read without a subject")
    if not context.objects.watches(owner.namespace):
        log.info("%s belongs to %s/%s, which is not watched here", left.address, owner.namespace, owner.name)
        holder = "an object of a namespace of this cluster that this operator does not watch"
        return Claim(
            Holding.THEIRS, subject, left.address, found, holder=holder,
            way_out=f"Delete that object, or, if it is no more, its record: ossutil rm {left.address}",
        )  # fmt: skip
    if not context.objects.complete:
        raise Postponed(target.metadata.name, look_again=1.0)
    named = owner.namespace, owner.name
    if context.objects.unreadable(DatasetBinding, *named):
        holder = "an object of this cluster that this version of imm-operator cannot read"
        return replace(
            left, holding=Holding.THEIRS, holder=holder, way_out="Upgrade the operator, or delete one of the two"
        )
    candidates = rivals(target, subject, context.objects)  # the object itself, or its stand-in
    namesake = context.objects.get(DatasetBinding, *named)
    if namesake is not None and subject_of(namesake, context.objects) is None:
        candidates.append(namesake)  # nobody can tell yet what it claims
    for other in candidates:
        if (other.metadata.namespace, owner_name(other)) == named and claims(other):
            return _held_by(other, target, subject, left.address)
    return _of_another_shard(named, target, left, context)


def _of_another_shard(named: tuple[str, str], target: DatasetBinding, left: Claim, context: Context) -> Claim:
    """No object here accounts for a record: the one it names, or its stand-in, may be another shard's."""
    namespace, name = named
    for other in context.cluster.find_all(DatasetBinding, namespace):
        shard = other.metadata.shard
        if shard != target.metadata.shard and owner_name(other) == name and claims(other):
            log.info("%s belongs to %s/%s of shard %s", left.address, namespace, name, shard or DEFAULT_SHARD)
            same = namespace == target.metadata.namespace
            what = f"DatasetBinding {other.metadata.name}" if same else "an object of another namespace of this cluster"
            return replace(
                left, holding=Holding.THEIRS, holder=f"{what}, which shard {shard or DEFAULT_SHARD} serves",
                way_out="Delete one of the two; this one is looked at again at spec.resyncInterval",
            )  # fmt: skip
    return left


def _held_by(rival: Claimant, target: Claimant, subject: Subject, where: Address | None = None) -> Claim:
    """The words for an object of this cluster; what another namespace calls its objects is not for others to read."""
    theirs, mine = rival.metadata, target.metadata
    same = theirs.namespace == mine.namespace
    if not same:
        log.info("%s/%s: %s is held by %s/%s", mine.namespace, mine.name, subject, theirs.namespace, theirs.name)
    return Claim(
        Holding.THEIRS,
        subject,
        where,
        holder=f"{rival.kind()} {theirs.name}" if same else "an object of another namespace of this cluster",
        way_out="Delete one of the two; this object goes on by itself when the other is gone",
    )


def _goes_on(target: Claimant, context: Context) -> bool:
    """Whether the owner was created again while this one, its stand-in, was on its way out."""
    where = type(target), target.metadata.namespace, owner_name(target)
    heir = context.objects.get(*where) or context.cluster.find(*where)
    return heir is not None and heir.metadata.uid != target.metadata.uid and not heir.metadata.deleting


def _only_observes(target: Claimant) -> bool:
    return target.spec.mode is Mode.OBSERVE and not target.metadata.deleting


def _told_of_conflict(target: Claimant) -> bool:
    return any(c.type == "Stalled" and c.reason == Reason.OWNERSHIP_CONFLICT for c in target.status.conditions)


def _self(target: Claimant, context: Context) -> Owner:
    return Owner(context.cluster.uid(), target.metadata.namespace, owner_name(target))


def _oss(target: Claimant, context: Context) -> OssPort:
    session = context.sessions.of(target)
    if session is None:
        raise RuntimeError("an owner record is looked at without a session")
    return context.clouds.oss(session.place, session.credentials, context.lane)
