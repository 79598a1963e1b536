"""The world of an integration test; see `tests/integration/world.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.collector import Collector
from tests.integration.world import World, opened

POLLS = ("IMM_OPERATOR_POLL_INTERVAL", "IMM_OPERATOR_SETTLED_POLL_INTERVAL")


@pytest.fixture(scope="session")
def installed(kubectl: Kubectl) -> Kubectl:
    """The definitions and the RBAC that ship with the project."""
    install(kubectl)
    return kubectl


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """Where an operator that is told of it sends its spans."""
    with Collector().running() as made:
        yield made


@pytest.fixture(scope="module")
def world(cluster: Cluster, installed: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud, a namespace and an operator for the tests of one file; nothing of another file is seen here."""
    directory: Path = tmp_path_factory.mktemp("operator")
    with opened(cluster, installed, directory, dict.fromkeys(POLLS, "0.3")) as made:
        made.account()
        yield made


@pytest.fixture(autouse=True)
def no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test's faults end with it; a test without a world starts none."""
    world: World | None = request.getfixturevalue("world") if "world" in request.fixturenames else None
    yield
    if world is not None:
        world.cloud.fault()
