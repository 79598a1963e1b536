"""The hand-over document: what the Pulumi program made, as the cluster needs to know it.

It carries no secret: credentials reach the cluster by another way, and the document may be committed.

The version counts what a reader has to know. A field that may be absent comes without a new one: this release reads
documents without it, and an older release refuses a document that has it by the field's name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from controller.api.cloudaccount import Endpoints, Rrsa
from controller.api.dataset import Quotas
from controller.api.events import Events
from controller.api.fields import AccountId, BucketName, ImmName, MnsName, Model, ObjectName, RegionId

VERSION: Final = 2


class HandoverDataset(Model):
    """A dataset the operator shall own in a project."""

    name: ImmName
    template_id: str | None = None
    quotas: Quotas = Field(default_factory=Quotas)

    @property
    def object_name(self) -> str:
        """Name of the Dataset object: lower case, `_` as `-`, no hyphen at either end. Empty if nothing remains."""
        return self.name.lower().replace("_", "-").strip("-")


class HandoverProject(Model):
    """An IMM project of the 2020-09-30 API."""

    name: ImmName
    service_role: str = Field(description="Name of the RAM role IMM works with.")
    datasets: tuple[HandoverDataset, ...] = ()


class HandoverShard(Model):
    """Where the messages of one operator shard go: no shard reads another one's."""

    name: ObjectName
    namespace: ObjectName | None = Field(
        default=None, description="Namespace of this shard's objects; absent: `shard_namespace` says."
    )
    topic: MnsName = Field(description="MNS topic that IMM publishes this shard's results on.")
    queue: MnsName = Field(description="MNS queue subscribed to the topic, for the shard to read.")
    dead_letter_queue: MnsName = Field(description="MNS queue with the messages that nobody could work on.")

    @property
    def events(self) -> Events:
        """As the CloudAccount of the operator that runs this shard has it."""
        return Events(topic=self.topic, queue=self.queue, dead_letter_queue=self.dead_letter_queue)

    @model_validator(mode="after")
    def _queues_are_two(self) -> Self:
        if self.queue == self.dead_letter_queue:
            raise ValueError(f"queue and deadLetterQueue are both {self.queue}: dead letters need a queue of their own")
        return self


class Handover(Model):
    """One stack's result: the account, what it holds, and the names under which the cluster knows it."""

    version: Literal[2]
    stack: str = Field(description="The Pulumi stack, e.g. prod.")
    name: ObjectName = Field(description="Name of the CloudAccount object to render.")
    namespace: ObjectName = Field(description="Namespace of the rendered objects.")
    region: RegionId
    account_id: AccountId
    endpoints: Endpoints = Field(default_factory=Endpoints)
    credentials_secret: ObjectName | None = Field(
        default=None, description="Secret of the namespace that holds the AccessKey; absent with rrsa."
    )
    rrsa: Rrsa | None = Field(default=None, description="The RAM role in place of an AccessKey.")
    work_bucket: BucketName
    media_buckets: tuple[BucketName, ...]
    shards: Annotated[tuple[HandoverShard, ...], Field(min_length=1)]
    projects: tuple[HandoverProject, ...]

    def namespace_of(self, shard: HandoverShard) -> str:
        """Where the objects of one of the shards are: two shards have the same names, and never the same namespace."""
        first = shard.name == self.shards[0].name
        return shard.namespace or shard_namespace(self.namespace, shard.name, first=first)

    @model_validator(mode="before")
    @classmethod
    def _version_is_ours(cls, document: Any) -> Any:
        """Say it in one sentence, before every changed field is named."""
        if isinstance(document, dict) and document.get("version") != VERSION:
            raise ValueError(
                f"version is {document.get('version')!r}, and this imm-operator reads {VERSION}: run `pulumi up` with "
                "the infra of the same release"
            )
        return document

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.credentials_secret is None) == (self.rrsa is None):
            raise ValueError("exactly one of credentialsSecret and rrsa says whose rights are used")
        return self

    @model_validator(mode="after")
    def _shards_are_distinct(self) -> Self:
        names = [shard.name for shard in self.shards]
        if len(names) != len(set(names)):
            raise ValueError(f"shards: two of {', '.join(names)} have one name: rename one")
        namespaces = [self.namespace_of(shard) for shard in self.shards]
        if len(namespaces) != len(set(namespaces)):
            raise ValueError(f"shards: two of {', '.join(names)} have one namespace: give each its own")
        return self

    @model_validator(mode="after")
    def _object_names_are_distinct(self) -> Self:
        refuse_colliding(dataset for project in self.projects for dataset in project.datasets)
        return self


def shard_namespace(namespace: str, shard: str, *, first: bool) -> str:
    """A shard's namespace where none is given: the stack's for the first one, which may be the only one."""
    return namespace if first else f"{namespace}-{shard}"


def refuse_colliding(datasets: Iterable[HandoverDataset]) -> None:
    """Check that every dataset of a stack has an object name of its own.

    Raises:
        ValueError: naming the dataset and what to do.
    """
    by_object: dict[str, HandoverDataset] = {}
    for dataset in datasets:
        if not dataset.object_name:
            raise ValueError(f"dataset {dataset.name}: no letter or digit is left to name its object: rename it")
        other = by_object.setdefault(dataset.object_name, dataset)
        if other is not dataset:
            raise ValueError(
                f"datasets {other.name} and {dataset.name} would both be object {dataset.object_name}: rename one"
            )
