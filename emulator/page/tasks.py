"""IMM's batches and tasks as the page shows them: work under way and how it ended."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.imm.batch_state import Batch, Task
    from emulator.instance import Instance

MOST = 200


def list_tasks(instance: Instance, _: Mapping[str, str]) -> object:
    """Every project's batches, newest first, and the newest tasks."""
    batches: list[dict[str, object]] = []
    tasks: list[dict[str, object]] = []
    for account_id, account in instance.cloud.accounts.items():
        for region, imm in account.imm.items():
            for project in imm.projects.values():
                place = {"account": account_id, "region": region, "project": project.name}
                batches += [{**place, **_batch(item)} for item in islice(reversed(project.batches.values()), MOST)]
                tasks += [{**place, **_task(item)} for item in islice(reversed(project.tasks.values()), MOST)]
    return {"batches": batches[:MOST], "tasks": tasks[:MOST]}


def _batch(batch: Batch) -> dict[str, object]:
    return {
        "id": batch.batch_id,
        "state": batch.state,
        "reason": batch.error,
        "bucket": batch.bucket,
        "prefix": batch.prefix,
        "actions": [action.name for action in batch.actions],
        "submitted": batch.submitted,
        "failed": batch.not_submitted,
        "skipped": batch.skipped,
        "open": batch.open_tasks,
        "updated": batch.updated,
    }


def _task(task: Task) -> dict[str, object]:
    return {
        "id": task.task_id,
        "kind": task.task_type,
        "state": task.status,
        "reason": " ".join(filter(None, (task.code, task.message))),
        "dataset": task.dataset,
        "started": task.started,
        "ended": task.ended,
    }
