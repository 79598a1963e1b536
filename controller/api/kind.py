"""What makes a model a Kubernetes kind: its names, its columns, and the metadata the operator reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field

from controller.api.bounds import cut
from controller.api.fields import (
    API_VERSION,
    DETACH,
    END_GRACE_PERIOD,
    FINALIZER,
    RECONCILE_REQUESTED_AT,
    SHARD,
    STANDS_IN_FOR,
    Model,
    shard_of,
)
from controller.api.status import Status

MAX_TOKEN = 128  # bytes of a request that are looked at and echoed in status.lastHandledReconcileAt


class Metadata(Model):
    """The part of an object's metadata that decides anything here; the rest is left alone."""

    model_config = ConfigDict(extra="ignore")

    name: str
    namespace: str
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    finalizers: tuple[str, ...] = ()
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)

    @property
    def deleting(self) -> bool:
        """Whether somebody asked for the object to go."""
        return self.deletion_timestamp is not None

    @property
    def held(self) -> bool:
        """Whether our finalizer stands on it."""
        return FINALIZER in self.finalizers

    @property
    def shard(self) -> str:
        """The operator that serves the object; empty for the default one."""
        return shard_of(self.labels)

    @property
    def reconcile_requested_at(self) -> str | None:
        """The token of the last request to reconcile now, if any."""
        token = self.annotations.get(RECONCILE_REQUESTED_AT)
        return cut(token, MAX_TOKEN, more="") if token is not None else None

    @property
    def grace_ended(self) -> bool:
        """Whether somebody ended the deletion's grace period early. Any other word than `now` is none."""
        return self.annotations.get(END_GRACE_PERIOD) == "now"

    @property
    def detached(self) -> bool:
        """Whether somebody asked to let go of the cloud resource as it is. Any other word than `true` is none."""
        return self.annotations.get(DETACH) == "true"

    @property
    def stands_in_for(self) -> str | None:
        """The name of the object whose deletion's grace period this one waits for, if it is a stand-in."""
        return self.annotations.get(STANDS_IN_FOR)

    @property
    def known_as(self) -> str:
        """The name that people know it by, and that it owns things under."""
        return self.stands_in_for or self.name


class Kind(Model):
    """A custom resource as read from the API server. Subclasses narrow `spec` and `status`."""

    model_config = ConfigDict(extra="ignore")

    plural: ClassVar[str]
    short_names: ClassVar[tuple[str, ...]]
    columns: ClassVar[tuple[dict[str, Any], ...]]

    metadata: Metadata
    status: Status = Field(default_factory=Status)

    @property
    def ready(self) -> bool:
        """Ready=True, and said of the present generation."""
        return any(
            c.type == "Ready" and c.status == "True" and c.observed_generation == self.metadata.generation
            for c in self.status.conditions
        )

    @classmethod
    def kind(cls) -> str:
        """The `kind` on the wire."""
        return cls.__name__

    @classmethod
    def read(cls, body: dict[str, Any]) -> Self:
        """Parse an object as the API server stores it.

        Raises:
            pydantic.ValidationError: the stored object does not fit this version's schema.
        """
        return cls.model_validate(body)

    def manifest(self) -> dict[str, Any]:
        """The object as a person would write it: no status, nothing that equals its default, of labels the shard's."""
        meta = self.metadata
        labels = {"labels": {SHARD: meta.shard}} if meta.shard else {}
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind(),
            "metadata": {"name": meta.name, "namespace": meta.namespace} | labels,
            "spec": self.model_dump(mode="json", by_alias=True, exclude_defaults=True)["spec"],
        }


def printer_column(name: str, json_path: str, kind: str = "string", *, wide: bool = False) -> dict[str, Any]:
    """One `additionalPrinterColumns` entry; a wide one shows with `-o wide` only."""
    return {"name": name, "jsonPath": json_path, "type": kind} | ({"priority": 1} if wide else {})
