"""Faults on demand: a list of rules, the first that matches a request, or a message on its way to a queue, wins.

`when: after` lets the operation take effect and then loses or replaces its answer, which is how a client's handling of
"it timed out, but did it happen?" is tested. `probability` is decided by how often the rule was asked since it was put
in force, not by chance: the same requests meet the same faults in every run.

A rule's effect says what it is for. Nobody calls the delivery of a message to a queue, so it has a name of its own
here: operation `Deliver` of the service `mns`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REQUEST_EFFECTS = ("error", "latency", "drop", "html", "malformed")
MESSAGE_EFFECTS = ("duplicate", "delay", "lose", "swap")
DELIVERY = ("mns", "Deliver")
_WEEK = 604_800


class FaultError(BaseModel):
    """An error in the service's own shape. `retryAfterMs` becomes the gateway's `x-acs-retry-after` header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    message: str = "A fault rule of the emulator answered this request."
    retryAfterMs: Annotated[int, Field(ge=0)] | None = None  # noqa: N815 - the rule's JSON name


class FaultRule(BaseModel):
    """One rule: which requests or messages, how often, and what happens to them. Exactly one effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: str | None = None
    operation: str | None = None
    when: Literal["before", "after"] = "before"
    times: Annotated[int, Field(ge=1)] | None = None  # None: for ever
    probability: Annotated[float, Field(gt=0, le=1)] | None = None  # None: every time
    error: FaultError | None = None
    latency: Annotated[float, Field(ge=0, le=300)] | None = None  # real seconds
    drop: Literal[True] | None = None  # close the connection without an answer
    html: Annotated[int, Field(ge=400, le=599)] | None = None  # a proxy's error page with this status
    malformed: Literal[True] | None = None  # 200 with a body that is cut in the middle

    # Of a message that a topic or an event rule delivers to a queue; seconds are the emulator's clock's.
    duplicate: Annotated[int, Field(ge=1, le=100)] | None = None  # so many more of it, each with its own MessageId
    delay: Annotated[float, Field(gt=0, le=_WEEK)] | None = None  # it arrives this much later
    lose: Literal[True] | None = None  # it never arrives
    swap: Annotated[float, Field(gt=0, le=_WEEK)] | None = None  # it arrives behind the next one, this late at most

    @model_validator(mode="after")
    def _one_effect(self) -> FaultRule:
        effects = [name for name in (*REQUEST_EFFECTS, *MESSAGE_EFFECTS) if getattr(self, name) is not None]
        if len(effects) != 1:
            raise ValueError(f"a fault rule needs exactly one of {', '.join((*REQUEST_EFFECTS, *MESSAGE_EFFECTS))}")
        if not self.is_for_messages and self.operation == DELIVERY[1]:
            raise ValueError(f"a delivery takes one of {', '.join(MESSAGE_EFFECTS)}, not {effects[0]}")
        if self.is_for_messages and not self._fits_delivery():
            raise ValueError(f"{effects[0]} is for messages: service mns, operation Deliver, when before, or left out")
        return self

    @property
    def is_for_messages(self) -> bool:
        """Whether it strikes messages on their way to a queue, and no request."""
        return any(getattr(self, name) is not None for name in MESSAGE_EFFECTS)

    def _fits_delivery(self) -> bool:
        service, operation = DELIVERY
        return self.service in {None, service} and self.operation in {None, operation} and self.when == "before"


RULES = TypeAdapter(list[FaultRule])


@dataclass(slots=True)
class Faults:
    """The rules in force; of each, what is left of its `times`, how often it was asked, and how often it struck."""

    rules: list[FaultRule] = field(default_factory=list)
    left: list[int | None] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    struck: list[int] = field(default_factory=list)

    def replace(self, rules: Sequence[FaultRule]) -> None:
        """Put these rules in force instead of the present ones."""
        self.rules = list(rules)
        self.left = [rule.times for rule in rules]
        self.asked = [0] * len(rules)
        self.struck = [0] * len(rules)

    def match(self, service: str, operation: str) -> FaultRule | None:
        """The first rule for the request, used up by one; None if no rule applies."""
        return self._first(
            lambda rule: (
                not rule.is_for_messages and rule.service in {None, service} and rule.operation in {None, operation}
            )
        )

    def match_delivery(self, *, may_swap: bool) -> FaultRule | None:
        """The first rule for a message on its way to a queue, likewise; `may_swap` False passes over `swap`."""
        return self._first(lambda rule: rule.is_for_messages and (may_swap or rule.swap is None))

    def _first(self, applies: Callable[[FaultRule], bool]) -> FaultRule | None:
        if not self.rules:
            return None
        missing = len(self.rules) - len(self.struck)  # in a state of before there was such a count
        self.struck += [0] * missing
        for index, rule in enumerate(self.rules):
            left = self.left[index]
            if left == 0 or not applies(rule):
                continue
            if rule.probability is not None and not self._strikes(index, rule.probability):
                continue
            if left is not None:
                self.left[index] = left - 1
            self.struck[index] += 1
            return rule
        return None

    def _strikes(self, index: int, probability: float) -> bool:
        self.asked += [0] * (len(self.rules) - len(self.asked))  # a state of before there was a probability
        self.asked[index] += 1
        digest = sha256(f"{index}/{self.asked[index]}".encode()).digest()
        return int.from_bytes(digest[:4], "big") < probability * 2**32

    def describe(self) -> list[dict[str, object]]:
        """The rules as JSON, each with what is `left` of it and how often it `struck`."""
        struck = self.struck or [0] * len(self.rules)
        return [
            {**rule.model_dump(exclude_none=True), "left": left, "struck": count}
            for rule, left, count in zip(self.rules, self.left, struck, strict=True)
        ]
