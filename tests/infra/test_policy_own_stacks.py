"""The stacks of this repository, judged by its own policy pack."""

from __future__ import annotations

import pytest

from infra.policy.buckets import BLOCK, BUCKET
from infra.policy.declared import Declared
from infra.policy.lasting import PROJECT, QUEUE, TOPIC
from infra.policy.rights import ACCESS_KEY
from infra.policy.rules import RULES, STACK_RULES, findings
from infra.settings import StackSettings
from tests.infra.mocked_stack import declare, settings
from tests.infra.test_stack_config import as_given


def declared(settings: StackSettings, stack: str) -> list[Declared]:
    """Every resource of a stack as the rules see it."""
    made = declare(settings, stack=stack)
    return [
        Declared(
            resource.typ,
            resource.name,
            resource.inputs,
            protect=made.is_protected(resource.typ.rpartition(":")[2], resource.name),
            secret_outputs=frozenset(made.secret_outputs.get((resource.typ, resource.name), ())),
        )
        for resource in made.resources
    ]


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_a_stack_of_this_repository_breaks_no_rule(stack: str) -> None:
    """With what its file says, as a file in Git would be deployed."""
    resources = declared(as_given(stack), stack)
    kinds = {resource.type for resource in resources}
    assert {rule.name for rule in RULES if not rule.types & kinds} <= {"key-secret", "project-of-new-api"}
    assert [] == findings(resources, stack)


def test_an_access_key_of_the_operator_breaks_no_rule() -> None:
    """For clusters without RRSA; its secret is a secret output."""
    resources = declared(settings(operator={"credentials_user": True}), "dev")
    assert ACCESS_KEY in {resource.type for resource in resources}
    assert [] == findings(resources, "dev")


def test_rights_to_image_search_break_no_rule() -> None:
    """They are on all resources, which these actions alone may be."""
    assert [] == findings(declared(settings(image_search={"instances": ["shop"]}), "dev"), "dev")


def test_every_rule_about_a_stack_sees_the_stacks_of_this_repository() -> None:
    """A stack without its public access blocks is at fault for each of its buckets."""
    resources = [item for item in declared(settings(), "dev") if item.type != BLOCK]
    (rule,) = STACK_RULES
    buckets = {item.name for item in resources if item.type == BUCKET}
    assert buckets
    assert buckets == {item.name for item, _ in rule.judge(resources)}


def test_a_production_without_protection_is_refused_for_everything_that_lasts() -> None:
    """Each bucket, topic, queue and project by its name."""
    resources = declared(settings(protect=False), "prod")
    lasting = {item.name for item in resources if item.type in (BUCKET, TOPIC, QUEUE, PROJECT)}
    said = findings(resources, "prod")
    assert lasting
    assert all(sentence.startswith("protected-in-prod: ") for sentence in said)
    assert lasting == {sentence.split()[2] for sentence in said}
