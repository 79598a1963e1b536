"""`python -m benchmarks`: run every benchmark and print one line of JSON each."""

from __future__ import annotations

import json

from benchmarks.observe import observe

for benchmark in (observe,):
    print(json.dumps({"benchmark": benchmark.__name__, **benchmark()}))  # noqa: T201 - its whole purpose
