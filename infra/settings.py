"""What a stack decides, as one frozen model. Keys are those of Pulumi.yaml; objects among them are in infra.sections.

Every name that is made of others is made here, so that it is checked before anything is created.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from controller.api.cloudaccount import Endpoints
from controller.api.fields import AccountId, BucketName, MnsName, Model, ObjectName, RegionId
from controller.api.handover import refuse_colliding, shard_namespace
from infra import rights
from infra.names import Prefix, RoleName, ShardName, TagKey, TagValue
from infra.sections import ImageSearch, Operator, ProjectSettings, Rrsa, Storage, Work

OWNERS = "owners/"  # the operator's owner records in the work bucket, which nothing may expire
RUNS = "runs/"  # the operator's run records in the work bucket; what lies elsewhere in it is kept
FIRST_SHARD = "default"  # it has the plain names, so that a second shard later renames nothing


@dataclass(frozen=True, slots=True)
class ShardNames:
    """What belongs to one operator shard."""

    shard: str
    namespace: str
    topic: str
    queue: str
    dead_letter_queue: str


class StackSettings(Model):
    """Everything a stack decides; `region` is the provider's own key."""

    region: RegionId
    account_id: AccountId
    prefix: Prefix = "imm"
    media_buckets: tuple[BucketName, ...] = ()
    existing_buckets: tuple[BucketName, ...] = ()
    work_bucket: BucketName
    storage: Storage = Field(default_factory=Storage)
    work: Work = Field(default_factory=Work)
    tags: Annotated[dict[TagKey, TagValue], Field(max_length=8)] = Field(default_factory=dict)
    projects: Annotated[tuple[ProjectSettings, ...], Field(min_length=1)]
    shards: Annotated[tuple[ShardName, ...], Field(min_length=1)] = (FIRST_SHARD,)
    shard_namespaces: dict[ShardName, ObjectName] = Field(default_factory=dict)
    topic: MnsName | None = None
    queue: MnsName | None = None
    role: RoleName | None = None
    operator: Operator = Field(default_factory=Operator)
    image_search: ImageSearch = Field(default_factory=ImageSearch)
    cloud_account: ObjectName = "media"
    namespace: ObjectName = "media"
    credentials_secret: ObjectName = "alibaba-cloud"  # noqa: S105 - the Secret's name
    endpoints: Endpoints = Field(default_factory=Endpoints)
    emulator: bool = False
    protect: bool = False

    @property
    def indexed_buckets(self) -> tuple[str, ...]:
        """Every bucket IMM may read: those the stack makes, then those it found."""
        return (*self.media_buckets, *self.existing_buckets)

    @property
    def service_role(self) -> str:
        """Name of the role IMM works with."""
        return self.role or f"{self.prefix}-media"

    @property
    def operator_name(self) -> str:
        """Name of the operator's policy, and of its role or user."""
        return f"{self.prefix}-operator"

    @property
    def operator_policies(self) -> re.Pattern[str]:
        """What the operator's policies may be called (`infra.rights.policy_name`)."""
        return re.compile(rf"{re.escape(self.operator_name)}(-[0-9]+)?")

    @property
    def kms_keys(self) -> tuple[str, ...]:
        """Every key that encrypts what IMM and the operator read."""
        own = self.storage.kms_key_id
        return (*(() if own is None else (own,)), *self.storage.existing_kms_key_ids)

    @property
    def scope(self) -> rights.Scope:
        """What the stack's policies are about. RAM takes names of what is not there yet, so nothing is waited for."""
        shards = self.shard_names
        return rights.Scope(
            self.region,
            self.account_id,
            projects=tuple(project.name for project in self.projects),
            buckets=self.indexed_buckets,
            topics=tuple(names.topic for names in shards),
            keys=self.kms_keys,
            work=(self.work_bucket,),
            queues=tuple(names.queue for names in shards),
            dead_letter_queues=tuple(names.dead_letter_queue for names in shards),
            instances=self.image_search.instances,
        )

    @property
    def shard_names(self) -> tuple[ShardNames, ...]:
        """Namespace, topic and queues of each shard."""
        return tuple(self._names_of(shard) for shard in self.shards)

    def oidc_provider_arn(self, rrsa: Rrsa) -> str:
        """RAM's name of the cluster's OIDC provider; it is made with RRSA itself, once per cluster."""
        return f"acs:ram::{self.account_id}:oidc-provider/{rrsa.provider}"

    def _names_of(self, shard: str) -> ShardNames:
        suffix = "" if shard == FIRST_SHARD else f"-{shard}"
        topic, queue = (f"{name or f'{self.prefix}-events'}{suffix}" for name in (self.topic, self.queue))
        return ShardNames(shard, self._namespace_of(shard), topic, queue, f"{queue}-dead-letters")

    def _namespace_of(self, shard: str) -> str:
        first = shard == self.shards[0]
        return self.shard_namespaces.get(shard) or shard_namespace(self.namespace, shard, first=first)

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        _refuse_repeated("mediaBuckets and existingBuckets", self.indexed_buckets)
        _refuse_repeated("shards", self.shards)
        _refuse_repeated("projects", [project.name for project in self.projects])
        for project in self.projects:
            _refuse_repeated(f"projects: datasets of {project.name}", [dataset.name for dataset in project.datasets])
        try:
            refuse_colliding(dataset for project in self.projects for dataset in project.datasets)
        except ValueError as error:
            raise ValueError(f"projects: {error}") from None
        if self.operator_policies.fullmatch(self.service_role):
            raise ValueError(f"role: {self.service_role} is the operator's own role or policy: choose another name")
        _refuse_repeated("storage.kmsKeyId and storage.existingKmsKeyIds", self.kms_keys)
        return self

    @model_validator(mode="after")
    def _each_shard_has_a_namespace(self) -> Self:
        """Two shards have objects of the same names, so in one namespace they would be the same objects."""
        for shard in self.shard_namespaces:
            if shard not in self.shards[1:]:
                raise ValueError(
                    f"shardNamespaces: {shard} is none of the shards after the first ("
                    f"{', '.join(self.shards[1:]) or 'there is none'}), whose namespace is the key namespace: correct "
                    "the name or remove it"
                )
        namespaces = [names.namespace for names in self.shard_names]
        repeated = [name for name, count in Counter(namespaces).items() if count > 1]
        if repeated:
            raise ValueError(
                f"shardNamespaces: two shards would have the namespace {', '.join(repeated)}, and their objects the "
                "same names: give each shard its own"
            )
        _refuse_illegal("shardNamespaces", namespaces, ObjectName, "is no name of a namespace: shorten namespace")
        return self

    @model_validator(mode="after")
    def _buckets_have_one_purpose(self) -> Self:
        if not self.indexed_buckets:
            raise ValueError("mediaBuckets: there is none, and existingBuckets names none: name one of either")
        if self.work_bucket in self.indexed_buckets:
            raise ValueError(
                f"workBucket: {self.work_bucket} is one of mediaBuckets or existingBuckets, so IMM would index the "
                "operator's own records: choose another bucket"
            )
        log = self.storage.access_log
        if log is not None and log.bucket in self.indexed_buckets:
            raise ValueError(
                f"storage.accessLog.bucket: {log.bucket} is one of mediaBuckets or existingBuckets, so IMM would index "
                "the logs, and every log be logged: choose the work bucket or one of its own"
            )
        if (
            log is not None
            and log.bucket == self.work_bucket
            and any(own.startswith(log.prefix) or log.prefix.startswith(own) for own in (RUNS, OWNERS))
        ):
            raise ValueError(
                f"storage.accessLog.prefix: {log.prefix} overlaps {RUNS} or {OWNERS}, where the operator's records lie "
                "in the same bucket: choose another prefix"
            )
        return self

    @model_validator(mode="after")
    def _message_names_are_legal(self) -> Self:
        queues = [name for shard in self.shard_names for name in (shard.queue, shard.dead_letter_queue)]
        _refuse_repeated("shards: the queues' names", queues)
        names = (*queues, *(shard.topic for shard in self.shard_names))
        _refuse_illegal("shards", names, MnsName, "is longer than 120 characters: shorten topic and queue")
        return self

    @model_validator(mode="after")
    def _rights_fit_into_policies(self) -> Self:
        for whose, table in (("the operator", rights.OPERATOR), ("IMM", rights.IMM)):
            needed = len(rights.policies(table, self.scope))
            if needed > rights.MOST_POLICIES:
                raise ValueError(
                    f"mediaBuckets, existingBuckets: {whose} would need {needed} RAM policies for the "
                    f"{len(self.indexed_buckets)} buckets, {len(self.projects)} projects and {len(self.shards)} shards "
                    f"there are, and RAM attaches {rights.MOST_POLICIES} of {rights.LONGEST_POLICY} characters: "
                    "divide them among several stacks, each with a prefix of its own"
                )
        return self

    @model_validator(mode="after")
    def _operator_has_one_way_in(self) -> Self:
        if self.operator.rrsa is not None and self.operator.credentials_user:
            raise ValueError("operator: credentialsUser makes an AccessKey that nobody needs with rrsa: remove one")
        return self


def _refuse_repeated(key: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValueError(f"{key}: {', '.join(repeated)} stands there more than once: remove the repetition")


def _refuse_illegal(key: str, names: Iterable[str], rule: Any, said: str) -> None:
    for name in names:
        try:
            TypeAdapter(rule).validate_python(name)
        except ValidationError:
            raise ValueError(f"{key}: {name} {said}") from None
