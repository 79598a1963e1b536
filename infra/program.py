"""The stack as one function: settings in, outputs out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import pulumi

# pulumi.Config has no way to list keys, and only a list shows a misspelt one.
from pulumi.runtime.config import CONFIG

from infra import account, cloud, config, rights
from infra import environment as env
from infra.components import image_search
from infra.components.events import Events, EventsArgs
from infra.components.operator_access import OperatorAccess, OperatorAccessArgs, Trust
from infra.components.service_role import ServiceRole, ServiceRoleArgs
from infra.handover import Made, document
from infra.provider.imm_project import ImmProject, ImmProjectArgs
from infra.provider.owning_account import OwningAccount
from infra.settings import FIRST_SHARD, StackSettings
from infra.storage import declare_buckets


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a stack exports; None is not exported.

    Attributes:
        handover: `controller.api.handover.Handover` as a JSON object; it holds no secret.
        operator_access_key: accessKeyId and accessKeySecret of the operator's RAM user, as a secret.
        image_search_authorization: What a person has to do in the console, or that it is said to be done.
    """

    handover: pulumi.Output[dict[str, Any]]
    operator_access_key: pulumi.Output[dict[str, str]] | None
    image_search_authorization: str | None


def run() -> None:
    """Read the configuration, declare the stack and export its outputs.

    Raises:
        pulumi.RunError: the configuration or the environment is refused.
    """
    stack = pulumi.get_stack()
    settings = config.read(CONFIG.get(), os.environ, project=pulumi.get_project(), stack=stack)
    emulator = env.emulator_url(os.environ) if settings.emulator else None
    account.verify(settings, os.environ, stack=stack, emulator=emulator)
    outputs = deploy(settings, stack=stack, emulator=emulator)
    pulumi.export("handover", outputs.handover)
    if outputs.operator_access_key is not None:
        pulumi.export("operatorAccessKey", outputs.operator_access_key)
    if outputs.image_search_authorization is not None:
        pulumi.export("imageSearchAuthorization", outputs.image_search_authorization)


def deploy(settings: StackSettings, *, stack: str, emulator: str | None) -> Outputs:
    """Declare every resource of a stack; `emulator` is the local cloud's address, None for Alibaba Cloud."""
    owner = OwningAccount("account", settings.account_id, settings.region)
    provider = cloud.provider(settings.region, settings.account_id, emulator, after=owner)
    kept = pulumi.ResourceOptions(providers=[provider], protect=settings.protect)
    free = pulumi.ResourceOptions(providers=[provider])  # rights are made again in a moment, and hold no data
    tags = settings.tags | {"managed-by": "pulumi", "stack": stack}
    scope = settings.scope
    role = ServiceRole("imm", ServiceRoleArgs(settings.service_role, scope), free)
    operator = _operator(settings, scope, free)
    buckets = declare_buckets(settings, tags, kept)
    events = _events(settings, kept)
    projects = _projects(settings, role, tags)
    made = Made(
        work_bucket=buckets.work,
        media_buckets=buckets.media,
        shards=events,
        projects=[(project.name, project.service_role) for project in projects],
        operator_role=operator.role,
    )
    search = settings.image_search
    note = image_search.authorization(search.instances, settings.indexed_buckets, authorized=search.authorized)
    image_search.explain(note, authorized=search.authorized)
    return Outputs(document(settings, stack, emulator, made), operator.access_key, note)


def _events(settings: StackSettings, opts: pulumi.ResourceOptions) -> list[Events]:
    return [
        Events(
            "events" if names.shard == FIRST_SHARD else f"events-{names.shard}",
            EventsArgs(settings.region, settings.account_id, names.topic, names.queue, names.dead_letter_queue),
            opts,
        )
        for names in settings.shard_names
    ]


def _operator(settings: StackSettings, scope: rights.Scope, opts: pulumi.ResourceOptions) -> OperatorAccess:
    rrsa = settings.operator.rrsa
    trust = None
    if rrsa is not None:
        subjects = (rights.subject(names.namespace, rrsa.service_account) for names in settings.shard_names)
        trust = Trust(settings.oidc_provider_arn(rrsa), rrsa.issuer, tuple(subjects))
    args = OperatorAccessArgs(settings.operator_name, scope, trust, credentials_user=settings.operator.credentials_user)
    return OperatorAccess("operator", args, opts)


def _projects(settings: StackSettings, role: ServiceRole, tags: dict[str, str]) -> list[ImmProject]:
    return [
        ImmProject(
            project.name,
            ImmProjectArgs(
                name=project.name,
                region=settings.region,
                service_role=role.role,
                template_id=project.template_id,
                description=project.description,
                quotas=project.quotas,
                tags=tags,
            ),
            pulumi.ResourceOptions(protect=settings.protect),
        )
        for project in settings.projects
    ]
