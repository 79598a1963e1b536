"""What was observed in the cloud, as values. Field names follow the vendor's; units are in the docstrings.

States and phases stay strings: the vendor may add one any day, and an unknown one means "in progress", never a crash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credentials belong to (STS GetCallerIdentity)."""

    account_id: str
    arn: str
    is_root: bool


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """An IMM project."""

    name: str
    service_role: str
    template_id: str
    description: str
    project_max_dataset_count: int | None = None
    dataset_max_bind_count: int | None = None
    dataset_max_file_count: int | None = None
    dataset_max_entity_count: int | None = None
    dataset_max_relation_count: int | None = None
    dataset_max_total_file_size: int | None = None  # bytes
    dataset_count: int | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QuotaFacts:
    """A dataset's upper bounds; None where the cloud did not say."""

    max_bind_count: int | None = None
    max_file_count: int | None = None
    max_entity_count: int | None = None
    max_relation_count: int | None = None
    max_total_file_size: int | None = None  # bytes


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """An IMM dataset; counts are only right when it was asked for with statistics."""

    project: str
    name: str
    template_id: str
    description: str
    quotas: QuotaFacts = field(default_factory=QuotaFacts)
    bind_count: int = 0
    file_count: int = 0
    total_file_size: int = 0  # bytes


@dataclass(frozen=True, slots=True)
class BindingFacts:
    """A binding of a bucket to a dataset. Identity is (project, dataset, bucket); the cloud gives no other id."""

    project: str
    dataset: str
    bucket: str
    state: str
    phase: str
    reason: str = ""
    created_at: str = ""

    @property
    def gone(self) -> bool:
        """A binding the cloud still lists as Deleted is as good as absent."""
        return self.state == "Deleted"

    @property
    def scanned(self) -> bool:
        """The first full scan is over: State Running alone is not enough (vendor guide, "Key response fields")."""
        return self.state == "Running" and self.phase == "IncrementalScanning"

    @property
    def under_way(self) -> bool:
        """The cloud is at work on it, so far as anybody knows: it is neither there yet nor at a standstill."""
        return not (self.gone or self.scanned or self.state in {"Failed", "Stopped"})


@dataclass(frozen=True, slots=True)
class Scanned:
    """How far a scan is: files in the dataset of objects in the bucket. Only right for a dataset with one binding."""

    files: int
    objects: int


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """An OSS bucket."""

    name: str
    region: str
    objects: int | None = None
    size: int | None = None  # bytes


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """An object in a listing."""

    key: str
    size: int  # bytes
    etag: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file's metadata in a dataset. `updated_at` is RFC 3339; `reason` says why indexing it failed, if it did."""

    uri: str
    updated_at: str
    object_status: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file; `error` is empty where it succeeded."""

    uri: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """A message of a queue, hidden from other readers for the queue's visibility timeout."""

    id: str
    handle: str
    body: str
    enqueued_at: float  # seconds since 1970
    times: int  # how often it was received, this time included


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """How many messages wait, and how many are hidden because somebody works on them."""

    waiting: int
    in_work: int


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A batch task of an Image Search instance, as IncreaseList tells of it.

    Attributes:
        path: The directory of its increment.meta in `bucket`: "" or "spring/".
        callback: The address it calls when it is over; empty where none was given.
        status: PROCESSING, SUCCESS or FAIL in the API; the console knows more.
        code: "0" where nothing went wrong.
        error_url: Where the report of what failed lies, for two hours; empty where there is none.
        created_at, modified_at: None where the cloud did not say, or not in milliseconds.
    """

    id: int
    bucket: str
    path: str
    callback: str
    status: str
    code: str
    message: str
    error_url: str
    created_at: datetime | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """An Image Search instance; None where the cloud did not say.

    Attributes:
        service_type: 0 searches products, 1 pictures in general.
        capacity: How many pictures were paid for, in units of 10,000.
        total: How many pictures it holds.
        qps: How many searches a second were paid for.
    """

    name: str
    region: str
    service_type: int | None
    capacity: int | None
    total: int | None
    qps: int | None
