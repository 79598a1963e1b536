"""A batch at work: its bucket's prefix is walked at the scan's pace, and every file becomes a task of its own.

Suspending stops new tasks and leaves submitted ones alone (OSS: "Batch processing").
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from emulator.imm.batch_end import end_if_done, fail
from emulator.imm.batch_state import Task
from emulator.imm.event_ids import event_id_of, prefixed_uuid
from emulator.imm.roles import cannot_list
from emulator.imm.state import BatchKey, IndexJob
from emulator.imm.tasks import INDEX_TASK
from emulator.oss.store import find_bucket, iterate_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.imm.batch_state import Batch
    from emulator.imm.state import ImmState, Project
    from emulator.oss.state import StoredObject
    from emulator.state import Cloud

INDEX_ACTION = "emulator/index"
DATASET_PARAMETER = "dataset="


def run_batches(cloud: Cloud, account: str, region: str, imm: ImmState, budget: int) -> int:
    """Bring the batches under way to the clock's now, at most `budget` files of each; how many steps were done."""
    done = 0
    for key in list(imm.batches_under_way):
        project = imm.projects.get(key.project)
        batch = project.batches.get(key.batch_id) if project else None
        if project is not None and batch is not None:
            done += _move(cloud, account, region, imm, project, batch, budget)
        if batch is None or batch.state not in {"Ready", "Running"} or batch.scanned:
            imm.batches_under_way.pop(key, None)
    return done


def set_going(cloud: Cloud, imm: ImmState, project: Project, batch: Batch) -> None:
    """Have a Ready or Running batch looked at from now on."""
    batch.scan_started, batch.pace = cloud.clock.now(), 0
    imm.batches_under_way[BatchKey(project.name, batch.batch_id)] = None


def dataset_named(batch: Batch) -> str:
    """The dataset that the batch indexes into."""
    parameters = [text for action in batch.actions for text in action.parameters]
    return next(text.removeprefix(DATASET_PARAMETER) for text in parameters if text.startswith(DATASET_PARAMETER))


def _move(cloud: Cloud, account: str, region: str, imm: ImmState, project: Project, batch: Batch, budget: int) -> int:
    now, done = cloud.clock.now(), 0
    ready = cloud.imm_settings.binding_ready_seconds
    if batch.state == "Ready" and now >= batch.updated + ready:
        batch.updated += ready
        batch.state, batch.scan_started, done = "Running", batch.updated, 1
    if batch.state != "Running":
        return done
    if find_bucket(cloud, batch.bucket) is None:
        fail(cloud, account, region, project, batch, f"The bucket {batch.bucket} does not exist.", now)
        return done + 1
    forbidden = cannot_list(cloud, account, batch.service_role, batch.bucket)
    if forbidden:
        fail(cloud, account, region, project, batch, forbidden, now)
        return done + 1
    rate = cloud.imm_settings.scan_files_per_second
    allowed = min(budget, int((now - batch.scan_started) * rate + 1e-6) - batch.pace)
    count = 0
    for item in islice(_rest(cloud, batch), max(0, allowed)):
        batch.pace += 1
        count += 1
        batch.cursor = item.key
        _submit(cloud, imm, project, batch, item.key, batch.scan_started + batch.pace / rate)
    if count < allowed:
        batch.scanned = True
        count += 1
        end_if_done(cloud, account, region, project, batch, batch.scan_started + (batch.pace + 1) / rate)
    return done + count


def _rest(cloud: Cloud, batch: Batch) -> Iterator[StoredObject]:
    for item in iterate_objects(cloud, batch.bucket, after=batch.cursor):
        if item.key.startswith(batch.prefix):
            yield item
        elif item.key > batch.prefix:
            return


def _submit(cloud: Cloud, imm: ImmState, project: Project, batch: Batch, key: str, now: float) -> None:
    """One file's task; a folder's marker is no file. It is counted as not submitted where there is no dataset."""
    if key.endswith("/"):
        batch.skipped += 1
        return
    dataset = dataset_named(batch)
    if dataset not in project.datasets:
        batch.not_submitted += 1
        return
    uri = f"oss://{batch.bucket}/{key}"
    seed = f"{batch.batch_id}/{key}/{now}"
    task_id, event_id = prefixed_uuid(INDEX_TASK, seed), event_id_of(seed)
    project.tasks[task_id] = Task(task_id, INDEX_TASK, now, event_id=event_id, dataset=dataset, tags=dict(batch.tags))
    batch.submitted += 1
    batch.open_tasks += 1
    imm.jobs.append(
        IndexJob(
            due=now + cloud.imm_settings.index_delay_seconds,
            started=now,
            event_id=event_id,
            kind=f"Task:{INDEX_TASK}",
            project=project.name,
            dataset=dataset,
            files=[{"URI": uri}],
            task_id=task_id,
            batch_id=batch.batch_id,
        )
    )
