"""Who owns a binding: what the owner record says, and what a plan makes of it.

The record is one object in the work bucket, the only place that every cluster with the same bucket sees. An owner is a
cluster and an object's name, never its uid: what was deleted and created again, restored without its status, or taken
up by a reinstalled operator is the same owner and finds its record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from controller.core.actions import ClaimOwnership, CloudAction, RecordIntent, Release, ReleaseOwnership
from controller.core.plan import Plan, Standing, Verdict, stalled
from controller.core.reasons import Reason

VERSION = 1
FOLDER = "owners/"
KIND = "DatasetBinding"
TEXTS = ("cluster", "namespace", "name", "recordedAt")
# Releases that end an ownership; the others hand it on to an object of the same name.
ENDS = {Reason.DELETED, Reason.RETAINED, Reason.DETACHED, Reason.ORPHANED}


@dataclass(frozen=True, slots=True)
class Subject:
    """What has one owner. `bucket` is empty for a dataset itself, which is contested inside one cluster only."""

    account_id: str
    region: str
    project: str
    dataset: str
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a record lies."""

    bucket: str
    key: str

    def __str__(self) -> str:
        """As ossutil takes it."""
        return f"oss://{self.bucket}/{self.key}"


def address(work_bucket: str, subject: Subject) -> Address:
    """Where the record of a binding lies. No name in it can hold a slash, so no subject reaches another's record."""
    parts = subject.account_id, subject.region, subject.project, subject.dataset, subject.bucket
    return Address(work_bucket, f"{FOLDER}{'/'.join(parts)}.json")


@dataclass(frozen=True, slots=True)
class Owner:
    """An object of a cluster, which is known by the uid of its kube-system namespace."""

    cluster: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Record:
    """An owner record's content."""

    owner: Owner
    recorded_at: str

    def encode(self) -> bytes:
        """As it is stored."""
        owner = self.owner
        fields = {"cluster": owner.cluster, "kind": KIND, "namespace": owner.namespace, "name": owner.name}
        return json.dumps({"version": VERSION, **fields, "recordedAt": self.recorded_at}, indent=1).encode()


def record(owner: Owner, now: datetime) -> Record:
    """A new record."""
    return Record(owner, now.replace(microsecond=0).isoformat())


def decode(data: bytes) -> Record | None:
    """A stored record; None when it is none, or one of a later version."""
    try:
        found = json.loads(data)
    except ValueError:
        return None
    if not isinstance(found, dict) or (found.get("version"), found.get("kind")) != (VERSION, KIND):
        return None
    texts = [text for name in TEXTS if isinstance(text := found.get(name), str) and text]
    if len(texts) < len(TEXTS):
        return None
    cluster, namespace, name, recorded_at = texts
    return Record(Owner(cluster, namespace, name), recorded_at)


class Holding(StrEnum):
    """Whose something is, as far as it is known."""

    UNLOOKED = "Unlooked"  # nobody looked: this pass has no need to know
    UNRECORDED = "Unrecorded"  # there is no work bucket, and no other object of this cluster comes first
    VACANT = "Vacant"  # nobody's
    LEFT = "Left"  # on record for an object of this cluster that does not claim it any more
    OURS = "Ours"  # read, or written, in this pass
    REMEMBERED = "Remembered"  # status says ours; read again only before something is written to the cloud
    THEIRS = "Theirs"


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known of the ownership.

    Attributes:
        holding: Whose it is.
        subject: What it is about; None where nobody looked.
        address: Where the record lies; None without a work bucket.
        record: The record that was read.
        holder: With THEIRS: who has it, in words.
        way_out: With THEIRS: what to do.
        stays: The record that cannot be removed, because nobody can sign in.
    """

    holding: Holding
    subject: Subject | None = None
    address: Address | None = None
    record: Record | None = None
    holder: str = ""
    way_out: str = ""
    stays: str = ""


UNLOOKED = Claim(Holding.UNLOOKED)


def claim_first(plan: Plan, claim: Claim, *, acting: bool, present: bool) -> Plan:
    """Claim what is made or kept in the cloud; make sure of a remembered claim before the cloud is written to."""
    if not acting:
        return plan
    match claim.holding:
        case Holding.UNLOOKED | Holding.UNRECORDED | Holding.OURS | Holding.THEIRS:
            needed = False
        case Holding.REMEMBERED:
            needed = any(isinstance(action, CloudAction | RecordIntent) for action in plan.actions)
        case Holding.VACANT | Holding.LEFT:
            needed = present or bool(plan.actions)
        case _:
            assert_never(claim.holding)
    if not needed:
        return plan
    return Plan(plan.verdict, (ClaimOwnership(str(claim.address), claim.holding.value),))


def on_record(claim: Claim, before: str | None) -> str | None:
    """What status remembers of the record."""
    match claim.holding:
        case Holding.OURS:
            return str(claim.address)
        case Holding.REMEMBERED | Holding.UNLOOKED:
            return before
        case Holding.UNRECORDED | Holding.VACANT | Holding.LEFT | Holding.THEIRS:
            return None
        case _:
            assert_never(claim.holding)


def conflict(what: str, claim: Claim) -> Plan:
    """Somebody else has it: nothing is done."""
    return stalled(
        Reason.OWNERSHIP_CONFLICT, f"{what} belongs to {claim.holder}; nothing is done for this object. {claim.way_out}"
    )


def left_alone(what: str, claim: Claim) -> Plan:
    """The end of an object that never owned it, or does no more: whatever its policy, the cloud is not touched."""
    message = f"{what} belongs to {claim.holder} and is left as it is"
    reason = Reason.OWNERSHIP_CONFLICT
    return Plan(Verdict(Standing.PROGRESSING, reason, message), (Release(reason, message),))


def give_up(plan: Plan, claim: Claim) -> Plan:
    """Before the end of an owner: remove the record, so that another object may adopt what is left."""
    released = next((action for action in plan.actions if isinstance(action, Release)), None)
    if released is None or released.reason not in ENDS:
        return plan
    ours = claim.holding in {Holding.OURS, Holding.REMEMBERED, Holding.UNLOOKED}
    if claim.address is not None and ours:
        return Plan(plan.verdict, (ReleaseOwnership(str(claim.address)), *plan.actions))
    if not claim.stays:
        return plan
    words = f"; its owner record {claim.stays} stays: delete it before another cluster adopts what is left"
    return Plan(plan.verdict, (replace(released, message=released.message + words),))
