"""What can be read of batches and exports of Image Search, and for how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_imagesearch20201214 import models
from alibabacloud_tea_openapi.exceptions import ClientException

from emulator.imagesearch import downloads
from tests.emulator.image_batch_room import (
    BUCKET,
    INSTANCE,
    ISOLATED,
    BatchRoom,
    fetch,
    line,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["tests.emulator.image_batch_fixtures"]


def test_tasks_are_listed_by_pages_newest_first(shop: BatchRoom) -> None:
    """Ten to a page unless asked otherwise, at most thirty."""
    shop.cloud.image_batches(lines_per_second=0, begin_seconds=0)
    shop.manifest(line())
    made = []
    for _ in range(12):
        made.append(shop.increase())
        shop.cloud.advance(1)
    pages = [shop.listing(), shop.listing(page_number=2), shop.listing(page_number=3)]
    assert [(10, 1, 10, 12), (2, 2, 10, 12), (0, 3, 10, 12)] == [
        (len(page.increments.instance), page.page_number, page.page_size, page.total_count) for page in pages
    ]
    assert made[::-1] == [task.id for page in pages for task in page.increments.instance]
    assert made[::-1] == [task.id for task in shop.listing(page_size=30).increments.instance]
    for asked in ({"page_size": 31}, {"page_size": 0}, {"page_number": 0}, {"page_number": -1}):
        assert (400, "BadRequest") == refused(shop, lambda asked=asked: shop.listing(**asked))  # type: ignore[misc]  # a lambda's default has no type


def test_tasks_are_found_by_id_bucket_and_path(shop: BatchRoom) -> None:
    """All that are said must fit."""
    shop.put("x/a.jpg", "y/a.jpg")
    made = {}
    for path in ("/x", "/y"):
        shop.manifest(line(), folder=f"{path[1:]}/")
        made[path] = shop.increase(path)
        shop.cloud.advance(60)
    asked: list[tuple[dict[str, Any], list[int]]] = [
        ({"path": "/x"}, [made["/x"]]),
        ({"path": "/y", "bucket_name": BUCKET}, [made["/y"]]),
        ({"bucket_name": "other"}, []),
        ({"id": made["/x"], "path": "/y"}, []),
        ({"id": made["/y"]}, [made["/y"]]),
    ]
    for filters, ids in asked:
        found = shop.listing(**filters)
        assert (ids, len(ids)) == ([task.id for task in found.increments.instance], found.total_count)


def test_listing_is_allowed_once_a_second(shop: BatchRoom) -> None:
    """More is DeniedRequest."""
    shop.listing()
    with pytest.raises(ClientException) as caught:
        shop.client.increase_list(models.IncreaseListRequest(instance_name=INSTANCE))
    assert (403, "DeniedRequest") == (caught.value.status_code, caught.value.code)
    shop.cloud.advance(1)
    shop.client.increase_list(models.IncreaseListRequest(instance_name=INSTANCE))


def test_a_reports_address_lives_two_hours_and_a_listing_gives_another(shop: BatchRoom) -> None:
    """By the emulator's clock; after its keeping there is none."""
    task = shop.run(line(PicName="gone.jpg"))
    assert ("SUCCESS", "0", ISOLATED) == (task.status, task.code, task.msg)
    assert 200 == fetch(task.error_url)[0]
    shop.cloud.advance(7199)
    assert 200 == fetch(task.error_url)[0]
    shop.cloud.advance(2)
    status, body = fetch(task.error_url)
    assert (403, True) == (status, "Request has expired" in body)
    fresh = shop.task(task.id).error_url
    assert (task.error_url != fresh, 200) == (True, fetch(fresh)[0])
    shop.cloud.switch("increment_report_kept_seconds", 7200.0)
    assert "" == shop.task(task.id).error_url


@pytest.mark.parametrize("change", [("Signature=", "Signature=x"), ("Expires=1", "Expires=2"), ("?", "0?")])
def test_an_address_that_was_changed_opens_nothing(shop: BatchRoom, change: tuple[str, str]) -> None:
    """It is signed; without a signature nobody may read."""
    task = shop.run(line(PicName="gone.jpg"))
    assert 200 == fetch(task.error_url)[0]
    assert 403 == fetch(task.error_url.replace(*change, 1))[0]
    assert 403 == fetch(task.error_url.partition("?")[0])[0]


def test_a_report_is_read_and_never_written(shop: BatchRoom, bucket_of: Callable[..., oss2.Bucket]) -> None:
    """Its bucket is the service's own, even for the account's key, which does not see it among its buckets."""
    task = shop.run(line(PicName="gone.jpg"))
    reports = bucket_of(shop.cloud, task.error_url.split("/")[3])
    with pytest.raises(oss2.exceptions.AccessDenied):
        reports.put_object("x", b"y")
    service = oss2.Service(reports.auth, shop.cloud.url, session=reports.session, region=shop.cloud.region)
    assert [BUCKET] == [one.name for one in service.list_buckets().buckets]


@pytest.mark.parametrize(
    ("base_url", "beginning"),
    [
        ("http://127.0.0.1:4666", "http://127.0.0.1:4666/image-search-task-info-cn-hangzhou/"),
        (
            "https://imagesearch.cn-hangzhou.aliyuncs.com",
            "https://oss-cn-hangzhou.aliyuncs.com/image-search-task-info-cn-hangzhou/",
        ),
        ("http://imagesearch.localhost:4666", "http://imagesearch.localhost:4666/image-search-task-info-cn-hangzhou/"),
    ],
)
def test_an_address_is_one_of_oss(shop: BatchRoom, base_url: str, beginning: str) -> None:
    """Where the caller used a name of Image Search, OSS has its own beside it."""
    shown = shop.cloud.run(lambda instance: downloads.address(instance.cloud, base_url, "cn-hangzhou", "key"))
    assert shown.startswith(f"{beginning}key?Expires=")


def test_exports_say_what_there_is(shop: BatchRoom) -> None:
    """DumpMeta and DumpMetaList: one at a time, an address of two hours."""
    shop.run(line(StrAttr="s", IntAttr=7, CategoryId=3))
    asked = models.DumpMetaRequest(instance_name=INSTANCE)
    made = shop.client.dump_meta(asked).body
    assert (True, "PROCESSING") == (made.success, made.data.dump_meta_status)
    assert (409, "InstanceStatusError") == refused(shop, lambda: shop.client.dump_meta(asked))
    [before] = shop.client.dump_meta_list(models.DumpMetaListRequest(instance_name=INSTANCE)).body.data.dump_meta_list
    assert ("PROCESSING", "") == (before.status, before.meta_url)
    shop.cloud.advance(2)
    data = shop.client.dump_meta_list(
        models.DumpMetaListRequest(instance_name=INSTANCE, id=int(made.data.id))
    ).body.data
    [dump] = data.dump_meta_list
    assert ("SUCCESS", "0", 1, 1, 10) == (dump.status, dump.code, data.total_count, data.page_number, data.page_size)
    assert (str, int) == (type(dump.utc_create), type(dump.utc_modified))
    [said] = map(json.loads, fetch(dump.meta_url)[1].splitlines())
    assert ("1", "a.jpg", 3, "c", 7, "s") == (
        *(said["ProductId"], said["PicName"], said["CategoryId"]),
        *(said["CustomContent"], said["IntAttr"], said["StrAttr"]),
    )
    shop.cloud.advance(7201)
    assert 403 == fetch(dump.meta_url)[0]
    request = models.DumpMetaListRequest(instance_name=INSTANCE, page_size=31)
    assert (400, "BadRequest") == refused(shop, lambda: shop.client.dump_meta_list(request))
