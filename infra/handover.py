"""Puts what the stack made into the hand-over document of `controller.api.handover`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from controller.api.cloudaccount import Endpoints, Rrsa
from controller.api.handover import VERSION, Handover, HandoverProject, HandoverShard
from infra.components.events import Events
from infra.settings import StackSettings


@dataclass(frozen=True, slots=True)
class Made:
    """Names of what was made, each known when the thing is there and may be used.

    Attributes:
        projects: Name and service role of each IMM project.
        operator_role: The role that trusts the operator's service account, None without RRSA.
    """

    work_bucket: pulumi.Input[str]
    media_buckets: Sequence[pulumi.Input[str]]
    shards: Sequence[Events]
    projects: Sequence[tuple[pulumi.Output[str], pulumi.Output[str]]]
    operator_role: pulumi.Output[str] | None


def document(settings: StackSettings, stack: str, emulator: str | None, made: Made) -> pulumi.Output[dict[str, Any]]:
    """The hand-over as a JSON object, without anything that is absent."""
    known = pulumi.Output.all(
        work_bucket=made.work_bucket,
        media_buckets=list(made.media_buckets),
        shards=[
            {"topic": shard.topic, "queue": shard.queue, "dead_letter_queue": shard.dead_letter_queue}
            for shard in made.shards
        ],
        projects=[{"name": name, "service_role": role} for name, role in made.projects],
        operator_role=made.operator_role,
    )
    return known.apply(lambda names: _document(settings, stack, emulator, names))


def _document(settings: StackSettings, stack: str, emulator: str | None, made: dict[str, Any]) -> dict[str, Any]:
    endpoints = settings.endpoints
    if emulator is not None and endpoints == Endpoints():
        endpoints = Endpoints(imm=emulator, oss=emulator, mns=emulator, image_search=emulator)
    datasets = {project.name: project.datasets for project in settings.projects}
    rrsa = _rrsa(settings, made["operator_role"])
    handover = Handover(
        version=VERSION,
        stack=stack,
        name=settings.cloud_account,
        namespace=settings.namespace,
        region=settings.region,
        account_id=settings.account_id,
        endpoints=endpoints,
        credentials_secret=settings.credentials_secret if rrsa is None else None,
        rrsa=rrsa,
        work_bucket=made["work_bucket"],
        media_buckets=tuple(made["media_buckets"]),
        shards=tuple(
            HandoverShard(
                name=names.shard,
                namespace=None if names.namespace == settings.namespace else names.namespace,
                **shard,
            )
            for names, shard in zip(settings.shard_names, made["shards"], strict=True)
        ),
        projects=tuple(HandoverProject(**project, datasets=datasets[project["name"]]) for project in made["projects"]),
    )
    return handover.model_dump(mode="json", by_alias=True, exclude_none=True)


def _rrsa(settings: StackSettings, role: str | None) -> Rrsa | None:
    chosen = settings.operator.rrsa
    if chosen is None or role is None:
        return None
    return Rrsa(
        role_arn=f"acs:ram::{settings.account_id}:role/{role}",
        oidc_provider_arn=settings.oidc_provider_arn(chosen),
        service_account_name=chosen.service_account,
    )
