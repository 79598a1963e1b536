"""Batches of Image Search over a socket: the official client, a bucket of pictures, and the virtual clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from alibabacloud_imagesearch20201214 import models
from alibabacloud_imagesearch20201214.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.models import Config

from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCESS_KEY_SECRET, Instance
from emulator.testing import LocalCloud
from tests.emulator.pictures import picture

INSTANCE = "shop"
BUCKET = "pictures"
PICTURE = picture(size=(120, 110))
LINE = {"OperationType": "ADD", "ProductId": "1", "PicName": "a.jpg", "CustomContent": "c"}
ISOLATED = "Some of the images cannot be processed and are isolated."


def line(**changed: object) -> str:
    """A good line with these fields changed; None takes a field out."""
    return json.dumps({name: value for name, value in {**LINE, **changed}.items() if value is not None})


@dataclass
class BatchRoom:
    """One instance and one bucket."""

    cloud: LocalCloud
    client: Any

    def put(self, *keys: str, content: bytes = PICTURE) -> None:
        """Put a picture under each key."""
        self.cloud.put_objects(BUCKET, [(key, content) for key in keys])

    def manifest(self, *lines: str | dict[str, object], folder: str = "") -> None:
        """Put an `increment.meta` of these lines."""
        texts = [one if isinstance(one, str) else json.dumps(one) for one in lines]
        self.put(f"{folder}increment.meta", content="".join(f"{one}\n" for one in texts).encode())

    def increase(self, path: str = "/", **more: str) -> int:
        """Start a batch; its id."""
        self.allow()
        request = models.IncreaseInstanceRequest(instance_name=INSTANCE, bucket_name=BUCKET, path=path, **more)
        body = self.client.increase_instance(request).body
        assert (True, "PROCESSING") == (body.success, body.data.increment_status)
        return int(body.data.id)

    def listing(self, **asked: object) -> Any:
        """The data of a listing."""
        self.allow()
        return self.client.increase_list(models.IncreaseListRequest(instance_name=INSTANCE, **asked)).body.data

    def task(self, task_id: int) -> Any:
        """One task as it is listed."""
        [found] = self.listing(id=task_id).increments.instance
        return found

    def run(self, *lines: str | dict[str, object], seconds: float = 3600) -> Any:
        """Work a manifest off; the task at its end."""
        self.manifest(*lines)
        task_id = self.increase()
        self.cloud.advance(seconds)
        return self.task(task_id)

    def faults(self, task: Any) -> list[dict[str, Any]]:
        """What a task's report in the default shape says."""
        return [json.loads(one) for one in fetch(task.error_url)[1].splitlines()]

    def pictures(self) -> dict[tuple[str, str], Any]:
        """What the instance holds."""

        def held(instance: Instance) -> dict[tuple[str, str], Any]:
            pictures = search(instance).instances[INSTANCE].pictures.values()
            return {(one.product_id, one.pic_name): one for one in pictures}

        return self.cloud.run(held)

    def allow(self) -> None:
        """Fill the allowances per second up again."""
        self.cloud.run(lambda instance: search(instance).instances[INSTANCE].tokens.clear())


def room_of(cloud: LocalCloud) -> BatchRoom:
    """A room in a cloud."""
    cloud.image_search_instance(INSTANCE)
    return BatchRoom(cloud, client_of(cloud.host))


def client_of(host: str) -> Any:
    """The official client, with the emulator's own key."""
    key = {"access_key_id": DEFAULT_ACCESS_KEY_ID, "access_key_secret": DEFAULT_ACCESS_KEY_SECRET}
    return Client(Config(**key, endpoint=host, protocol="http"))


def search(instance: Instance) -> Any:
    """The Image Search of the emulator's own account."""
    return instance.cloud.imagesearch(instance.config.account_id, instance.config.region)


def fetch(url: str) -> tuple[int, str]:
    """Status and content of an address."""
    try:
        with urlopen(url, timeout=30) as answer:  # noqa: S310 - our own
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def refused(room: BatchRoom, call: Callable[[], object]) -> tuple[int, str]:
    """Status and code of a refusal."""
    room.allow()
    with pytest.raises(ClientException) as caught:
        call()
    return caught.value.status_code, caught.value.code


def numbered(count: int, **changed: object) -> Iterable[str]:
    """So many good lines, each of a product of its own."""
    return (line(ProductId=str(number), **changed) for number in range(count))
