"""What IMM remembers in one account and region: projects, their datasets, bindings, indexed files and work in progress.

Times are seconds since the epoch on the emulator's clock. `busy` and `followers` are there so that a tick costs what is
in motion and an upload costs the bindings of its bucket, however many thousands of bindings sit still.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from emulator.imm.batch_state import Batch, BucketAttachment, Task
from emulator.imm.search_index import SearchIndex
from emulator.persistence.marks import TRANSIENT

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

State = Literal["Ready", "Stopped", "Running", "Retrying", "Failed", "Deleted"]
Phase = Literal["", "FullScanning", "IncrementalScanning"]


@dataclass(slots=True)
class ImmSettings:
    """How fast the local IMM works, and the per-project rate it allows. Set at start or through the admin interface."""

    binding_ready_seconds: float = 1.0  # a new binding stays Ready this long
    scan_files_per_second: float = 50.0  # of one binding's full scan
    incremental_delay_seconds: float = 0.5  # from an object's change to its place in the index
    index_delay_seconds: float = 0.2  # from IndexFileMeta's answer to its effect
    queries_per_second: float = 100.0  # per project, all operations together; 0 lifts the limit
    projects_per_region: int = 100
    files_per_turn: int = 200  # most files read by one turn on a real clock, so that a scan never stalls the server


@dataclass(slots=True)
class Quotas:
    """A project's or dataset's limits, with the documented defaults. The two reserved ones are not enforced."""

    bind_count: int = 10
    file_count: int = 100_000_000
    entity_count: int = 10_000_000_000
    relation_count: int = 100_000_000_000
    total_file_size: int = 90_000_000_000_000_000  # bytes


class BindingKey(NamedTuple):
    """A binding's identity: IMM gives it no id."""

    project: str
    dataset: str
    uri: str


class BatchKey(NamedTuple):
    """Where a batch is."""

    project: str
    batch_id: str


@dataclass(frozen=True, slots=True)
class PendingChange:
    """An object's change that a binding has seen and will have in the index at `due`."""

    due: float
    key: str
    kind: Literal["put", "delete"]


@dataclass(slots=True)
class Binding:
    """A dataset following a bucket. `cursor` is the last key scanned; `pace` counts the files of this scan."""

    bucket: str
    created: float
    updated: float
    state: State = "Ready"
    phase: Phase = ""
    reason: str = ""
    scan_started: float = 0.0
    pace: int = 0
    cursor: str = ""
    gone_at: float | None = None  # DeleteBinding was answered, and takes effect then
    changes: deque[PendingChange] = field(default_factory=deque)

    @property
    def uri(self) -> str:
        """`oss://bucket`."""
        return f"oss://{self.bucket}"


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """One file's metadata: `meta` is the vendor's `File` structure. A manual index outlives its object.

    Never changed in place, `meta` included: the dataset's index must hear of every change (`Dataset.keep`).
    """

    meta: dict[str, object]
    size: int
    manual: bool


@dataclass(slots=True)
class Delayed:
    """An update not in force yet."""

    due: float
    changes: dict[str, object]


@dataclass(slots=True)
class Dataset:
    """A dataset with its bindings by URI and its files by URI.

    Files change through `keep` and `forget` only, which keep `total_size` and the index of their values up to date.
    """

    name: str
    created: float
    updated: float
    template_id: str = ""
    description: str = ""
    quotas: Quotas = field(default_factory=Quotas)
    workflow_parameters: list[dict[str, str]] = field(default_factory=list)
    bindings: dict[str, Binding] = field(default_factory=dict)
    files: dict[str, IndexedFile] = field(default_factory=dict)
    total_size: int = 0
    delayed: list[Delayed] = field(default_factory=list)
    index: SearchIndex = field(default_factory=SearchIndex, metadata=TRANSIENT)

    def keep(self, uri: str, item: IndexedFile) -> None:
        """Add or replace a file."""
        held = self.files.get(uri)
        self.files[uri] = item
        self.total_size += item.size - (held.size if held else 0)
        self.index.change(uri, held.meta if held else None, item.meta)

    def forget(self, uri: str) -> None:
        """Take a file out, if it is there."""
        held = self.files.pop(uri, None)
        if held is not None:
            self.total_size -= held.size
            self.index.change(uri, held.meta, None)

    def look_up(self, name: str, operation: str, value: str) -> AbstractSet[str] | None:
        """URIs of the files that meet a condition on the field `name`; None if there is no telling."""
        return self.index.look_up(
            name, operation, value, lambda: ((uri, item.meta) for uri, item in self.files.items())
        )


@dataclass(slots=True)
class Project:
    """A project; `tokens` of its request allowance were left at `tokens_at`."""

    name: str
    created: float
    updated: float
    service_role: str = "AliyunIMMDefaultRole"
    template_id: str = ""
    description: str = ""
    max_dataset_count: int = 1_000_000_000
    quotas: Quotas = field(default_factory=Quotas)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: dict[str, Dataset] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    tokens: float = field(default=-1.0, metadata=TRANSIENT)  # below zero: never asked yet
    tokens_at: float = field(default=0.0, metadata=TRANSIENT)
    delayed: list[Delayed] = field(default_factory=list)


@dataclass(slots=True)
class IndexJob:
    """An accepted index call, or a batch's task for one file: done at `due`. `files` are InputFile structures."""

    due: float
    started: float
    event_id: str
    kind: str  # the event type's name: FileMeta:Index, FileMeta:BatchIndex or Task:FileMetaIndex
    project: str
    dataset: str
    files: list[dict[str, object]]
    topic: str = ""
    user_data: str = ""
    request_id: str = ""  # of the call
    task_id: str = ""
    batch_id: str = ""


@dataclass(slots=True)
class LegacyProject:
    """A project of the 2017-09-06 API, which the 2020-09-30 one does not see."""

    name: str
    created: float
    updated: float
    service_role: str
    capacity_units: int = 1


@dataclass(slots=True)
class ImmState:
    """One account's IMM in one region."""

    projects: dict[str, Project] = field(default_factory=dict)
    legacy: dict[str, LegacyProject] = field(default_factory=dict)
    attachments: dict[str, BucketAttachment] = field(default_factory=dict)  # by bucket
    batches_under_way: dict[BatchKey, None] = field(default_factory=dict)
    jobs: list[IndexJob] = field(default_factory=list)
    # Both follow from the projects: bindings with something to do, oldest first, and live bindings by bucket.
    busy: dict[BindingKey, None] = field(default_factory=dict, metadata=TRANSIENT)
    followers: dict[str, dict[BindingKey, None]] = field(default_factory=dict, metadata=TRANSIENT)

    def __post_init__(self) -> None:
        for project in self.projects.values():
            for dataset in project.datasets.values():
                for binding in dataset.bindings.values():
                    if binding.state != "Deleted":
                        key = BindingKey(project.name, dataset.name, binding.uri)
                        self.busy[key] = None
                        self.followers.setdefault(binding.bucket, {})[key] = None
