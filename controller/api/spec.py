"""Spec fields that kinds have in common: what every kind takes, and what every kind that owns something takes."""

from __future__ import annotations

from pydantic import Field

from controller.api.fields import DeletionPolicy, DurationText, Mode, Model, bounded


class ResyncedSpec(Model):
    """Fields of every kind: all are looked at again and again."""

    resync_interval: DurationText = Field(
        default="10m",
        description="How often the object is compared with the cloud when nothing else asks for it, e.g. 10m or 1h30m.",
        json_schema_extra=bounded("spec.resyncInterval", "10s", "168h"),
    )


class SteeredSpec(ResyncedSpec):
    """Fields of every kind that writes to the cloud."""

    suspend: bool = Field(
        default=False,
        description="Stop writing to the cloud for this object. Observation goes on, deletion is never blocked.",
    )
    mode: Mode = Field(
        default=Mode.APPLY,
        description=(
            "Apply writes to the cloud. Observe reports drift in status.drift, field by field, and writes nothing. "
            "DryRun shows in status.plannedChanges what Apply would do."
        ),
    )


class ManagedSpec(SteeredSpec):
    """Fields of every kind that owns something in the cloud."""

    deletion_policy: DeletionPolicy = Field(
        default=DeletionPolicy.RETAIN,
        description="Retain leaves the cloud resource as it is, running and billing. Delete removes it.",
    )
    deletion_grace_period: DurationText = Field(
        default="10m",
        description=(
            "How long a delete with policy Delete waits before it takes effect, so that a delete-and-recreate is "
            "re-adopted. Meanwhile an object named NAME-leaving-UID stands in for the deleted one; annotated "
            "imm-operator.dev/end-grace-period=now it deletes at once, imm-operator.dev/detach=true never."
        ),
        json_schema_extra=bounded("spec.deletionGracePeriod", "0s", "720h"),
    )
