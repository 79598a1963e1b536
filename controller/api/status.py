"""Status fields that kinds have in common: conditions, identity and the write-ahead intent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from controller.api.fields import Model


class Condition(Model):
    """A Kubernetes condition (metav1.Condition)."""

    type: Annotated[str, Field(max_length=64)]
    status: Literal["True", "False", "Unknown"]
    reason: Annotated[str, Field(max_length=64)]
    message: Annotated[str, Field(max_length=1024)] = ""
    observed_generation: int = 0
    last_transition_time: datetime


class Identity(Model):
    """Whose cloud resource this is; deletion relies on it when the account object is gone."""

    account_id: str
    region: str


class Intent(Model):
    """A submit written down before it is made, so that a crash never makes it twice."""

    operation: Annotated[str, Field(max_length=64, description="The cloud operation, e.g. CreateBinding.")]
    id: Annotated[str, Field(max_length=64, description="Names this very submit.")]
    recorded_at: datetime
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
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


class ManagedStatus(Status):
    """Fields of the status of every kind that owns something in the cloud."""

    identity: Identity | None = None
    adopted: bool | None = Field(
        default=None, description="True: it existed before this object. False: this object created it."
    )
    intent: Intent | None = None
    planned_changes: list[Annotated[str, Field(max_length=512)]] = Field(
        default_factory=list, max_length=32, description="In mode Observe and DryRun: what Apply would do."
    )
