"""Finding what a call names, with the project's request allowance taken on the way in.

The allowance is a token bucket of one second's requests, per project and over all operations together, as documented
for `ProjectQueriesPerSecond`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imm import params, refusals
from emulator.imm.state import Project

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imm.state import Dataset, ImmState
    from emulator.state import Cloud

ROUNDING = 1e-4  # seconds since the epoch lose digits; a hundredth of a second later must count as one


def imm_of(cloud: Cloud, call: Call) -> ImmState:
    """The IMM of the caller's account and the endpoint's region."""
    return cloud.imm(call.account, call.region)


def projects_of(cloud: Cloud, call: Call) -> dict[str, Project]:
    """The caller's projects by name; with the switch, those of the old API have become projects of this one."""
    imm = imm_of(cloud, call)
    if cloud.switches.legacy_project_usable:
        for name in imm.legacy.keys() - imm.projects.keys():
            old = imm.legacy[name]
            imm.projects[name] = Project(name, old.created, old.updated, service_role=old.service_role)
    return imm.projects


def project_of(cloud: Cloud, call: Call) -> Project:
    """The project that the call names, admitted by its allowance.

    Raises:
        Refusal: MissingProjectName, InvalidProjectName, ResourceNotFound, Throttling.User.
    """
    name = params.resource_name(call, "ProjectName")
    project = projects_of(cloud, call).get(name)
    if project is None:
        raise refusals.not_found(cloud.switches, "Project")
    _admit(cloud, project)
    settle(project, cloud.clock.now())
    return project


def dataset_of(cloud: Cloud, call: Call) -> tuple[Project, Dataset]:
    """The project and dataset that the call names.

    Raises:
        Refusal: As `project_of`, and MissingDatasetName, InvalidDatasetName, ResourceNotFound.
    """
    project = project_of(cloud, call)
    dataset = project.datasets.get(params.resource_name(call, "DatasetName"))
    if dataset is None:
        raise refusals.not_found(cloud.switches, "Dataset")
    settle(dataset, cloud.clock.now())
    return project, dataset


def settle(thing: Project | Dataset, now: float) -> None:
    """Put updates that are due in force; a name like `quotas.bind_count` reaches into the quotas."""
    while thing.delayed and thing.delayed[0].due <= now:
        update = thing.delayed.pop(0)
        for name, value in update.changes.items():
            owner, _, attribute = name.rpartition(".")
            setattr(thing.quotas if owner else thing, attribute, value)
        thing.updated = update.due


def _admit(cloud: Cloud, project: Project) -> None:
    now, rate = cloud.clock.now(), cloud.imm_settings.queries_per_second
    if rate <= 0 or cloud.loose:
        return
    if project.tokens < 0:
        project.tokens, project.tokens_at = rate, now
    project.tokens = min(rate, project.tokens + (now - project.tokens_at) * rate)
    project.tokens_at = now
    if project.tokens < 1 - ROUNDING:
        raise refusals.throttled(cloud.switches, project.name)
    project.tokens = max(0.0, project.tokens - 1)
