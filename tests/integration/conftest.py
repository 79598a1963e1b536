"""The world of an integration test; see `tests/integration/world.py`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.instance import Config
from emulator.testing import running
from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.world import World, prepare

POLLS = ("IMM_OPERATOR_POLL_INTERVAL", "IMM_OPERATOR_SETTLED_POLL_INTERVAL")


@pytest.fixture(scope="session")
def installed(kubectl: Kubectl) -> Kubectl:
    """The definitions and the RBAC that ship with the project."""
    install(kubectl)
    return kubectl


@pytest.fixture(scope="module")
def world(cluster: Cluster, installed: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud, a namespace and an operator for the tests of one file; nothing of another file is seen here."""
    namespace = f"world-{uuid.uuid4().hex[:8]}"
    installed("create", "namespace", namespace)
    directory: Path = tmp_path_factory.mktemp("operator")
    with running(Config(virtual_clock=False)) as cloud:
        made = World(cluster, installed, cloud, namespace, directory, dict.fromkeys(POLLS, "0.3"))
        prepare(made)
        made.start()
        made.account()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test's faults end with it; a test without a world starts none."""
    world: World | None = request.getfixturevalue("world") if "world" in request.fixturenames else None
    yield
    if world is not None:
        world.cloud.fault()
