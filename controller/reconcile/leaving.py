"""What is known of an object on its way out, from its metadata and status alone plus the session that may act."""

from __future__ import annotations

from datetime import datetime

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import DeletionPolicy, Mode
from controller.core.deletion import Leaving, without_looking
from controller.reconcile.sessions import Session


def leaving(target: Dataset | DatasetBinding, what: str, session: Session | None) -> Leaving:
    """Gather what `plan_deletion` decides from. An object that only observes never deletes what it observed."""
    meta, status = target.metadata, target.status
    if meta.deletion_timestamp is None:
        raise ValueError(f"{meta.namespace}/{meta.name} is not being deleted")
    return Leaving(
        what=what,
        policy=target.spec.deletion_policy if target.spec.mode is Mode.APPLY else DeletionPolicy.RETAIN,
        grace_period=target.spec.deletion_grace_period,
        since=meta.deletion_timestamp,
        grace_ended=meta.grace_ended,
        detached=meta.detached,
        made=status.adopted is not None or status.intent is not None,
        intent=status.intent,
        obstacle=_obstacle(target, session),
    )


def asks_the_cloud(leaving: Leaving | None, now: datetime) -> bool:
    """Whether what comes next rests on a look at the cloud, and one is possible."""
    return leaving is None or (without_looking(leaving, now) is None and not leaving.obstacle)


def _obstacle(target: Dataset | DatasetBinding, session: Session | None) -> str:
    if session is None:
        return f"CloudAccount {target.spec.account_ref.name} has no usable credentials"
    identity = target.status.identity
    signed_in = session.caller.account_id, session.place.region
    if identity is not None and (identity.account_id, identity.region) != signed_in:
        return (
            f"it belongs to account {identity.account_id} in {identity.region}, and CloudAccount "
            f"{target.spec.account_ref.name} now signs in to {signed_in[0]} in {signed_in[1]}"
        )
    return ""
