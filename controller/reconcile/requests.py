"""A reconcile that a person asked for by annotation: whether it is still to be answered, and by looks of what age.

Who changes something in the cloud and then asks must be told of the change, so the answer rests on looks that began
after the request was received. Objects that are asked for together share such a look.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from controller.api.kind import Kind
from controller.reconcile.context import Context


def requested(target: Kind) -> bool:
    """Whether somebody asked for a reconcile since the last report."""
    return target.metadata.reconcile_requested_at != target.status.last_handled_reconcile_at


def since(target: Kind, oldest: timedelta, context: Context) -> datetime:
    """The moment after which a look must have begun for this pass to rest on it: `oldest` ago, or the request."""
    limit = context.now() - oldest
    return max(limit, context.objects.requested_at(target)) if requested(target) else limit
