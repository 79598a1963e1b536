"""Building blocks that every kind shares: the model's habits, names with the vendor's rules, durations, references.

Cloud names carry their rule here once, so that the CRD, the Pulumi program and the docs refuse the same spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
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
STANDS_IN_FOR = f"{GROUP}/stands-in-for"  # on an object of our own making: the name of the one whose end it waits for
SHARD = f"{GROUP}/shard"  # a label: which of several operators serves the object
DEFAULT_SHARD = "default"  # the one of objects without the label
RULES = "x-kubernetes-validations"


class Model(BaseModel):
    """camelCase on the wire, snake_case in the code, unknown fields refused, frozen."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def cel(rule: str, message: str) -> dict[str, Any]:
    """One CEL rule as the schema keyword the API server enforces."""
    return {RULES: [{"rule": rule, "message": message}]}


def bounded(what: str, least: str, most: str) -> dict[str, Any]:
    """The CEL rule of a duration's bounds; a misspelled one is left to its spelling rule."""
    within = f"duration(self) >= duration('{least}') && duration(self) <= duration('{most}')"
    return cel(
        f"self == '' || !self.matches(r'{DURATION}') || ({within})", f"{what} is at least {least} and at most {most}"
    )


def immutable(what: str, way_out: str) -> dict[str, Any]:
    """The CEL rule of a field that never changes, with the way out in its message."""
    return cel("self == oldSelf", f"{what} cannot be changed: {way_out}")


# Whole units, largest first, as `kubectl` prints them: 90s, 10m, 1h30m. Five digits keep every sum within a datetime.
DURATION = r"^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$"
# The words a person reads in place of a pattern; the CRD turns both into one CEL rule.
SPELLING = "x-spelling"


def spelled(words: str, pattern: str, *, max_length: int, min_length: int | None = None) -> Any:
    """The spelling rule of a text: `words` say what to write, the pattern and the lengths decide."""
    return Field(min_length=min_length, max_length=max_length, pattern=pattern, json_schema_extra={SPELLING: words})


# Kubernetes object names (RFC 1123 subdomain).
ObjectName = Annotated[
    str,
    spelled(
        "a Kubernetes name is lower-case letters, digits, - and ., starting and ending alphanumeric",
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        max_length=253,
    ),
]
# IMM 2020-09-30, CreateProject and CreateDataset: 1-128 characters, letters, digits, `-` and `_`, starting with a
# letter or `_`.
ImmName = Annotated[
    str,
    spelled(
        "an IMM name is 1 to 128 letters, digits, - and _, and starts with a letter or _",
        r"^[a-zA-Z_][a-zA-Z0-9_-]*$",
        max_length=128,
    ),
]
# OSS bucket naming: 3-63 characters, lower case, digits and hyphens, no hyphen at either end.
BucketName = Annotated[
    str,
    spelled(
        "a bucket name is 3 to 63 lower-case letters, digits and hyphens, no hyphen at either end",
        r"^[a-z0-9][a-z0-9-]*[a-z0-9]$",
        min_length=3,
        max_length=63,
    ),
]
# Provider's documents of mns_topic and mns_queue; the length is that of "Limits" of Simple Message Queue.
MnsName = Annotated[
    str,
    spelled(
        "a topic or queue name is 1 to 120 letters, digits and hyphens, and starts with a letter or digit",
        r"^[a-zA-Z0-9][a-zA-Z0-9-]*$",
        max_length=120,
    ),
]
AccountId = Annotated[str, spelled("an account id is 5 to 20 digits, in quotes", r"^[0-9]{5,20}$", max_length=20)]
RegionId = Annotated[str, spelled("a region looks like cn-hangzhou", r"^[a-z]{2}-[a-z0-9-]+$", max_length=64)]
DurationText = Annotated[
    str,
    spelled(
        "a duration is whole hours, minutes and seconds, largest first, e.g. 90s, 10m or 1h30m",
        DURATION,
        min_length=2,
        max_length=24,
    ),
]
# host[:port] of an endpoint override, with its scheme: an override is a decision, so nothing is guessed.
LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
Endpoint = Annotated[
    str,
    spelled(
        "an address is http:// or https://, a host, and a port if it is not the usual one; no path",
        rf"^https?://{LABEL}(\.{LABEL})*(:{PORT})?$",
        max_length=253,
    ),
]


class ObjectReference(Model):
    """An object of the same namespace. References never cross a namespace."""

    name: ObjectName = Field(description="Name of the object, in this namespace.")


def shard_of(labels: Mapping[str, str]) -> str:
    """The shard that an object's labels name; empty for the default one, which needs no label."""
    named = labels.get(SHARD, "")
    return "" if named == DEFAULT_SHARD else named


class DeletionPolicy(StrEnum):
    """What deleting the Kubernetes object does to the cloud."""

    RETAIN = "Retain"
    DELETE = "Delete"


class Mode(StrEnum):
    """How far a reconcile goes."""

    APPLY = "Apply"
    OBSERVE = "Observe"
    DRY_RUN = "DryRun"
