"""The cloud as the rest of the operator sees it: small protocols over values.

Every method makes at most the calls its docstring names, waits for the shared limiter, and raises only
`controller.cloud.errors.CloudError`. Absence is None and only when the parent is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.cloud.credentials import Credentials
from controller.cloud.oss_ports import (
    HeadFacts,
    ObjectPage,
    ObjectRange,
    OssPort,
    OssReads,
    UploadedObject,
    UploadedPart,
)
from controller.core.facts import (
    BindingFacts,
    Caller,
    DatasetFacts,
    FileFacts,
    FileOutcome,
    InstanceFacts,
    ProjectFacts,
    QueueFacts,
    QuotaFacts,
    Received,
    TaskFacts,
)

__all__ = [
    "FilesPort",
    "HeadFacts",
    "ImageSearchPort",
    "ImmPort",
    "IndexedFile",
    "ObjectPage",
    "ObjectRange",
    "OssPort",
    "OssReads",
    "ProjectFacts",
    "ProjectSpec",
    "QueuePort",
    "QuotaFacts",
    "ReportPort",
    "Role",
    "RolePort",
    "StsPort",
    "TaskPage",
    "UploadedObject",
    "UploadedPart",
]  # facts are the ports' own words; OSS's stand in a file of their own

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
class TaskPage:
    """A page of an instance's batch tasks, and how many tasks there are in all."""

    tasks: tuple[TaskFacts, ...]
    total: int


class ImageSearchPort(Protocol):
    """Image Search 2020-12-14, instances by their names; `InstanceNotFound` without the instance, where not None.

    A directory is `""` for the bucket's root, else it ends with `/` and does not begin with it.
    """

    def increase(self, instance: str, bucket: str, path: str, callback: str | None) -> int:
        """IncreaseInstance: a batch task of `<path>increment.meta`. Returns the task's id.

        `InstanceBusy` while the instance takes none, `NotAuthorized` until it may read OSS. It has no token against
        being done twice: an answer that is lost is looked for in `tasks`.
        """
        ...

    def tasks(
        self,
        instance: str,
        *,
        bucket: str | None = None,
        path: str | None = None,
        task: int | None = None,
        page: int = 1,
        size: int = 10,
    ) -> TaskPage:
        """IncreaseList, one page; what is not given is not filtered by."""
        ...

    def detail(self, instance: str) -> InstanceFacts | None:
        """Detail; None when there is no such instance."""
        ...

    def exists(self, instance: str, product: str, picture: str) -> bool:
        """CheckImageExists: whether the instance holds a picture of that name for that product."""
        ...


class ReportPort(Protocol):
    """What lies behind an address that signs itself, such as a task's ErrorUrl."""

    def fetch(self, url: str, largest: int) -> bytes:
        """One GET of at most `largest` bytes; no redirect is followed. `ReportExpired` when the address is over."""
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
