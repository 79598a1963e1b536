"""The operator under every plausible reading of what no account has confirmed: one compact journey each.

Create, lose the answer, adopt, delete: the same real operator process and API server serve all readings, only the cloud
behind them is switched. A reading that the operator cannot live with is a bug in the operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.unverified import switches
from sandbox.apiserver.cluster import Cluster
from sandbox.demo.operator import install
from sandbox.kubectl import Kubectl
from tests.integration.world import PROJECT, World, opened

pytestmark = pytest.mark.e2e

# What the operator meets on its way. A range is tried at one value that hurts.
RANGES: dict[str, object] = {
    "delete_binding_seconds": 3.0,
    "update_delay_seconds": 3.0,
    "throttling_retry_after_ms": 700,
    "request_target_max": 1024,
}
MET = (
    "duplicate_binding_code", "delete_binding_seconds", "delete_binding_leaves_deleted", "delete_binding_again",
    "not_found_code", "nonempty_delete_code", "update_delay_seconds", "statistics_unasked",
    "service_role_unknown", "object_status", "request_target_max", "throttling_code", "throttling_status",
    "throttling_retry_after_ms", "server_error_body",
)  # fmt: skip
READINGS = [
    (name, value)
    for name in MET
    for value in (switches()[name].values or (RANGES[name],))
    if value != switches()[name].default
]
ASYNCHRONOUS_AND_VISIBLE = {"delete_binding_seconds": 3.0, "delete_binding_leaves_deleted": True}


@pytest.fixture(scope="module")
def world(cluster: Cluster, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud, a namespace and an operator for every reading."""
    install(kubectl)
    directory: Path = tmp_path_factory.mktemp("operator")
    often = {"IMM_OPERATOR_POLL_INTERVAL": "0.3", "IMM_OPERATOR_SETTLED_POLL_INTERVAL": "0.5"}
    with opened(cluster, kubectl, directory, often) as made:
        made.account()
        yield made


@pytest.fixture(autouse=True)
def defaults(world: World) -> Iterator[None]:
    """A test's readings, faults and rates end with it."""
    yield
    world.cloud.fault()
    for name, switch in switches().items():
        world.cloud.switch(name, switch.default)
    world.cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 100.0))
    world.user.forget_buckets()


@pytest.mark.parametrize(("name", "value"), READINGS, ids=[f"{name}={value}" for name, value in READINGS])
def test_the_main_job_is_done_under(world: World, name: str, value: object) -> None:
    """Nothing in the journey depends on the default being true."""
    own = f"{name.replace('_', '-')}-{READINGS.index((name, value))}"[:40]
    for bucket in (f"{own}-lost", f"{own}-hand"):
        world.user.grant({"bucket": bucket})  # before the switch: a policy is a long request, which one of them refuses
    world.cloud.switch(name, value)
    journey(world, own)


def test_the_main_job_is_done_where_deletes_are_slow_and_stay_visible(world: World) -> None:
    """Two readings at once that make the same call hard."""
    for name, value in ASYNCHRONOUS_AND_VISIBLE.items():
        world.cloud.switch(name, value)
    journey(world, "slow-and-visible")


@pytest.mark.parametrize(("state", "reason"), [("Failed", "BindingFailed"), ("Retrying", "Indexing")])
def test_a_bucket_that_vanishes_is_told_as_the_cloud_tells_it(world: World, state: str, reason: str) -> None:
    """Failed is a standstill, Retrying is progress; neither is Ready."""
    world.cloud.switch("lost_bucket_state", state)
    own = f"lost-bucket-{state.lower()}"
    world.dataset(own)
    world.await_ready("dataset", own)
    bucket = world.bucket(own)
    bucket.put_object("a.txt", b"a")
    world.binding(own, own, own)
    world.await_ready("datasetbinding", own, 60)
    bucket.delete_object("a.txt")
    bucket.delete_bucket()
    world.await_reason("datasetbinding", own, reason)


@pytest.mark.parametrize("status", [400, 429, 503])
@pytest.mark.parametrize("body", ["json", "html", "empty"])
def test_a_slow_project_is_waited_for(world: World, status: int, body: str) -> None:
    """Real throttling by the project's rate, in each dress: never Stalled, Ready in the end."""
    world.cloud.switch("throttling_status", status)
    world.cloud.switch("server_error_body", body)
    own = f"slow-{status}-{body}"
    world.dataset(own)
    world.await_ready("dataset", own)
    world.bucket(f"{own}-bucket")
    world.cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 2.0))
    world.binding(own, f"{own}-bucket", own)
    world.until(
        f"{own} to be created although most calls are refused",
        lambda: bool((world.get("datasetbinding", own) or {}).get("status", {}).get("createdAt")),
        90,
        lambda: str((world.get("datasetbinding", own) or {}).get("status")),
    )
    assert world.condition("datasetbinding", own, "Stalled") == {}
    world.cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 100.0))
    world.await_ready("datasetbinding", own, 60)


def journey(world: World, own: str) -> None:
    """Create with a lost answer; adopt one made by hand; delete both and see them gone from the cloud."""
    leaving = {"deletionPolicy": "Delete", "deletionGracePeriod": "0s"}
    world.dataset(own)
    world.await_ready("dataset", own, 40)
    lost, hand = f"{own}-lost", f"{own}-hand"
    for bucket in (lost, hand):
        world.bucket(bucket)
    before = world.calls("CreateBinding")
    world.cloud.fault({"service": "imm", "operation": "CreateBinding", "when": "after", "times": 1, "drop": True})
    world.binding(lost, lost, own, **leaving)
    status = world.await_ready("datasetbinding", lost, 60)["status"]
    assert (False, 1) == (status["adopted"], world.calls("CreateBinding") - before)
    world.imm.create_binding(PROJECT, own, hand)
    looks = world.calls("ListBindings")
    world.until("the operator to have looked again", lambda: world.calls("ListBindings") >= looks + 2)
    world.binding(hand, hand, own, **leaving)
    status = world.await_ready("datasetbinding", hand, 60)["status"]
    assert (True, 2) == (status["adopted"], world.calls("CreateBinding") - before)
    for name in (lost, hand):
        world.delete("datasetbinding", name)
    for name in (lost, hand):
        world.await_gone("datasetbinding", name, 60)
    living = [item for item in world.imm.list_bindings(PROJECT) if item.dataset == own and item.state != "Deleted"]
    assert [] == living
