"""What tests of several GitOps tools share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.deploy.gitops_room import GitOpsRoom
from tests.integration.world import opened

POLLS = ("IMM_OPERATOR_POLL_INTERVAL", "IMM_OPERATOR_SETTLED_POLL_INTERVAL")


@pytest.fixture(scope="module")
def home(cluster: Cluster, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitOpsRoom]:
    """A namespace, a cloud and an operator."""
    install(kubectl)
    with opened(cluster, kubectl, tmp_path_factory.mktemp("operator"), dict.fromkeys(POLLS, "0.3")) as world:
        yield GitOpsRoom(world)
