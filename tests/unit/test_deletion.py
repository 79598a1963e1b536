"""The table of deletion (law 8): what decides, in which order, and what the message says."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from controller.api.fields import DeletionPolicy
from controller.core.actions import Action, DeleteBinding, Release
from controller.core.deletion import plan_deletion
from controller.core.plan import Standing, writes_cloud
from controller.core.reasons import Reason
from tests.unit.plan_inputs import NOW, leaving

DELETE = DeleteBinding("media", "pictures", "photos")
RETAIN = DeletionPolicy.RETAIN
OBSTACLE = "CloudAccount account has no usable credentials"

TABLE: list[tuple[str, dict[str, Any], DeleteBinding | None, tuple[type[Action], ...], Reason]] = [
    ("detached", {"detached": True}, DELETE, (Release,), Reason.DETACHED),
    ("detached-retain", {"detached": True, "policy": RETAIN}, DELETE, (Release,), Reason.DETACHED),
    ("detached-obstacle", {"detached": True, "obstacle": OBSTACLE}, None, (Release,), Reason.DETACHED),
    ("never-made", {"made": False}, None, (Release,), Reason.DELETED),
    ("never-made-but-there", {"made": False}, DELETE, (Release,), Reason.DELETED),
    ("never-made-obstacle", {"made": False, "obstacle": OBSTACLE}, None, (Release,), Reason.DELETED),
    ("retain", {"policy": RETAIN}, DELETE, (Release,), Reason.RETAINED),
    ("retain-absent", {"policy": RETAIN}, None, (Release,), Reason.RETAINED),
    ("retain-obstacle", {"policy": RETAIN, "obstacle": OBSTACLE}, None, (Release,), Reason.RETAINED),
    ("grace", {}, DELETE, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-absent", {}, None, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-obstacle", {"obstacle": OBSTACLE}, None, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-almost", {"since": NOW - timedelta(seconds=599)}, DELETE, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-over", {"since": NOW - timedelta(seconds=600)}, DELETE, (DeleteBinding,), Reason.DELETING),
    ("grace-ended-early", {"grace_ended": True}, DELETE, (DeleteBinding,), Reason.DELETING),
    ("no-grace", {"grace_period": "0s"}, DELETE, (DeleteBinding,), Reason.DELETING),
    ("obstacle", {"grace_ended": True, "obstacle": OBSTACLE}, None, (), Reason.CREDENTIALS_UNAVAILABLE),
    ("obstacle-there", {"grace_ended": True, "obstacle": OBSTACLE}, DELETE, (), Reason.CREDENTIALS_UNAVAILABLE),
    ("absent", {"grace_ended": True}, None, (Release,), Reason.DELETED),
]


@pytest.mark.parametrize(
    ("how", "delete", "actions", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_table(
    how: dict[str, Any], delete: DeleteBinding | None, actions: tuple[type[Action], ...], reason: Reason
) -> None:
    """Each row of the module's table, in the order in which they decide."""
    decided = plan_deletion(leaving(**how), delete, NOW, NOW)
    assert (actions, reason) == (tuple(type(action) for action in decided.actions), decided.verdict.reason)


def test_the_cloud_is_written_to_only_by_policy_delete_after_the_grace_period() -> None:
    """Over every combination: a delete needs all five permissions at once."""
    flags = (True, False)
    for policy, ended, detached, made, blocked in product(DeletionPolicy, flags, flags, flags, flags):
        how = leaving(
            policy=policy, grace_ended=ended, detached=detached, made=made, obstacle=OBSTACLE if blocked else ""
        )
        writes = any(writes_cloud(action) for action in plan_deletion(how, DELETE, NOW, NOW).actions)
        allowed = policy is DeletionPolicy.DELETE and ended and made and not detached and not blocked
        assert allowed == writes


def test_the_grace_period_ends_when_it_says() -> None:
    """The next look is at the end of the period, and the message tells both ways out."""
    verdict = plan_deletion(leaving(since=NOW - timedelta(seconds=30)), DELETE, NOW, NOW).verdict
    assert (Standing.PROGRESSING, 570.0) == (verdict.standing, verdict.look_again)
    assert "re-create the object" in verdict.message
    assert "imm-operator.dev/end-grace-period" in verdict.message


def test_an_obstacle_is_named_with_both_ways_out() -> None:
    """Restore what is missing, or let go."""
    verdict = plan_deletion(leaving(grace_ended=True, obstacle=OBSTACLE), None, NOW, NOW).verdict
    assert Standing.STALLED == verdict.standing
    assert OBSTACLE in verdict.message
    assert "imm-operator.dev/detach=true" in verdict.message


def test_a_delete_is_looked_at_again_soon() -> None:
    """Whether it took effect shows in a later listing."""
    assert 5.0 == plan_deletion(leaving(grace_ended=True), DELETE, NOW, NOW).verdict.look_again
