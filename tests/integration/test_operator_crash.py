"""Law 4 on the real API server: lost answers and killed processes never bind, and so never bill, twice."""

from __future__ import annotations

import pytest

from tests.integration.world import PROJECT, World


@pytest.fixture(autouse=True, scope="module")
def _dataset(world: World) -> None:
    """One dataset for every binding of this file."""
    world.dataset("crashes")
    world.await_ready("dataset", "crashes")


def created_at(world: World, bucket: str) -> str:
    """When the cloud made the binding."""
    return next(b.created_at for b in world.imm.list_bindings(PROJECT) if b.bucket == bucket)


def test_answer_lost_after_the_effect_is_found_by_looking(world: World) -> None:
    """The submit took effect and its answer was lost: it is found, and it is ours."""
    world.bucket("lost-bucket")
    before = world.calls("CreateBinding")
    world.cloud.fault({"service": "imm", "operation": "CreateBinding", "when": "after", "times": 1, "drop": True})
    world.binding("lost", "lost-bucket", "crashes")
    status = world.await_ready("datasetbinding", "lost")["status"]
    assert (status["adopted"], status["createdAt"]) == (False, created_at(world, "lost-bucket"))
    assert "intent" not in status
    assert world.calls("CreateBinding") - before == 1


def test_answer_lost_before_the_effect_is_tried_again_after_two_looks(world: World) -> None:
    """Nothing took effect: two look-ups, spaced wider than the call's time-out, come before the second submit."""
    world.bucket("dropped-bucket")
    before = world.calls("CreateBinding")
    world.cloud.fault({"service": "imm", "operation": "CreateBinding", "when": "before", "times": 1, "drop": True})
    world.binding("dropped", "dropped-bucket", "crashes")
    world.await_reason("datasetbinding", "dropped", "Confirming")
    status = world.await_ready("datasetbinding", "dropped", seconds=90)["status"]
    assert status["adopted"] is False
    assert world.calls("CreateBinding") - before == 2


def test_process_killed_during_the_submit_leaves_one_binding(world: World) -> None:
    """Kill -9 while CreateBinding is under way: the next process finds what became of it."""
    world.bucket("killed-bucket")
    before = world.calls("CreateBinding")
    world.cloud.fault({"service": "imm", "operation": "CreateBinding", "when": "after", "times": 1, "latency": 3.0})
    world.binding("killed", "killed-bucket", "crashes")
    world.until("the submit to be under way", lambda: _has_intent(world, "killed"))
    world.kill()
    world.start()
    status = world.await_ready("datasetbinding", "killed", seconds=150)["status"]
    assert status["adopted"] is False
    assert world.calls("CreateBinding") - before <= 2
    assert [b.bucket for b in world.imm.list_bindings(PROJECT)].count("killed-bucket") == 1


def test_throttled_calls_are_slowed_down_not_failed(world: World) -> None:
    """Throttling is progress: nothing is Stalled, and the object becomes Ready once the cloud lets it."""
    world.bucket("throttled-bucket")
    refusal = {"status": 400, "code": "Throttling.User", "message": "Request was denied due to user flow control."}
    world.cloud.fault({"service": "imm", "operation": "CreateBinding", "when": "before", "times": 2, "error": refusal})
    world.binding("throttled", "throttled-bucket", "crashes")
    world.await_ready("datasetbinding", "throttled")


def test_outage_of_the_cloud_is_survived(world: World) -> None:
    """Every answer an HTML 502 for a while: retried, never Stalled."""
    world.bucket("outage-bucket")
    world.cloud.fault({"service": "imm", "html": 502})
    world.binding("outage", "outage-bucket", "crashes")
    world.await_reason("datasetbinding", "outage", "CloudUnavailable")
    assert world.condition("datasetbinding", "outage", "Stalled") == {}
    world.cloud.fault()
    world.await_ready("datasetbinding", "outage")


def test_restart_with_settled_objects_writes_nothing(world: World) -> None:
    """A new process looks at everything and has nothing to say; Ready never flickers."""
    world.bucket("settled-bucket")
    world.binding("settled", "settled-bucket", "crashes")
    world.await_ready("datasetbinding", "settled")
    world.stop()
    before, written = world.get("datasetbinding", "settled"), world.writes("datasetbindings", "settled")
    world.start()
    # The request is handled by the new process only after it has signed in and looked: its echo is the one write.
    world.request("datasetbinding", "settled", "after-restart")
    after = world.get("datasetbinding", "settled")
    assert [*written, "update status"] == world.writes("datasetbindings", "settled")
    assert (before or {})["status"]["conditions"] == (after or {})["status"]["conditions"]


def _has_intent(world: World, name: str) -> bool:
    return "intent" in (world.get("datasetbinding", name) or {}).get("status", {})
