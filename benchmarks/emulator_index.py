"""Files indexed per second of one core: pictures, documents and sound as they lie in `examples/media`, by a binding."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.emulator_server import PLACE, bind, make_bucket
from emulator.instance import Config, Instance, start
from emulator.lifecycle import settle
from emulator.oss.store import make_object, put_object

MEDIA = Path(__file__).parents[1] / "examples" / "media"
COPIES = 10
ROUNDS = 3
BUCKET = "bench-media"


def emulator_index() -> dict[str, Any]:
    """Files and megabytes per second of processor time, the median of three rounds."""
    files = list(_media())
    seconds = statistics.median(_index(files) for _ in range(ROUNDS))
    count, size = len(files) * COPIES, sum(len(data) for _, data in files) * COPIES
    return {
        "files": count,
        "megabytes": round(size / 1e6, 1),
        "files_per_second": round(count / seconds),
        "megabytes_per_second": round(size / 1e6 / seconds, 1),
    }


def _media() -> Iterator[tuple[str, bytes]]:
    for path in sorted(MEDIA.glob("*/*")):
        if path.parent.name != "licences":
            yield str(path.relative_to(MEDIA)), path.read_bytes()


def _index(files: list[tuple[str, bytes]]) -> float:
    """Seconds of processor time from the binding's creation to the end of its scan."""
    instance = start(Config(virtual_clock=True))
    cloud = instance.cloud
    make_bucket(instance, BUCKET)
    for copy in range(COPIES):
        for name, data in files:
            put_object(cloud, BUCKET, make_object(f"{copy}/{name}", data, cloud.clock.now()))
    bind(instance, BUCKET)
    cloud.clock.advance(24 * 3600)
    began = time.process_time()
    settle(cloud)
    seconds = time.process_time() - began
    _check(instance, len(files) * COPIES)
    return seconds


def _check(instance: Instance, expected: int) -> None:
    imm = instance.cloud.imm(instance.config.account_id, instance.cloud.region)
    indexed = len(imm.projects[PLACE["ProjectName"]].datasets[PLACE["DatasetName"]].files)
    if indexed != expected:
        raise RuntimeError(f"{indexed} of {expected} files were indexed")
