"""Policies evaluated: a document becomes statements, statements and a right become a decision. Pure.

The rules are RAM's (www.alibabacloud.com/help/en/ram/policy-evaluation-process): nothing is allowed unless a statement
allows it, and a statement that denies wins over all that allow. Assumed: case counts in actions and resources.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from emulator.ram.conditions import Condition, Facts, read_conditions
from emulator.ram.patterns import any_of

if TYPE_CHECKING:
    import re

    from emulator.rights import Right

Decision = Literal["Allow", "ExplicitDeny", "ImplicitDeny"]


@dataclass(frozen=True, slots=True)
class Element:
    """Action or NotAction, Resource or NotResource: the texts as they stand, and what they match.

    Most actions of a least policy are plain names, which are looked up rather than matched.
    """

    texts: frozenset[str]
    matching: re.Pattern[str] | None  # of the texts with wildcards
    excepted: bool  # NotAction, NotResource: everything but what matches

    def covers(self, text: str) -> bool:
        """Whether it speaks of this action or resource."""
        found = text in self.texts or (self.matching is not None and self.matching.fullmatch(text) is not None)
        return found is not self.excepted


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    effect: Literal["Allow", "Deny"]
    action: Element
    resource: Element
    conditions: tuple[Condition, ...] = ()

    def applies(self, right: Right, facts: Facts) -> bool:
        """Whether it speaks of this right in a request of which these facts are known, by keys in lower case."""
        return (
            self.action.covers(right.action)
            and self.resource.covers(right.resource)
            and all(condition.holds(facts) for condition in self.conditions)
        )


@lru_cache(maxsize=2048)
def parse(document: str) -> tuple[Statement, ...]:
    """The statements of a policy document that `emulator.ram.documents.check_policy` has let through.

    Raises:
        ValueError: It has not been let through.
    """
    statements = json.loads(document).get("Statement") or []
    return tuple(_statement(statement) for statement in statements)


def decide(statements: Iterable[Statement], right: Right, facts: Facts) -> Decision:
    """What the statements together say of a right; `facts` by keys in lower case."""
    decision: Decision = "ImplicitDeny"
    for statement in statements:
        if statement.applies(right, facts):
            if statement.effect == "Deny":
                return "ExplicitDeny"
            decision = "Allow"
    return decision


def _statement(statement: dict[str, Any]) -> Statement:
    return Statement(
        effect=statement["Effect"],
        action=_element(statement, "Action"),
        resource=_element(statement, "Resource"),
        conditions=read_conditions(statement.get("Condition", {})),
    )


def _element(statement: dict[str, Any], name: str) -> Element:
    excepted = f"Not{name}" in statement
    stated = statement.get(f"Not{name}" if excepted else name)
    texts = frozenset(stated if isinstance(stated, list) else [str(stated)])
    patterns = [text for text in texts if "*" in text or "?" in text]
    return Element(texts, any_of(patterns) if patterns else None, excepted)
