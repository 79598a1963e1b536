"""Status fields that kinds have in common: conditions, identity and the write-ahead intent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from controller.api.bounds import Line, Name, Value, Word, Words, at_most
from controller.api.fields import Model


class Condition(Model):
    """A Kubernetes condition (metav1.Condition)."""

    type: Word = Field(description="Ready, Reconciling, Stalled, Suspended or Permitted.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: Word = Field(description="One stable word; docs/reasons.md explains each.")
    message: Words = Field(default="", description="For people: what is the case, and what to do.")
    observed_generation: int = Field(default=0, description="The generation of the spec it speaks of.")
    last_transition_time: datetime = Field(description="When its status changed last.")


class Identity(Model):
    """Whose cloud resource this is; deletion relies on it when the account object is gone."""

    account_id: Word = Field(description="The Alibaba Cloud account.")
    region: Word = Field(description="The region.")


class Intent(Model):
    """A submit written down before it is made, so that a crash never makes it twice."""

    operation: Word = Field(description="The cloud operation, e.g. CreateBinding.")
    id: Word = Field(description="Names this very submit.")
    recorded_at: datetime = Field(description="When it was written down.")
    absent_since: datetime | None = Field(
        default=None,
        description="When a look-up first found nothing after a submit whose answer was lost.",
    )


class Drift(Model):
    """A field that is not in the cloud as the spec wants it."""

    field: Word = Field(description="The field, as in the spec or the cloud's own status.")
    wanted: Value = Field(description="What the spec asks for.")
    actual: Value = Field(description="What the cloud has.")


class Status(Model):
    """Fields of every status. Written only when something changed."""

    observed_generation: int = Field(default=-1, description="The generation of the spec this status speaks of.")
    last_handled_reconcile_at: Name | None = Field(
        default=None, description="Echo of the annotation imm-operator.dev/reconcile-requested-at."
    )
    conditions: Annotated[list[Condition], at_most(8)] = Field(
        default_factory=list,
        max_length=8,
        description=(
            "Ready always; Reconciling, Stalled and Suspended only while true; Permitted, of a CloudAccount, only "
            "while False: RAM denied a call."
        ),
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


class SteeredStatus(Status):
    """Fields of the status of every kind that writes to the cloud. `figures` are those that only count."""

    figures: ClassVar[frozenset[str]] = frozenset()

    planned_changes: Annotated[list[Line], at_most(16)] = Field(
        default_factory=list, max_length=16, description="In mode Observe and DryRun: what Apply would do."
    )


class ManagedStatus(SteeredStatus):
    """Fields of the status of every kind that owns something in the cloud."""

    identity: Identity | None = Field(default=None, description="The account and region it lives in.")
    adopted: bool | None = Field(
        default=None, description="True: it existed before this object. False: this object created it."
    )
    intent: Intent | None = Field(default=None, description="A submit whose outcome is not known yet.")
    drift: Annotated[list[Drift], at_most(16)] = Field(
        default_factory=list, max_length=16, description="In mode Observe: what is not in the cloud as the spec wants."
    )
