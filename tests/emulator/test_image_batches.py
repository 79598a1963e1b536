"""IncreaseInstance and IncreaseList: the vendor's guide "Batch operations", followed with the official client."""

from __future__ import annotations

import json

import pytest
from alibabacloud_imagesearch20201214 import models

from tests.emulator.image_batch_room import (
    BUCKET,
    INSTANCE,
    BatchRoom,
    line,
    numbered,
    refused,
)
from tests.emulator.pictures import picture
from tests.guide_manifest import GUIDE

pytest_plugins = ["tests.emulator.image_batch_fixtures"]


GUIDE_PICTURES = ["girl_cloth1.jpg", "girl_cloth2.jpg", "girl_cloth3.jpg", "girl_cloth4.jpg", "girl_cloth6.jpg"]
GUIDE_PICTURES += ["girl_cloth7.jpg", "girlCloth/girl_cloth10.jpg", "fengyi.jpg", "b.jpg", "c.jpg"]


def test_the_guides_example_is_worked_off(shop: BatchRoom) -> None:
    """Every picture that it adds is there with what it says of each; what it deletes is gone."""
    for number, name in enumerate(GUIDE_PICTURES):
        shop.put(f"clothes/{name}", content=picture(size=(120 + number, 110)))
    before = [("1004", "fengyi.jpg"), ("1004", "b.jpg"), ("1005", "b.jpg"), ("1005", "c.jpg")]
    shop.manifest(*(line(ProductId=product, PicName=name) for product, name in before), folder="clothes/")
    shop.increase("/clothes")
    shop.cloud.advance(60)
    shop.put("clothes/increment.meta", content=GUIDE.encode())
    task_id = shop.increase("/clothes")
    assert ("PROCESSING", "0") == (shop.task(task_id).status, shop.task(task_id).code)
    shop.cloud.advance(60)
    task = shop.task(task_id)
    assert ("SUCCESS", "0", "success", "") == (task.status, task.code, task.msg, task.error_url)
    held = shop.pictures()
    added = [(said["ProductId"], said["PicName"]) for said in map(json.loads, GUIDE.splitlines()[:7])]
    assert {("1004", "b.jpg"), *added} == held.keys()
    first = held["1000", "girl_cloth1.jpg"]
    assert (0, 0, "value1", "k1:v1,k2:v2,k3:v3", "20,40,60,80") == (
        *(first.category_id, first.int_attrs[0], first.str_attrs[0]),
        *(first.custom_content, first.region),
    )
    assert not held["1002", "girl_cloth4.jpg"].crop
    assert 88888888 == held["1003", "girl_cloth7.jpg"].category_id


def test_a_listing_has_the_documented_members_and_types(shop: BatchRoom) -> None:
    """Of the two times one is text and one a number."""
    shop.manifest(line())
    created = shop.cloud.now()
    task_id = shop.increase(callback_address="http://127.0.0.1:9/back")
    shop.cloud.advance(60)
    [shown] = shop.listing().to_map()["Increments"]["Instance"]
    assert {
        "Id": task_id,
        "BucketName": BUCKET,
        "Path": "/",
        "CallbackAddress": "http://127.0.0.1:9/back",
        "Status": "SUCCESS",
        "Code": "0",
        "Msg": "success",
        "ErrorUrl": "",
        "UtcCreate": str(round(created * 1000)),
        "UtcModified": round((created + 0.5 + 1 / 50) * 1000),
    } == shown


def test_adding_again_overwrites(shop: BatchRoom) -> None:
    """The same ProductId and PicName is the same picture."""
    shop.run(line(CustomContent="first"))
    shop.put("a.jpg", content=picture(size=(300, 200)))
    shop.run(line(CustomContent="second"))
    [(key, held)] = shop.pictures().items()
    assert (("1", "a.jpg"), "second", 300) == (key, held.custom_content, held.width)


def test_a_delete_without_a_picture_takes_the_whole_product(shop: BatchRoom) -> None:
    """And one of what is not there is no failure."""
    shop.put("b.jpg")
    shop.run(line(), line(PicName="b.jpg"), line(ProductId="2"))
    task = shop.run(
        '{"OperationType": "DELETE", "ProductId": "1"}',
        '{"OperationType": "DELETE", "ProductId": "nobody"}',
        '{"OperationType": "DELETE", "ProductId": "2", "PicName": "other.jpg"}',
    )
    assert ("SUCCESS", "success") == (task.status, task.msg)
    assert {("2", "a.jpg")} == shop.pictures().keys()


def test_lines_are_worked_off_in_their_order(shop: BatchRoom) -> None:
    """A picture added and then deleted is gone; deleted and then added is there."""
    delete = '{"OperationType": "DELETE", "ProductId": "%s", "PicName": "a.jpg"}'
    shop.run(line(), delete % 1, delete % 2, line(ProductId="2"))
    assert {("2", "a.jpg")} == shop.pictures().keys()


def test_a_generic_instance_gives_every_picture_one_category(shop: BatchRoom) -> None:
    """Whatever the line says."""
    shop.cloud.image_search_instance("generic", service_type=1)
    shop.manifest(line(CategoryId=5), line(ProductId="2", CategoryId=777))
    request = models.IncreaseInstanceRequest(instance_name="generic", bucket_name=BUCKET, path="/")
    shop.client.increase_instance(request)
    shop.cloud.advance(60)
    [task] = shop.client.increase_list(
        models.IncreaseListRequest(instance_name="generic")
    ).body.data.increments.instance
    assert ("SUCCESS", "success") == (task.status, task.msg)


def test_time_decides_how_much_is_done(shop: BatchRoom) -> None:
    """At so many lines a second."""
    shop.cloud.image_batches(lines_per_second=2, begin_seconds=1)
    shop.manifest(*numbered(10))
    task_id = shop.increase()
    for seconds, done in ((0.9, 0), (0.2, 0), (0.4, 1), (1.0, 3), (3.4, 9)):
        shop.cloud.advance(seconds)
        assert (done, "PROCESSING") == (len(shop.pictures()), shop.task(task_id).status)
    shop.cloud.advance(0.2)
    assert (10, "SUCCESS") == (len(shop.pictures()), shop.task(task_id).status)


def test_an_instance_runs_one_batch_at_a_time(shop: BatchRoom) -> None:
    """A second one is refused until the first has ended; another instance has its own."""
    shop.cloud.image_batches(lines_per_second=1)
    shop.manifest(*numbered(3))
    first = shop.increase()
    assert (409, "InstanceStatusError") == refused(shop, shop.increase)
    assert 1 == shop.listing().total_count
    shop.cloud.image_search_instance("other")
    request = models.IncreaseInstanceRequest(instance_name="other", bucket_name=BUCKET, path="/")
    assert str(first + 1) == shop.client.increase_instance(request).body.data.id
    shop.cloud.advance(60)
    assert first + 2 == shop.increase()


WRONG = [
    ({"path": "pictures"}, "BadRequest"),
    ({"path": "/a/"}, "BadRequest"),
    ({"path": "//"}, "BadRequest"),
    ({"path": "/elsewhere"}, "BadRequest"),
    ({"path": ""}, "MissingPath"),
    ({"bucket_name": "no-such-bucket"}, "BadRequest"),
    ({"bucket_name": ""}, "MissingBucketName"),
    ({"instance_name": "nobody"}, "InvalidInstance"),
    ({"instance_name": "x" * 21}, "InvalidInstance"),
    ({"callback_address": "ftp://example.com/x"}, "BadRequest"),
    ({"callback_address": "example.com/x"}, "BadRequest"),
    ({"callback_address": "http://"}, "BadRequest"),
]


@pytest.mark.parametrize(("changed", "code"), WRONG)
def test_a_batch_that_cannot_be_is_refused(shop: BatchRoom, changed: dict[str, str], code: str) -> None:
    """And none is made."""
    shop.manifest(line())
    asked = {"instance_name": INSTANCE, "bucket_name": BUCKET, "path": "/", **changed}
    request = models.IncreaseInstanceRequest(**asked)
    assert (400, code) == refused(shop, lambda: shop.client.increase_instance(request))
    assert 0 == shop.listing().total_count


def test_the_manifest_must_be_named_exactly(shop: BatchRoom) -> None:
    """`Increment.meta` is none."""
    shop.put("x/Increment.meta", "x/increment.meta.txt", content=line().encode())
    assert (400, "BadRequest") == refused(shop, lambda: shop.increase("/x"))


def test_the_bucket_must_be_in_the_instances_region(shop: BatchRoom) -> None:
    """The guide's second row."""
    shop.manifest(line())
    shop.cloud.run(lambda instance: setattr(instance.cloud.oss.buckets[BUCKET], "region", "cn-shanghai"))
    assert (400, "BadRequest") == refused(shop, shop.increase)


def test_somebody_elses_bucket_is_none(shop: BatchRoom) -> None:
    """Although it is there."""
    shop.manifest(line())
    shop.cloud.run(lambda instance: setattr(instance.cloud.oss.buckets[BUCKET], "account", "42"))
    assert (400, "BadRequest") == refused(shop, shop.increase)


def test_without_the_consoles_authorization_nothing_starts(shop: BatchRoom) -> None:
    """It is confirmed once, for ever; a seed or the admin page takes it away."""
    shop.manifest(line())
    shop.cloud.image_search_instance(INSTANCE, authorized=False)
    assert (403, "NoPermission") == refused(shop, shop.increase)
    shop.cloud.image_search_instance(INSTANCE, authorized=True)
    shop.increase()


def test_a_manifest_that_changes_meanwhile_changes_nothing(shop: BatchRoom) -> None:
    """It was read when the task was made."""
    shop.manifest(line(CustomContent="old"))
    task_id = shop.increase()
    shop.manifest("broken")
    shop.cloud.advance(60)
    assert ("SUCCESS", "old") == (shop.task(task_id).status, shop.pictures()["1", "a.jpg"].custom_content)


def test_a_cancelled_task_keeps_what_is_done_and_reports_every_line(shop: BatchRoom) -> None:
    """As the console's Cancel; it is then Stop, and the next one may begin."""
    shop.cloud.image_batches(lines_per_second=1, begin_seconds=0)
    shop.manifest(line(), line(ProductId="2", PicName="gone.jpg"), "", *numbered(9))
    task_id = shop.increase()
    shop.cloud.advance(4)
    shop.cloud.cancel_image_task(INSTANCE, task_id)
    task = shop.task(task_id)
    assert ("Stop", {("1", "a.jpg"), ("0", "a.jpg")}) == (task.status, set(shop.pictures()))
    reported = [(row["Line"], row["ProductId"], row["Code"]) for row in shop.faults(task)]
    assert [(1, "1", "0"), (2, "2", "BadRequest"), (4, "0", "0")] == reported
    shop.cloud.advance(3600)
    assert ("Stop", 2) == (shop.task(task_id).status, len(shop.pictures()))
    with pytest.raises(ValueError, match="already"):
        shop.cloud.cancel_image_task(INSTANCE, task_id)
    with pytest.raises(ValueError, match="there is no batch task"):
        shop.cloud.cancel_image_task(INSTANCE, task_id + 1)
    shop.increase()


def test_a_task_is_cancelled_before_its_first_line(shop: BatchRoom) -> None:
    """With nothing to report."""
    shop.manifest(line())
    task_id = shop.increase()
    shop.cloud.cancel_image_task(INSTANCE, task_id)
    shop.cloud.advance(60)
    assert ("Stop", {}, []) == (shop.task(task_id).status, shop.pictures(), shop.faults(shop.task(task_id)))


def test_a_hundred_thousand_lines_are_worked_off(shop: BatchRoom) -> None:
    """Over two hundred pictures, each looked at once."""
    for number in range(200):
        shop.put(f"{number}.jpg", content=picture(size=(100 + number, 100)))
    shop.manifest(*(line(ProductId=str(number), PicName=f"{number % 200}.jpg") for number in range(100_000)))
    shop.cloud.image_batches(lines_per_second=0)
    task_id = shop.increase()
    shop.cloud.advance(60)
    assert ("SUCCESS", 100_000) == (shop.task(task_id).status, len(shop.pictures()))
