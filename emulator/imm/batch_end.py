"""How a batch comes to its end: its tasks are counted down, a failure may abort it, and its topic is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imm.event_ids import event_id_of
from emulator.imm.notify import announce, batch_event, task_event

if TYPE_CHECKING:
    from emulator.imm.batch_state import Batch
    from emulator.imm.state import IndexJob, Project
    from emulator.state import Cloud


def task_done(cloud: Cloud, account: str, region: str, project: Project | None, job: IndexJob) -> None:
    """One of a batch's tasks is done; the batch may have been deleted meanwhile."""
    batch = project.batches.get(job.batch_id) if project else None
    task = project.tasks.get(job.task_id) if project else None
    if project is None or batch is None or task is None:
        return
    batch.open_tasks -= 1
    if batch.topic and cloud.switches.batch_notification == "file":
        event = task_event(project.name, task, batch, str(job.files[0]["URI"]))
        announce(cloud, account, region, batch.service_role, batch.topic, event)
    if task.status == "Failed" and any(action.on_error == "abort" for action in batch.actions):
        fail(cloud, account, region, project, batch, f"[{task.code}] {task.message}", job.due)
    else:
        end_if_done(cloud, account, region, project, batch, job.due)


def fail(cloud: Cloud, account: str, region: str, project: Project, batch: Batch, error: str, now: float) -> None:
    """Something cannot be recovered from without a caller; a batch that is at an end already stays as it is."""
    if batch.state in {"Ready", "Running"}:
        batch.state, batch.error, batch.updated = "Failed", error, now
        _tell(cloud, account, region, project, batch)


def end_if_done(cloud: Cloud, account: str, region: str, project: Project, batch: Batch, now: float) -> None:
    """Succeeded, once every key was looked at and every task is done, whatever became of each."""
    if batch.state == "Running" and batch.scanned and batch.open_tasks == 0:
        batch.state, batch.updated = "Succeeded", now
        _tell(cloud, account, region, project, batch)


def _tell(cloud: Cloud, account: str, region: str, project: Project, batch: Batch) -> None:
    if batch.topic and cloud.switches.batch_notification == "batch":
        event = batch_event(project.name, batch, event_id_of(f"{batch.batch_id}/{batch.updated}"))
        announce(cloud, account, region, batch.service_role, batch.topic, event)
