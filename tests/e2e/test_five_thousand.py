"""A start with five thousand bindings, five hundred datasets and a thousand finished imports: no storm anywhere.

The objects are as the operator left them (`settled_world`), and nothing happened in the cloud meanwhile. So whatever a
start costs beyond reading is waste, and each call is counted, by the cloud's journal and the API server's audit log.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from controller.cloud.imm import PAGE
from controller.runtime.kube import PAGE as LISTED
from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.e2e.settled_world import SettledWorld, Size, cloud_calls, fastest, kubernetes_requests, memory
from tests.integration.import_room import ImportRoom
from tests.integration.replicas import probed
from tests.integration.world import World, opened

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

SIZE = Size(projects=10, datasets=50, imports=1_000)
MOST_MEMORY = 250 * 2**20
RATE = 20.0  # IMM calls a second in each project: so low that a storm would show
WORKERS = 16  # settings.workers; a busy machine may hold up the call that each has on its way
MOST_IN_TWO_SECONDS = SIZE.projects * (RATE / 4 + 2 * RATE) + WORKERS
LASTING = 40.0  # seconds of an outage
CALM = 5.0  # seconds without a pass: everything was looked at
OFTEN = dict.fromkeys(("IMM_OPERATOR_POLL_INTERVAL", "IMM_OPERATOR_SETTLED_POLL_INTERVAL"), "0.5")
SELDOM = {"IMM_OPERATOR_POLL_INTERVAL": "1", "IMM_OPERATOR_SETTLED_POLL_INTERVAL": "3600"}
PASSES = re.compile(r'^controller_runtime_reconcile_total{controller="(\w+)",result="(\w+)"} (\d+)', re.MULTILINE)
EDITS = re.compile(r'^workqueue_depth{controller="\w+",name="\w+",priority="0"} (\d+)', re.MULTILINE)
log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def world(cluster: Cluster, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Everything is settled, and no operator runs."""
    install(kubectl)
    directory: Path = tmp_path_factory.mktemp("operator")
    with opened(cluster, kubectl, directory, OFTEN) as made:
        room = ImportRoom(made)
        room.open()
        SettledWorld(made, room).fill(SIZE)
        made.settings = SELDOM | {"IMM_OPERATOR_IMM_RATE": str(RATE)}
        yield made


@pytest.fixture(autouse=True)
def stopped(world: World) -> Iterator[None]:
    """Each test starts the operator itself, in a cloud that answers."""
    yield
    world.stop()
    world.cloud.fault()
    world.cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 100.0))


def passes(world: World) -> Counter[str]:
    """How many passes of each kind there were, those that met an error apart."""
    found: Counter[str] = Counter()
    for kind, result, count in PASSES.findall(probed(world, "metrics")[1]):
        found[f"{kind} error" if result == "error" else kind] += int(count)
    return found


def settle(world: World, seconds: float = 200) -> int:
    """Wait until nothing is looked at any more; the most edits that waited at any time."""
    last, since, edits = Counter[str](), time.monotonic(), 0
    deadline = time.monotonic() + seconds
    while time.monotonic() - since < CALM or sum(last.values()) < SIZE.objects:
        assert time.monotonic() < deadline, last
        time.sleep(0.5)
        edits = max([edits, *map(int, EDITS.findall(probed(world, "metrics")[1]))])
        now = passes(world)
        if now != last:
            last, since = now, time.monotonic()
    return edits


def test_a_start_costs_pages(world: World) -> None:
    """One walk of each project's bindings, one look at each dataset, one sign-in; nothing is written."""
    calls, requests, began = cloud_calls(world), world.cluster.audit_log.stat().st_size, time.monotonic()  # type: ignore[union-attr] # the fixture keeps one
    world.start()
    edits = settle(world)
    took = time.monotonic() - began - CALM
    made = cloud_calls(world) - calls
    asked = kubernetes_requests(world, requests)
    looked = passes(world)
    log.info(
        "%s objects in %.0f s, %d MiB: %s; %s; %s", SIZE.objects, took, memory(world) // 2**20, made, asked, looked
    )

    pages = SIZE.projects * ceil(SIZE.bindings / SIZE.projects / PAGE) + 1  # and that of the pattern's project
    datasets = SIZE.projects * SIZE.datasets + 1
    assert {"sts GetCallerIdentity", "imm ListBindings", "imm GetDataset"} == {*made} - {"mns BatchReceiveMessage"}
    assert 1 == made["sts GetCallerIdentity"]
    assert pages == made["imm ListBindings"], "whoever looks first lists a project, and the poller takes that"
    assert datasets <= made["imm GetDataset"] <= datasets + 16, "once each, but for those that were looked at just then"

    lists = {kind: ceil(count / LISTED) for kind, count in COUNTS.items()}
    assert {f"list {kind}" for kind in lists} | {"get secrets"} == {*asked}, "no object is read, and none is written"
    for kind, count in lists.items():
        assert asked[f"list {kind}"] <= 2 * (count + 1), "one of Kopf, and one of ours"

    assert min(looked["datasetbinding"] - SIZE.bindings, looked["batchimport"] - SIZE.imports) > 0
    assert not [kind for kind, count in looked.items() if kind.endswith("error") and count]
    assert memory(world) < MOST_MEMORY
    assert edits <= 1, "nothing goes ahead of people's edits"
    assert fastest(world, "imm", seconds=2.0) <= MOST_IN_TWO_SECONDS


COUNTS = {
    "datasetbindings": SIZE.bindings + 1,
    "datasets": SIZE.projects * SIZE.datasets + 1,
    "batchimports": SIZE.imports + 1,
    "cloudaccounts": 1,
}


def test_a_start_in_a_cloud_that_throttles(world: World) -> None:
    """Five calls a second in each project: slower, without a word of an error in any status."""
    world.cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 5.0))
    requests = world.cluster.audit_log.stat().st_size  # type: ignore[union-attr] # the fixture keeps one
    calls = cloud_calls(world)
    world.start()
    settle(world)
    made = cloud_calls(world) - calls
    refused, writes = refusals(world, "Throttling"), updates(world, requests)
    log.info("throttled: %s, %d of them refused, %d writes to Kubernetes", made, refused, writes)
    assert refused <= sum(made.values()) / 2, "the rate adapts instead of trying again and again"
    assert writes <= 3 * refused, "who was refused says so, and takes it back; nobody else writes"
    assert 0 == unready(world)


def test_a_start_in_a_cloud_that_fails(world: World) -> None:
    """Every call is answered with 503: each object backs off, the whole keeps to its rate, and all end well."""
    world.cloud.fault({"service": "imm", "error": {"status": 503, "code": "ServiceUnavailable"}})
    calls, requests = cloud_calls(world), world.cluster.audit_log.stat().st_size  # type: ignore[union-attr] # the fixture keeps one
    world.start()
    began = time.monotonic()
    world.until("the failure to last for a while", lambda: time.monotonic() - began > LASTING, 2 * LASTING)
    made, looked = cloud_calls(world) - calls, passes(world)
    assert fastest(world, "imm", seconds=2.0) <= MOST_IN_TWO_SECONDS
    log.info("failing for %.0f s: %s, %s, %d writes", LASTING, made, looked, updates(world, requests))
    world.cloud.fault()
    world.until("every object to be Ready", lambda: unready(world) == 0, 150)


def updates(world: World, since: int) -> int:
    """The operator's writes to Kubernetes after so many bytes of the audit log."""
    found = kubernetes_requests(world, since)
    return sum(count for what, count in found.items() if what.split()[0] not in {"get", "list", "watch"})


def unready(world: World) -> int:
    """How many datasets and bindings are not Ready."""
    chosen = '--output=jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'
    found = world.kubectl("get", "datasets,datasetbindings", f"--namespace={world.namespace}", chosen).split()
    return sum(status != "True" for status in found)


def refusals(world: World, code: str) -> int:
    """How many of the requests that the journal still has were refused with a code that begins so."""
    return sum(str(one["code"]).startswith(code) for one in world.cloud.requests("imm"))
