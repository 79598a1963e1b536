"""A resource as a rule sees it, and what a rule is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource of a stack.

    `properties` are named as Pulumi's engine names them (`policyDocument`). Reading one that is not known yet may
    raise, and Pulumi then says that the rule cannot be judged before the update.
    """

    type: str
    name: str
    properties: Mapping[str, Any]
    protect: bool = False
    secret_outputs: frozenset[str] = field(default_factory=frozenset)
    urn: str = ""  # only for the engine, which marks a resource at fault by it


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about one resource. `finding(resource, stack)` says what is wrong and the way out, None if nothing is."""

    name: str
    description: str
    types: frozenset[str]
    finding: Callable[[Declared, str], str | None]

    def judge(self, resource: Declared, stack: str) -> str | None:
        """What is wrong with a resource, with its name and the rule's; None if it passes or is not meant."""
        if resource.type not in self.types:
            return None
        said = self.finding(resource, stack)
        return None if said is None else _sentence(self.name, resource, said)


@dataclass(frozen=True, slots=True)
class StackRule:
    """A rule that takes more than one resource. `findings` yields each resource at fault with what is wrong."""

    name: str
    description: str
    findings: Callable[[Sequence[Declared]], Sequence[tuple[Declared, str]]]

    def judge(self, resources: Sequence[Declared]) -> list[tuple[Declared, str]]:
        """Every resource at fault, with a sentence that names it and the rule."""
        return [(resource, _sentence(self.name, resource, said)) for resource, said in self.findings(resources)]


def _sentence(rule: str, resource: Declared, said: str) -> str:
    return f"{rule}: {resource.type.rpartition(':')[2]} {resource.name} {said}"
