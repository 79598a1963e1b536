"""Deletion, the same for every kind that owns something in the cloud (law 8).

The first line that holds decides:

detach annotation           → release, nothing is touched
nothing was ever made       → release
policy Retain               → release, nothing is touched, one event; so too in mode Observe and DryRun
created again               → release once the new object has it: it goes on with no gap
policy Delete, grace period → wait, in a stand-in where one can be made
───────────────────────────── so far the cloud is not asked: a refusing cloud cannot hold an object back
no credentials              → Stalled with the steps; in a terminating namespace release as Orphaned after a limit
it is there                 → delete it
a create's answer was lost  → wait until it must have shown
it is confirmed absent      → release

Kubernetes creates no object while one of its name is terminating, and Flux's `force` and `kubectl replace --force` wait
for it to go. So the grace period is waited for in a stand-in of another name, and the object itself is let go at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from controller.api.fields import DeletionPolicy
from controller.api.status import Intent
from controller.core.actions import CloudAction, Release, StandIn
from controller.core.durations import span
from controller.core.intents import SPACING
from controller.core.plan import Plan, Standing, Verdict, progressing, stalled
from controller.core.reasons import Reason

LOOK_AGAIN = 5.0
TAKING_OVER = 30.0
BLOCKED = 300.0  # an object that is Stalled looks whether its namespace is terminating by now
LET_GO = "annotate the object with imm-operator.dev/detach=true to let go of it as it is"
BILLING = "it goes on running and billing"


class Stands(StrEnum):
    """What is known of a stand-in for the grace period."""

    POSSIBLE = "Possible"
    THERE = "There"
    REFUSED = "Refused"  # the API server makes none, e.g. in a terminating namespace: the object waits by itself
    IS_ONE = "IsOne"


class Heir(StrEnum):
    """The object of the same name that was created again and claims the same thing."""

    NONE = "None"
    COMING = "Coming"  # it has not reported yet that the thing is its own
    THERE = "There"


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
        known_as: The name people gave it: that of the object it stands in for, else its own.
        stand_in: The name of its stand-in, whether it is there or not.
        stands: How far the stand-in is.
        heir: How far the object is that was created again.
        intent: A submit whose answer is still open.
        obstacle: Why the cloud cannot be asked: no credentials, or those of another account or region than the one on
            record. Empty when it was asked.
        ending: When the deletion of the namespace was asked for; None where it was not, or nobody needs to know.
        orphan_after: How long an obstacle may hold up a terminating namespace.
        rest: What a delete leaves behind, for messages.
    """

    what: str
    policy: DeletionPolicy
    grace_period: str
    since: datetime
    grace_ended: bool
    detached: bool
    made: bool
    known_as: str = ""
    stand_in: str = ""
    stands: Stands = Stands.REFUSED
    heir: Heir = Heir.NONE
    intent: Intent | None = None
    obstacle: str = ""
    ending: datetime | None = None
    orphan_after: timedelta = timedelta(days=1)
    rest: str = ""

    @property
    def grace_ends(self) -> datetime:
        """When the delete takes effect."""
        return self.since if self.grace_ended else self.since + span(self.grace_period)


def plan_deletion(leaving: Leaving, delete: CloudAction | None, looked_at: datetime, now: datetime) -> Plan:
    """What a terminating object needs next. `delete` None means that a look-up begun at `looked_at` found nothing."""
    unasked = without_looking(leaving, now)
    if unasked is not None:
        return unasked
    if leaving.obstacle:
        return _blocked(leaving, now)
    if delete is not None:
        return progressing(Reason.DELETING, delete.describe(), delete, look_again=LOOK_AGAIN)
    late = leaving.intent is not None and looked_at <= leaving.intent.recorded_at + SPACING
    if late:
        message = f"the answer to a submit was lost; {leaving.what} may still appear, and is then deleted"
        return progressing(Reason.CONFIRMING, message, look_again=LOOK_AGAIN)
    rest = f"; {leaving.rest}" if leaving.rest else ""
    return _release(Reason.DELETED, f"{leaving.what} is deleted{rest}")


def without_looking(leaving: Leaving, now: datetime) -> Plan | None:
    """What is decided without asking the cloud, or None when it has to be asked."""
    if leaving.detached:
        return _release(Reason.DETACHED, f"{leaving.what} was detached by annotation and is left as it is: {BILLING}")
    if not leaving.made:
        return _release(Reason.DELETED, f"{leaving.what} was never made by this object: nothing was touched")
    if leaving.policy is DeletionPolicy.RETAIN:
        return _release(Reason.RETAINED, f"{leaving.what} is retained: {BILLING}")
    if leaving.heir is not Heir.NONE:
        return _inherited(leaving)
    if now < leaving.grace_ends:
        return _in_grace(leaving, now)
    return None


def _inherited(leaving: Leaving) -> Plan:
    if leaving.heir is Heir.THERE:
        return _release(Reason.KEPT, f"{leaving.known_as} was created again and keeps {leaving.what}: {BILLING}")
    message = (
        f"{leaving.known_as} was created again and claims {leaving.what}, which is kept until that object has taken it "
        "over. Look there for what holds it up"
    )
    return progressing(Reason.DELETION_GRACE_PERIOD, message, look_again=TAKING_OVER)


def _in_grace(leaving: Leaving, now: datetime) -> Plan:
    ends = leaving.grace_ends
    rest = (ends - now).total_seconds()
    due = f"{leaving.what} is deleted at {ends:%Y-%m-%dT%H:%M:%SZ}"
    hurry = "imm-operator.dev/end-grace-period=now to delete it at once"
    match leaving.stands:
        case Stands.POSSIBLE:
            return progressing(Reason.DELETION_GRACE_PERIOD, due, StandIn(leaving.stand_in), look_again=rest)
        case Stands.THERE:
            message = (
                f"{due}, and {leaving.stand_in} stands in for this object until then. To keep it, create the object "
                f"again or annotate {leaving.stand_in} with imm-operator.dev/detach=true; or annotate that with {hurry}"
            )
            return _release(Reason.DELETION_GRACE_PERIOD, message)
        case Stands.IS_ONE:
            message = (
                f"{due}. To keep it, create {leaving.known_as} again or annotate this object with "
                f"imm-operator.dev/detach=true; or annotate it with {hurry}"
            )
        case Stands.REFUSED:
            message = f"{due}. To keep it, {LET_GO}; or annotate it with {hurry}"
    return progressing(Reason.DELETION_GRACE_PERIOD, message, look_again=rest)


def _blocked(leaving: Leaving, now: datetime) -> Plan:
    """Nobody can sign in: a person has to, and only a namespace that is to go does not wait for that for ever."""
    held_up = f"{leaving.what} cannot be deleted: {leaving.obstacle}"
    if leaving.ending is None:
        plan = stalled(
            Reason.CREDENTIALS_UNAVAILABLE, f"{held_up}. Restore the CloudAccount and its Secret, or {LET_GO}"
        )
        return Plan(replace(plan.verdict, look_again=BLOCKED))
    limit = max(leaving.ending, leaving.grace_ends) + leaving.orphan_after
    if now >= limit:
        return _release(
            Reason.ORPHANED,
            f"{held_up}, and its namespace waited for that since {leaving.ending:%Y-%m-%dT%H:%M:%SZ}: it is released "
            f"as it is. {BILLING[0].upper()}{BILLING[1:]} until somebody deletes it in the cloud",
        )
    plan = stalled(
        Reason.CREDENTIALS_UNAVAILABLE,
        f"{held_up}, and nothing can be created in a namespace that terminates. Delete it in the cloud by hand if it "
        f"is not wanted, then {LET_GO}; otherwise it is released as Orphaned, running and billing, at "
        f"{limit:%Y-%m-%dT%H:%M:%SZ}",
    )
    return Plan(replace(plan.verdict, look_again=min(BLOCKED, (limit - now).total_seconds())))


def _release(reason: Reason, message: str) -> Plan:
    return Plan(Verdict(Standing.PROGRESSING, reason, message), (Release(reason, message),))
