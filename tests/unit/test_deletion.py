"""The table of deletion (law 8): what decides, in which order, and what the message says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.api.fields import DeletionPolicy
from controller.core.actions import Action, DeleteBinding, Release, StandIn
from controller.core.deletion import Heir, Stands, plan_deletion
from controller.core.plan import Standing
from controller.core.reasons import Reason
from tests.unit.plan_inputs import NOW, leaving

DELETE = DeleteBinding("media", "pictures", "photos")
RETAIN = DeletionPolicy.RETAIN
OBSTACLE = "CloudAccount account has no usable credentials"
BLOCKED: dict[str, Any] = {"grace_ended": True, "obstacle": OBSTACLE}
DAY = timedelta(days=1)

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
    ("created-again", {"heir": Heir.THERE}, DELETE, (Release,), Reason.KEPT),
    ("created-again-late", {"heir": Heir.THERE, "grace_ended": True}, DELETE, (Release,), Reason.KEPT),
    ("created-again-obstacle", {"heir": Heir.THERE} | BLOCKED, None, (Release,), Reason.KEPT),
    ("created-and-coming", {"heir": Heir.COMING, "grace_ended": True}, DELETE, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-first", {"stands": Stands.POSSIBLE}, DELETE, (StandIn,), Reason.DELETION_GRACE_PERIOD),
    ("grace-stood-in-for", {"stands": Stands.THERE}, DELETE, (Release,), Reason.DELETION_GRACE_PERIOD),
    ("grace-in-the-stand-in", {"stands": Stands.IS_ONE}, DELETE, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-by-itself", {}, DELETE, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-absent", {}, None, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-obstacle", {"obstacle": OBSTACLE}, None, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-almost", {"since": NOW - timedelta(seconds=599)}, DELETE, (), Reason.DELETION_GRACE_PERIOD),
    ("grace-over", {"since": NOW - timedelta(seconds=600)}, DELETE, (DeleteBinding,), Reason.DELETING),
    ("grace-ended-early", {"grace_ended": True}, DELETE, (DeleteBinding,), Reason.DELETING),
    ("no-grace", {"grace_period": "0s"}, DELETE, (DeleteBinding,), Reason.DELETING),
    ("no-grace-no-stand-in", {"grace_period": "0s", "stands": Stands.POSSIBLE}, DELETE, (DeleteBinding,),
     Reason.DELETING),
    ("obstacle", BLOCKED, None, (), Reason.CREDENTIALS_UNAVAILABLE),
    ("obstacle-there", BLOCKED, DELETE, (), Reason.CREDENTIALS_UNAVAILABLE),
    ("obstacle-for-years", BLOCKED | {"since": NOW - 900 * DAY}, None, (), Reason.CREDENTIALS_UNAVAILABLE),
    ("obstacle-namespace-ending", BLOCKED | {"ending": NOW}, None, (), Reason.CREDENTIALS_UNAVAILABLE),
    ("obstacle-namespace-ended-long-ago", BLOCKED | {"ending": NOW - DAY, "since": NOW - DAY}, None, (Release,),
     Reason.ORPHANED),
    ("namespace-ending-without-obstacle", {"grace_ended": True, "ending": NOW - 9 * DAY}, DELETE, (DeleteBinding,),
     Reason.DELETING),
    ("absent", {"grace_ended": True}, None, (Release,), Reason.DELETED),
]  # fmt: skip


@pytest.mark.parametrize(
    ("how", "delete", "actions", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_the_table(
    how: dict[str, Any], delete: DeleteBinding | None, actions: tuple[type[Action], ...], reason: Reason
) -> None:
    """Each row of the module's table, in the order in which they decide."""
    decided = plan_deletion(leaving(**how), delete, NOW, NOW)
    assert (actions, reason) == (tuple(type(action) for action in decided.actions), decided.verdict.reason)


def test_the_grace_period_ends_when_it_says() -> None:
    """The next look is at the end of the period, and the message tells both ways out."""
    how = leaving(since=NOW - timedelta(seconds=30), stands=Stands.IS_ONE, known_as="DatasetBinding photos")
    verdict = plan_deletion(how, DELETE, NOW, NOW).verdict
    assert (Standing.PROGRESSING, 570.0) == (verdict.standing, verdict.look_again)
    assert "create DatasetBinding photos again" in verdict.message
    assert "imm-operator.dev/end-grace-period=now" in verdict.message
    assert "imm-operator.dev/detach=true" in verdict.message


def test_an_object_that_cannot_be_created_again_is_not_said_to_be() -> None:
    """Where no stand-in is made its name is taken until the end."""
    message = plan_deletion(leaving(), DELETE, NOW, NOW).verdict.message
    assert "again" not in message
    assert "imm-operator.dev/detach=true" in message


def test_a_handed_over_object_names_its_stand_in() -> None:
    """That is where the annotations go from now on."""
    how = leaving(stands=Stands.THERE, stand_in="photos-leaving-1")
    (release,) = plan_deletion(how, DELETE, NOW, NOW).actions
    assert isinstance(release, Release)
    assert "photos-leaving-1 stands in for this object" in release.message
    assert "annotate photos-leaving-1 with imm-operator.dev/detach=true" in release.message


def test_an_obstacle_is_named_with_both_ways_out() -> None:
    """Restore what is missing, or let go; and look whether the namespace goes by now."""
    verdict = plan_deletion(leaving(**BLOCKED), None, NOW, NOW).verdict
    assert (Standing.STALLED, 300.0) == (verdict.standing, verdict.look_again)
    assert OBSTACLE in verdict.message
    assert "Restore the CloudAccount and its Secret" in verdict.message
    assert "imm-operator.dev/detach=true" in verdict.message


def test_in_a_terminating_namespace_the_steps_are_others() -> None:
    """Nothing can be restored there; the time of the release is told, and looked at."""
    how = leaving(ending=NOW, orphan_after=timedelta(minutes=2), **BLOCKED)
    verdict = plan_deletion(how, None, NOW, NOW).verdict
    assert (Standing.STALLED, 120.0) == (verdict.standing, verdict.look_again)
    assert "Restore" not in verdict.message
    assert "imm-operator.dev/detach=true" in verdict.message
    assert "released as Orphaned, running and billing, at 2026-08-01T12:02:00Z" in verdict.message


def test_the_limit_begins_when_a_delete_could_first_be_tried() -> None:
    """A grace period longer than the limit leaves a person the whole limit."""
    how = leaving(grace_period="720h", since=NOW - 30 * DAY, ending=NOW - 30 * DAY, obstacle=OBSTACLE)
    assert Reason.CREDENTIALS_UNAVAILABLE is plan_deletion(how, None, NOW, NOW).verdict.reason
    assert Reason.ORPHANED is plan_deletion(how, None, NOW, NOW + DAY).verdict.reason


def test_a_delete_is_looked_at_again_soon() -> None:
    """Whether it took effect shows in a later listing."""
    assert 5.0 == plan_deletion(leaving(grace_ended=True), DELETE, NOW, NOW).verdict.look_again
