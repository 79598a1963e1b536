"""What is known of an object on its way out, from its metadata and status alone plus the session that may act."""

from __future__ import annotations

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.core.deletion import Leaving
from controller.reconcile.sessions import Session


def leaving(target: Dataset | DatasetBinding, what: str, session: Session | None, *, looked_up: bool) -> Leaving:
    """Gather what `plan_deletion` decides from. `looked_up` False means that the cloud could not be asked."""
    meta, status = target.metadata, target.status
    if meta.deletion_timestamp is None:
        raise ValueError(f"{meta.namespace}/{meta.name} is not being deleted")
    return Leaving(
        what=what,
        policy=target.spec.deletion_policy,
        grace_period=target.spec.deletion_grace_period,
        since=meta.deletion_timestamp,
        grace_ended=meta.grace_ended,
        detached=meta.detached,
        made=status.adopted is not None or status.intent is not None,
        obstacle=_obstacle(target, session, looked_up=looked_up),
    )


def _obstacle(target: Dataset | DatasetBinding, session: Session | None, *, looked_up: bool) -> str:
    if session is None or not looked_up:
        return f"CloudAccount {target.spec.account_ref.name} has no usable credentials"
    identity = target.status.identity
    signed_in = session.caller.account_id, session.place.region
    if identity is not None and (identity.account_id, identity.region) != signed_in:
        return (
            f"it belongs to account {identity.account_id} in {identity.region}, and CloudAccount "
            f"{target.spec.account_ref.name} now signs in to {signed_in[0]} in {signed_in[1]}"
        )
    return ""
