"""Deletion, the same for every kind that owns something in the cloud (law 8).

detach annotation           → release, nothing is touched
nothing was ever made       → release
policy Retain               → release, nothing is touched, one event; so too in mode Observe and DryRun
policy Delete, grace period → wait; a delete-and-recreate in that time is re-adopted
───────────────────────────── so far the cloud is not asked: a refusing cloud cannot hold an object back
no credentials              → Stalled with the steps
it is there                 → delete it
a create's answer was lost  → wait until it must have shown
it is confirmed absent      → release
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from controller.api.fields import DeletionPolicy
from controller.api.status import Intent
from controller.core.actions import CloudAction, Release
from controller.core.durations import span
from controller.core.intents import SPACING
from controller.core.plan import Plan, Standing, Verdict, progressing, stalled
from controller.core.reasons import Reason

LOOK_AGAIN = 5.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """An object on its way out.

    Attributes:
        what: The cloud resource, for messages, e.g. `the binding of oss://b to p/d`.
        policy: Its deletion policy.
        grace_period: As in the spec, e.g. `10m`.
        since: The deletion timestamp.
        grace_ended: Somebody ended the grace period early.
        detached: Somebody asked to let go of it as it is.
        made: Status says that something exists, or may exist, in the cloud.
        intent: A submit whose answer is still open.
        obstacle: Why the cloud cannot be asked: no credentials, or those of another account or region than the one on
            record. Empty when it was asked.
    """

    what: str
    policy: DeletionPolicy
    grace_period: str
    since: datetime
    grace_ended: bool
    detached: bool
    made: bool
    intent: Intent | None = None
    obstacle: str = ""


def plan_deletion(leaving: Leaving, delete: CloudAction | None, looked_at: datetime, now: datetime) -> Plan:
    """What a terminating object needs next. `delete` None means that a look-up begun at `looked_at` found nothing."""
    unasked = without_looking(leaving, now)
    if unasked is not None:
        return unasked
    if leaving.obstacle:
        return stalled(
            Reason.CREDENTIALS_UNAVAILABLE,
            f"{leaving.what} cannot be deleted: {leaving.obstacle}. Restore the CloudAccount and its Secret, or "
            "annotate the object with imm-operator.dev/detach=true to let go of it as it is",
        )
    if delete is not None:
        return progressing(Reason.DELETING, delete.describe(), delete, look_again=LOOK_AGAIN)
    late = leaving.intent is not None and looked_at <= leaving.intent.recorded_at + SPACING
    if late:
        message = f"the answer to a submit was lost; {leaving.what} may still appear, and is then deleted"
        return progressing(Reason.CONFIRMING, message, look_again=LOOK_AGAIN)
    return _release(Reason.DELETED, f"{leaving.what} is deleted")


def without_looking(leaving: Leaving, now: datetime) -> Plan | None:
    """What is decided without asking the cloud, or None when it has to be asked."""
    if leaving.detached:
        return _release(Reason.DETACHED, f"{leaving.what} was detached by annotation and is left as it is")
    if not leaving.made:
        return _release(Reason.DELETED, f"{leaving.what} was never made")
    if leaving.policy is DeletionPolicy.RETAIN:
        return _release(Reason.RETAINED, f"{leaving.what} is retained: it goes on running and billing")
    ends = leaving.since + span(leaving.grace_period)
    if now < ends and not leaving.grace_ended:
        message = (
            f"{leaving.what} is deleted at {ends:%Y-%m-%dT%H:%M:%SZ}; re-create the object to keep it, or annotate it "
            "with imm-operator.dev/end-grace-period=now to delete it at once"
        )
        return progressing(Reason.DELETION_GRACE_PERIOD, message, look_again=(ends - now).total_seconds())
    return None


def _release(reason: Reason, message: str) -> Plan:
    return Plan(Verdict(Standing.PROGRESSING, reason, message), (Release(reason, message),))
