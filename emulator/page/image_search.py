"""Image Search as the page shows it: instances with what they hold, and their batches."""

from __future__ import annotations

from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.imagesearch.batch_state import Task
    from emulator.imagesearch.state import Instance as ImageInstance
    from emulator.instance import Instance

MOST = 200


def list_image_search(instance: Instance, _: Mapping[str, str]) -> object:
    """Every instance, and the newest batches of all of them."""
    found = [
        ({"account": account_id, "region": region, "instance": held.name}, held)
        for account_id, account in instance.cloud.accounts.items()
        for region, search in account.imagesearch.items()
        for held in search.instances.values()
    ]
    tasks = ((place, task) for place, held in found for task in islice(reversed(held.tasks.values()), MOST))
    newest = nlargest(MOST, tasks, key=lambda pair: pair[1].created)
    return {
        "instances": [{**place, **_instance(held)} for place, held in found[:MOST]],
        "batches": [{**place, **_batch(task)} for place, task in newest],
    }


def _instance(held: ImageInstance) -> dict[str, object]:
    return {
        "id": held.id,
        "product": held.is_product,
        "state": held.status,
        "pictures": len(held.pictures),
        "capacity": held.capacity,
        "batches": len(held.tasks),
        "expires": held.expires,
    }


def _batch(task: Task) -> dict[str, object]:
    return {
        "id": task.id,
        "source": f"oss://{task.bucket}/{task.path.strip('/')}",
        "state": task.status,
        "reason": task.msg,
        "done": task.progress,
        "lines": task.lines if task.is_checked else None,
        "isolated": len(task.faults),
        "updated": task.modified,
    }
