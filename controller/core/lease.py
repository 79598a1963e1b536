"""Who leads: the arithmetic of a Lease (coordination.k8s.io/v1), as client-go has it, and what a fence needs beyond it.

Every time here is of one clock, this process's own: the clocks of two machines are never compared. Another's Lease is
judged by how long it has stood unchanged before our eyes, our own by when its last acknowledged write set out. So the
holder thinks its Lease over before anybody else does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

RELEASED = 1  # seconds: what a clean release leaves as the duration, as client-go does; a hand's edit does not
NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Terms:
    """The election's times, in seconds.

    Attributes:
        duration: How long a Lease stands without being renewed.
        call: The longest a call on the cloud may take.
    """

    duration: int
    call: float

    @property
    def retry(self) -> float:
        """Between two attempts to get or to renew the Lease."""
        return self.duration / 10

    @property
    def renew_deadline(self) -> float:
        """Without a renewal for this long the holder gives up, well before somebody else may take over."""
        return self.duration * 0.7


@dataclass(frozen=True, slots=True)
class Record:
    """The spec of a Lease. The two times are for people who read it; nothing is computed from them."""

    holder: str
    duration: int | None
    acquired: str
    renewed: str
    transitions: int

    @classmethod
    def read(cls, spec: dict[str, Any]) -> Record:
        """From its stored form, any part of which may be missing."""
        return cls(
            holder=spec.get("holderIdentity") or "",
            duration=spec.get("leaseDurationSeconds"),
            acquired=spec.get("acquireTime") or "",
            renewed=spec.get("renewTime") or "",
            transitions=spec.get("leaseTransitions") or 0,
        )

    def spec(self) -> dict[str, Any]:
        """Its stored form."""
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.duration,
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }

    @property
    def runs(self) -> int:
        """For how many seconds somebody may act on it: none once it was released, or where nobody ever held it."""
        return 0 if self.duration is None or (not self.holder and self.duration <= RELEASED) else self.duration


@dataclass(frozen=True, slots=True)
class Candidacy:
    """What one process knows of the election.

    Attributes:
        identity: Its own name, which no other process ever has.
        seen: The Lease as last seen or written; None: there is none, or nobody has looked.
        others_until: Until when somebody else may act on the Lease; stays when that one is gone.
        renewed_at: When our last acknowledged write set out; None: this process does not lead.
        opens_at: Nothing is submitted before; counts only while leading.
        over: It led, and somebody else has had the Lease since. A process leads at most once.
    """

    identity: str
    terms: Terms
    seen: Record | None = None
    others_until: float = NEVER
    renewed_at: float | None = None
    opens_at: float = NEVER
    over: bool = False

    @property
    def leads(self) -> bool:
        """Whether this process holds the Lease, as far as it knows."""
        return self.renewed_at is not None and not self.over


def observe(candidacy: Candidacy, record: Record | None, now: float) -> Candidacy:
    """Take in the Lease as it was read; `now` is when the answer was here. None: there is no Lease.

    A Lease that was there and is deleted may have been taken or renewed a moment before: its holder does not know yet.
    """
    before = candidacy.seen
    if record == before:
        return candidacy
    foreign = record if record is not None and record.holder != candidacy.identity else None
    others = candidacy.others_until
    if foreign is not None:
        others = now + foreign.runs if foreign.runs else NEVER
    elif record is None and before is not None:
        others = now + max(before.runs, candidacy.terms.duration)
    over = candidacy.over or (candidacy.leads and foreign is not None)
    return replace(candidacy, seen=record, others_until=others, over=over)


def bid(candidacy: Candidacy, now: float, stamp: str) -> Record | None:
    """What to write now, in order to lead or to go on leading; None where that is not to be.

    To be written only over the very version that was seen: the API server lets one bid through.
    """
    seen, me = candidacy.seen, candidacy.identity
    if candidacy.over or lost(candidacy, now):
        return None
    if seen is None:
        return Record(me, candidacy.terms.duration, stamp, stamp, 0)
    if seen.holder == me:
        return replace(seen, duration=candidacy.terms.duration, renewed=stamp)
    if seen.holder and now < candidacy.others_until:
        return None
    return Record(me, candidacy.terms.duration, stamp, stamp, seen.transitions + 1)


def won(candidacy: Candidacy, record: Record, sent_at: float) -> Candidacy:
    """The API server took our bid, which set out at `sent_at`.

    A predecessor's last call began before its Lease ended and ends a call's time later: nothing is submitted before.
    """
    opens_at = candidacy.opens_at if candidacy.leads else candidacy.others_until + candidacy.terms.call
    return replace(candidacy, seen=record, renewed_at=sent_at, opens_at=opens_at)


def lost(candidacy: Candidacy, now: float) -> bool:
    """Whether a process that led has to stand down: it could not renew for too long, or did not run meanwhile."""
    if candidacy.over:
        return True
    return candidacy.renewed_at is not None and now >= candidacy.renewed_at + candidacy.terms.renew_deadline


def remaining(candidacy: Candidacy, now: float) -> float:
    """Seconds for which nobody else can lead; below zero for a process that does not."""
    if candidacy.renewed_at is None or candidacy.over:
        return NEVER
    return candidacy.renewed_at + candidacy.terms.duration - now


def opens_in(candidacy: Candidacy, now: float) -> float | None:
    """Seconds until a submit may go: 0 is now, None is not in this candidacy.

    A submit whose answer might come after the Lease's end waits for the next renewal.
    """
    if not candidacy.leads:
        return None
    if now < candidacy.opens_at:
        return candidacy.opens_at - now
    return 0.0 if remaining(candidacy, now) > candidacy.terms.call else candidacy.terms.retry


def release(candidacy: Candidacy, now: float, stamp: str) -> Record | None:
    """What to write so that the next leader starts at once; None where it has to wait all the same.

    Who has not yet waited for its own predecessor's calls to end leaves its successor to wait for them.
    """
    if candidacy.seen is None or not candidacy.leads or now < candidacy.opens_at:
        return None
    return replace(candidacy.seen, holder="", duration=RELEASED, acquired=stamp, renewed=stamp)
