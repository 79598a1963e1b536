"""What an import leaves behind: nothing of its own, but maybe a task that runs on, as no API cancels one."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from controller.api.batchimport import BatchImport
from controller.core.imports.tasks import TaskState
from controller.core.reasons import Reason
from controller.reconcile.context import Context
from controller.reconcile.imports.turns import ANSWERED, owner_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A batch that is, or may be, worked on; `task` is None while the submit's answer is lost."""

    task: int | None


def submitted(target: BatchImport, context: Context) -> Submitted | None:
    """What an import has at work: by its run, where that is in memory, else as far as its status tells."""
    status = target.status
    run = context.runs.find(status.run) if status.run is not None else None
    if run is not None:
        with run.lock:
            return Submitted(run.state.task) if run.state.task_chunk is not None else None
    if status.phase not in ANSWERED:
        return None
    if status.task is not None and status.task.state == TaskState.PROCESSING:
        return Submitted(status.task.id)
    confirming = any(one.type == "Ready" and one.reason == Reason.CONFIRMING for one in status.conditions)
    return Submitted(None) if confirming and target.spec.target.image_search is not None else None


def forget_run(run: str, context: Context) -> None:
    """Forget a run that nobody follows any more, and have OSS forget the parts of a manifest that was on its way."""
    loaded = context.runs.find(run)
    context.runs.drop(run)
    upload = loaded.pursuit.upload if loaded is not None else None
    if loaded is not None and upload is not None:
        loaded.pursuit.upload = None
        upload.drop(loaded.journal.oss)


def let_go(target: BatchImport, context: Context) -> None:
    """Forget what is in memory of an import that leaves; whoever waited for its instance is next."""
    context.resolutions.forget(owner_of(target))
    context.turns.leave(target)
    context.turns.forget(owner_of(target))
    if target.status.run is not None:
        forget_run(target.status.run, context)


def _is_there(target: BatchImport, context: Context) -> bool:
    """Whether the object goes on at another shard. Where nobody can tell, what is said once too often does no harm."""
    try:
        there = context.cluster.find(BatchImport, *owner_of(target))
    except Exception as error:
        log.warning("BatchImport %s/%s is taken to be gone: %s", *owner_of(target), error, exc_info=True)
        return False
    return there is not None and there.metadata.uid == target.metadata.uid


def tell_gone(target: BatchImport, context: Context) -> None:
    """The object is deleted. Where a task of its is at work, or may be, say that the task goes on.

    One that is still there went to another shard, which follows the task.
    """
    left = submitted(target, context)
    let_go(target, context)
    pictures = target.spec.target.image_search
    if left is None or pictures is None or target.status.ended_at is not None:
        return
    if _is_there(target, context):
        return
    instance = target.status.instance or pictures.instance_name
    what = f"task {left.task} of instance {instance} runs on and is"
    if left.task is None:
        what = (
            f"the answer to its submit into instance {instance} was lost: a task of "
            f"oss://{pictures.bucket}/{pictures.path} may run there, which is"
        )
    message = (
        f"{what} not followed any more; no API cancels it. To stop it, open the instance in the Image Search console, "
        "tab Batch Operation, and click Cancel at the task"
    )
    log.warning("BatchImport %s/%s was deleted: %s", *owner_of(target), message)
    context.reporter.warn(target, Reason.TASK_RUNNING, message)
