"""Projects of the 2020-09-30 API: create, read, update, delete, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imm import params, refusals
from emulator.imm.lookup import imm_of, project_of, projects_of, settle
from emulator.imm.paging import page
from emulator.imm.quotas import QUOTA_PARAMS, given_quotas, given_texts, shown_quotas
from emulator.imm.roles import known_role
from emulator.imm.state import Delayed, Project
from emulator.imm.times import rfc3339_nano
from emulator.refusal import Refusal

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVED = Operations("imm")
WRITTEN = ("ProjectName", "ServiceRole", "TemplateId", "Description", "ProjectMaxDatasetCount", *QUOTA_PARAMS, "Tag")
MAX_DATASETS = 1_000_000_000
MAX_PREFIX = 128
ENGINE_CONCURRENCY = 100  # the documented default, which no operation changes


def shown_project(cloud: Cloud, project: Project, *, statistics: bool) -> dict[str, object]:
    """The vendor's `Project`. Without statistics its two file figures are 0, as the vendor warns they may be."""
    datasets = project.datasets.values()
    return {
        "ProjectName": project.name,
        "ServiceRole": project.service_role,
        "TemplateId": project.template_id,
        "Description": project.description,
        "CreateTime": rfc3339_nano(project.created),
        "UpdateTime": rfc3339_nano(project.updated),
        "ProjectMaxDatasetCount": project.max_dataset_count,
        **shown_quotas(project.quotas),
        "DatasetCount": len(project.datasets),
        "FileCount": sum(len(dataset.files) for dataset in datasets) if statistics else 0,
        "TotalFileSize": sum(dataset.total_size for dataset in datasets) if statistics else 0,
        "EngineConcurrency": ENGINE_CONCURRENCY,
        "ProjectQueriesPerSecond": round(cloud.imm_settings.queries_per_second),
        "Tags": params.shown_tags(project.tags),
    }


@SERVED.serves("CreateProject", *WRITTEN)
def create_project(cloud: Cloud, call: Call) -> Reply:
    """Make a project. api-imm-2020-09-30-createproject."""
    imm = imm_of(cloud, call)
    name = params.resource_name(call, "ProjectName")
    if name in projects_of(cloud, call):
        raise refusals.already_exists("Project")
    if len(imm.projects) >= cloud.imm_settings.projects_per_region and not cloud.loose:
        raise refusals.limit_exceeded(
            f"The number of projects exceeds the limit {cloud.imm_settings.projects_per_region}."
        )
    now = cloud.clock.now()
    project = Project(name, created=now, updated=now)
    project.delayed.append(Delayed(now, _given(cloud, call)))
    settle(project, now)
    imm.projects[name] = project
    return Reply({"Project": shown_project(cloud, project, statistics=True)})


@SERVED.serves("GetProject", "ProjectName", "WithStatistics")
def get_project(cloud: Cloud, call: Call) -> Reply:
    """Read a project. api-imm-2020-09-30-getproject."""
    project = project_of(cloud, call)
    return Reply({"Project": shown_project(cloud, project, statistics=wants_statistics(cloud, call))})


@SERVED.serves("UpdateProject", *WRITTEN)
def update_project(cloud: Cloud, call: Call) -> Reply:
    """Change what is sent, keep the rest. api-imm-2020-09-30-updateproject: in force after up to five minutes."""
    project = project_of(cloud, call)
    now = cloud.clock.now()
    project.delayed.append(Delayed(now + cloud.switches.update_delay_seconds, _given(cloud, call)))
    settle(project, now)
    return Reply({"Project": shown_project(cloud, project, statistics=True)})


@SERVED.serves("DeleteProject", "ProjectName")
def delete_project(cloud: Cloud, call: Call) -> Reply:
    """Delete an empty project. api-imm-2020-09-30-deleteproject: datasets and batches must be gone first."""
    project = project_of(cloud, call)
    require_empty(cloud, project)
    imm = imm_of(cloud, call)
    del imm.projects[project.name]
    if cloud.switches.legacy_project_usable:
        imm.legacy.pop(project.name, None)
    return Reply({})


def require_empty(cloud: Cloud, project: Project) -> None:
    """Refuse the delete of a project that holds datasets or batches."""
    if project.datasets or project.batches:
        raise Refusal(
            refusals.BAD_REQUEST,
            cloud.switches.nonempty_delete_code,
            f"The project {project.name} still has {len(project.datasets)} datasets and {len(project.batches)} batches."
            " Delete them first.",
        )


@SERVED.serves("ListProjects", "MaxResults", "NextToken", "Prefix", "Tag")
def list_projects(cloud: Cloud, call: Call) -> Reply:
    """List projects by name. api-imm-2020-09-30-listprojects."""
    projects = projects_of(cloud, call)
    prefix = listed_prefix(call)
    wanted = params.tags(call, "Tag") or {}
    names = sorted(
        name for name, project in projects.items() if name.startswith(prefix) and wanted.items() <= project.tags.items()
    )
    chosen, token = page(call, names)
    for name in chosen:
        settle(projects[name], cloud.clock.now())
    exact = cloud.switches.statistics_unasked == "exact"
    shown = [shown_project(cloud, projects[name], statistics=exact) for name in chosen]
    return Reply({"Projects": shown, "NextToken": token})


def wants_statistics(cloud: Cloud, call: Call) -> bool:
    """Whether the answer counts files: asked for, or switched to count always."""
    return params.boolean(call, "WithStatistics") or cloud.switches.statistics_unasked == "exact"


def listed_prefix(call: Call) -> str:
    """The Prefix of a List call: 0 to 128 characters."""
    prefix = call.params.get("Prefix", "")
    if len(prefix) > MAX_PREFIX:
        raise refusals.malformed("Prefix")
    return prefix


def _given(cloud: Cloud, call: Call) -> dict[str, object]:
    found = {**given_texts(cloud, call), **given_quotas(call)}
    if call.params.get("ServiceRole"):
        found["service_role"] = known_role(cloud, call, call.params["ServiceRole"])
    count = params.integer(call, "ProjectMaxDatasetCount", 1, 2**63 - 1)
    if count is not None:
        if count > MAX_DATASETS:
            raise refusals.limit_exceeded(
                f"The quota ProjectMaxDatasetCount is too large: {count}, at most {MAX_DATASETS}."
            )
        found["max_dataset_count"] = count
    tags = params.tags(call, "Tag")
    if tags is not None:
        found["tags"] = tags
    return found
