"""Datasets: create, read, update, delete, list. A new dataset starts with its project's quotas and template."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.lookup import dataset_of, project_of, settle
from emulator.imm.paging import page
from emulator.imm.projects import listed_prefix, wants_statistics
from emulator.imm.quotas import QUOTA_PARAMS, given_quotas, given_texts, shown_quotas
from emulator.imm.state import Dataset, Delayed
from emulator.imm.times import rfc3339_nano
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import Project
    from emulator.state import Cloud

SERVED = Operations("imm")
WRITTEN = ("ProjectName", "DatasetName", "TemplateId", "Description", *QUOTA_PARAMS, "WorkflowParameters")


def shown_dataset(project: Project, dataset: Dataset, *, statistics: bool) -> dict[str, object]:
    """The vendor's `Dataset`. Without statistics its two file figures are 0, as the vendor warns they may be."""
    return {
        "ProjectName": project.name,
        "DatasetName": dataset.name,
        "TemplateId": dataset.template_id,
        "Description": dataset.description,
        "CreateTime": rfc3339_nano(dataset.created),
        "UpdateTime": rfc3339_nano(dataset.updated),
        **shown_quotas(dataset.quotas),
        "BindCount": sum(binding.state != "Deleted" for binding in dataset.bindings.values()),
        "FileCount": len(dataset.files) if statistics else 0,
        "TotalFileSize": dataset.total_size if statistics else 0,
        "WorkflowParameters": dataset.workflow_parameters,
    }


@SERVED.serves("CreateDataset", *WRITTEN)
def create_dataset(cloud: Cloud, call: Call) -> Reply:
    """Make a dataset. api-imm-2020-09-30-createdataset."""
    project = project_of(cloud, call)
    name = params.resource_name(call, "DatasetName")
    if name in project.datasets:
        raise refusals.already_exists("Dataset")
    if len(project.datasets) >= project.max_dataset_count and not cloud.loose:
        raise refusals.limit_exceeded(f"The number of datasets exceeds the limit {project.max_dataset_count}.")
    now = cloud.clock.now()
    dataset = Dataset(name, now, now, template_id=project.template_id, quotas=replace(project.quotas))
    dataset.delayed.append(Delayed(now, _given(cloud, call)))
    settle(dataset, now)
    project.datasets[name] = dataset
    return Reply({"Dataset": shown_dataset(project, dataset, statistics=True)})


@SERVED.serves("GetDataset", "ProjectName", "DatasetName", "WithStatistics")
def get_dataset(cloud: Cloud, call: Call) -> Reply:
    """Read a dataset. api-imm-2020-09-30-getdataset."""
    project, dataset = dataset_of(cloud, call)
    return Reply({"Dataset": shown_dataset(project, dataset, statistics=wants_statistics(cloud, call))})


@SERVED.serves("UpdateDataset", *WRITTEN)
def update_dataset(cloud: Cloud, call: Call) -> Reply:
    """Change what is sent, keep the rest. api-imm-2020-09-30-updatedataset: in force after up to five minutes."""
    project, dataset = dataset_of(cloud, call)
    now = cloud.clock.now()
    dataset.delayed.append(Delayed(now + cloud.switches.update_delay_seconds, _given(cloud, call)))
    settle(dataset, now)
    return Reply({"Dataset": shown_dataset(project, dataset, statistics=True)})


@SERVED.serves("DeleteDataset", "ProjectName", "DatasetName")
def delete_dataset(cloud: Cloud, call: Call) -> Reply:
    """Delete an empty dataset. api-imm-2020-09-30-deletedataset: bindings and file indexes must be gone first."""
    project, dataset = dataset_of(cloud, call)
    bindings = sum(binding.state != "Deleted" for binding in dataset.bindings.values())
    if bindings or dataset.files:
        raise Refusal(
            refusals.BAD_REQUEST,
            cloud.switches.nonempty_delete_code,
            f"The dataset {dataset.name} still has {bindings} bindings and {len(dataset.files)} files."
            " Delete them first.",
        )
    del project.datasets[dataset.name]
    return Reply({})


@SERVED.serves("ListDatasets", "ProjectName", "MaxResults", "NextToken", "Prefix")
def list_datasets(cloud: Cloud, call: Call) -> Reply:
    """List datasets by name. api-imm-2020-09-30-listdatasets."""
    project = project_of(cloud, call)
    prefix = listed_prefix(call)
    chosen, token = page(call, sorted(name for name in project.datasets if name.startswith(prefix)))
    for name in chosen:
        settle(project.datasets[name], cloud.clock.now())
    exact = cloud.switches.statistics_unasked == "exact"
    shown = [shown_dataset(project, project.datasets[name], statistics=exact) for name in chosen]
    return Reply({"Datasets": shown, "NextToken": token})


def _given(cloud: Cloud, call: Call) -> dict[str, object]:
    found = {**given_texts(cloud, call), **given_quotas(call)}
    workflow = params.structures(call, "WorkflowParameters")
    if workflow is not None:
        for parameter in workflow:
            if not all(isinstance(parameter.get(name, ""), str) for name in ("Name", "Value")):
                raise refusals.malformed("WorkflowParameters")
        found["workflow_parameters"] = [
            {"Name": item.get("Name", ""), "Value": item.get("Value", "")} for item in workflow
        ]
    return found
