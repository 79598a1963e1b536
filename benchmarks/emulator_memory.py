"""Memory of 100,000 small objects, in a process of its own so that nothing else counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.emulator_server import make_bucket
from emulator.instance import Config, start
from emulator.oss.store import make_object, put_object

OBJECTS = 100_000
SIZE = 100  # bytes of content
BUCKET = "bench-small"
_FLAG = "--here"


def emulator_memory() -> dict[str, Any]:
    """Resident megabytes that the objects add, and what each costs besides its content."""
    command = [sys.executable, "-m", "benchmarks.emulator_memory", _FLAG]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _measure() -> dict[str, Any]:
    instance = start(Config(virtual_clock=True))
    make_bucket(instance, BUCKET)
    before = _resident()
    for number in range(OBJECTS):
        data = number.to_bytes(SIZE, "big")
        put_object(instance.cloud, BUCKET, make_object(f"folder/{number:06}.bin", data, instance.cloud.clock.now()))
    grown = _resident() - before
    return {
        "objects": OBJECTS,
        "content_bytes": SIZE,
        "megabytes": round(grown / 1e6, 1),
        "bytes_per_object_besides_content": round(grown / OBJECTS) - SIZE,
        "process_megabytes_before": round(before / 1e6, 1),
    }


def _resident() -> int:
    """Resident bytes of this process (proc(5): the second field of statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__" and _FLAG in sys.argv:
    print(json.dumps(_measure()))  # noqa: T201 - read by emulator_memory
