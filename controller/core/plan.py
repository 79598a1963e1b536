"""A plan: what to do next, and what the status says of it. Both come from one decision, so they cannot disagree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from controller.api.fields import Mode
from controller.core.actions import Action, Hold, RecordIntent, Release
from controller.core.reasons import Reason

MAX_PLANNED_CHANGES = 32
MAX_CHANGE_LENGTH = 512


class Standing(StrEnum):
    """Where an object stands, as kstatus sees it: Current, InProgress, Failed."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    STALLED = "Stalled"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the status says.

    Attributes:
        standing: Becomes Ready, Reconciling and Stalled.
        reason: Why.
        message: For people: what is the case, and what to do where somebody has to.
        look_again: Seconds until the next look; None leaves it to the resync interval.
        suspended: The object is suspended: the last Ready stays, a Suspended condition is added.
        planned_changes: In mode Observe and DryRun: what Apply would do.
    """

    standing: Standing
    reason: Reason
    message: str
    look_again: float | None = None
    suspended: bool = False
    planned_changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Actions in order, and the verdict that holds while they are under way or when there are none."""

    verdict: Verdict
    actions: tuple[Action, ...] = ()


def ready(message: str) -> Plan:
    """Nothing to do, all is as desired."""
    return Plan(Verdict(Standing.READY, Reason.SUCCEEDED, message))


def progressing(reason: Reason, message: str, *actions: Action, look_again: float | None = None) -> Plan:
    """Something is under way: our actions, or the cloud's own work."""
    return Plan(Verdict(Standing.PROGRESSING, reason, message, look_again), actions)


def stalled(reason: Reason, message: str) -> Plan:
    """A person has to act; the message says how."""
    return Plan(Verdict(Standing.STALLED, reason, message))


def acts(mode: Mode, *, suspend: bool) -> bool:
    """Whether the object's mode and suspension let anything be written for it."""
    return mode is Mode.APPLY and not suspend


def hold_first(plan: Plan, *, held: bool, present: bool) -> Plan:
    """Put our finalizer on before anything is made or kept in the cloud; a refusal that made nothing needs none."""
    if held or not (present or plan.actions):
        return plan
    return Plan(plan.verdict, (Hold(), *plan.actions))


def restrict(plan: Plan, mode: Mode, *, suspend: bool) -> Plan:
    """Hold back what the object's mode or suspension forbids, and say what was held back."""
    if acts(mode, suspend=suspend):
        return plan
    held_back = [action for action in plan.actions if not isinstance(action, Hold)]
    changes = tuple(action.describe()[:MAX_CHANGE_LENGTH] for action in held_back)[:MAX_PLANNED_CHANGES]
    if suspend:
        verdict = replace(plan.verdict, suspended=True, planned_changes=changes, look_again=None)
        return Plan(verdict)
    if not changes:
        return Plan(plan.verdict)
    return Plan(_announced(changes, mode))


def _announced(changes: tuple[str, ...], mode: Mode) -> Verdict:
    message = f"mode {mode.value} writes nothing; Apply would {'; '.join(changes)}"
    return Verdict(Standing.STALLED, Reason.PLANNED, message[:1024], planned_changes=changes)


def writes_cloud(action: Action) -> bool:
    """Whether applying it changes the cloud."""
    return not isinstance(action, Hold | Release | RecordIntent)
