"""A plan: what to do next, and what the status says of it. Both come from one decision, so they cannot disagree."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from controller.api.fields import Mode
from controller.api.status import Drift
from controller.core.actions import Action, Hold
from controller.core.drift import in_words
from controller.core.reasons import Reason

MAX_PLANNED_CHANGES = 16
MAX_CHANGE_LENGTH = 512
MAX_MESSAGE = 1024


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
        drift: In mode Observe: what is not in the cloud as the spec wants it.
        request_id: The cloud's, of a failed call: for the event, never for the status, where it would differ each time.
    """

    standing: Standing
    reason: Reason
    message: str
    look_again: float | None = None
    suspended: bool = False
    planned_changes: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()
    request_id: str = field(default="", compare=False)


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


def stalled(reason: Reason, message: str, *, look_again: float | None = None) -> Plan:
    """A person has to act; the message says how."""
    return Plan(Verdict(Standing.STALLED, reason, message, look_again))


def acts(mode: Mode, *, suspend: bool) -> bool:
    """Whether the object's mode and suspension let anything be written for it."""
    return mode is Mode.APPLY and not suspend


def hold_first(plan: Plan, *, held: bool, present: bool) -> Plan:
    """Put our finalizer on before anything is made or kept in the cloud; a refusal that made nothing needs none."""
    if held or not (present or plan.actions):
        return plan
    return Plan(plan.verdict, (Hold(), *plan.actions))


def restrict(
    plan: Plan, mode: Mode, *, suspend: bool, drift: tuple[Drift, ...] = (), consequences: tuple[str, ...] = ()
) -> Plan:
    """Hold back what the object's mode or suspension forbids, and say what was held back.

    `drift` is what differs, for mode Observe; `consequences` are what the actions would bring about, for mode DryRun.
    """
    if acts(mode, suspend=suspend):
        return plan
    held_back = [action for action in plan.actions if not isinstance(action, Hold)]
    changes = tuple(action.describe()[:MAX_CHANGE_LENGTH] for action in held_back)[:MAX_PLANNED_CHANGES]
    differs = drift if mode is Mode.OBSERVE else ()
    if suspend:
        return Plan(replace(plan.verdict, suspended=True, planned_changes=changes, look_again=None, drift=differs))
    if differs:
        return Plan(_drifted(plan.verdict, changes, differs))
    if not changes:
        return Plan(plan.verdict)
    if mode is Mode.DRY_RUN:
        changes = (*changes, *(words[:MAX_CHANGE_LENGTH] for words in consequences))[:MAX_PLANNED_CHANGES]
    message = f"mode {mode.value} writes nothing; Apply would {'; '.join(changes)}"
    return Plan(Verdict(Standing.STALLED, Reason.PLANNED, message[:MAX_MESSAGE], planned_changes=changes))


def _drifted(verdict: Verdict, changes: tuple[str, ...], drift: tuple[Drift, ...]) -> Verdict:
    rest = f"Apply would {'; '.join(changes)}" if changes else verdict.message
    message = f"mode Observe writes nothing; {in_words(drift)}. {rest}"
    return Verdict(
        Standing.STALLED,
        Reason.DRIFT_DETECTED,
        message[:MAX_MESSAGE],
        look_again=verdict.look_again,
        planned_changes=changes,
        drift=drift,
    )
