"""Law 4: a submit without an idempotency token takes effect exactly once, whatever is lost on the way.

The property test is a tiny operator around `submit_once`: it stores intents, makes the call, loses answers, crashes and
starts again. The cloud of the test has no uniqueness of its own, so every extra submit would show as a second effect.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.status import Intent
from controller.cloud.ports import CALL_TIMEOUT
from controller.core.actions import CreateBinding, CreateDataset, RecordIntent
from controller.core.facts import QuotaFacts
from controller.core.intents import SPACING, Ledger, submit_once
from controller.core.reasons import Reason
from tests.unit.plan_inputs import NOW

ACTION = CreateBinding("media", "pictures", "photos")
SHORT = timedelta(seconds=1)


def intent(age: float = 0, absent_for: float | None = None) -> Intent:
    """An intent recorded `age` seconds ago, first found absent `absent_for` seconds ago."""
    absent = None if absent_for is None else NOW - timedelta(seconds=absent_for)
    return Intent(operation="CreateBinding", id="x", recorded_at=NOW - timedelta(seconds=age), absent_since=absent)


def test_the_spacing_is_wider_than_a_call_may_take() -> None:
    """Else the second look-up could come before a late effect."""
    assert CALL_TIMEOUT < SPACING.total_seconds()


def test_without_an_intent_one_is_recorded_first() -> None:
    """It names the operation and the moment, and an id of its own."""
    [first] = submit_once(ACTION, Ledger(None, acknowledged=False, looked_at=NOW), NOW).actions
    [later] = submit_once(ACTION, Ledger(None, acknowledged=False, looked_at=NOW), NOW + SHORT).actions
    assert isinstance(first, RecordIntent)
    assert isinstance(later, RecordIntent)
    assert ("CreateBinding", NOW, None, ACTION) == (
        first.intent.operation,
        first.intent.recorded_at,
        first.intent.absent_since,
        first.announces,
    )
    assert first.intent.id != later.intent.id


def test_another_operations_intent_is_replaced() -> None:
    """What was under way for something else says nothing about this submit."""
    other = CreateDataset("media", "pictures", None, None, QuotaFacts())
    [action] = submit_once(other, Ledger(intent(5), acknowledged=True, looked_at=NOW), NOW).actions
    assert isinstance(action, RecordIntent)
    assert "CreateDataset" == action.intent.operation


WAITING = [
    ("look-up-before-intent", intent(0), NOW - SHORT, 1.0),
    ("look-up-at-the-intent", intent(0), NOW, 1.0),
    ("first-look-up", intent(5), NOW, 20.0),
    ("second-too-soon", intent(25, 8), NOW, 12.0),
    ("second-almost", intent(25, 19), NOW, 1.0),
    ("stale-look-up", intent(60, 10), NOW - timedelta(seconds=5), 15.0),
]


@pytest.mark.parametrize(
    ("open_intent", "looked_at", "look_again"), [row[1:] for row in WAITING], ids=[row[0] for row in WAITING]
)
def test_an_unresolved_intent_waits_for_two_spaced_look_ups(
    open_intent: Intent, looked_at: datetime, look_again: float
) -> None:
    """Only look-ups that began after the submit count, and only when they are far enough apart."""
    plan = submit_once(ACTION, Ledger(open_intent, acknowledged=False, looked_at=looked_at), NOW)
    assert (Reason.CONFIRMING, look_again) == (plan.verdict.reason, plan.verdict.look_again)
    assert ACTION not in plan.actions


def test_the_first_absence_is_written_down() -> None:
    """So that the spacing holds over a crash as well."""
    plan = submit_once(ACTION, Ledger(intent(5), acknowledged=False, looked_at=NOW), NOW)
    [action] = plan.actions
    assert isinstance(action, RecordIntent)
    assert (intent(5).recorded_at, NOW) == (action.intent.recorded_at, action.intent.absent_since)
    after = submit_once(ACTION, Ledger(action.intent, acknowledged=True, looked_at=NOW), NOW)
    assert () == after.actions


@pytest.mark.parametrize("absent_for", [20, 21, 1000])
def test_the_second_absence_starts_over_with_a_fresh_intent(absent_for: float) -> None:
    """Never a submit from the old one."""
    plan = submit_once(ACTION, Ledger(intent(absent_for + 5, absent_for), acknowledged=False, looked_at=NOW), NOW)
    [action] = plan.actions
    assert isinstance(action, RecordIntent)
    assert (NOW, None) == (action.intent.recorded_at, action.intent.absent_since)


@dataclass
class Operator:
    """Passes over `submit_once` with storage, a cloud and a clock of its own."""

    draws: deque[float]  # numbers in [0, 1): what happens next; the end of them is fair weather
    now: datetime = NOW
    stored: Intent | None = None
    submits: list[datetime] = field(default_factory=list)
    effects: list[datetime] = field(default_factory=list)  # when each takes effect, perhaps still to come

    def chance(self, probability: float) -> bool:
        """Whether a mishap of that probability happens now."""
        return (self.draws.popleft() if self.draws else 1.0) < probability

    def seconds(self, most: float) -> float:
        """A time span up to `most`."""
        return (self.draws.popleft() if self.draws else 0.0) * most

    def run(self) -> bool:
        """One pass; whether the resource was found."""
        looked_at = self.now
        if any(at <= looked_at for at in self.effects):
            self.stored = None if not self.chance(0.2) else self.stored
            return True
        acknowledged = False
        current = self.stored
        for _ in range(4):
            plan = submit_once(ACTION, Ledger(current, acknowledged=acknowledged, looked_at=looked_at), self.now)
            if not plan.actions:
                self.wait(plan.verdict.look_again)
                return False
            [action] = plan.actions
            self.now += timedelta(seconds=self.seconds(2))
            if isinstance(action, RecordIntent):
                if self.chance(0.15):  # crash, or a refused write
                    return self.restart()
                self.stored = current = action.intent
                if self.chance(0.15):  # stored, and the answer lost
                    return self.restart()
                acknowledged = True
            else:
                return self.submit()
        raise AssertionError("a pass that plans for ever")

    def submit(self) -> bool:
        """Make the call. Whatever becomes of it, its effect comes within the call's time-out or never."""
        assert not self.effects, "submitted although an earlier submit took effect, or still may"
        self.submits.append(self.now)
        if self.chance(0.3):  # refused: no effect, and that is known
            self.stored = None if not self.chance(0.3) else self.stored
            return self.restart()
        lost = self.chance(0.6)
        if not lost or self.chance(0.6):
            self.effects.append(self.now + timedelta(seconds=self.seconds(CALL_TIMEOUT) if lost else 0))
        if lost:
            self.now += timedelta(seconds=self.seconds(CALL_TIMEOUT))
            return self.restart()
        self.stored = None if not self.chance(0.3) else self.stored
        return True

    def restart(self) -> bool:
        """The pass ends here; the next one may come at once."""
        self.now += timedelta(seconds=self.seconds(5))
        return False

    def wait(self, look_again: float | None) -> None:
        """Until the next look, or until something else wakes the object."""
        assert look_again is not None
        assert look_again > 0
        early = self.chance(0.3)
        self.now += timedelta(seconds=self.seconds(look_again) if early else look_again * 1.05)


weather = st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.4, 0.7, 0.99]), min_size=10, max_size=80)


@settings(max_examples=500)
@given(weather)
def test_exactly_one_create_takes_effect_and_soon_after_the_last_mishap(draws: list[float]) -> None:
    """Over any sequence of crashes, lost answers, refusals and late effects; then two look-ups and a submit at most."""
    operator = Operator(deque(draws))
    cleared = operator.now
    for _ in range(400):
        if operator.run():
            break
        if operator.draws:
            cleared = operator.now
    else:
        raise AssertionError(f"does not converge: {operator}")
    assert 1 == len(operator.effects)
    assert operator.now - cleared < timedelta(seconds=90)
