"""Conditions as kstatus, `kubectl wait`, Argo CD and Flux read them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.status import Condition
from controller.core.conditions import conditions
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from tests.unit.plan_inputs import NOW

verdicts = st.builds(
    Verdict,
    standing=st.sampled_from(Standing),
    reason=st.sampled_from(Reason),
    message=st.text(max_size=1500),
    suspended=st.booleans(),
)


def of(found: list[Condition]) -> dict[str, str]:
    """Type to status."""
    return {c.type: c.status for c in found}


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing.READY, {"Ready": "True"}),
        (Standing.PROGRESSING, {"Reconciling": "True", "Ready": "False"}),
        (Standing.STALLED, {"Stalled": "True", "Ready": "False"}),
    ],
)
def test_a_standing_is_exactly_these_conditions(standing: Standing, expected: dict[str, str]) -> None:
    """Reason, message and generation are the verdict's on each of them."""
    found = conditions([], Verdict(standing, Reason.INDEXING, "words"), 7, NOW)
    assert expected == of(found)
    assert {("Indexing", "words", 7, NOW)} == {
        (c.reason, c.message, c.observed_generation, c.last_transition_time) for c in found
    }


def test_the_transition_time_changes_only_with_the_status() -> None:
    """A new reason or message is no transition."""
    first = conditions([], Verdict(Standing.PROGRESSING, Reason.CREATING, "a"), 1, NOW)
    second = conditions(first, Verdict(Standing.PROGRESSING, Reason.INDEXING, "b"), 2, NOW + timedelta(minutes=1))
    third = conditions(second, Verdict(Standing.READY, Reason.SUCCEEDED, "c"), 2, NOW + timedelta(minutes=2))
    assert {NOW} == {c.last_transition_time for c in second}
    assert [NOW + timedelta(minutes=2)] == [c.last_transition_time for c in third]


def test_suspension_keeps_the_last_ready_and_says_so() -> None:
    """Nothing is known to have become worse; Reconciling and Stalled would be promises nobody keeps."""
    before = conditions([], Verdict(Standing.READY, Reason.SUCCEEDED, "fine"), 1, NOW)
    held = Verdict(Standing.PROGRESSING, Reason.CREATING, "bind", suspended=True)
    after = conditions(before, held, 2, NOW + timedelta(minutes=1))
    assert {"Ready": "True", "Suspended": "True"} == of(after)
    assert ("fine", 2, NOW) == (after[0].message, after[0].observed_generation, after[0].last_transition_time)


def test_suspended_from_the_start_ready_is_unknown() -> None:
    """Ready stands there always."""
    held = Verdict(Standing.PROGRESSING, Reason.CREATING, "bind", suspended=True)
    assert {"Ready": "Unknown", "Suspended": "True"} == of(conditions([], held, 1, NOW))


def test_resuming_drops_suspended() -> None:
    """A condition stands only while it is true."""
    held = conditions([], Verdict(Standing.READY, Reason.SUCCEEDED, "", suspended=True), 1, NOW)
    assert {"Ready": "True"} == of(conditions(held, Verdict(Standing.READY, Reason.SUCCEEDED, ""), 1, NOW))


@given(st.lists(st.tuples(verdicts, st.integers(0, 3600), st.integers(0, 1)), min_size=1, max_size=12))
def test_over_any_sequence_of_verdicts_the_rules_hold(steps: list[tuple[Verdict, int, int]]) -> None:
    """Ready always and once; the others only while True, never both; times and generations never go back."""
    before: list[Condition] = []
    now, generation = NOW, 1
    for verdict, seconds, bump in steps:
        now, generation = now + timedelta(seconds=seconds), generation + bump
        after = conditions(before, verdict, generation, now)
        check(before, after, generation, now)
        before = after


def check(before: list[Condition], after: list[Condition], generation: int, now: datetime) -> None:
    """The rules between one list of conditions and the next."""
    types = [c.type for c in after]
    assert len(types) == len(set(types))
    assert "Ready" in types
    assert {c.status for c in after if c.type != "Ready"} <= {"True"}
    assert not {"Reconciling", "Stalled"} <= set(types)
    assert {"Reconciling", "Stalled"}.isdisjoint(types) or of(after)["Ready"] == "False"
    assert {c.observed_generation for c in after} == {generation}
    for condition in after:
        Condition.model_validate(condition.model_dump())  # within the bounds of the schema
        old = next((c for c in before if c.type == condition.type), None)
        unchanged = old is not None and old.status == condition.status
        assert (old.last_transition_time if old and unchanged else now) == condition.last_transition_time
