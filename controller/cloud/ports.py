"""The cloud as the rest of the operator sees it: small protocols over values.

Every method makes at most the calls its docstring names, waits for the shared limiter, and raises only
`controller.cloud.errors.CloudError`. Absence is None and only when the parent is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from controller.cloud.credentials import Credentials
from controller.core.facts import BindingFacts, BucketFacts, Caller, DatasetFacts, ProjectFacts, QuotaFacts

__all__ = [
    "ImmPort",
    "OssPort",
    "ProjectFacts",
    "ProjectSpec",
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


class OssPort(Protocol):
    """Object Storage Service, for what the operator itself looks at."""

    def get_bucket(self, bucket: str) -> BucketFacts | None:
        """GetBucketInfo and GetBucketStat; None when no bucket of that name exists."""
        ...

    def get_object(self, bucket: str, key: str) -> bytes | None:
        """GetObject of a small record; None when there is none, `BucketNotFound` without the bucket.

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
