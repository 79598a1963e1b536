"""CloudAccount: where and as whom the operator works for the objects of one namespace."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from controller.api.bounds import Value
from controller.api.events import Events
from controller.api.fields import (
    RULES,
    AccountId,
    BucketName,
    Endpoint,
    Model,
    ObjectName,
    ObjectReference,
    RegionId,
    cel,
    immutable,
    spelled,
)
from controller.api.kind import Kind, printer_column
from controller.api.spec import ResyncedSpec
from controller.api.status import Identity, Status


class Endpoints(Model):
    """Addresses other than the region's public ones: a VPC endpoint, or the sandbox."""

    imm: Endpoint | None = Field(default=None, description="Address of IMM.")
    oss: Endpoint | None = Field(default=None, description="Address of OSS.")
    mns: Endpoint | None = Field(default=None, description="Address of MNS.")
    image_search: Endpoint | None = Field(default=None, description="Address of Image Search.")


ONE_SOURCE = (
    "spec.credentials takes exactly one of secretRef (an AccessKey in a Secret), rrsa (a RAM role that a service "
    "account takes on) and ambient (the operator's own rights): set one and leave the others out"
)
SOURCES = "[has(self.secretRef), has(self.rrsa), has(self.ambient)].filter(given, given).size() == 1"
OWN_ACCOUNT = (
    "spec.credentials.rrsa names a role and an OIDC provider of the account in spec.accountId: make a second "
    "CloudAccount for the other account"
)
OWN_ADDRESSES = (
    "spec.endpoints cannot be set with spec.credentials.ambient: the operator's own rights go to the vendor's own "
    "addresses only; use rrsa or secretRef with other addresses"
)
NO_STRANGERS_ROLE = (
    "!has(self.credentials.rrsa) || (self.credentials.rrsa.roleArn.startsWith('acs:ram::' + self.accountId + ':') && "
    "self.credentials.rrsa.oidcProviderArn.startsWith('acs:ram::' + self.accountId + ':'))"
)
NO_STRANGERS_ADDRESS = (
    "!has(self.credentials.ambient) || !has(self.endpoints) || "
    "!(has(self.endpoints.imm) || has(self.endpoints.oss) || has(self.endpoints.mns) || "
    "has(self.endpoints.imageSearch))"
)
# RAM CreateRole and the console's rule for identity providers: 1 to 64 and 1 to 128 characters.
RoleArn = Annotated[
    str,
    spelled(
        "a role's ARN looks like acs:ram::1234567890123456:role/imm-operator",
        r"^acs:ram::[0-9]{5,20}:role/[a-zA-Z0-9.-]{1,64}$",
        max_length=128,
    ),
]
OidcProviderArn = Annotated[
    str,
    spelled(
        "an OIDC provider's ARN looks like acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1234",
        r"^acs:ram::[0-9]{5,20}:oidc-provider/[a-zA-Z0-9._-]{1,128}$",
        max_length=192,
    ),
]


class Rrsa(Model):
    """A RAM role for a service account: short-lived keys, and no secret anywhere."""

    role_arn: RoleArn = Field(description="The RAM role to take on.")
    oidc_provider_arn: OidcProviderArn = Field(description="The cluster's OIDC provider, as RAM knows it.")
    service_account_name: ObjectName = Field(
        description="The service account the role trusts, in this namespace. It needs no pod and no rights."
    )


class Ambient(Model):
    """Nothing to say: the operator knows its own rights."""


class CredentialsSource(Model):
    """Whose rights are used: exactly one source; a Secret or a service account is always of this namespace."""

    model_config = ConfigDict(json_schema_extra=cel(SOURCES, ONE_SOURCE))

    secret_ref: ObjectReference | None = Field(
        default=None,
        description=(
            "A Secret of this namespace with the keys accessKeyId and accessKeySecret (AccessKeyId and "
            "AccessKeySecret are accepted too) and, for temporary keys, securityToken."
        ),
    )
    rrsa: Rrsa | None = Field(
        default=None,
        description="A RAM role that the operator takes on for a service account of this namespace, without any key.",
    )

    ambient: Ambient | None = Field(
        default=None,
        description=(
            "`{}`: the operator's own rights, at the vendor's own addresses only. Refused unless the operator's "
            "administrator lends them (IMM_OPERATOR_ALLOW_AMBIENT)."
        ),
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if [self.secret_ref, self.rrsa, self.ambient].count(None) != 2:  # noqa: PLR2004 - all but one of three
            raise ValueError(ONE_SOURCE)
        return self


class CloudAccountSpec(ResyncedSpec):
    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                {"rule": NO_STRANGERS_ROLE, "message": OWN_ACCOUNT},
                {"rule": NO_STRANGERS_ADDRESS, "message": OWN_ADDRESSES},
            ]
        }
    )

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
        description=(
            "Bucket for the operator's own records, which must never have had versioning and is never bound. Owner "
            "records in it keep clusters from claiming the same binding."
        ),
    )
    events: Events | None = Field(
        default=None,
        description=(
            "Where the results of imports into a dataset arrive, in MNS. It may be changed: what a run under way has "
            "already sent is answered on the old topic, and is then asked for from IMM (BatchGetFileMeta)."
        ),
    )

    @model_validator(mode="after")
    def _nobody_elses(self) -> Self:
        """Also for an object that was stored before the API server knew the rules."""
        rrsa, prefix = self.credentials.rrsa, f"acs:ram::{self.account_id}:"
        if rrsa and not (rrsa.role_arn.startswith(prefix) and rrsa.oidc_provider_arn.startswith(prefix)):
            raise ValueError(OWN_ACCOUNT)
        if self.credentials.ambient and self.endpoints != Endpoints():
            raise ValueError(OWN_ADDRESSES)
        return self


class CloudAccountStatus(Status):
    identity: Identity | None = Field(default=None, description="The account and region that were signed in to.")
    principal: Value | None = Field(default=None, description="ARN of who the credentials belong to.")


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
