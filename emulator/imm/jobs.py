"""Accepted index calls and batches' tasks: done in the background, each file with its own result, then announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imm.batch_end import task_done
from emulator.imm.indexing import STATED, Reading, index_object
from emulator.imm.kept import content_of, is_of_a_drive
from emulator.imm.notify import announce, index_event
from emulator.imm.roles import DEFAULT_ROLE, cannot_read
from emulator.oss.store import find_bucket, find_object

if TYPE_CHECKING:
    from emulator.imm.state import Dataset, ImmState, IndexJob, Project
    from emulator.state import Cloud

FILE_MISSING = "[InvalidArgument] File does not exist."  # the vendor's sample, document_detail/2743997
DATASET_MISSING = "[ResourceNotFound] The specified resource Dataset is not found."


def run_due_jobs(cloud: Cloud, account: str, region: str, imm: ImmState, budget: int) -> int:
    """Do index calls that are due, each of them whole, until they have read `budget` files; how many were read."""
    due = _take_due(imm, cloud.clock.now(), budget)
    for job in due:
        project = imm.projects.get(job.project)
        dataset = project.datasets.get(job.dataset) if project else None
        role = _role(project, job)
        errors = [_index(cloud, account, region, role, job, dataset, stated) for stated in job.files]
        if project is not None:
            _end_task(project, job, errors)
        if job.batch_id:
            task_done(cloud, account, region, project, job)
        elif job.topic:
            announce(cloud, account, region, role, job.topic, index_event(cloud.switches, job, errors))
    return sum(len(job.files) for job in due)


def _take_due(imm: ImmState, now: float, budget: int) -> list[IndexJob]:
    """Take out the due jobs that fit into the budget; at least one, and all in the order they came in."""
    due: list[IndexJob] = []
    rest: list[IndexJob] = []
    for job in imm.jobs:
        if job.due <= now and budget > 0:
            budget -= len(job.files)
            due.append(job)
        else:
            rest.append(job)
    if due:
        imm.jobs = rest
    return due


def _role(project: Project | None, job: IndexJob) -> str:
    """Whom IMM acts as: the batch's role, or the project's; the default one's for a project that is gone."""
    if project is None:
        return DEFAULT_ROLE
    batch = project.batches.get(job.batch_id)
    return project.service_role if batch is None else batch.service_role


def _index(
    cloud: Cloud,
    account: str,
    region: str,
    role: str,
    job: IndexJob,
    dataset: Dataset | None,
    stated: dict[str, object],
) -> str:
    """Index one file; what is wrong with it, or nothing."""
    if dataset is None:
        return DATASET_MISSING
    uri = str(stated["URI"])
    bucket_name, key = content_of(stated)
    bucket = find_bucket(cloud, bucket_name)
    readable = bucket is not None and bucket.account == account and bucket.region.removeprefix("oss-") == region
    item = find_object(cloud, bucket_name, key) if readable else None
    if item is None:
        return FILE_MISSING
    told = {name: stated[name] for name in STATED if stated.get(name)}
    if not is_of_a_drive(uri):
        told.pop("OSSURI", None)  # struct File: only where the URI is one of Drive and Photo Service
    reading = Reading(cloud.switches.object_status, cannot_read(cloud, account, role, bucket_name, key))
    return index_object(account, job.project, dataset, uri, item, job.due, reading, told)


def _end_task(project: Project, job: IndexJob, errors: list[str]) -> None:
    """Note the task's end; it has failed if every one of its files has."""
    task = project.tasks.get(job.task_id)
    if task is None:
        return
    task.ended = job.due
    task.status = "Failed" if all(errors) else "Succeeded"
    if task.status == "Failed":
        code, _, task.message = errors[0].partition("] ")
        task.code = code.removeprefix("[")
