"""Dataset: the IMM dataset a bucket is indexed into."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from controller.api.bounds import Name
from controller.api.fields import ImmName, Model, ObjectReference, immutable
from controller.api.kind import Kind, printer_column
from controller.api.spec import ManagedSpec
from controller.api.status import ManagedStatus

ANOTHER_DATASET = "it names another dataset; make a second Dataset object for it"


class Quotas(Model):
    """Upper bounds of the dataset; an absent one is left as the cloud has it."""

    max_bind_count: Annotated[int, Field(ge=1, le=10)] | None = Field(default=None, description="Bindings, 1 to 10.")
    max_file_count: Annotated[int, Field(ge=1, le=100_000_000)] | None = Field(default=None, description="Files.")
    max_entity_count: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Metadata entities.")
    max_relation_count: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Metadata relations.")
    max_total_file_size: Annotated[int, Field(ge=1)] | None = Field(default=None, description="Bytes.")


class DatasetSpec(ManagedSpec):
    account_ref: ObjectReference = Field(
        description="The CloudAccount, in this namespace.",
        json_schema_extra=immutable("spec.accountRef", ANOTHER_DATASET),
    )
    project: ImmName = Field(
        description="The IMM project, as pulumi made it.",
        json_schema_extra=immutable("spec.project", ANOTHER_DATASET),
    )
    name: ImmName = Field(
        description="The dataset's name in the project.", json_schema_extra=immutable("spec.name", ANOTHER_DATASET)
    )
    template_id: Annotated[str, Field(min_length=1, max_length=128)] | None = Field(
        default=None,
        description="Workflow template, e.g. Official:ImageManagement. It decides what a scan costs.",
    )
    description: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        default=None, description="The dataset's description in the cloud."
    )
    quotas: Quotas = Field(
        default_factory=Quotas, description="Upper bounds; an absent one is left as the cloud has it."
    )


class Statistics(Model):
    """What the dataset holds, as the cloud reports it."""

    files: int = Field(description="Files that are indexed.")
    total_size: int = Field(description="Bytes.")
    bindings: int = Field(description="Buckets that are bound.")


class DatasetStatus(ManagedStatus):
    figures: ClassVar[frozenset[str]] = frozenset({"statistics"})

    template_id: Name | None = Field(default=None, description="The template in force.")
    statistics: Statistics | None = Field(default=None, description="What the dataset holds, as the cloud reports it.")


class Dataset(Kind):
    """An IMM dataset: created or adopted, kept to its spec, deleted only by policy and only when empty."""

    plural = "datasets"
    short_names = ("immd",)
    columns = (
        printer_column("Project", ".spec.project"),
        printer_column("Dataset", ".spec.name"),
        printer_column("Files", ".status.statistics.files", "integer"),
        printer_column("Bindings", ".status.statistics.bindings", "integer"),
        printer_column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        printer_column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
        printer_column("Age", ".metadata.creationTimestamp", "date"),
        printer_column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    )

    spec: DatasetSpec
    status: DatasetStatus = Field(default_factory=DatasetStatus)
