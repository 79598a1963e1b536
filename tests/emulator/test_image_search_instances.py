"""Instances: bought by a seed, the admin pages or a test; their rates, states, rights, faults; kept over restarts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from alibabacloud_imagesearch20201214 import models
from alibabacloud_imagesearch20201214.client import Client
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException

from emulator.instance import Config
from emulator.seed import SeedError
from emulator.testing import running
from tests.emulator.conftest import rpc_config
from tests.emulator.image_room import Images, encoded, images_of, scene
from tests.emulator.processes import emulator
from tests.emulator.ram_room import People

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.testing import LocalCloud

pytest_plugins = ["tests.emulator.image_fixtures"]

SEED = """
accounts:
  - id: "42"
    keys: {LTAIother: other-secret}
image_search_instances:
  - {name: shop, capacity: 100000, qps: 1}
  - {name: fabrics, service_type: 2, account: 42, region: cn-shanghai}
"""
PLACE = {"product_id": "p", "pic_name": "a.png"}


def rate_of(images: Images, operation: str, **fields: Any) -> int:
    """How many calls pass without time going by, from a full allowance."""
    images.cloud.advance(60)
    for count in range(60):
        try:
            images.at_once(operation, **fields)
        except AlibabaCloudException as error:
            assert (403, "DeniedRequest") == (error.status_code, error.code)  # noqa: PT017 - it ends the loop
            return count
    return 60


def test_detail_tells_the_plan(images: Images) -> None:
    """Capacity in units of 10,000, times in milliseconds as text, pictures counted."""
    images.cloud.image_search_instance("plan", service_type=1, capacity=5_000_000, qps=10)
    images.name = "plan"
    images.add("p", "a.png", scene(1))
    told = images.call("detail")["Instance"]
    year = int(told.pop("UtcExpireTime")) - int(told["UtcCreate"])
    assert abs(int(told.pop("UtcCreate")) / 1000 - images.cloud.now()) < 10
    assert 365 * 24 * 3600 * 1000 == year
    assert told == {
        "Name": "plan",
        "Region": "cn-hangzhou",
        "Capacity": 500,
        "Qps": 10,
        "ServiceType": 1,
        "TotalCount": 1,
    }


@pytest.mark.parametrize(
    ("plan", "operation", "fields", "rate"),
    [
        ({"capacity": 100_000}, "add_image", {**PLACE, "pic_content": encoded(scene(1))}, 1),
        ({"capacity": 2_500_000}, "add_image", {**PLACE, "pic_content": encoded(scene(1))}, 5),
        ({}, "delete_image", PLACE, 20),
        ({}, "detail", {}, 1),
        ({"qps": 1}, "check_image_exists", PLACE, 1),
        ({"qps": 5}, "search_image_by_pic", {"pic_content": encoded(scene(1))}, 5),
        ({"qps": 10}, "search_image_by_filter", {"filter": "int_attr=1"}, 10),
        ({"qps": 10}, "search_image_by_text", {"text": "shoe"}, 10),
    ],
)
def test_each_operation_has_its_rate(
    cloud: LocalCloud, plan: dict[str, Any], operation: str, fields: dict[str, Any], rate: int
) -> None:
    """As its page and the plan say; a second later as many pass again."""
    cloud.image_search_instance("demo", **plan)
    images = images_of(cloud)
    assert rate == rate_of(images, operation, **fields)
    cloud.advance(1 / rate)
    assert images.at_once(operation, **fields)["Success"]


def test_updates_have_their_rate(images: Images) -> None:
    """Twenty a second."""
    images.add("p", "a.png", scene(1))
    assert 20 == rate_of(images, "update_image", **PLACE, int_attr=1)


def test_searches_share_a_rate_and_instances_do_not(cloud: LocalCloud) -> None:
    """The plan's QPS is of all searches of one instance; other operations have their own."""
    for name in ("demo", "other"):
        cloud.image_search_instance(name, qps=1)
    images = images_of(cloud)
    assert images.at_once("search_image_by_text", text="shoe")["Success"]
    with pytest.raises(AlibabaCloudException, match="SearchImageByFilter may be called 1 times"):
        images.at_once("search_image_by_filter", filter="int_attr=1")
    assert images.at_once("detail")["Success"]
    assert images_of(cloud, "other").at_once("search_image_by_text", text="shoe")["Success"]


def test_a_loose_cloud_counts_neither_calls_nor_pictures() -> None:
    """As for every other rate and count."""
    with running(Config(virtual_clock=True, loose=True)) as cloud:
        cloud.image_search_instance("demo", qps=1, capacity=1)
        images = images_of(cloud)
        assert 60 == rate_of(images, "detail")
        images.add("p", "a.png", scene(1))
        images.add("p", "b.png", scene(2))
        assert 2 == images.call("detail")["Instance"]["TotalCount"]


def test_an_instance_is_of_one_account_and_region(images: Images) -> None:
    """Elsewhere its name means nothing; neither does a name that is too long, or its id."""
    other = images.cloud.add_account("42", "LTAIother", "other-secret")
    assert (400, "InvalidInstance") == images_of(other).refused("detail")[:2]
    images.cloud.image_search_instance("far", region="cn-shanghai")
    images.name = "far"
    assert (400, "InvalidInstance") == images.refused("detail")[:2]
    images.name = "n" * 21
    assert "21 characters; at most 20" in images.refused("detail")[2]
    [shown] = [one for one in instances_of(images.cloud) if one["name"] == "demo"]
    assert shown["id"].startswith("imagesearch-cn-")
    images.name = shown["id"]
    assert "InvalidInstance" == images.refused("detail")[1]
    images.name = ""
    assert (400, "MissingInstanceName") == images.refused("detail")[:2]


def test_an_instance_in_another_region_answers_there(images: Images) -> None:
    """The endpoint's name says the region, as the SDK writes it."""
    images.cloud.image_search_instance("far", region="cn-shanghai")
    config = rpc_config(images.cloud)
    config.endpoint, config.http_proxy = "imagesearch.cn-shanghai.aliyuncs.com", images.cloud.url
    told = Client(config).detail(models.DetailRequest(instance_name="far")).body.instance
    assert ("far", "cn-shanghai") == (told.name, told.region)


@pytest.mark.parametrize("ended", ["overdue", "expired"])
def test_an_instance_that_is_not_available_says_so(images: Images, ended: str) -> None:
    """Overdue by an admin call, or a year after it was bought."""
    if ended == "overdue":
        images.cloud.image_search_instance("demo", status="UNAVAILABLE")
    else:
        images.cloud.advance(366 * 24 * 3600)
    for operation, fields in (("detail", {}), ("delete_image", PLACE)):
        assert (409, "InstanceStatusError") == images.refused(operation, **fields)[:2]


def instances_of(cloud: LocalCloud) -> list[dict[str, Any]]:
    """What the admin page lists."""
    listed: list[dict[str, Any]] = requests.get(f"{cloud.url}/_emulator/image-search/instances", timeout=10).json()[
        "instances"
    ]
    return listed


def test_an_admin_call_buys_and_changes(cloud: LocalCloud) -> None:
    """Once for a name; the plan may change, the service type may not; nonsense is refused."""
    page = f"{cloud.url}/_emulator/image-search/instances"
    assert [] == instances_of(cloud)
    for qps in (5, 10):
        requests.put(
            page, data=json.dumps({"name": "shop", "qps": qps, "service_type": 1}), timeout=10
        ).raise_for_status()
    [shown] = instances_of(cloud)
    assert ("shop", 10, 1, 0, 0) == tuple(shown[name] for name in ("name", "qps", "service_type", "pictures", "tasks"))
    for wrong in ({"name": "shop"}, {"name": "x" * 21}, {"name": ""}, {"name": "a", "qps": 0}, {"name": "a", "x": 1},
                  {"name": "a", "account": "7"}):  # fmt: skip
        assert 400 == requests.put(page, data=json.dumps(wrong), timeout=10).status_code
    assert 1 == len(instances_of(cloud))
    with pytest.raises(SeedError, match="service type 1"):
        cloud.image_search_instance("shop")


def test_a_seed_buys_at_the_start_and_afterwards(tmp_path: Path) -> None:
    """In a process of its own, for the account and region that the seed names; seeding twice does no harm."""
    path = tmp_path / "seed.yaml"
    path.write_text(SEED, encoding="utf-8")
    with emulator("--seed", str(path)) as process:
        from click.testing import CliRunner  # noqa: PLC0415 - only here

        from emulator.cli import main  # noqa: PLC0415 - only here

        for _ in range(2):
            done = CliRunner().invoke(main, ["seed", "--url", process.url, str(path)])
            assert 0 == done.exit_code, done.output
        listed = process.admin("GET", "image-search/instances")["instances"]
    assert [("1234567890123456", "cn-hangzhou", "shop", 0), ("42", "cn-shanghai", "fabrics", 2)] == [
        (one["account"], one["region"], one["name"], one["service_type"]) for one in listed
    ]


def test_a_user_needs_the_right_of_each_operation(images: Images, ram: Any) -> None:
    """Allowed, another one, and the answer's details; on all resources, as the vendor's table has it."""
    people = People(images.cloud, ram)
    user = images_of(people.user("ann", {"Effect": "Allow", "Action": "imagesearch:Detail", "Resource": "*"}))
    assert "demo" == user.call("detail")["Instance"]["Name"]
    status, code, message = user.refused("check_image_exists", **PLACE)
    assert (403, "NoPermission") == (status, code)
    assert "imagesearch:CheckImageExists" in message
    own = {"Effect": "Allow", "Action": "imagesearch:*", "Resource": "acs:imagesearch:*:*:instance/demo"}
    assert "NoPermission" == images_of(people.user("ben", own)).refused("detail")[1]


def test_a_fault_strikes_and_the_journal_tells(images: Images) -> None:
    """By the service's name; a picture's bytes are not in the journal."""
    images.cloud.fault(
        {
            "service": "imagesearch",
            "operation": "AddImage",
            "times": 1,
            "error": {"status": 403, "code": "DeniedRequest"},
        }
    )
    assert "DeniedRequest" == images.refused("add_image", **PLACE, pic_content=encoded(scene(1)))[1]
    images.add("p", "a.png", scene(1))
    struck, added = images.cloud.requests("imagesearch", "AddImage")
    assert (403, 200) == (struck["status"], added["status"])
    shown: Any = added["params"]
    assert shown["PicContent"].endswith("characters>")
    assert "demo" == shown["InstanceName"]


def test_the_dump_tells_pictures_without_their_look(images: Images) -> None:
    """Names and attributes; features as a size."""
    images.add("p", "a.png", scene(1), int_attr=7)
    state = requests.get(f"{images.cloud.url}/_emulator/state", timeout=10).json()
    held = state["accounts"][images.cloud.account_id]["imagesearch"]["cn-hangzhou"]["instances"]["demo"]
    assert "gallery" not in held
    picture = held["pictures"]["p/a.png"]
    assert ([7, None, None, None], "<448 bytes>") == (picture["int_attrs"], picture["features"])
    images.cloud.reset()
    assert [] == instances_of(images.cloud)


def test_pictures_are_kept_over_a_restart(tmp_path: Path) -> None:
    """With --data: attributes, looks, deletions and the plan; a product's pictures are still known as its."""
    config = Config(virtual_clock=True)
    with running(config, data=tmp_path / "data") as cloud:
        cloud.image_search_instance("demo", capacity=100_000, qps=10)
        images = images_of(cloud)
        for number in range(3):
            images.add("p/é", f"{number}.png", scene(number), int_attr=number, str_attr="s", category_id=number)
        images.call("delete_image", product_id="p/é", pic_name="0.png")
        before = images.call("search_image_by_pic", pic_content=encoded(scene(2)))["Auctions"]
        identity = instances_of(cloud)
    with running(config, data=tmp_path / "data") as cloud:
        images = images_of(cloud)
        assert identity == instances_of(cloud)
        assert before == images.call("search_image_by_pic", pic_content=encoded(scene(2)))["Auctions"]
        assert ["1.png", "2.png"] == images.call("delete_image", product_id="p/é")["Data"]["PicNames"]
    with running(config, data=tmp_path / "data") as cloud:
        assert 0 == images_of(cloud).call("detail")["Instance"]["TotalCount"]
