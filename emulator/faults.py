"""Faults on demand: a list of rules, the first that matches a request wins.

`when: after` lets the operation take effect and then loses or replaces its answer, which is how a client's handling of
"it timed out, but did it happen?" is tested. `probability` is decided by how often the rule was asked since it was put
in force, not by chance: the same requests meet the same faults in every run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from emulator.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Sequence


class FaultError(BaseModel):
    """An error in the service's own shape. `retryAfterMs` becomes the gateway's `x-acs-retry-after` header."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[int, Field(ge=400, le=599)]
    code: str
    message: str = "A fault rule of the emulator answered this request."
    retryAfterMs: Annotated[int, Field(ge=0)] | None = None  # noqa: N815 - the rule's JSON name


class FaultRule(BaseModel):
    """One rule: which requests, how often, and what happens to them. Exactly one effect."""

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

    @model_validator(mode="after")
    def _one_effect(self) -> FaultRule:
        effects = ("error", "latency", "drop", "html", "malformed")
        if sum(getattr(self, name) is not None for name in effects) != 1:
            raise ValueError(f"a fault rule needs exactly one of {', '.join(effects)}")
        return self


RULES = TypeAdapter(list[FaultRule])


def check_names(rules: Sequence[FaultRule]) -> None:
    """Refuse rules that could never match, because nothing of that name is served.

    Raises:
        ValueError: A rule names an unknown service or operation.
    """
    for rule in rules:
        if rule.service is not None and rule.service not in SERVICES:
            raise ValueError(f"there is no service {rule.service!r}; there are: {', '.join(SERVICES)}")
        asked = SERVICES if rule.service is None else {rule.service: SERVICES[rule.service]}
        if rule.operation is not None and not any(rule.operation in served.by_name for served in asked.values()):
            raise ValueError(f"no operation {rule.operation!r} is served by {', '.join(asked)}")


@dataclass(slots=True)
class Faults:
    """The rules in force, with what is left of each rule's `times` and how many requests each was asked about."""

    rules: list[FaultRule] = field(default_factory=list)
    left: list[int | None] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def replace(self, rules: Sequence[FaultRule]) -> None:
        """Put these rules in force instead of the present ones."""
        self.rules = list(rules)
        self.left = [rule.times for rule in rules]
        self.asked = [0] * len(rules)

    def match(self, service: str, operation: str) -> FaultRule | None:
        """The first rule for the request, used up by one; None if no rule applies."""
        for index, rule in enumerate(self.rules):
            left = self.left[index]
            if left == 0 or rule.service not in {None, service} or rule.operation not in {None, operation}:
                continue
            if rule.probability is not None and not self._strikes(index, rule.probability):
                continue
            if left is not None:
                self.left[index] = left - 1
            return rule
        return None

    def _strikes(self, index: int, probability: float) -> bool:
        self.asked += [0] * (len(self.rules) - len(self.asked))  # a state of before there was a probability
        self.asked[index] += 1
        digest = sha256(f"{index}/{self.asked[index]}".encode()).digest()
        return int.from_bytes(digest[:4], "big") < probability * 2**32

    def describe(self) -> list[dict[str, object]]:
        """The rules as JSON, each with what is `left` of it."""
        return [
            {**rule.model_dump(exclude_none=True), "left": left}
            for rule, left in zip(self.rules, self.left, strict=True)
        ]
