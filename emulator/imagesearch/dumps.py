"""Exports of an instance's metadata: DumpMeta, DumpMetaList.

What is exported has no sample: it is taken to be what an `increment.meta` would say of each picture, one per line. Only
one export runs at a time (DumpMeta's page).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imagesearch import downloads, params
from emulator.imagesearch.batch_state import Dump
from emulator.imagesearch.instances import instance_of
from emulator.imagesearch.paging import page_of
from emulator.imagesearch.pictures import attributes_of
from emulator.imagesearch.refusals import refused

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.imagesearch.state import ImageSearchState, Instance, Picture
    from emulator.state import Cloud

SERVED = Operations("imagesearch")
MAX_PAGE = 30


@SERVED.serves("DumpMeta", "InstanceName")
def dump_meta(cloud: Cloud, call: Call) -> Reply:
    """Export what is said of every picture, in the background. api-imagesearch-2020-12-14-dumpmeta."""
    instance = instance_of(cloud, call)
    search = cloud.imagesearch(call.account, call.region)
    if instance.name in search.dumping:
        raise refused(cloud.switches.increment_busy_code, f"Export {search.dumping[instance.name]} is running.")
    now = cloud.clock.now()
    dump = Dump(search.next_task, now, now)
    search.next_task += 1
    instance.dumps[dump.id] = dump
    search.dumping[instance.name] = dump.id
    return Reply({"Success": True, "Data": {"Id": str(dump.id), "DumpMetaStatus": dump.status}})


@SERVED.serves("DumpMetaList", "InstanceName", "Id", "PageNumber", "PageSize")
def dump_meta_list(cloud: Cloud, call: Call) -> Reply:
    """An instance's exports, all or the one of an id. api-imagesearch-2020-12-14-dumpmetalist."""
    instance = instance_of(cloud, call)
    wanted = params.integer(call, "Id")
    page = page_of(cloud, call, [dump for dump in instance.dumps.values() if wanted in {None, dump.id}], MAX_PAGE)
    shown = [_shown(cloud, call.base_url, instance, dump) for dump in page.items]
    return Reply({"Data": {"DumpMetaList": shown, **page.facts}})


def finish(cloud: Cloud, region: str, search: ImageSearchState, instance: Instance) -> bool:
    """Finish the instance's export if it is due; whether it was."""
    dump = instance.dumps[search.dumping[instance.name]]
    due = dump.created + cloud.image_batches.dump_seconds
    if cloud.clock.now() < due:
        return False
    lines = "".join(f"{json.dumps(_said(picture), ensure_ascii=False)}\n" for picture in instance.pictures.values())
    name, content = f"{instance.id}/dump/{dump.id}", lines.encode("utf-8", "replace")
    dump.meta_key = downloads.publish(cloud, region, name, "application/octet-stream", content)
    dump.status, dump.modified = "SUCCESS", due
    del search.dumping[instance.name]
    return True


def _shown(cloud: Cloud, base_url: str, instance: Instance, dump: Dump) -> dict[str, object]:
    return {
        "Id": dump.id,
        "Status": dump.status,
        "Code": "0",
        "Msg": "success" if dump.meta_key else "",
        "MetaUrl": downloads.address(cloud, base_url, instance.region, dump.meta_key) if dump.meta_key else "",
        "UtcCreate": str(round(dump.created * 1000)),
        "UtcModified": round(dump.modified * 1000),
    }


def _said(picture: Picture) -> dict[str, object]:
    return {
        "ProductId": picture.product_id,
        "PicName": picture.pic_name,
        "CategoryId": picture.category_id,
        "CustomContent": picture.custom_content,
        "Crop": picture.crop,
        "Region": picture.region,
        **attributes_of(picture),
    }
