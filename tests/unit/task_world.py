"""An import into Image Search and the cloud it runs in: `import_world`, with an instance and pictures.

Of the emulator's limits only the instance's calls a second are let go by: its clock stands still between two passes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import oss2
import pytest
from PIL import Image

from controller.api.batchimport import BatchImportStatus
from controller.core.imports.records import Answered, Planned, Turned
from controller.reconcile.kinds import Key
from emulator.instance import Config
from emulator.testing import LocalCloud, running
from tests.unit.import_world import PHOTOS, WORK, ImportWorld

__all__ = ["INSTANCE", "MANIFEST", "PATH", "PHOTOS", "WORK", "TaskWorld", "cloud", "line", "picture", "vendor"]

INSTANCE, PATH = "goods", "spring/"
MANIFEST = f"{PATH}increment.meta"


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """One emulator for the tests of a file, whose clock they move."""
    with running(Config(virtual_clock=True)) as made:
        yield made


@dataclass
class TaskWorld(ImportWorld):
    """A namespace `team` with a signed-in account, an instance and a bucket with pictures."""

    def __post_init__(self) -> None:
        self.cloud.run(lambda instance: setattr(instance.cloud, "loose", True))  # signatures are judged all the same
        super().__post_init__()
        self.cloud.image_search_instance(INSTANCE)
        self.cloud.image_batches(lines_per_second=0.0)

    def restart(self) -> None:
        """A new process; the index that the last one had on disk goes with it."""
        if hasattr(self, "context"):
            self.context.resolutions.keep(lambda _owner: False)
        super().restart()

    def close(self) -> None:
        """Let go of threads, connections and files."""
        self.context.resolutions.keep(lambda _owner: False)
        super().close()

    def pictures(self, count: int, start: int = 0, folder: str = PATH) -> list[dict[str, Any]]:
        """Upload pictures; the lines that import them."""
        names = [f"{number:03}.png" for number in range(start, start + count)]
        self.cloud.put_objects(PHOTOS, ((folder + name, picture(number)) for number, name in enumerate(names, start)))
        return [line(name) for name in names]

    def goods(self, lines: Sequence[dict[str, Any]], name: str = "goods", path: str = PATH, **spec: Any) -> Key:
        """Apply a BatchImport of pictures that are written in it; `spec` goes before what follows from the rest."""
        given = {
            "accountRef": {"name": "account"},
            "target": {"imageSearch": {"instanceName": INSTANCE, "bucket": PHOTOS, "path": path}},
            "source": {"pictures": list(lines)},
        }
        at = self.now().isoformat().replace("+00:00", "Z")
        meta = {} if Key("BatchImport", "team", name) in self.cluster.bodies else {"creationTimestamp": at}
        return self.cluster.put("BatchImport", name, given | spec, **meta)

    def manifest(self, lines: Sequence[dict[str, Any]], path: str = PATH) -> str:
        """Write an increment.meta by hand; its ETag."""
        data = "".join(json.dumps(vendor(one)) + "\n" for one in lines).encode()
        etag: str = self.bucket.put_object(f"{path}increment.meta", data).etag
        return etag

    def work(self, key: Key) -> None:
        """Let the cloud work its task off, and the operator hear of it."""
        self.cloud.advance(60)
        self.settle(key)

    def finish(self, key: Key) -> BatchImportStatus:
        """To the end."""
        self.settle(key)
        self.work(key)
        return self.status(key)

    def held(self, name: str = INSTANCE) -> set[tuple[str, str]]:
        """The truth: ProductId and PicName of every picture of the instance."""

        def read(instance: Any) -> set[tuple[str, str]]:
            found = instance.cloud.imagesearch(self.cloud.account_id, self.cloud.region).instances[name]
            return {(one.product_id, one.pic_name) for one in found.pictures.values()}

        return self.cloud.run(read)

    def tasks(self, name: str = INSTANCE) -> list[Any]:
        """Every task of the instance, in order."""

        def read(instance: Any) -> list[Any]:
            found = instance.cloud.imagesearch(self.cloud.account_id, self.cloud.region).instances[name]
            return list(found.tasks.values())

        return self.cloud.run(read)

    def asked(self, operation: str) -> int:
        """How often an operation of Image Search was called."""
        return self.cloud.counts().get("imagesearch", {}).get(operation, 0)

    def submits(self, run: str) -> tuple[int, int, int]:
        """How many submits stand in the journal as planned, answered and turned away."""
        records = self.journal(run)
        counts = [sum(isinstance(one, kind) for one in records) for kind in (Planned, Answered, Turned)]
        return counts[0], counts[1], counts[2]

    def report(self, status: BatchImportStatus) -> list[dict[str, Any]]:
        """The lines of the report that the status names."""
        assert status.report is not None
        bucket, _, key = status.report.removeprefix("oss://").partition("/")
        data = self.oss().get_object(bucket, key, largest=1 << 24)
        return [json.loads(one) for one in data.splitlines()]

    def head(self, key: str = MANIFEST) -> oss2.models.HeadObjectResult:
        """What an object of the pictures' bucket is."""
        return self.bucket.head_object(key)


def line(name: str, product: str | None = None, **more: Any) -> dict[str, Any]:
    """A line of spec.source.pictures that adds a picture."""
    made = {"productId": product or name.partition(".")[0], "picName": name, "customContent": "k:v"}
    return made | more


def vendor(one: dict[str, Any]) -> dict[str, Any]:
    """The same line as the vendor writes it."""
    named = {key[0].upper() + key[1:]: value for key, value in one.items() if key != "operation"}
    return {"OperationType": one.get("operation", "ADD")} | named


def picture(number: int) -> bytes:
    """A picture of its own, just large enough."""
    image = Image.new("RGB", (100, 100), (number * 37 % 256, number * 91 % 256, number * 11 % 256))
    image.paste((255 - number % 256, 20, 90), (10, 10, 30 + number % 50, 60))
    data = BytesIO()
    image.save(data, "PNG")
    return data.getvalue()
