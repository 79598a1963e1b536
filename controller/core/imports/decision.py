"""What a decision about an import is: a phase, a verdict, and at most one step."""

from __future__ import annotations

from dataclasses import dataclass

from controller.api.batchimport import Phase
from controller.core.imports.steps import Step
from controller.core.plan import Plan, Verdict, progressing
from controller.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """The phase and verdict that hold until `step` is done; with no step there is nothing to do now."""

    phase: Phase | None
    verdict: Verdict
    step: Step | None


def stand(phase: Phase | None, plan: Plan) -> Decision:
    """Nothing is done for now."""
    return Decision(phase, plan.verdict, None)


def take(phase: Phase, reason: Reason, message: str, step: Step) -> Decision:
    """The step is taken, and looked after at once."""
    return Decision(phase, progressing(reason, message, look_again=0.0).verdict, step)
