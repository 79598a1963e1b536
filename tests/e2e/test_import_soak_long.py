"""Twenty imports at once under faults of every kind, and three kills: in the end every verdict is the truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.import_room import ImportRoom
from tests.integration.import_soak import soak
from tests.integration.world import World, opened

pytestmark = pytest.mark.e2e


@pytest.fixture
def world(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> Iterator[World]:
    """A cloud, a namespace and an operator."""
    install(kubectl)
    with opened(cluster, kubectl, tmp_path, {"IMM_OPERATOR_POLL_INTERVAL": "0.3"}) as made:
        yield made


@pytest.mark.timeout(900)
def test_twenty_imports_survive_faults_and_three_kills(world: World) -> None:
    """Two thousand files; a tenth of those that are added are not there."""
    room = ImportRoom(world)
    room.open()
    soak(room, imports=20, files=100, kills=3, seconds=500, seed=20)
