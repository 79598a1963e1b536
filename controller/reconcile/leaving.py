"""What is known of an object on its way out, from its metadata and status alone plus the session that may act."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import DETACH, DeletionPolicy, Mode
from controller.api.status import ManagedStatus
from controller.core.deletion import LET_GO, Heir, Leaving, Stands, without_looking
from controller.core.plan import Standing, Verdict
from controller.reconcile.context import Context
from controller.reconcile.dependencies import Postponed, other_shard
from controller.reconcile.sessions import Session
from controller.reconcile.standin import heir_of, stand_in_name

Target = Dataset | DatasetBinding


def leaving(target: Target, what: str, session: Session | None, context: Context) -> Leaving:
    """Gather what `plan_deletion` decides from. An object that only observes never deletes what it observed.

    Raises:
        Postponed: who was created again is not known before the first LIST is through.
    """
    meta, status = target.metadata, target.status
    if meta.deletion_timestamp is None:
        raise ValueError(f"{meta.namespace}/{meta.name} is not being deleted")
    known = Leaving(
        what=what,
        policy=target.spec.deletion_policy if target.spec.mode is Mode.APPLY else DeletionPolicy.RETAIN,
        grace_period=target.spec.deletion_grace_period,
        since=meta.deletion_timestamp,
        grace_ended=meta.grace_ended,
        detached=meta.detached,
        made=may_be_made(status),
        known_as=f"{target.kind()} {meta.known_as}",
        stand_in=stand_in_name(target),
        stands=Stands.IS_ONE if meta.stands_in_for else Stands.POSSIBLE,
        heir=heir_of(target, context),
        intent=status.intent,
        obstacle=_obstacle(target, session, context),
        orphan_after=context.orphan_after,
        rest="what it indexed stays in the dataset" if isinstance(target, DatasetBinding) else "",
    )
    if without_looking(known, context.now()) is not None:
        return known
    if known.stands is Stands.IS_ONE and known.heir is Heir.NONE and not context.objects.complete:
        raise Postponed(meta.name, look_again=1.0)
    return replace(known, ending=context.cluster.namespace_ending(meta.namespace)) if known.obstacle else known


def may_be_made(status: ManagedStatus) -> bool:
    """Whether status says that something exists, or may exist, in the cloud."""
    return status.adopted is not None or status.intent is not None


def asks_the_cloud(leaving: Leaving | None, now: datetime) -> bool:
    """Whether what comes next rests on a look at the cloud, and one is possible."""
    return leaving is None or (without_looking(leaving, now) is None and not leaving.obstacle)


def with_stand_in(known: Leaving | None, *, there: bool) -> Leaving | None:
    """The same after a stand-in was asked for."""
    return replace(known, stands=Stands.THERE if there else Stands.REFUSED) if known is not None else None


def with_way_out(target: Target, verdict: Verdict) -> Verdict:
    """The verdict of a failed call; where a person has to act on an object that leaves, it tells how to let go."""
    if not target.metadata.deleting or verdict.standing is not Standing.STALLED or DETACH in verdict.message:
        return verdict
    return replace(verdict, message=f"{verdict.message}; or {LET_GO}")


def _obstacle(target: Target, session: Session | None, context: Context) -> str:
    account, identity = target.spec.account_ref.name, target.status.identity
    if session is None:
        known = context.objects.get(CloudAccount, target.metadata.namespace, account)
        words = other_shard(CloudAccount, account, target.metadata, context) if known is None else ""
        return words or f"CloudAccount {account} has no usable credentials"
    if identity is None:
        return "its status does not say which account and region it belongs to"
    if isinstance(target, DatasetBinding) and not (target.status.project and target.status.dataset):
        return "its status does not say which dataset it belongs to"
    signed_in = session.caller.account_id, session.place.region
    if (identity.account_id, identity.region) != signed_in:
        return (
            f"it belongs to account {identity.account_id} in {identity.region}, and CloudAccount {account} now signs "
            f"in to {signed_in[0]} in {signed_in[1]}"
        )
    return ""
