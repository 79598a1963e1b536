"""`python -m benchmarks`: run every benchmark and print one line of JSON each."""

from __future__ import annotations

import json

from benchmarks.emulator_index import emulator_index
from benchmarks.emulator_memory import emulator_memory
from benchmarks.emulator_requests import emulator_requests
from benchmarks.import_scale import import_scale
from benchmarks.manifest_check import manifest_check
from benchmarks.observe import observe
from benchmarks.operator_scale import operator_scale
from benchmarks.picture_check import picture_check

for benchmark in (
    observe,
    operator_scale,
    import_scale,
    picture_check,
    manifest_check,
    emulator_requests,
    emulator_index,
    emulator_memory,
):
    print(json.dumps({"benchmark": benchmark.__name__, **benchmark()}))  # noqa: T201 - its whole purpose
