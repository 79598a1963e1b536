"""Every rule of the pack, and a stack judged by all of them: what the tests call, where no Pulumi engine runs."""

from __future__ import annotations

from collections.abc import Sequence

from infra.policy import buckets, lasting, rights
from infra.policy.declared import Declared, Rule, StackRule

RULES: tuple[Rule, ...] = (*buckets.RULES, *rights.RULES, *lasting.RULES)
STACK_RULES: tuple[StackRule, ...] = buckets.STACK_RULES


def findings(resources: Sequence[Declared], stack: str) -> list[str]:
    """What is wrong with the resources of a stack, a sentence each; empty if it may be deployed."""
    single = [rule.judge(resource, stack) for resource in resources for rule in RULES]
    whole = [said for rule in STACK_RULES for _, said in rule.judge(resources)]
    return [said for said in single if said is not None] + whole
