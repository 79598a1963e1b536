"""Batch tasks: IncreaseInstance, IncreaseList.

From the operations' pages (document_detail/377468 and 377469) and the guide on batch operations (66580).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imagesearch import downloads, params
from emulator.imagesearch.batch_state import Manifest, Task
from emulator.imagesearch.instances import instance_of
from emulator.imagesearch.manifest import NAME
from emulator.imagesearch.manifest_place import manifest_key
from emulator.imagesearch.paging import page_of
from emulator.imagesearch.refusals import bad_request, refused
from emulator.oss.store import find_bucket, find_object

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imagesearch.state import Instance
    from emulator.state import Cloud

SERVED = Operations("imagesearch")
_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s]*", re.IGNORECASE)


@SERVED.serves("IncreaseInstance", "InstanceName", "BucketName", "Path", "CallbackAddress")
def increase_instance(cloud: Cloud, call: Call) -> Reply:
    """Have a path's `increment.meta` worked off, in the background. api-imagesearch-2020-12-14-increaseinstance."""
    instance = instance_of(cloud, call)
    bucket, path = params.text(call, "BucketName"), params.text(call, "Path")
    address = call.params.get("CallbackAddress", "")
    if not instance.authorized:
        raise refused(cloud.switches.increment_unauthorized_code, "Image Search may not read OSS: authorize it.")
    _check_path(cloud, path)
    if address and _ADDRESS.fullmatch(address) is None:
        raise bad_request("CallbackAddress must begin with http:// or https://.")
    _check_bucket(cloud, call, instance, bucket)
    manifest = _manifest(cloud, bucket, path)
    search = cloud.imagesearch(call.account, call.region)
    if instance.name in search.running:
        raise refused(cloud.switches.increment_busy_code, f"Batch task {search.running[instance.name]} is running.")
    now = cloud.clock.now()
    task = Task(search.next_task, bucket, path, address, call.base_url, now, now)
    search.next_task += 1
    instance.tasks[task.id] = task
    instance.manifests[task.id] = manifest
    search.running[instance.name] = task.id
    return Reply({"Success": True, "Data": {"Id": str(task.id), "IncrementStatus": "PROCESSING"}})


@SERVED.serves("IncreaseList", "InstanceName", "Id", "BucketName", "Path", "PageNumber", "PageSize")
def increase_list(cloud: Cloud, call: Call) -> Reply:
    """Batch tasks, all or those of an id, bucket or path. api-imagesearch-2020-12-14-increaselist."""
    instance = instance_of(cloud, call)
    wanted, bucket, path = params.integer(call, "Id"), call.params.get("BucketName"), call.params.get("Path")
    found = [
        task
        for task in instance.tasks.values()
        if wanted in {None, task.id} and (not bucket or bucket == task.bucket) and (not path or path == task.path)
    ]
    page = page_of(cloud, call, found, cloud.switches.increment_page_max)
    shown = [shown_task(cloud, call.base_url, instance, task) for task in page.items]
    return Reply({"Data": {"Increments": {"Instance": shown}, **page.facts}})


def shown_task(cloud: Cloud, base_url: str, instance: Instance, task: Task) -> dict[str, object]:
    """A task as a listing shows it, with a fresh address of its report. The times are of two types, as documented."""
    kept = cloud.clock.now() < task.modified + cloud.switches.increment_report_kept_seconds
    has_report = bool(task.report_key) and kept
    return {
        "Id": task.id,
        "BucketName": task.bucket,
        "Path": task.path,
        "CallbackAddress": task.callback_address,
        "Status": cloud.switches.increment_cancelled_status if task.status == "CANCELLED" else task.status,
        "Code": task.code,
        "Msg": task.msg,
        "ErrorUrl": downloads.address(cloud, base_url, instance.region, task.report_key) if has_report else "",
        "UtcCreate": str(round(task.created * 1000)),
        "UtcModified": round(task.modified * 1000),
    }


def _check_path(cloud: Cloud, path: str) -> None:
    if path == "/":
        if cloud.switches.increment_root_path == "refused":
            raise bad_request("Path must not end with a slash.")
        return
    if not path.startswith("/"):
        raise bad_request("Path must begin with a slash.")
    if path.endswith("/"):
        raise bad_request("Path must not end with a slash.")


def _check_bucket(cloud: Cloud, call: Call, instance: Instance, name: str) -> None:
    bucket = find_bucket(cloud, name)
    if bucket is None or bucket.account != call.account:
        raise bad_request(f"There is no bucket {name}.")
    if bucket.region.removeprefix("oss-") != instance.region:
        raise bad_request(f"The bucket {name} is in {bucket.region}, the instance in {instance.region}.")


def _manifest(cloud: Cloud, bucket: str, path: str) -> Manifest:
    """What is there to be worked off; without anything the task fails later, if the switch says so."""
    item = find_object(cloud, bucket, manifest_key(path))
    if item is not None:
        return Manifest(item.data, item.etag)
    if cloud.switches.increment_manifest_missing == "BadRequest":
        raise bad_request(f"There is no {NAME} at {path} of the bucket {bucket}.")
    return Manifest(b"", "")
