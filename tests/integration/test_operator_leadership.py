"""Two replicas on the real API server: one leads, the other follows within seconds, and nothing is made twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.integration.replicas import (
    CALL,
    LEASE,
    RETRY,
    has_ended,
    is_ready,
    leads,
    lease,
    log_of,
    proxied,
    replica_of,
)
from tests.integration.world import PROJECT, World

SLACK = 12  # seconds: the machine is shared


@pytest.fixture
def pair(world: World, tmp_path: Path) -> Iterator[tuple[World, World]]:
    """The replica that leads, and the one that stands by."""
    if world.operator is None:
        world.start()
    other = replica_of(world, tmp_path / "other")
    other.start()
    world.until("the first to lead", lambda: leads(world), LEASE + RETRY + SLACK)
    world.dataset("led")
    world.await_ready("dataset", "led", seconds=60)
    try:
        yield world, other
    finally:
        other.stop()
        world.stop()


def created(world: World, bucket: str) -> list[float]:
    """When CreateBinding was asked for a bucket, by the cloud's clock."""
    calls = world.cloud.requests("imm", "CreateBinding")
    return [float(str(call["time"])) for call in calls if bucket in str(call["params"])]


def test_one_leads_and_the_other_is_ready(pair: tuple[World, World]) -> None:
    """A standby is warm and answers its probes, and makes no call on the cloud."""
    leader, standby = pair
    assert (True, False) == (leads(leader), leads(standby))
    assert is_ready(standby)
    assert "standing by" in log_of(standby)
    leader.bucket("one-bucket")
    leader.binding("one", "one-bucket", "led")
    leader.await_ready("datasetbinding", "one")
    assert 1 == len(created(leader, "one-bucket"))
    assert "one" not in log_of(standby).split("standing by")[1].replace("imm-operator", "")
    assert LEASE == lease(leader)["leaseDurationSeconds"]


def test_an_orderly_stop_hands_over_at_once(pair: tuple[World, World]) -> None:
    """SIGTERM: the Lease is given back, and the next leader submits without a wait."""
    leader, standby = pair
    before = lease(leader)["leaseTransitions"]
    leader.stop()
    ended = time.monotonic()
    standby.until("the standby to lead", lambda: leads(standby), RETRY * 1.2 + SLACK)
    standby.bucket("handed-bucket")
    standby.binding("handed", "handed-bucket", "led")
    standby.await_ready("datasetbinding", "handed")
    assert time.monotonic() - ended < LEASE - RETRY + CALL, "sooner than a Lease that runs out would have allowed"
    assert before + 1 == lease(standby)["leaseTransitions"]
    assert "released the lease" in log_of(leader)
    assert "first submit in 0 s" in log_of(standby)


def test_a_killed_leader_is_followed_within_lease_and_retry(pair: tuple[World, World]) -> None:
    """And the first submit waits until the dead one's last call must have ended."""
    leader, standby = pair
    last = datetime.fromisoformat(lease(leader)["renewTime"]).timestamp()
    leader.kill()
    killed = time.monotonic()
    standby.bucket("followed-bucket")
    standby.binding("followed", "followed-bucket", "led")
    standby.until("the standby to lead", lambda: leads(standby), LEASE + RETRY * 1.2 + SLACK)
    assert time.monotonic() - killed <= LEASE + RETRY * 1.2 + SLACK
    standby.await_reason("datasetbinding", "followed", "Failover")
    standby.await_ready("datasetbinding", "followed", seconds=60)
    (at,) = created(standby, "followed-bucket")
    assert at >= last + LEASE + CALL
    assert 1 == [binding.bucket for binding in standby.imm.list_bindings(PROJECT)].count("followed-bucket")


def test_a_lease_deleted_by_hand_never_makes_two_leaders(pair: tuple[World, World]) -> None:
    """Who makes it first leads; the other stands down or by."""
    leader, standby = pair
    leader.kubectl("delete", "lease", leader.namespace, "--namespace=imm-operator")
    leader.until("a Lease to be there again", lambda: bool(lease(leader).get("holderIdentity")))
    leader.until("one of them alone to lead", lambda: leads(leader) != leads(standby))
    leader.bucket("deleted-bucket")
    leader.binding("deleted", "deleted-bucket", "led")
    leader.await_ready("datasetbinding", "deleted", seconds=LEASE + CALL + 30)
    assert 1 == len(created(leader, "deleted-bucket"))
    assert leads(standby) or (leads(leader) and not leads(standby))


def test_a_leader_cut_off_from_the_api_server_ends_before_its_lease_does(world: World, tmp_path: Path) -> None:
    """It cannot renew: it submits nothing more and is gone before the other leads."""
    world.stop()
    with proxied(world) as proxy:
        world.start()
    world.until("the first to lead", lambda: leads(world), LEASE + RETRY + SLACK)
    standby = replica_of(world, tmp_path / "standby")
    standby.start()
    try:
        assert not leads(standby)
        proxy.cut()
        world.until("the leader to end", lambda: has_ended(world), LEASE + SLACK)
        assert not leads(standby)
        assert "could not be renewed in time" in log_of(world)
        standby.until("the standby to lead", lambda: leads(standby), LEASE + RETRY * 1.2 + SLACK)
    finally:
        world.stop()
        standby.stop()
