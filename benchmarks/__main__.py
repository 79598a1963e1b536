"""`python -m benchmarks [NAME…]`: run every benchmark, or those named, and print one line of JSON each with its goals.

A figure is a ratio within one run wherever there is something to compare with. What was measured stands in
`docs/benchmarks.md`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.emulator_index import emulator_index
from benchmarks.emulator_memory import emulator_memory
from benchmarks.emulator_requests import emulator_requests
from benchmarks.import_scale import import_scale
from benchmarks.manifest_check import manifest_check
from benchmarks.observe import observe
from benchmarks.operator_scale import operator_scale
from benchmarks.picture_check import picture_check

BENCHMARKS: dict[Callable[[], dict[str, Any]], dict[str, str]] = {
    observe: {"fewer_calls": ">= 50"},
    operator_scale: {
        "seconds_over_bound": "<= 1.3",
        "fewer_calls": ">= 50",
        "kubernetes_writes_per_object": "<= 3",
        "rss_mib": "<= 250",
        "seconds_to_first_pass": "<= 3",
        "edit_p99_seconds": "<= edit_p99_seconds_idle + 1",
    },
    import_scale: {
        "calls_per_thousand": "= calls_per_thousand_minimum",
        "calls_per_thousand_lifted": "= 10",
        "rates.of_the_rate": ">= 0.9",
        "throttled.of_what_is_allowed": ">= 0.9",
    },
    picture_check: {"fewer_bytes": "a small part of each picture"},
    manifest_check: {"as_fast": ">= 1", "memory.difference_mib": "<= 32"},
    emulator_requests: {"ratio": ">= 0.33"},
    emulator_index: {},
    emulator_memory: {},
}


def main(names: list[str]) -> None:
    """Run them.

    Raises:
        SystemExit: there is no benchmark of a name.
    """
    known = {benchmark.__name__: benchmark for benchmark in BENCHMARKS}
    unknown = sorted({*names} - {*known})
    if unknown:
        raise SystemExit(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}")
    for benchmark in [known[name] for name in names or known]:
        found = {"benchmark": benchmark.__name__, "goals": BENCHMARKS[benchmark], **benchmark()}
        print(json.dumps(found), flush=True)  # noqa: T201 - its whole purpose


main(sys.argv[1:])
