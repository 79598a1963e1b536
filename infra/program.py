"""The stack as one function: settings in, hand-over document out."""

from __future__ import annotations

import os
from typing import Any

import pulumi

# pulumi.Config has no way to list keys, and only a list shows a misspelt one.
from pulumi.runtime.config import CONFIG

from controller.api.cloudaccount import Endpoints
from controller.api.handover import Handover, HandoverProject
from infra import cloud, config
from infra import environment as env
from infra.components.access import Access, AccessArgs
from infra.components.events import Events, EventsArgs
from infra.components.private_bucket import PrivateBucket, PrivateBucketArgs
from infra.config import StackSettings
from infra.provider.imm_project import ImmProject


def run() -> None:
    """Read the configuration, declare the stack and export its hand-over document.

    Raises:
        pulumi.RunError: the configuration or the environment is refused.
    """
    stack = pulumi.get_stack()
    settings = config.read(CONFIG.get(), os.environ, project=pulumi.get_project(), stack=stack)
    emulator = env.emulator_url(os.environ) if settings.emulator else None
    pulumi.export("handover", deploy(settings, stack=stack, emulator=emulator))


def deploy(settings: StackSettings, *, stack: str, emulator: str | None) -> pulumi.Output[dict[str, Any]]:
    """Declare every resource; the result is `controller.api.handover.Handover` as a JSON object."""
    provider = cloud.provider(settings.region, settings.account_id, emulator)
    opts = pulumi.ResourceOptions(providers=[provider], protect=settings.protect)
    media = [PrivateBucket(name, PrivateBucketArgs(name), opts) for name in settings.media_buckets]
    work = PrivateBucket(settings.work_bucket, PrivateBucketArgs(settings.work_bucket), opts)
    events = Events("events", EventsArgs(settings.region, settings.account_id, settings.topic, settings.queue), opts)
    access = Access(
        "imm",
        AccessArgs(
            region=settings.region,
            account_id=settings.account_id,
            role=settings.role,
            media_buckets=[bucket.bucket for bucket in media],
            topic=events.topic,
        ),
        pulumi.ResourceOptions(providers=[provider]),
    )
    projects = _projects(settings, access)
    made = pulumi.Output.all(
        work_bucket=work.bucket,
        media_buckets=[bucket.bucket for bucket in media],
        topic=events.topic,
        queue=events.queue,
        projects=[{"name": project.name, "service_role": project.service_role} for project in projects],
    )
    return made.apply(lambda names: _handover(settings, stack, emulator, names))


def _projects(settings: StackSettings, access: Access) -> list[ImmProject]:
    return [
        ImmProject(
            project.name,
            name=project.name,
            region=settings.region,
            service_role=access.role,
            template_id=project.template_id,
            description=project.description,
            opts=pulumi.ResourceOptions(protect=settings.protect),
        )
        for project in settings.projects
    ]


def _handover(settings: StackSettings, stack: str, emulator: str | None, made: dict[str, Any]) -> dict[str, Any]:
    endpoints = settings.endpoints
    if emulator is not None and endpoints == Endpoints():
        endpoints = Endpoints(imm=emulator, oss=emulator, mns=emulator)
    datasets = {project.name: project.datasets for project in settings.projects}
    document = Handover(
        stack=stack,
        name=settings.cloud_account,
        namespace=settings.namespace,
        region=settings.region,
        account_id=settings.account_id,
        endpoints=endpoints,
        credentials_secret=settings.credentials_secret,
        work_bucket=made["work_bucket"],
        media_buckets=tuple(made["media_buckets"]),
        topic=made["topic"],
        queue=made["queue"],
        projects=tuple(HandoverProject(**project, datasets=datasets[project["name"]]) for project in made["projects"]),
    )
    return document.model_dump(mode="json", by_alias=True, exclude_none=True)
