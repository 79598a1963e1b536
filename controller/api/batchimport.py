"""BatchImport: one batch of files, checked, submitted once, followed to the end. A job: when it is done it stays done.

What decides the work is `target` and `source`, with `onInvalid` and `runToken`; a change of any of them is a new run.
Everything else steers the run there is.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from controller.api.bounds import Line, Name, Value, Word, at_most
from controller.api.datasetbinding import DatasetTarget, one_form
from controller.api.fields import (
    RULES,
    BucketName,
    DurationText,
    Mode,
    Model,
    ObjectReference,
    bounded,
    cel,
    immutable,
    spelled,
)
from controller.api.importrules import OF_PICTURES
from controller.api.importsource import ImportSource
from controller.api.kind import Kind, printer_column
from controller.api.spec import SteeredSpec
from controller.api.status import Identity, SteeredStatus

SHOWN_FAILURES = 10
HISTORY = 5
SHOWN_WARNINGS = 5

Token = Annotated[str, Field(min_length=1, max_length=128)]


class OnExisting(StrEnum):
    """What ADD does with a file that the dataset holds already."""

    REINDEX = "Reindex"
    UPDATE_LABELS = "UpdateLabels"


class OnInvalid(StrEnum):
    """What becomes of a source in which some lines are wrong."""

    REJECT = "Reject"
    SKIP = "Skip"


class DatasetImport(DatasetTarget):
    """Manual indexing (BatchIndexFileMeta)."""

    model_config = ConfigDict(json_schema_extra=one_form("spec.target.dataset"))

    on_existing: OnExisting = Field(
        default=OnExisting.REINDEX,
        description=(
            "What ADD does with a file that the dataset holds already: Reindex reads the file again, and is billed "
            "again; UpdateLabels only writes its CustomId and CustomLabels."
        ),
    )


class ImageSearchImport(Model):
    """A batch of Image Search (IncreaseInstance)."""

    instance_name: Annotated[
        str,
        spelled(
            "an Image Search instance is named by 1 to 20 characters; its name is not its id (imagesearch-cn-…)",
            r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
            max_length=20,
        ),
    ] = Field(description="InstanceName: the instance's name, not its id.")
    bucket: BucketName = Field(description="The bucket with the pictures, in the instance's region.")
    path: Annotated[
        str,
        spelled(
            "a path has no / at its begin, and ends with one unless it is empty, e.g. spring/",
            r"^([^/\\].*/)?$",
            max_length=512,
        ),
    ] = Field(
        default="",
        description="The folder that PicNames are relative to, where increment.meta lies; empty is the whole bucket.",
    )


class ImportTarget(Model):
    """Where the files go: exactly one of the two."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            "has(self.dataset) != has(self.imageSearch)",
            "spec.target takes exactly one of dataset (indexed into IMM) and imageSearch (imported into an instance)",
        )
    )

    dataset: DatasetImport | None = Field(
        default=None, description="Into an IMM dataset: either ref, or project and name."
    )
    image_search: ImageSearchImport | None = Field(default=None, description="Into an Image Search instance.")


class Retry(Model):
    """A second attempt at what failed."""

    failed_items: Token = Field(
        description="A text that this run never had sends what did not succeed once more. Echo: status.lastRetry."
    )


class BatchImportSpec(SteeredSpec):
    model_config = ConfigDict(
        json_schema_extra={RULES: [{"rule": rule.cel, "message": rule.message} for rule in OF_PICTURES]}
    )

    suspend: bool = Field(
        default=False,
        description="Send nothing more. Results of what was sent are still taken in, and deletion is never blocked.",
    )
    mode: Mode = Field(
        default=Mode.APPLY,
        description=(
            "Apply sends the files. DryRun reads and checks the source, and shows in status.plannedChanges how many "
            "files and calls Apply would send; it writes nothing, no record either, but of pictures the report of "
            "what is wrong with them. Observe follows a run that is on "
            "record, and reads no source."
        ),
    )
    account_ref: ObjectReference = Field(
        description="The CloudAccount, in this namespace; it needs a workBucket and, for a dataset, events.",
        json_schema_extra=immutable("spec.accountRef", "its records lie with the account; make a second BatchImport"),
    )
    target: ImportTarget = Field(description="Where the files go. Another target is another run.")
    source: ImportSource = Field(description="Which files. Another source is another run.")
    on_invalid: OnInvalid = Field(
        default=OnInvalid.REJECT,
        description="Reject submits nothing while anything in the source is wrong. Skip leaves the wrong lines out.",
    )
    run_token: Token | None = Field(
        default=None,
        description="Any new text has the source read afresh; what comes out the same is not run again.",
    )
    retry: Retry | None = Field(default=None, description="Send again what failed.")
    max_items: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Refuse to submit anything when the source holds more files: each one is billed."
    )
    allow_whole_product_delete: bool = Field(
        default=False,
        description="A DELETE without a picture's name removes all pictures of its product; it needs this.",
    )
    allow_manifest_replace: bool = Field(
        default=False,
        description=(
            "Of source.manifest: the operator may put a manifest without its wrong lines (onInvalid Skip), or with "
            "the failed lines only (retry), in its place. It is kept in the work bucket first. Else neither is done."
        ),
    )
    max_failed_items: Annotated[int, Field(ge=0)] = Field(
        default=0,
        description="So many items may be failed, unknown or cancelled in the end, and the import is Complete still.",
    )
    result_timeout: DurationText = Field(
        default="15m",
        description="How long after its call a file's result may take before the dataset itself is asked for it.",
        json_schema_extra=bounded("spec.resultTimeout", "10s", "24h"),
    )
    deadline: DurationText | None = Field(
        default=None,
        description="How long after the run began nothing more is sent; what was not sent then is cancelled.",
        json_schema_extra=bounded("spec.deadline", "10s", "720h"),
    )


class Phase(StrEnum):
    """How far a run is."""

    RESOLVING = "Resolving"
    REJECTED = "Rejected"
    SUBMITTING = "Submitting"
    WAITING = "Waiting"
    COMPLETE = "Complete"
    FAILED = "Failed"


class Totals(Model):
    """Counts of items. items = succeeded + failed + unknown + cancelled, and what is neither yet."""

    items: int = Field(default=0, description="Files of the run.")
    skipped: int = Field(default=0, description="Lines of the source that are wrong and were left out.")
    unchecked: int = Field(default=0, description="Pictures of which the first 64 KiB did not tell enough.")
    submitted: int = Field(default=0, description="Files that were sent and answered for.")
    succeeded: int = Field(default=0, description="Files that are done.")
    failed: int = Field(default=0, description="Files that were refused, each named in the report.")
    unknown: int = Field(default=0, description="Files of which neither message nor dataset tells anything.")
    cancelled: int = Field(
        default=0,
        description="Files that were never sent, or never worked off: the deadline passed, or a task was stopped.",
    )
    resent: int = Field(default=0, description="Files that were sent twice, because an answer was lost.")


class FailedItem(Model):
    """An item that failed, was skipped, or is unknown."""

    item: Line = Field(description="The file, or the line of the source.")
    error: Value = Field(description="Why.")


class TaskStatus(Model):
    """What IncreaseList tells of a task."""

    id: int = Field(description="The task's id, as the console shows it.")
    state: Word = Field(
        description="Processing, Succeeded, Failed or Stopped; what else the service says is Processing."
    )
    message: Value | None = Field(default=None, description="The service's own words.")
    submitted_at: datetime | None = Field(default=None, description="When it was submitted.")


class PastRun(Model):
    """An earlier run of this object."""

    run: Word = Field(description="Its run id.")
    phase: Phase = Field(description="How it ended, or how far it was when the spec changed.")
    totals: Totals = Field(description="Its counts.")
    ended_at: datetime | None = Field(default=None, description="When it ended.")


class BatchImportStatus(SteeredStatus):
    figures: ClassVar[frozenset[str]] = frozenset({"totals"})

    identity: Identity | None = Field(default=None, description="The account and region it works in.")
    phase: Phase | None = Field(default=None, description="How far the run is.")
    work: Word | None = Field(default=None, description="Hash of the work fields that the run was made from.")
    run: Word | None = Field(default=None, description="The run id; its records lie under runs/ in the work bucket.")
    project: Name | None = Field(default=None, description="The IMM project.")
    dataset: Name | None = Field(default=None, description="The dataset.")
    instance: Word | None = Field(default=None, description="The Image Search instance.")
    task: TaskStatus | None = Field(default=None, description="The batch task of the latest attempt, of Image Search.")
    totals: Totals | None = Field(default=None, description="Counts of items.")
    warnings: Annotated[list[Value], at_most(SHOWN_WARNINGS)] = Field(
        default_factory=list, max_length=SHOWN_WARNINGS, description="The first doubts about pictures and lines."
    )
    failures: Annotated[list[FailedItem], at_most(SHOWN_FAILURES)] = Field(
        default_factory=list, max_length=SHOWN_FAILURES, description="The first that failed; the report has all."
    )
    report: Line | None = Field(default=None, description="The object with every item that did not succeed.")
    started_at: datetime | None = Field(default=None, description="When the run record was written.")
    ended_at: datetime | None = Field(default=None, description="When every item had its verdict.")
    last_retry: Name | None = Field(default=None, description="Echo of spec.retry.failedItems.")
    history: Annotated[list[PastRun], at_most(HISTORY)] = Field(
        default_factory=list, max_length=HISTORY, description="Earlier runs, the newest first."
    )


class BatchImport(Kind):
    """One batch of files, submitted once and followed to the end."""

    plural = "batchimports"
    short_names = ("immi",)
    columns = (
        printer_column("Phase", ".status.phase"),
        printer_column("Items", ".status.totals.items", "integer"),
        printer_column("Succeeded", ".status.totals.succeeded", "integer"),
        printer_column("Failed", ".status.totals.failed", "integer"),
        printer_column("Unknown", ".status.totals.unknown", "integer", wide=True),
        printer_column("Dataset", ".status.dataset", wide=True),
        printer_column("Instance", ".status.instance", wide=True),
        printer_column("Task", ".status.task.id", "integer", wide=True),
        printer_column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        printer_column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
        printer_column("Age", ".metadata.creationTimestamp", "date"),
        printer_column("Message", '.status.conditions[?(@.type=="Ready")].message', wide=True),
    )

    spec: BatchImportSpec
    status: BatchImportStatus = Field(default_factory=BatchImportStatus)
