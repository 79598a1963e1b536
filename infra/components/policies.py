"""A table of rights as RAM policies: one as a rule, more where one would be longer than RAM takes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import pulumi
import pulumi_alicloud as alicloud

from infra import rights

Policies = list[tuple[str, pulumi.Output[str]]]


def declare_policies(
    name: str,
    policy_name: pulumi.Input[str],
    granted: tuple[Iterable[rights.Right], rights.Scope],
    description: str,
    opts: pulumi.ResourceOptions,
) -> Policies:
    """Declare the policies of a table in a scope.

    Args:
        name: The first policy as a resource of the stack; the others count on from it.
        policy_name: The first policy in RAM.
        granted: The table and the scope.
        description: What the policies are for.
        opts: Options of every one.

    Returns:
        The name of each as a resource, for what attaches it, and in RAM.
    """
    made = []
    for number, document in enumerate(rights.policies(*granted)):
        resource = rights.policy_name(name, number)
        policy = alicloud.ram.Policy(
            resource,
            policy_name=pulumi.Output.from_input(policy_name).apply(partial(rights.policy_name, number=number)),
            policy_document=pulumi.Output.json_dumps(document),
            description=description,
            rotate_strategy="DeleteOldestNonDefaultVersionWhenLimitExceeded",  # RAM keeps five versions at most
            opts=opts,
        )
        made.append((resource, policy.policy_name))
    return made
