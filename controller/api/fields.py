"""Building blocks that every kind shares: the model's habits, names with the vendor's rules, durations, references.

Cloud names carry their rule here once, so that the CRD, the Pulumi program and the docs refuse the same spelling.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "imm-operator.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FINALIZER = f"{GROUP}/finalizer"
RECONCILE_REQUESTED_AT = f"{GROUP}/reconcile-requested-at"
DETACH = f"{GROUP}/detach"
END_GRACE_PERIOD = f"{GROUP}/end-grace-period"


class Model(BaseModel):
    """camelCase on the wire, snake_case in the code, unknown fields refused, frozen."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def cel(rule: str, message: str) -> dict[str, Any]:
    """One CEL rule as the schema keyword the API server enforces."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message}]}


def immutable(what: str, way_out: str) -> dict[str, Any]:
    """The CEL rule of a field that never changes, with the way out in its message."""
    return cel("self == oldSelf", f"{what} cannot be changed: {way_out}")


# Kubernetes object names (RFC 1123 subdomain).
ObjectName = Annotated[
    str,
    Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"),
]
# IMM 2020-09-30, CreateProject and CreateDataset: 1-128 characters, letters, digits, `-` and `_`, starting with a
# letter or `_`.
ImmName = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[a-zA-Z_][a-zA-Z0-9_-]*$")]
# OSS bucket naming: 3-63 characters, lower case, digits and hyphens, no hyphen at either end.
BucketName = Annotated[str, Field(min_length=3, max_length=63, pattern=r"^[a-z0-9][a-z0-9-]*[a-z0-9]$")]
AccountId = Annotated[str, Field(pattern=r"^[0-9]{5,20}$", max_length=20)]
RegionId = Annotated[str, Field(pattern=r"^[a-z]{2}-[a-z0-9-]+$", max_length=64)]
# Whole units, largest first, as `kubectl` prints them: 90s, 10m, 1h30m.
DurationText = Annotated[str, Field(pattern=r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$", min_length=2, max_length=24)]
# host[:port] of an endpoint override, with its scheme: an override is a decision, so nothing is guessed.
Endpoint = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]+)?$", max_length=253)]


class ObjectReference(Model):
    """An object of the same namespace. References never cross a namespace."""

    name: ObjectName = Field(description="Name of the object, in this namespace.")


class DeletionPolicy(StrEnum):
    """What deleting the Kubernetes object does to the cloud."""

    RETAIN = "Retain"
    DELETE = "Delete"


class Mode(StrEnum):
    """How far a reconcile goes."""

    APPLY = "Apply"
    OBSERVE = "Observe"
    DRY_RUN = "DryRun"
