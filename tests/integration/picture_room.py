"""What the tests of imports into Image Search stand on: instances, pictures, manifests, and the truth about them.

Each import has an instance and a path of its own, both named as it is, unless a test says otherwise: then no test waits
for another's rate of one call a second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

from alibabacloud_imagesearch20201214 import models
from alibabacloud_imagesearch20201214.client import Client
from PIL import Image

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from controller.core.imports.identity import task_report_key
from emulator.instance import Instance
from tests.integration.import_room import IMPORT, WORK, ImportRoom

PICTURES = "shop-pictures"
INCREASE, LIST = "IncreaseInstance", "IncreaseList"
AGES = 3600.0  # seconds; no test waits for that
QUICK = {"begin_seconds": 0.2, "lines_per_second": 0.0, "callback_again_seconds": 1.0}
SWITCHES = {
    "increment_report_shape": "jsonl",
    "increment_cancel_report": "every_line",
    "increment_cancelled_status": "Stop",
    "increment_busy_code": "InstanceStatusError",
    "increment_report_kept_seconds": 604_800.0,
}


@dataclass
class PictureRoom(ImportRoom):
    """One world with everything an import into Image Search needs; no topic and no queue are among that."""

    def open(self) -> None:
        """Make the buckets, and let the account know of its work bucket."""
        for bucket in (WORK, PICTURES):
            self.world.bucket(bucket)
        self.account()
        self.calm()

    def account(self, work: str = WORK, **events: Any) -> None:
        """The CloudAccount with its work bucket."""
        url = self.world.cloud.url
        self.world.account(workBucket=work, endpoints={"imm": url, "oss": url, "imageSearch": url}, **events)
        self.world.await_ready("CloudAccount", "main")

    def calm(self) -> None:
        """Tasks are quick, every reading is the usual one, and nothing fails."""
        self.world.cloud.fault()
        self.world.cloud.image_batches(**QUICK)
        for name, value in SWITCHES.items():
            self.world.cloud.switch(name, value)

    def instance(self, name: str, **plan: Any) -> None:
        """Buy an instance in the console."""
        self.world.cloud.image_search_instance(name, **plan)

    def apply(self, name: str, source: dict[str, Any], **spec: Any) -> None:
        """Apply an import into the instance and the path of its own name."""
        own = {"accountRef": {"name": "main"}, "target": target(name, f"{name}/"), "source": source}
        self.world.apply(IMPORT, name, own | spec)

    def draw(self, *keys: str) -> None:
        """Put pictures there, each another one."""
        self.world.cloud.put_objects(PICTURES, [(key, picture(number)) for number, key in enumerate(keys)])

    def shop(self, name: str, count: int) -> list[dict[str, Any]]:
        """An instance, and so many pictures in its path, as lines of a manifest."""
        self.instance(name)
        lines = [line(f"p{number}", f"{number:03}.jpg") for number in range(count)]
        self.draw(*(f"{name}/{one['PicName']}" for one in lines))
        return lines

    def write(self, key: str, text: str) -> str:
        """Put a text into the bucket of the pictures; its ETag."""
        return str(self.world.bucket(PICTURES).put_object(key, text.encode()).etag)

    def manifest(self, name: str, lines: Iterable[dict[str, Any]]) -> str:
        """Put a manifest of somebody's own into an import's path; its ETag."""
        return self.write(manifest_of(name), text_of(lines))

    def remove(self, key: str) -> None:
        """Remove an object from the bucket of the pictures."""
        self.world.bucket(PICTURES).delete_object(key)

    def lies(self, name: str) -> list[dict[str, Any]]:
        """The lines of the manifest that lies in an import's path."""
        data = self.world.bucket(PICTURES).get_object(manifest_of(name)).read()
        return [json.loads(one) for one in data.decode().splitlines()]

    def hold(self) -> None:
        """No task begins until `work`."""
        self.world.cloud.image_batches(begin_seconds=AGES)

    def work(self) -> None:
        """Every task that was held is worked off."""
        self.world.cloud.image_batches(begin_seconds=0.0)

    def age(self, name: str, seconds: float) -> None:
        """Have an instance's held task be older, and seen to be, so that the next look is far away."""

        def change(instance: Instance) -> None:
            search = self._search(instance)
            search.instances[name].tasks[search.running[name]].created -= seconds

        self.world.cloud.run(change)
        looks = len(self.asked(LIST, name))
        self.world.until("a look at the aged task", lambda: len(self.asked(LIST, name)) > looks)

    def begun(self, name: str, source: dict[str, Any], **spec: Any) -> int:
        """Apply an import whose task is held, and wait until it runs; the task's id."""
        self.hold()
        self.apply(name, source, **spec)
        return self.await_task(name)

    def await_task(self, name: str) -> int:
        """Wait until the status names a task that runs; its id."""
        self.world.until(
            f"a task of {name}",
            lambda: self.status(name).get("task", {}).get("state") == "Processing",
            30,
            lambda: json.dumps((self.world.get(IMPORT, name) or {}).get("status"), indent=1),
        )
        return int(self.status(name)["task"]["id"])

    def await_said(self, name: str, *words: str, seconds: float = 30) -> str:
        """Wait until the Ready condition's message has these words; the message."""
        self.world.until(
            f"{name} to say {words}",
            lambda: all(word in self.said(name) for word in words),
            seconds,
            lambda: json.dumps((self.world.get(IMPORT, name) or {}).get("status"), indent=1),
        )
        return self.said(name)

    def said(self, name: str) -> str:
        """The Ready condition's message."""
        return str(self.world.condition(IMPORT, name, "Ready").get("message", ""))

    def held(self, instance: str) -> set[tuple[str, str]]:
        """The truth: product and picture of everything an instance has."""

        def look(running: Instance) -> set[tuple[str, str]]:
            pictures = self._search(running).instances[instance].pictures.values()
            return {(one.product_id, one.pic_name) for one in pictures}

        return self.world.cloud.run(look)

    def submits(self, instance: str) -> int:
        """How many batches of an instance were asked for, refused ones included."""
        return len(self.asked(INCREASE, instance))

    def asked(self, operation: str, instance: str) -> list[dict[str, Any]]:
        """The calls of an operation on an instance."""
        calls = self.world.cloud.requests("imagesearch", operation)
        return [one for one in calls if dict(one["params"]).get("InstanceName") == instance]  # type: ignore[call-overload] # the journal's JSON

    def images(self, instance: str) -> Images:
        """The official client, as the account's owner uses it."""
        cloud = self.world.cloud
        keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
        return Images(Client(client_config(keys, region=cloud.region, endpoint=cloud.url)), instance)

    def report(self, name: str) -> list[dict[str, Any]]:
        """The lines of the object that `status.report` names."""
        key = self.status(name)["report"].removeprefix(f"oss://{WORK}/")
        data = self.world.bucket(WORK).get_object(key).read().decode()
        return [json.loads(one) for one in data.splitlines()]

    def raw_report(self, name: str, chunk: int = 0) -> bytes:
        """A task's report as the service gave it."""
        return bytes(self.world.bucket(WORK).get_object(task_report_key(self.status(name)["run"], chunk)).read())

    def counts(self, name: str) -> tuple[int, int, int, int]:
        """Succeeded, failed, unknown and cancelled; they add up to the items."""
        totals = self.status(name)["totals"]
        counted = totals["succeeded"], totals["failed"], totals["unknown"], totals["cancelled"]
        assert totals["items"] == sum(counted)
        return counted

    def _search(self, instance: Instance) -> Any:
        return instance.cloud.imagesearch(self.world.cloud.account_id, self.world.cloud.region)


@dataclass
class Images:
    """An instance through the official SDK, never faster than it takes."""

    client: Any
    name: str

    def call(self, operation: str, **fields: Any) -> dict[str, Any]:
        """An operation by the SDK's name of it; the answer's body."""
        time.sleep(1.05)  # what one call a second means; nothing is waited for
        kind = "".join(part.capitalize() for part in operation.split("_"))
        request = getattr(models, f"{kind}Request")(instance_name=self.name, **fields)
        answer: dict[str, Any] = getattr(self.client, operation)(request).body.to_map()
        return answer

    def exists(self, product: str, name: str) -> bool:
        """CheckImageExists."""
        return bool(self.call("check_image_exists", product_id=product, pic_name=name)["Exists"])

    def by_name(self, product: str, name: str) -> list[dict[str, Any]]:
        """The hits of SearchImageByName, the best first."""
        return list(self.call("search_image_by_name", product_id=product, pic_name=name)["Auctions"])


def target(instance: str, path: str = "", **more: Any) -> dict[str, Any]:
    """A `spec.target`."""
    return {"imageSearch": {"instanceName": instance, "bucket": PICTURES} | ({"path": path} if path else {}) | more}


def manifest_of(name: str) -> str:
    """The key of the manifest in an import's own path."""
    return f"{name}/increment.meta"


def line(product: str, name: str | None, operation: str = "ADD", **more: Any) -> dict[str, Any]:
    """A line of a manifest."""
    content = {"CustomContent": f"about {name}"} if operation == "ADD" else {}
    own = {"OperationType": operation, "ProductId": product} | ({"PicName": name} if name else {})
    return own | content | more


def text_of(lines: Iterable[dict[str, Any]]) -> str:
    """A manifest."""
    return "".join(f"{json.dumps(one)}\n" for one in lines)


def inline(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The lines as `spec.source.pictures`."""
    return {"pictures": [_inline(one) for one in lines]}


def own(name: str) -> dict[str, Any]:
    """The `spec.source` of the manifest in an import's own path."""
    return {"manifest": {"key": manifest_of(name)}}


@cache
def picture(number: int, size: tuple[int, int] = (128, 112)) -> bytes:
    """A JPEG that is not like that of another number."""
    content = BytesIO()
    shade = [(number * step + step) % 256 for step in (37, 91, 151)]
    drawn = Image.new("RGB", size, tuple(shade))
    drawn.paste(tuple(255 - one for one in shade), (number % 60, number % 50, number % 60 + 40, number % 50 + 30))
    drawn.save(content, "JPEG")
    return content.getvalue()


def _inline(one: dict[str, Any]) -> dict[str, Any]:
    named = {"OperationType": "operation"}
    return {named.get(name, name[0].lower() + name[1:]): value for name, value in one.items()}
