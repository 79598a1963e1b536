"""The cloud as the rest of the operator sees it: small protocols over values.

Every method makes at most the calls its docstring names, waits for the shared limiter, and raises only
`controller.cloud.errors.CloudError`. Absence is None and only when the parent is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.cloud.credentials import Credentials
from controller.core.facts import (
    BindingFacts,
    BucketFacts,
    Caller,
    DatasetFacts,
    FileFacts,
    FileOutcome,
    ObjectFacts,
    ProjectFacts,
    QueueFacts,
    QuotaFacts,
    Received,
)

__all__ = [
    "FilesPort",
    "ImmPort",
    "IndexedFile",
    "ObjectPage",
    "ObjectRange",
    "OssPort",
    "ProjectFacts",
    "ProjectSpec",
    "QueuePort",
    "QuotaFacts",
    "Role",
    "RolePort",
    "StsPort",
]  # facts are the ports' own words

# Seconds, the SDK's own defaults, set explicitly on every call. Law 4's look-ups are spaced wider than their sum.
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 10.0
CALL_TIMEOUT = CONNECT_TIMEOUT + READ_TIMEOUT


@dataclass(frozen=True, slots=True)
class ProjectSpec:
    """What CreateProject and UpdateProject take; None leaves the cloud's value."""

    name: str
    service_role: str | None = None
    template_id: str | None = None
    description: str | None = None
    project_max_dataset_count: int | None = None
    dataset_max_bind_count: int | None = None
    dataset_max_file_count: int | None = None
    dataset_max_entity_count: int | None = None
    dataset_max_relation_count: int | None = None
    dataset_max_total_file_size: int | None = None  # bytes
    tags: Mapping[str, str] | None = None


class ImmPort(Protocol):
    """Intelligent Media Management 2020-09-30."""

    def get_project(self, project: str) -> ProjectFacts | None:
        """GetProject."""
        ...

    def create_project(self, spec: ProjectSpec) -> ProjectFacts:
        """CreateProject; `Conflict` when it exists already."""
        ...

    def update_project(self, spec: ProjectSpec) -> ProjectFacts:
        """UpdateProject: a merge, in force after up to five minutes."""
        ...

    def delete_project(self, project: str) -> None:
        """DeleteProject; absence is success, a project that holds datasets is `Conflict`."""
        ...

    def list_datasets(self, project: str) -> list[DatasetFacts]:
        """ListDatasets, every page; `ParentNotFound` without the project."""
        ...

    def get_dataset(self, project: str, dataset: str) -> DatasetFacts | None:
        """GetDataset with statistics; asks GetProject before it calls a dataset absent."""
        ...

    def create_dataset(
        self, project: str, dataset: str, *, template_id: str | None, description: str | None, quotas: QuotaFacts
    ) -> DatasetFacts:
        """CreateDataset; `Conflict` when it exists already."""
        ...

    def update_dataset(
        self, project: str, dataset: str, *, template_id: str | None, description: str | None, quotas: QuotaFacts
    ) -> DatasetFacts:
        """UpdateDataset: a merge, in force after up to five minutes."""
        ...

    def delete_dataset(self, project: str, dataset: str) -> None:
        """DeleteDataset; absence is success, a dataset that is not empty is `NotEmpty`."""
        ...

    def list_bindings(self, project: str) -> list[BindingFacts]:
        """ListBindings of the whole project, every page; `ParentNotFound` without the project."""
        ...

    def create_binding(self, project: str, dataset: str, bucket: str) -> BindingFacts:
        """CreateBinding; `Conflict` when it exists already."""
        ...

    def delete_binding(self, project: str, dataset: str, bucket: str) -> None:
        """DeleteBinding; absence is success. Stops the sync, never removes indexed metadata."""
        ...

    def simple_query(
        self, project: str, dataset: str, query: Mapping[str, Any], limit: int = 100
    ) -> list[dict[str, Any]]:
        """SimpleQuery, first page: matching files with the vendor's field names."""
        ...


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file to index, or whose labels are to change (InputFile): `oss://bucket/key` or `pds://domains/…`.

    Attributes:
        file_hash: FileHash, of a `pds://` file.
        oss_uri: OSSURI, of a `pds://` file: the object with its content.
    """

    uri: str
    custom_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    file_hash: str | None = None
    oss_uri: str | None = None


class FilesPort(Protocol):
    """File metadata of IMM 2020-09-30. At most 100 files a call; `ParentNotFound` without project or dataset.

    Every parameter travels in the URL unless the operator's settings say otherwise: `TooLong` when the gateway refuses
    the request for its length. Nothing took effect then, and fewer files may pass.
    """

    def index(self, project: str, dataset: str, files: Sequence[IndexedFile], *, topic: str, user_data: str) -> str:
        """BatchIndexFileMeta: asynchronous; the outcome of each file is published on `topic`. Returns the EventId."""
        ...

    def update(self, project: str, dataset: str, files: Sequence[IndexedFile]) -> list[FileOutcome]:
        """BatchUpdateFileMeta of CustomId and CustomLabels, in the order of the answer."""
        ...

    def delete(self, project: str, dataset: str, uris: Sequence[str]) -> None:
        """BatchDeleteFileMeta: the metadata goes, the object stays; absence is success."""
        ...

    def get(self, project: str, dataset: str, uris: Sequence[str]) -> list[FileFacts]:
        """BatchGetFileMeta: those that the dataset holds."""
        ...


class QueuePort(Protocol):
    """One MNS queue. Not to be shared between threads: whoever waits for messages owns their port."""

    def receive(self, wait: int, most: int = 16) -> list[Received]:
        """BatchReceiveMessage, up to `wait` seconds (at most 30); empty when nothing came. Bodies as they lie there."""
        ...

    def delete(self, handles: Sequence[str]) -> None:
        """BatchDeleteMessage, at most 16. A handle that is no longer valid is no error: the message comes again."""
        ...

    def send(self, body: str) -> None:
        """SendMessage, the body as it is."""
        ...

    def look(self) -> QueueFacts | None:
        """GetQueueAttributes; None when there is no such queue."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """A part of an object: `data` from the asked offset on, of an object of `size` bytes in the version `etag`."""

    data: bytes
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """A page of a listing, in the order of the keys. `next_after` goes into the next call; None on the last page."""

    objects: tuple[ObjectFacts, ...]
    next_after: str | None


class OssPort(Protocol):
    """Object Storage Service, for what the operator itself looks at."""

    def get_bucket(self, bucket: str) -> BucketFacts | None:
        """GetBucketInfo and GetBucketStat; None when no bucket of that name exists."""
        ...

    def get_range(
        self, bucket: str, key: str, first: int, count: int, *, etag: str | None = None
    ) -> ObjectRange | None:
        """GetObject of `count` bytes from `first` on; fewer at the end. None without the object.

        With `etag`, `Conflict` when the object is not that version any more.
        """
        ...

    def list_objects(self, bucket: str, prefix: str, *, after: str | None = None, most: int = 1000) -> ObjectPage:
        """ListObjectsV2, one page of the keys beyond `after`; `BucketNotFound` without the bucket."""
        ...

    def put_object(self, bucket: str, key: str, data: bytes) -> None:
        """PutObject, whatever is there."""
        ...

    def get_object(self, bucket: str, key: str, *, largest: int = 64 * 1024) -> bytes | None:
        """GetObject of at most `largest` bytes; None when there is none, `BucketNotFound` without the bucket.

        `Invalid` when the bucket keeps versions: records in it are not safe.
        """
        ...

    def put_new(self, bucket: str, key: str, data: bytes) -> None:
        """PutObject that overwrites nothing; `Conflict` when the object exists, else as `get_object`."""
        ...

    def delete_object(self, bucket: str, key: str) -> None:
        """DeleteObject; absence is success."""
        ...


@dataclass(frozen=True, slots=True)
class Role:
    """A RAM role, for whoever holds a token of an identity provider that it trusts."""

    arn: str
    oidc_provider_arn: str
    session_name: str  # 2 to 64 letters, digits and . @ - _; the cloud's own logs show it


class RolePort(Protocol):
    """Security Token Service for somebody who has no key yet."""

    def assume(self, role: Role, token: str) -> Credentials:
        """AssumeRoleWithOIDC; `BadCredentials` whatever is wrong with role, provider or token.

        Raises `controller.cloud.credentials.CredentialsUnavailable` where the token may not be sent at all.
        """
        ...


class StsPort(Protocol):
    """Security Token Service."""

    def get_caller(self) -> Caller:
        """GetCallerIdentity."""
        ...
