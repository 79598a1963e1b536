"""Conditions from a verdict, as kstatus, `kubectl wait`, Argo CD and Flux read them.

`Ready` always; `Reconciling` and `Stalled` only while true and never both, because kstatus takes the first it finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from controller.api.status import Condition
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason

MAX_MESSAGE = 1024
Truth = Literal["True", "False", "Unknown"]


def conditions(previous: Sequence[Condition], verdict: Verdict, generation: int, now: datetime) -> list[Condition]:
    """The conditions a verdict stands for; a transition time changes only when the status does."""
    if verdict.suspended:
        paused = replace(verdict, reason=Reason.SUSPENDED, message=_paused(verdict))
        first = _ready_while_suspended(previous, verdict, paused, generation, now)
        return [first, _condition(previous, "Suspended", "True", paused, generation, now)]
    match verdict.standing:
        case Standing.READY:
            types: tuple[tuple[str, Truth], ...] = (("Ready", "True"),)
        case Standing.PROGRESSING:
            types = (("Reconciling", "True"), ("Ready", "False"))
        case Standing.STALLED:
            types = (("Stalled", "True"), ("Ready", "False"))
    return [_condition(previous, kind, truth, verdict, generation, now) for kind, truth in types]


def _ready_while_suspended(
    previous: Sequence[Condition], verdict: Verdict, paused: Verdict, generation: int, now: datetime
) -> Condition:
    """What was Ready stays so: nobody who waits for it is to fail by a pause. Else what is observed now counts."""
    was_ready = next((c for c in previous if (c.type, c.status) == ("Ready", "True")), None)
    if was_ready is not None:
        return was_ready.model_copy(update={"observed_generation": generation})
    match verdict.standing:
        case Standing.READY:
            return _condition(previous, "Ready", "True", verdict, generation, now)
        case Standing.STALLED:
            return _condition(previous, "Ready", "False", verdict, generation, now)
        case Standing.PROGRESSING:
            return _condition(previous, "Ready", "Unknown", paused, generation, now)


def _paused(verdict: Verdict) -> str:
    if verdict.planned_changes:
        return f"spec.suspend holds back: {'; '.join(verdict.planned_changes)}"
    if verdict.reason is Reason.TASK_RUNNING:
        return verdict.message  # what runs on all the same, and how a person stops it
    return "spec.suspend is set; nothing is held back now"


def _condition(
    previous: Sequence[Condition], kind: str, truth: Truth, verdict: Verdict, generation: int, now: datetime
) -> Condition:
    before = next((c for c in previous if c.type == kind), None)
    unchanged = before is not None and before.status == truth
    return Condition(
        type=kind,
        status=truth,
        reason=verdict.reason.value,
        message=verdict.message[:MAX_MESSAGE],
        observed_generation=generation,
        last_transition_time=before.last_transition_time if before and unchanged else now.replace(microsecond=0),
    )
