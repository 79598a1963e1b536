"""What is served, where its behaviour comes from, and which tests call it.

The tests are not claimed but recorded: `make coverage` runs the emulator's tests and writes down which operations each
of them called, through a socket or in process (`emulator.recording`). Property-based tests are left out, because what
they call differs by run.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emulator.authorization import NEEDS
from emulator.services import SERVICES

RECORD = Path(__file__).with_name("coverage.json")
Called = dict[str, dict[str, list[str]]]  # tests by service and operation


def read_record() -> Called:
    """The recorded tests by service and operation."""
    called: Called = json.loads(RECORD.read_text(encoding="utf-8"))
    return called


def describe_coverage() -> dict[str, list[dict[str, Any]]]:
    """Every served operation with its provenance, the RAM actions it needs with theirs, and its tests."""
    called = read_record()
    return {
        "operations": [
            {
                "service": service,
                "name": name,
                "provenance": operation.provenance,
                "rights": {need.action: need.source for need in NEEDS[service][name]},
                "tests": called.get(service, {}).get(name, []),
            }
            for service, operations in SERVICES.items()
            for name, operation in sorted(operations.by_name.items())
        ]
    }
