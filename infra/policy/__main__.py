"""The rules as a policy pack: `pulumi preview --policy-pack infra/policy`.

A rule about one resource is judged before that resource is touched; one about the whole stack when all are done, so in
an update it comes too late and only a preview is a gate.
"""

from __future__ import annotations

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from infra.policy.declared import Declared, Rule, StackRule
from infra.policy.rules import RULES, STACK_RULES


def policies() -> list[Policy]:
    """Every rule as Pulumi's own kind of policy."""
    return [*map(_of_resource, RULES), *map(_of_stack, STACK_RULES)]


def _of_resource(rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        said = rule.judge(_declared(args), pulumi.get_stack())
        if said is not None:
            report(said, None)

    return ResourceValidationPolicy(rule.name, rule.description, validate)


def _of_stack(rule: StackRule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for declared, said in rule.judge([_declared(resource) for resource in args.resources]):
            report(said, declared.urn)

    return StackValidationPolicy(rule.name, rule.description, validate)


def _declared(resource: ResourceValidationArgs | PolicyResource) -> Declared:
    return Declared(
        resource.resource_type,
        resource.name,
        resource.props,
        protect=resource.opts.protect,
        secret_outputs=frozenset(resource.opts.additional_secret_outputs),
        urn=resource.urn,
    )


if __name__ == "__main__":
    PolicyPack("imm-operator", policies(), EnforcementLevel.MANDATORY)
