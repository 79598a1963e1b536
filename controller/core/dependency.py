"""What an object needs of others before it can act: its account, its dataset."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from controller.core.plan import Plan, progressing
from controller.core.reasons import Reason


class Availability(StrEnum):
    """How far another object is."""

    READY = "Ready"
    NOT_READY = "NotReady"
    NOT_FOUND = "NotFound"


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another object this one refers to, and how far it is.

    Attributes:
        detail: What it says of itself.
        elsewhere: That another shard serves it, where it is not found for that.
    """

    kind: str
    name: str
    availability: Availability
    detail: str = ""
    elsewhere: str = ""


def waiting_for(*dependencies: Dependency) -> Plan | None:
    """The plan of an object that has to wait, or None when everything it needs is ready.

    No look is scheduled: the object is woken when the other one changes.
    """
    for needed in dependencies:
        what = f"{needed.kind} {needed.name}"
        match needed.availability:
            case Availability.NOT_FOUND:
                return progressing(
                    Reason.DEPENDENCY_NOT_FOUND,
                    needed.elsewhere or f"{what} does not exist in this namespace; create it or correct the name",
                )
            case Availability.NOT_READY:
                detail = f": {needed.detail}" if needed.detail else ""
                return progressing(Reason.DEPENDENCY_NOT_READY, f"waiting for {what} to become Ready{detail}")
            case Availability.READY:
                continue
    return None
