"""IMM 2020-09-30 through the official SDK: `controller.cloud.ports.ImmPort`.

Not found is HTTP 400 with the code ResourceNotFound for project, dataset and binding alike, so every method that
reports absence asks for the parent first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from alibabacloud_imm20200930 import models

from controller.cloud import openapi
from controller.cloud.answers import understood
from controller.cloud.errors import Invalid, NotEmpty, ParentNotFound, TimedOut
from controller.cloud.imm_calls import ImmCalls
from controller.cloud.ports import ProjectSpec
from controller.core.facts import BindingFacts, DatasetFacts, ProjectFacts, QuotaFacts

PAGE = 200  # ListBindings and ListDatasets take up to 200 a page
OSS = "oss://"


@understood
class Imm:
    """IMM as one account in one region. Safe to share between threads."""

    def __init__(self, calls: ImmCalls) -> None:
        self._calls = calls

    def get_project(self, project: str) -> ProjectFacts | None:
        body = self._calls.or_none(project, "GetProject", models.GetProjectRequest(project_name=project))
        return _project(_part(body, "Project")) if body else None

    def create_project(self, spec: ProjectSpec) -> ProjectFacts:
        request = models.CreateProjectRequest(**_project_fields(spec))
        return _project(_part(self._calls.call(spec.name, "CreateProject", request), "Project"))

    def update_project(self, spec: ProjectSpec) -> ProjectFacts:
        request = models.UpdateProjectRequest(**_project_fields(spec))
        return _project(_part(self._calls.call(spec.name, "UpdateProject", request), "Project"))

    def delete_project(self, project: str) -> None:
        self._calls.or_none(project, "DeleteProject", models.DeleteProjectRequest(project_name=project))

    def list_datasets(self, project: str) -> list[DatasetFacts]:
        return [
            _dataset(item)
            for item in self._pages(
                project,
                "ListDatasets",
                "Datasets",
                lambda token: models.ListDatasetsRequest(project_name=project, max_results=PAGE, next_token=token),
            )
        ]

    def get_dataset(self, project: str, dataset: str) -> DatasetFacts | None:
        request = models.GetDatasetRequest(project_name=project, dataset_name=dataset, with_statistics=True)
        body = self._calls.or_none(project, "GetDataset", request)
        if body is None:
            self._require_project(project)
            return None
        return _dataset(_part(body, "Dataset"))

    def create_dataset(
        self, project: str, dataset: str, *, template_id: str | None, description: str | None, quotas: QuotaFacts
    ) -> DatasetFacts:
        request = models.CreateDatasetRequest(
            project_name=project, dataset_name=dataset, **_dataset_fields(template_id, description, quotas)
        )
        return _dataset(_part(self._calls.in_project(project, "CreateDataset", request), "Dataset"))

    def update_dataset(
        self, project: str, dataset: str, *, template_id: str | None, description: str | None, quotas: QuotaFacts
    ) -> DatasetFacts:
        request = models.UpdateDatasetRequest(
            project_name=project, dataset_name=dataset, **_dataset_fields(template_id, description, quotas)
        )
        return _dataset(_part(self._calls.in_project(project, "UpdateDataset", request), "Dataset"))

    def delete_dataset(self, project: str, dataset: str) -> None:
        request = models.DeleteDatasetRequest(project_name=project, dataset_name=dataset)
        try:
            self._calls.or_none(project, "DeleteDataset", request)
        except Invalid as error:
            if type(error) is not Invalid:
                raise
            # Which code refuses a full one is not documented. The names, all that is sent, were found good before.
            said = error.message, error.code, error.request_id
            raise NotEmpty(error.operation, said[0], code=said[1], request_id=said[2]) from error

    def list_bindings(self, project: str) -> list[BindingFacts]:
        return [
            _binding(item)
            for item in self._pages(
                project,
                "ListBindings",
                "Bindings",
                lambda token: models.ListBindingsRequest(project_name=project, max_results=PAGE, next_token=token),
            )
        ]

    def create_binding(self, project: str, dataset: str, bucket: str) -> BindingFacts:
        request = models.CreateBindingRequest(project_name=project, dataset_name=dataset, uri=OSS + bucket)
        return _binding(_part(self._calls.in_project(project, "CreateBinding", request), "Binding"))

    def delete_binding(self, project: str, dataset: str, bucket: str) -> None:
        request = models.DeleteBindingRequest(project_name=project, dataset_name=dataset, uri=OSS + bucket)
        self._calls.or_none(project, "DeleteBinding", request)

    def simple_query(
        self, project: str, dataset: str, query: Mapping[str, Any], limit: int = 100
    ) -> list[dict[str, Any]]:
        request = models.SimpleQueryRequest(
            project_name=project,
            dataset_name=dataset,
            query=models.SimpleQuery().from_map(json.loads(json.dumps(query))),
            max_results=limit,
        )
        files: list[dict[str, Any]] = self._calls.in_project(project, "SimpleQuery", request).get("Files", [])
        return files

    def _require_project(self, project: str) -> None:
        if self.get_project(project) is None:
            raise ParentNotFound(
                "imm:GetProject",
                f"project {project} does not exist in this account and region",
                code=openapi.NOT_FOUND,
            )

    def _pages(
        self, project: str, operation: str, items: str, request: Callable[[str | None], Any]
    ) -> Iterator[dict[str, Any]]:
        token: str | None = None
        while True:
            body = self._calls.in_project(project, operation, request(token))
            yield from body.get(items) or []
            token = body.get("NextToken") or None
            if token is None:
                return


def _part(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The part of an answer that a person would have read; an answer without it says nothing of the effect."""
    part = body.get(name)
    if not isinstance(part, Mapping):
        raise TimedOut("imm", f"the answer has no {name}; whether the call took effect is unclear")
    return part


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _project_fields(spec: ProjectSpec) -> dict[str, Any]:
    tags = [{"Key": key, "Value": value} for key, value in sorted((spec.tags or {}).items())]
    return _given(
        project_name=spec.name,
        service_role=spec.service_role,
        template_id=spec.template_id,
        description=spec.description,
        project_max_dataset_count=spec.project_max_dataset_count,
        dataset_max_bind_count=spec.dataset_max_bind_count,
        dataset_max_file_count=spec.dataset_max_file_count,
        dataset_max_entity_count=spec.dataset_max_entity_count,
        dataset_max_relation_count=spec.dataset_max_relation_count,
        dataset_max_total_file_size=spec.dataset_max_total_file_size,
        tag=[models.CreateProjectRequestTag().from_map(tag) for tag in tags] or None,
    )


def _dataset_fields(template_id: str | None, description: str | None, quotas: QuotaFacts) -> dict[str, Any]:
    return _given(
        template_id=template_id,
        description=description,
        dataset_max_bind_count=quotas.max_bind_count,
        dataset_max_file_count=quotas.max_file_count,
        dataset_max_entity_count=quotas.max_entity_count,
        dataset_max_relation_count=quotas.max_relation_count,
        dataset_max_total_file_size=quotas.max_total_file_size,
    )


def _project(body: Mapping[str, Any]) -> ProjectFacts:
    return ProjectFacts(
        name=body["ProjectName"],
        service_role=body.get("ServiceRole", ""),
        template_id=body.get("TemplateId", ""),
        description=body.get("Description", ""),
        project_max_dataset_count=body.get("ProjectMaxDatasetCount"),
        dataset_max_bind_count=body.get("DatasetMaxBindCount"),
        dataset_max_file_count=body.get("DatasetMaxFileCount"),
        dataset_max_entity_count=body.get("DatasetMaxEntityCount"),
        dataset_max_relation_count=body.get("DatasetMaxRelationCount"),
        dataset_max_total_file_size=body.get("DatasetMaxTotalFileSize"),
        dataset_count=body.get("DatasetCount"),
        tags={tag["TagKey"]: tag["TagValue"] for tag in body.get("Tags") or ()},
    )


def _dataset(body: Mapping[str, Any]) -> DatasetFacts:
    return DatasetFacts(
        project=body["ProjectName"],
        name=body["DatasetName"],
        template_id=body.get("TemplateId", ""),
        description=body.get("Description", ""),
        quotas=QuotaFacts(
            max_bind_count=body.get("DatasetMaxBindCount"),
            max_file_count=body.get("DatasetMaxFileCount"),
            max_entity_count=body.get("DatasetMaxEntityCount"),
            max_relation_count=body.get("DatasetMaxRelationCount"),
            max_total_file_size=body.get("DatasetMaxTotalFileSize"),
        ),
        bind_count=body.get("BindCount", 0),
        file_count=body.get("FileCount", 0),
        total_file_size=body.get("TotalFileSize", 0),
    )


def _binding(body: Mapping[str, Any]) -> BindingFacts:
    return BindingFacts(
        project=body["ProjectName"],
        dataset=body["DatasetName"],
        bucket=body["URI"].removeprefix(OSS).rstrip("/"),
        state=body.get("State", ""),
        phase=body.get("Phase", ""),
        reason=body.get("Reason", ""),
        created_at=body.get("CreateTime", ""),
    )
