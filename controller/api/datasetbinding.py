"""DatasetBinding: a bucket indexed automatically into a dataset (IMM CreateBinding)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field

from controller.api.bounds import Line, Name, Word
from controller.api.fields import BucketName, ImmName, Model, ObjectName, ObjectReference, cel, immutable
from controller.api.kind import Kind, printer_column
from controller.api.spec import ManagedSpec
from controller.api.status import ManagedStatus

ANOTHER_BINDING = "a binding is its bucket and dataset; make a second DatasetBinding"


class RecreatePolicy(StrEnum):
    """Whether a binding that vanished or failed in the cloud is made again, which scans and bills the bucket again."""

    ALWAYS = "Always"
    NEVER = "Never"


def one_form(field: str) -> dict[str, Any]:
    """The rule of a `DatasetTarget` that stands at `field`."""
    return cel(
        "has(self.project) == has(self.name) && has(self.ref) != has(self.name)",
        f"{field} takes either ref (a Dataset object of this namespace) or both project and name",
    )


class DatasetTarget(Model):
    """The dataset, by the name of its Dataset object or by its own names."""

    model_config = ConfigDict(json_schema_extra=one_form("spec.dataset"))

    ref: ObjectName | None = Field(default=None, description="A Dataset object of this namespace.")
    project: ImmName | None = Field(default=None, description="The IMM project, where no Dataset object exists.")
    name: ImmName | None = Field(default=None, description="The dataset in that project.")


class DatasetBindingSpec(ManagedSpec):
    account_ref: ObjectReference = Field(
        description="The CloudAccount, in this namespace.",
        json_schema_extra=immutable("spec.accountRef", ANOTHER_BINDING),
    )
    dataset: DatasetTarget = Field(
        description="The dataset: either ref, or project and name.",
        json_schema_extra=immutable("spec.dataset", ANOTHER_BINDING),
    )
    bucket: BucketName = Field(
        description="The OSS bucket, in the account's region. A binding always covers the whole bucket.",
        json_schema_extra=immutable("spec.bucket", ANOTHER_BINDING),
    )
    max_objects: Annotated[int, Field(ge=0)] | None = Field(
        default=None,
        description="Refuse to create the binding when the bucket holds more objects: a scan is billed per object.",
    )
    recreate_policy: RecreatePolicy = Field(
        default=RecreatePolicy.NEVER,
        description="Whether a binding that vanished or failed is made again. That scans and bills the bucket again.",
    )


class Progress(Model):
    """How far the first scan is. Only told where the dataset has this one binding: the cloud counts per dataset."""

    indexed: int = Field(description="Files that the dataset holds by now.")
    total: int = Field(description="Objects in the bucket.")


class DatasetBindingStatus(ManagedStatus):
    figures: ClassVar[frozenset[str]] = frozenset({"progress"})

    project: Name | None = Field(default=None, description="The IMM project of the binding.")
    dataset: Name | None = Field(default=None, description="The dataset of the binding.")
    bucket: Word | None = Field(default=None, description="The bucket of the binding.")
    state: Word | None = Field(default=None, description="State as the cloud reports it.")
    phase: Word | None = Field(default=None, description="Phase as the cloud reports it.")
    reason: Line | None = Field(default=None, description="The cloud's own reason, if it gave one.")
    created_at: Word | None = Field(default=None, description="CreateTime of the binding.")
    owner_record: Line | None = Field(
        default=None,
        description="The record in the account's work bucket that says that this object owns the binding.",
    )
    progress: Progress | None = Field(default=None, description="How far the scan is, while it lasts.")


class DatasetBinding(Kind):
    """Automatic indexing of one bucket into one dataset."""

    plural = "datasetbindings"
    short_names = ("immb",)
    columns = (
        printer_column("Bucket", ".spec.bucket"),
        printer_column("Dataset", ".status.dataset"),
        printer_column("State", ".status.state"),
        printer_column("Phase", ".status.phase"),
        printer_column("Indexed", ".status.progress.indexed", "integer", wide=True),
        printer_column("Objects", ".status.progress.total", "integer", wide=True),
        printer_column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        printer_column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
        printer_column("Age", ".metadata.creationTimestamp", "date"),
        printer_column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    )

    spec: DatasetBindingSpec
    status: DatasetBindingStatus = Field(default_factory=DatasetBindingStatus)
