"""Faults and rights of the operations of batches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_imagesearch20201214 import models
from alibabacloud_imagesearch20201214.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.exceptions import UnretryableException

from tests.emulator.conftest import rpc_config
from tests.emulator.image_batch_room import (
    BUCKET,
    INSTANCE,
    BatchRoom,
    fetch,
    line,
    refused,
    search,
)
from tests.emulator.ram_room import People

if TYPE_CHECKING:
    pass

pytest_plugins = ["tests.emulator.image_batch_fixtures"]


def test_a_fault_after_the_effect_loses_the_answer_and_not_the_batch(shop: BatchRoom) -> None:
    """Which a listing shows."""
    shop.manifest(line())
    shop.cloud.fault(
        {"service": "imagesearch", "operation": "IncreaseInstance", "when": "after", "drop": True, "times": 1}
    )
    with pytest.raises(UnretryableException):
        shop.increase(callback_address="http://127.0.0.1:9/run-7")
    [task] = shop.listing().increments.instance
    assert ("PROCESSING", "http://127.0.0.1:9/run-7") == (task.status, task.callback_address)


def test_faults_before_the_effect_leave_nothing(shop: BatchRoom) -> None:
    """Errors, throttling, and an address that is not answered."""
    shop.manifest(line())
    error = {"status": 503, "code": "ServiceUnavailable"}
    shop.cloud.fault({"service": "imagesearch", "operation": "IncreaseInstance", "error": error, "times": 1})
    with pytest.raises(Exception, match="ServiceUnavailable"):
        shop.increase()
    assert 0 == shop.listing().total_count
    task = shop.run(line(PicName="gone.jpg"))
    shop.cloud.fault({"service": "oss", "operation": "GetObject", "error": {"status": 500, "code": "InternalError"}})
    assert 500 == fetch(task.error_url)[0]


STARTS = ["IncreaseInstance", "DumpMeta"]
ASKS = ["IncreaseList", "DumpMetaList"]


def call(shop: BatchRoom, operation: str) -> object:
    """One of this shop's operations."""
    shop.allow()
    place = {"bucket_name": BUCKET, "path": "/"} if operation == "IncreaseInstance" else {}
    request = getattr(models, f"{operation}Request")(instance_name=INSTANCE, **place)
    name = "".join(f"_{one.lower()}" if one.isupper() else one for one in operation).lstrip("_")
    return getattr(shop.client, name)(request)


def made(shop: BatchRoom) -> int:
    """How many tasks and exports there are."""
    return shop.cloud.run(
        lambda instance: sum(len(one.tasks) + len(one.dumps) for one in search(instance).instances.values())
    )


@pytest.mark.parametrize("operation", [*STARTS, *ASKS])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "effect", [{"drop": True}, {"html": 502}, {"malformed": True}, {"error": {"status": 403, "code": "DeniedRequest"}}]
)
def test_every_operation_meets_faults(shop: BatchRoom, operation: str, when: str, effect: dict[str, object]) -> None:
    """Before it takes effect or after; the next call is answered."""
    shop.manifest(line())
    shop.cloud.fault({"service": "imagesearch", "operation": operation, "when": when, "times": 1, **effect})
    with pytest.raises((ClientException, UnretryableException)):
        call(shop, operation)
    assert made(shop) == (1 if when == "after" and operation in STARTS else 0)
    shop.cloud.advance(60)
    call(shop, operation)


@pytest.mark.parametrize("operation", [*STARTS, *ASKS])
def test_every_operation_needs_the_right_of_its_name(shop: BatchRoom, ram: Any, operation: str) -> None:
    """On all resources; the refusal is the error table's."""
    shop.manifest(line())
    people = People(shop.cloud, ram)
    others = [f"imagesearch:{one}" for one in (*STARTS, *ASKS) if one != operation]
    for name, actions in (("may", [f"imagesearch:{operation}"]), ("may-not", others)):
        user = people.user(name, {"Effect": "Allow", "Action": actions, "Resource": "*"})
        own = BatchRoom(shop.cloud, Client(rpc_config(user)))
        if name == "may":
            call(own, operation)
        else:
            assert (403, "NoPermission") == refused(shop, lambda own=own: call(own, operation))  # type: ignore[misc]  # a lambda's default has no type


def test_latency_delays_an_answer(shop: BatchRoom) -> None:
    """In real seconds."""
    shop.cloud.fault({"service": "imagesearch", "operation": "IncreaseList", "latency": 0.3})
    started = time.monotonic()
    call(shop, "IncreaseList")
    assert time.monotonic() - started >= 0.3
