"""A pytest plugin that writes down which operations each test called: `pytest -p emulator.recording`.

It listens at the operations' handlers, which requests from a socket and calls in process both reach; an emulator that a
test starts as a process of its own is not heard. Works under pytest-xdist: workers hand what they heard to the
controller.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from emulator.coverage import RECORD
from emulator.services import SERVICES

if TYPE_CHECKING:
    from emulator.call import Call, Handler, Reply
    from emulator.coverage import Called
    from emulator.state import Cloud

_HEARD: set[tuple[str, str]] = set()
_TESTS: dict[tuple[str, str], set[str]] = defaultdict(set)
_OUTPUT = "operations_called"


def pytest_configure() -> None:
    """Listen at every handler."""
    for service, operations in SERVICES.items():
        for name, operation in operations.by_name.items():
            operations.by_name[name] = replace(operation, handler=_listening(service, name, operation.handler))


def _listening(service: str, name: str, handler: Handler) -> Handler:
    def listen(cloud: Cloud, call: Call) -> Reply:
        _HEARD.add((service, name))
        return handler(cloud, call)

    return listen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Attribute what is heard during a test, its fixtures included, to it."""
    _HEARD.clear()
    result = yield
    if item.get_closest_marker("hypothesis") is None:
        for called in _HEARD:
            _TESTS[called].add(item.nodeid.partition("[")[0])
    return result


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Hand over to the controller, or write the record if every test passed."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = [[*called, sorted(tests)] for called, tests in _TESTS.items()]
    elif exitstatus == pytest.ExitCode.OK:
        _write()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker heard."""
    for service, operation, tests in getattr(node, "workeroutput", {}).get(_OUTPUT, []):
        _TESTS[service, operation].update(tests)


def _write() -> None:
    record: Called = {
        service: {name: sorted(_TESTS[service, name]) for name in sorted(operations.by_name)}
        for service, operations in SERVICES.items()
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
