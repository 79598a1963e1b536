"""The objects among a stack's keys, with the defaults of what is inside of them.

They stand here alone: Pulumi replaces an object's default as a whole, it does not merge, so Pulumi.yaml says `{}`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controller.api.dataset import Quotas
from controller.api.fields import BucketName, ImmName, Model, ObjectName
from controller.api.handover import HandoverDataset
from infra.names import InstanceName, IssuerUrl, KmsKeyId, LogPrefix, OidcProviderName

Days = Annotated[int, Field(ge=1, le=3650)]


class AccessLog(Model):
    """Where OSS writes who read the media: the work bucket, or one the stack does not make."""

    bucket: BucketName
    prefix: LogPrefix = "access-log/"


class Storage(Model):
    """How every bucket of the stack keeps its objects. Versions, of media, and encryption are no choice."""

    storage_class: Literal["Standard", "IA"] = "Standard"  # IMM cannot read an archived object
    redundancy: Literal["LRS", "ZRS"] = "LRS"
    kms_key_id: KmsKeyId | None = None  # None: AES-256 with OSS' own key
    existing_kms_key_ids: tuple[KmsKeyId, ...] = ()  # of what lies in existingBuckets; the stack encrypts with none
    noncurrent_days: Days = 30
    multipart_days: Days = 7
    access_log: AccessLog | None = None


class Work(Model):
    """How long the operator's own records are kept."""

    expire_days: Days = 90


class ProjectQuotas(Quotas):
    """Upper bounds of a project: each dataset's, and how many datasets there may be."""

    max_dataset_count: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None


class ProjectSettings(Model):
    """An IMM project, with the datasets that the operator, not Pulumi, creates in it."""

    name: ImmName
    template_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    description: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    quotas: ProjectQuotas = Field(default_factory=ProjectQuotas)
    datasets: tuple[HandoverDataset, ...] = ()


class Rrsa(Model):
    """Whom the operator's role trusts: one service account, in the stack's namespace, of one cluster."""

    provider: OidcProviderName
    issuer: IssuerUrl
    service_account: ObjectName = "imm-operator"


class Operator(Model):
    """How the operator comes to its rights; neither of the two means that the Secret's key is made elsewhere."""

    rrsa: Rrsa | None = None
    credentials_user: bool = False


class ImageSearch(Model):
    """Image Search instances that read the media buckets. Nothing here is created: no API grants that right."""

    instances: tuple[InstanceName, ...] = ()
    authorized: bool = False
