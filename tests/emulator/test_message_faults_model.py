"""Message faults against a plain model: any rules, and any order of publishing, receiving and passing time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.testing import running
from tests.emulator.message_line import line_of

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass
class Arrival:
    """One message as the model sees it."""

    at: float
    number: int
    body: str


class Expected:
    """What the rules promise, in its plainest form."""

    def __init__(self, rules: Sequence[dict[str, Any]]) -> None:
        self.rules = [dict(rule) for rule in rules]
        self.arrivals: list[Arrival] = []
        self.held: Arrival | None = None
        self.count = 0

    def publish(self, body: str, now: float) -> None:
        """Deliver under the first rule that has something left."""
        if self.held is not None and now >= self.held.at:
            self.held = None
        rule = next((r for r in self.rules if r["times"] and not ("swap" in r and self.held)), {"times": 1})
        rule["times"] -= 1
        if "lose" in rule:
            return
        if "delay" in rule or "swap" in rule:
            late = self._arrive(body, now + rule.get("delay", 0.0) + rule.get("swap", 0.0))
            self.held = late if "swap" in rule else self.held
            return
        for _ in range(1 + rule.get("duplicate", 0)):
            self._arrive(body, now)
        if self.held is not None:
            self.held.at, self.held.number = now, self.count
            self.count += 1
            self.held = None

    def take(self, now: float) -> list[str]:
        """What may be received, in order of arrival."""
        there = sorted((a for a in self.arrivals if a.at <= now), key=lambda a: (a.at, a.number))
        self.arrivals = [a for a in self.arrivals if a.at > now]
        return [a.body for a in there]

    def _arrive(self, body: str, at: float) -> Arrival:
        self.arrivals.append(Arrival(at, self.count, body))
        self.count += 1
        return self.arrivals[-1]


SECONDS = st.sampled_from([5.0, 10.0, 30.0])
EFFECTS = st.one_of(
    st.fixed_dictionaries({"duplicate": st.integers(1, 3)}),
    st.fixed_dictionaries({"delay": SECONDS}),
    st.fixed_dictionaries({"swap": SECONDS}),
    st.just({"lose": True}),
)
RULES = st.lists(st.tuples(EFFECTS, st.integers(1, 3)).map(lambda both: {**both[0], "times": both[1]}), max_size=6)
STEPS = st.lists(st.sampled_from(["publish", "publish", "take", "5", "30"]), max_size=25)


@settings(max_examples=40, deadline=None)
@given(RULES, STEPS)
def test_any_rules_deliver_what_the_model_says(rules: list[dict[str, Any]], steps: list[str]) -> None:
    """Nothing is lost, repeated, late or out of order but by a rule."""
    with running() as cloud, line_of(cloud) as line:
        expected = Expected(rules)
        cloud.fault(*rules)
        for number, step in enumerate([*steps, "take", "30", "take"]):
            match step:
                case "publish":
                    line.publish(str(number))
                    expected.publish(str(number), cloud.now())
                case "take":
                    assert expected.take(cloud.now()) == line.bodies()
                case seconds:
                    cloud.advance(float(seconds))
        assert [] == expected.arrivals
