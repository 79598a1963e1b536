"""How a task comes to its end: worked off, failed as a whole, or cancelled; what is then to be read and told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.imagesearch import callback, downloads
from emulator.imagesearch.manifest import Fault, lines_of, read_entry, read_object
from emulator.imagesearch.report import Row, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.imagesearch.batch_state import Task, TaskStatus
    from emulator.imagesearch.state import ImageSearchState, Instance
    from emulator.state import Cloud

ISOLATED = "Some of the images cannot be processed and are isolated."  # the guide's own words
DONE = "success"
CANCELLED = "The task was cancelled."


def end_worked_off(cloud: Cloud, region: str, search: ImageSearchState, instance: Instance, task: Task) -> None:
    """Every line is worked off: some may be isolated, which is no failure of the task."""
    if not task.faults:
        end(cloud, region, search, instance, task, "SUCCESS", "0", DONE, task.modified)
    elif len(task.faults) == task.entries and cloud.switches.increment_all_isolated == "FAIL":
        end(cloud, region, search, instance, task, "FAIL", "InvalidMetaItem", ISOLATED, task.modified)
    else:
        code = cloud.switches.increment_isolated_code
        end(cloud, region, search, instance, task, "SUCCESS", code, ISOLATED, task.modified)


def cancel(cloud: Cloud, region: str, search: ImageSearchState, instance: Instance, task: Task) -> None:
    """Stop a task that runs: what is done stays done.

    Raises:
        ValueError: It is at its end already.
    """
    if task.status != "PROCESSING":
        raise ValueError(f"task {task.id} of {instance.name} is {task.status} already")
    end(cloud, region, search, instance, task, "CANCELLED", "0", CANCELLED, cloud.clock.now())


def end(  # noqa: PLR0913, PLR0917 - where the task is, and how it ends
    cloud: Cloud,
    region: str,
    search: ImageSearchState,
    instance: Instance,
    task: Task,
    status: TaskStatus,
    code: str,
    message: str,
    now: float,
) -> None:
    """Put a task at its end, with its report if there is something to report, and its callback on the way."""
    task.status, task.code, task.msg, task.modified = status, code, message, now
    every_line = status == "CANCELLED" and cloud.switches.increment_cancel_report == "every_line"
    worked_off = status == "SUCCESS" and cloud.switches.increment_report_always
    if every_line or task.faults or worked_off:
        rows = _every_row(cloud, instance, task) if every_line else _fault_rows(task)
        content_type, content = render(cloud.switches.increment_report_shape, rows)
        task.report_key = downloads.publish(cloud, region, f"{instance.id}/{task.id}", content_type, content)
    del search.running[instance.name]
    instance.manifests.pop(task.id, None)
    callback.announce(cloud, region, search, instance, task)


def _fault_rows(task: Task) -> Iterator[Row]:
    for number in sorted(task.faults):
        yield _fault_row(number, task.faults[number])


def _fault_row(number: int, fault: Fault) -> Row:
    return Row(number, fault.operation, fault.product_id, fault.pic_name, fault.code, fault.message)


def _every_row(cloud: Cloud, instance: Instance, task: Task) -> Iterator[Row]:
    """A row for each entry that was worked off."""
    for number, (line, following) in enumerate(lines_of(instance.manifests[task.id].content), 1):
        if following > task.offset:
            return
        fault = task.faults.get(number)
        if fault is not None:
            yield _fault_row(number, fault)
            continue
        found = read_object(line, cloud.switches, first=number == 1)
        entry = read_entry(found, cloud.switches) if isinstance(found, dict) else None
        if entry is not None and not isinstance(entry, Fault):
            yield Row(number, entry.operation, entry.product_id, entry.pic_name, "0", DONE)
