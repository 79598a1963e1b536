"""Suspension and the modes Observe and DryRun: what is held back, and how that reads."""

from __future__ import annotations

import pytest

from controller.api.fields import Mode
from controller.core.actions import CreateBinding, DeleteBinding, Hold
from controller.core.plan import MAX_CHANGE_LENGTH, MAX_PLANNED_CHANGES, Standing, progressing, ready, restrict
from controller.core.reasons import Reason

CREATE = CreateBinding("media", "pictures", "photos")
PLAN = progressing(Reason.CREATING, "words", Hold(), CREATE, look_again=30.0)
WATCHING = [Mode.OBSERVE, Mode.DRY_RUN]


def test_apply_holds_nothing_back() -> None:
    """The plan passes as it is."""
    assert PLAN == restrict(PLAN, Mode.APPLY, suspend=False)


@pytest.mark.parametrize("mode", WATCHING)
def test_a_watching_mode_lists_what_it_holds_back(mode: Mode) -> None:
    """The finalizer is our own affair and not listed."""
    verdict = restrict(PLAN, mode, suspend=False).verdict
    assert (CREATE.describe(),) == verdict.planned_changes
    assert (Standing.STALLED, Reason.PLANNED) == (verdict.standing, verdict.reason)
    assert f"mode {mode.value} writes nothing" in verdict.message


@pytest.mark.parametrize("mode", WATCHING)
def test_a_watching_mode_with_nothing_to_do_says_what_is(mode: Mode) -> None:
    """No difference: the verdict is the plan's own."""
    assert ready("fine") == restrict(ready("fine"), mode, suspend=False)


@pytest.mark.parametrize("mode", list(Mode))
def test_suspension_drops_every_action_and_the_next_look(mode: Mode) -> None:
    """Only the resync goes on observing."""
    held = restrict(PLAN, mode, suspend=True)
    assert ((), True, None) == (held.actions, held.verdict.suspended, held.verdict.look_again)
    assert (CREATE.describe(),) == held.verdict.planned_changes


def test_planned_changes_stay_within_the_schema() -> None:
    """Bounded in number and length, and the message as well."""
    many = [DeleteBinding("p" * 400, "d" * 400, f"b{n}") for n in range(40)]
    verdict = restrict(progressing(Reason.DELETING, "", *many), Mode.OBSERVE, suspend=False).verdict
    assert MAX_PLANNED_CHANGES == len(verdict.planned_changes)
    assert MAX_CHANGE_LENGTH == max(map(len, verdict.planned_changes))
    assert 1024 == len(verdict.message)
