"""CloudAccount: where and as whom the operator works for the objects of one namespace."""

from __future__ import annotations

from pydantic import Field

from controller.api.fields import AccountId, BucketName, Endpoint, Model, ObjectReference, RegionId, immutable
from controller.api.kind import Kind, printer_column
from controller.api.spec import ResyncedSpec
from controller.api.status import Identity, Status


class Endpoints(Model):
    """Addresses other than the region's public ones: a VPC endpoint, or the sandbox."""

    imm: Endpoint | None = Field(default=None, description="Address of IMM.")
    oss: Endpoint | None = Field(default=None, description="Address of OSS.")
    mns: Endpoint | None = Field(default=None, description="Address of MNS. Nothing reads it yet.")


class CredentialsSource(Model):
    """Whose rights are used: exactly one source, always of this namespace."""

    secret_ref: ObjectReference = Field(
        description=(
            "A Secret of this namespace with the keys accessKeyId and accessKeySecret (AccessKeyId and "
            "AccessKeySecret are accepted too) and, for temporary keys, securityToken."
        )
    )


class CloudAccountSpec(ResyncedSpec):
    region: RegionId = Field(
        description="Region of the projects and buckets, e.g. cn-hangzhou.",
        json_schema_extra=immutable(
            "spec.region", "everything recorded under this account lives there; make a second CloudAccount"
        ),
    )
    account_id: AccountId = Field(
        description="The Alibaba Cloud account the credentials must belong to. In quotes: it is text.",
        json_schema_extra=immutable("spec.accountId", "make a second CloudAccount for the other account"),
    )
    credentials: CredentialsSource = Field(description="Whose rights are used. Always of this namespace.")
    endpoints: Endpoints = Field(
        default_factory=Endpoints,
        description="Addresses other than the region's public ones: a VPC endpoint, or the sandbox.",
    )
    work_bucket: BucketName | None = Field(
        default=None,
        description="Bucket for the operator's own records, never one that a binding indexes. Nothing uses it yet.",
    )


class CloudAccountStatus(Status):
    identity: Identity | None = Field(default=None, description="The account and region that were signed in to.")
    principal: str | None = Field(default=None, max_length=256, description="ARN of who the credentials belong to.")


class CloudAccount(Kind):
    """Where and as whom: region, endpoints, credentials and the account they must belong to."""

    plural = "cloudaccounts"
    short_names = ("imma",)
    columns = (
        printer_column("Region", ".spec.region"),
        printer_column("Account", ".spec.accountId"),
        printer_column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        printer_column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
        printer_column("Age", ".metadata.creationTimestamp", "date"),
        printer_column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    )

    spec: CloudAccountSpec
    status: CloudAccountStatus = Field(default_factory=CloudAccountStatus)
