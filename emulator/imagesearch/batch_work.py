"""Batch tasks at work: a manifest is checked as a whole first, then worked off line by line at the set pace.

`advance` brings every task to `cloud.clock.now()`; what happens is dated by when it was due, not by when somebody
looked. Everything a task needs to go on is in the state, so one that a kill interrupts goes on after the restart.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from emulator.imagesearch import dumps, pictures
from emulator.imagesearch.batch_end import end, end_worked_off
from emulator.imagesearch.batch_state import Manifest
from emulator.imagesearch.manifest import NAME, Entry, Fault, lines_of, read_entry, read_object
from emulator.imagesearch.manifest_place import folder, manifest_key
from emulator.imagesearch.refusals import Unfit
from emulator.oss.store import find_object

if TYPE_CHECKING:
    from emulator.imagesearch.batch_state import Task
    from emulator.imagesearch.state import ImageSearchState, Instance
    from emulator.state import Cloud

_ROUNDING = 1e-6


def advance(cloud: Cloud) -> bool:
    """Bring every batch and export to the clock's now; whether anything changed.

    On a real clock one call works on each task for at most `turn_seconds`, and the rest follows with the next call.
    """
    return cloud.clock.work_off(lambda: _turn(cloud))


def _turn(cloud: Cloud) -> bool:
    changed = False
    for account in cloud.accounts.values():
        for region, search in account.imagesearch.items():
            for name in list(search.running):
                changed |= _move(cloud, region, search, search.instances[name])
            for name in list(search.dumping):
                changed |= dumps.finish(cloud, region, search, search.instances[name])
    return changed


def _move(cloud: Cloud, region: str, search: ImageSearchState, instance: Instance) -> bool:
    task = instance.tasks[search.running[instance.name]]
    if cloud.clock.now() < begin_of(cloud, task):
        return False
    again = cloud.switches.increment_manifest_read == "throughout"
    if not instance.manifests[task.id].etag or (again and not _read_again(cloud, instance, task)):
        reason = f"There is no {NAME}."
        end(cloud, region, search, instance, task, "FAIL", "InvalidMetaItem", reason, cloud.clock.now())
        return True
    if not task.is_checked:
        return _check(cloud, region, search, instance, task)
    return _work(cloud, region, search, instance, task)


def begin_of(cloud: Cloud, task: Task) -> float:
    """When the first line's time begins."""
    return task.created + cloud.image_batches.begin_seconds


def _read_again(cloud: Cloud, instance: Instance, task: Task) -> bool:
    """Go on in what the object is now, behind as many lines as are worked off; False if there is none any more."""
    item = find_object(cloud, task.bucket, manifest_key(task.path))
    if item is None:
        return False
    if item.etag != instance.manifests[task.id].etag:
        instance.manifests[task.id] = Manifest(item.data, item.etag)
        task.checked, task.is_checked, task.lines, task.entries, task.offset = 0, False, 0, 0, 0
        for number, (_, following) in enumerate(lines_of(item.data), 1):
            if number > task.progress:
                break
            task.offset = following
    return True


def _deadline(cloud: Cloud) -> float:
    return float("inf") if cloud.clock.virtual else time.monotonic() + cloud.image_batches.turn_seconds


def _check(cloud: Cloud, region: str, search: ImageSearchState, instance: Instance, task: Task) -> bool:
    """See that every line is one JSON object: else the operation fails as a whole, and nothing is done."""
    content, deadline = instance.manifests[task.id].content, _deadline(cloud)
    begin = begin_of(cloud, task)
    for line, following in lines_of(content, task.checked):
        found = read_object(line, cloud.switches, first=task.checked == 0)
        task.lines += 1
        task.checked = following
        if isinstance(found, str):
            problem = f"Line {task.lines} of {NAME}: {found}."
            end(cloud, region, search, instance, task, "FAIL", "InvalidMetaItem", problem, begin)
            return True
        task.entries += found is not None
        if time.monotonic() >= deadline:
            return True
    task.is_checked = True
    if task.entries == 0 and cloud.switches.increment_empty_manifest == "FAIL":
        end(cloud, region, search, instance, task, "FAIL", "EmptyMeta", f"{NAME} holds no entry.", begin)
    return True


def _work(cloud: Cloud, region: str, search: ImageSearchState, instance: Instance, task: Task) -> bool:
    content, deadline = instance.manifests[task.id].content, _deadline(cloud)
    rate, begin = cloud.image_batches.lines_per_second, begin_of(cloud, task)
    due = int((cloud.clock.now() - begin) * rate + _ROUNDING) if rate else task.lines
    before = task.progress
    for line, following in lines_of(content, task.offset):
        if task.progress >= due or time.monotonic() >= deadline:
            break
        fault = _do(cloud, instance, task, line)
        task.progress += 1
        task.offset = following
        if fault is not None:
            task.faults[task.progress] = fault
    task.modified = begin + task.progress / rate if rate else max(task.modified, begin)
    if task.offset >= len(content):
        end_worked_off(cloud, region, search, instance, task)
        return True
    return task.progress > before


def _do(cloud: Cloud, instance: Instance, task: Task, line: bytes) -> Fault | None:
    """Work one line off; why it is isolated, if it is."""
    found = read_object(line, cloud.switches, first=task.progress == 0)
    if not isinstance(found, dict):
        return None if found is None else Fault("InvalidMetaItem", f"The line cannot be read: {found}.")
    entry = read_entry(found, cloud.switches)
    if isinstance(entry, Fault):
        return entry
    if entry.operation == "DELETE":
        pictures.delete(instance, entry.product_id, entry.pic_name or None)
        return None
    return _add(cloud, instance, task, entry)


def _add(cloud: Cloud, instance: Instance, task: Task, entry: Entry) -> Fault | None:
    key = f"{folder(task.path)}{entry.pic_name}"
    item = find_object(cloud, task.bucket, key)
    if item is None:
        added: object = Unfit("BadRequest", f"The picture {key} does not exist in the bucket {task.bucket}.")
    else:
        added = pictures.add(
            instance,
            item.data,
            pictures.Said(
                product_id=entry.product_id,
                pic_name=entry.pic_name,
                custom_content=entry.custom_content,
                category_id=entry.category_id,
                int_attrs=(entry.int_attr, None, None, None),
                str_attrs=(entry.str_attr, None, None, None),
                crop=entry.crop,
                region="" if entry.region is None else str(entry.region),
            ),
            rotated_fits=cloud.switches.image_search_rotated == "accepted",
            counted=not cloud.loose,
            digest=f"{item.etag}/{item.crc64}/{item.size}",
        )
    if isinstance(added, Unfit):
        return Fault(added.code, added.message, entry.operation, entry.product_id, entry.pic_name)
    return None
