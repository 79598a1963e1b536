"""What an import leaves behind: nothing of its own, but maybe a task that runs on, as no API cancels one."""

from __future__ import annotations

import logging

from controller.api.batchimport import BatchImport
from controller.core.imports.tasks import TaskState
from controller.core.reasons import Reason
from controller.reconcile.context import Context
from controller.reconcile.imports.turns import owner_of

log = logging.getLogger(__name__)


def let_go(target: BatchImport, context: Context) -> None:
    """Forget what is in memory of an import that leaves; whoever waited for its instance is next."""
    if target.status.run is not None:
        context.runs.drop(target.status.run)
    context.resolutions.forget(owner_of(target))
    context.turns.leave(target)
    context.turns.forget(owner_of(target))


def tell_gone(target: BatchImport, context: Context) -> None:
    """The object is deleted. Where its last status shows a task at work, say that the task goes on."""
    let_go(target, context)
    task = target.status.task
    if task is None or target.status.ended_at is not None or task.state != TaskState.PROCESSING:
        return
    instance = target.status.instance or "its instance"
    message = (
        f"task {task.id} of instance {instance} runs on and is not followed any more; no API cancels it. To stop it, "
        "open the instance in the Image Search console, tab Batch Operation, and click Cancel at the task"
    )
    log.warning("BatchImport %s/%s was deleted: %s", *owner_of(target), message)
    context.reporter.warn(target, Reason.TASK_RUNNING, message)
