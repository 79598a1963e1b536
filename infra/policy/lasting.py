"""Rules for what cannot be made again: data, messages on their way, metadata that was paid for."""

from __future__ import annotations

import re

from infra.policy.buckets import BUCKET
from infra.policy.declared import Declared, Rule

TOPIC = "alicloud:message/serviceTopic:ServiceTopic"
QUEUE = "alicloud:message/serviceQueue:ServiceQueue"
PROJECT = "pulumi-python:dynamic/imm:Project"
OLD_PROJECT = "alicloud:imm/project:Project"


def production(stack: str) -> bool:
    """Whether a stack is a production one: a word of its name is, as in `prod`, `eu-prod`, `prod2` or `a_production`.

    Words end at whatever is no letter. An organisation before the name does not matter.
    """
    words = re.split("[^a-z]+", stack.rpartition("/")[2].lower())
    return not {"prod", "production"}.isdisjoint(words)


def unprotected(resource: Declared, stack: str) -> str | None:
    """In production, a resource that one line less in the program would delete, or a bucket emptied on the way."""
    if not production(stack):
        return None
    if not resource.protect:
        return f"is not protected in {stack}: set imm-operator:protect to true in its stack file"
    if resource.properties.get("forceDestroy"):
        return f"would be emptied when it is deleted in {stack}: leave force_destroy out"
    return None


def of_the_old_api(_resource: Declared, _stack: str) -> str | None:
    """The vendor's resource type calls the API of 2017-09-06, whose projects hold no datasets or bindings."""
    return "is a project of the old API (2017-09-06): use infra.provider.imm_project.ImmProject"


RULES = (
    Rule(
        "protected-in-prod",
        "Buckets, topics, queues and projects of production are protected",
        frozenset({BUCKET, TOPIC, QUEUE, PROJECT}),
        unprotected,
    ),
    Rule("project-of-new-api", "IMM projects are of the 2020-09-30 API", frozenset({OLD_PROJECT}), of_the_old_api),
)
