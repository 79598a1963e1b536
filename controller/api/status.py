"""Status fields that kinds have in common: conditions, identity and the write-ahead intent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from controller.api.fields import Model


class Condition(Model):
    """A Kubernetes condition (metav1.Condition)."""

    type: str = Field(max_length=64, description="Ready, Reconciling, Stalled or Suspended.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(max_length=64, description="One stable word; docs/reasons.md explains each.")
    message: str = Field(default="", max_length=1024, description="For people: what is the case, and what to do.")
    observed_generation: int = Field(default=0, description="The generation of the spec it speaks of.")
    last_transition_time: datetime = Field(description="When its status changed last.")


class Identity(Model):
    """Whose cloud resource this is; deletion relies on it when the account object is gone."""

    account_id: str = Field(description="The Alibaba Cloud account.")
    region: str = Field(description="The region.")


class Intent(Model):
    """A submit written down before it is made, so that a crash never makes it twice."""

    operation: Annotated[str, Field(max_length=64, description="The cloud operation, e.g. CreateBinding.")]
    id: Annotated[str, Field(max_length=64, description="Names this very submit.")]
    recorded_at: datetime = Field(description="When it was written down.")
    absent_since: datetime | None = Field(
        default=None,
        description="When a look-up first found nothing after a submit whose answer was lost.",
    )


class Status(Model):
    """Fields of every status. Written only when something changed."""

    observed_generation: int = Field(default=-1, description="The generation of the spec this status speaks of.")
    last_handled_reconcile_at: Annotated[str, Field(max_length=128)] | None = Field(
        default=None, description="Echo of the annotation imm-operator.dev/reconcile-requested-at."
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        max_length=16,
        description="Ready always; Reconciling, Stalled and Suspended only while true.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


class ManagedStatus(Status):
    """Fields of the status of every kind that owns something in the cloud."""

    identity: Identity | None = Field(default=None, description="The account and region it lives in.")
    adopted: bool | None = Field(
        default=None, description="True: it existed before this object. False: this object created it."
    )
    intent: Intent | None = Field(default=None, description="A submit whose outcome is not known yet.")
    planned_changes: list[Annotated[str, Field(max_length=512)]] = Field(
        default_factory=list, max_length=32, description="In mode Observe and DryRun: what Apply would do."
    )
