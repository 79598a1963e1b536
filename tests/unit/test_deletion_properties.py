"""Deletion over every mix of policy, grace, credentials, parent, namespace and cloud (law 8, law 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.api.fields import DeletionPolicy
from controller.api.status import Intent
from controller.core.actions import DeleteBinding, Release, StandIn
from controller.core.conditions import MAX_MESSAGE
from controller.core.deletion import Heir, Leaving, Stands, plan_deletion
from controller.core.intents import SPACING
from controller.core.plan import Standing, Verdict
from controller.core.reasons import Reason
from tests.unit.plan_inputs import NOW

DELETE = DeleteBinding("media", "pictures", "photos")
OBSTACLES = (
    "CloudAccount account has no usable credentials",
    "it belongs to account 1 in cn-hangzhou, and CloudAccount account now signs in to 2 in cn-hangzhou",
    "its status does not say which account and region it belongs to",
    "its status does not say which dataset it belongs to",
)
GRACES = {"0s": timedelta(0), "10m": timedelta(minutes=10), "720h": timedelta(hours=720)}
LEFT = {Reason.RETAINED, Reason.DETACHED, Reason.ORPHANED, Reason.KEPT}

moments = st.integers(-900, 0).map(lambda hours: NOW + timedelta(hours=hours))
intents = st.none() | moments.map(lambda at: Intent(operation="CreateBinding", id="a", recorded_at=at))
departures = st.builds(
    Leaving,
    what=st.just("the binding of oss://photos to media/pictures"),
    policy=st.sampled_from(DeletionPolicy),
    grace_period=st.sampled_from(sorted(GRACES)),
    since=moments,
    grace_ended=st.booleans(),
    detached=st.booleans(),
    made=st.booleans(),
    known_as=st.just("DatasetBinding photos"),
    stand_in=st.just("photos-leaving-12345678"),
    stands=st.sampled_from(Stands),
    heir=st.sampled_from(Heir),
    intent=intents,
    obstacle=st.sampled_from(("", *OBSTACLES)),
    ending=st.none() | moments,
    orphan_after=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=1)]),
    rest=st.sampled_from(["", "what it indexed stays in the dataset"]),
)
found = st.sampled_from([None, DELETE])


def released(leaving: Leaving, there: DeleteBinding | None, now: datetime = NOW) -> Release | None:
    """The release that is planned, if one is."""
    actions = plan_deletion(leaving, there, now, now).actions
    return next((action for action in actions if isinstance(action, Release)), None)


def in_grace(leaving: Leaving, now: datetime = NOW) -> bool:
    """Whether the grace period lasts."""
    return not leaving.grace_ended and now < leaving.since + GRACES[leaving.grace_period]


@settings(max_examples=1500)
@given(departures, found)
def test_the_cloud_is_written_to_only_with_every_permission_at_once(
    leaving: Leaving, there: DeleteBinding | None
) -> None:
    """Policy Delete, the grace period over, signed in as who it belongs to, nobody else wants it, and it is there."""
    allowed = (
        leaving.policy is DeletionPolicy.DELETE
        and leaving.made
        and not leaving.detached
        and leaving.heir is Heir.NONE
        and not in_grace(leaving)
        and not leaving.obstacle
        and there is not None
    )
    assert allowed == (DELETE in plan_deletion(leaving, there, NOW, NOW).actions)


@settings(max_examples=1500)
@given(departures, found)
def test_a_finalizer_goes_only_for_one_of_these_causes(leaving: Leaving, there: DeleteBinding | None) -> None:
    """Whoever deletes with policy Delete is released by absence only if it was looked for, as the right account."""
    release = released(leaving, there)
    if release is None:
        return
    match release.reason:
        case Reason.DETACHED:
            assert leaving.detached
        case Reason.RETAINED:
            assert leaving.policy is DeletionPolicy.RETAIN
        case Reason.KEPT:
            assert leaving.heir is Heir.THERE
        case Reason.DELETION_GRACE_PERIOD:
            assert leaving.stands is Stands.THERE
            assert in_grace(leaving)
        case Reason.ORPHANED:
            assert leaving.obstacle
            assert leaving.ending is not None
            assert leaving.ending + leaving.orphan_after <= NOW
            assert not in_grace(leaving, NOW - leaving.orphan_after)
        case Reason.DELETED:
            looked = there is None and not leaving.obstacle and not in_grace(leaving) and leaving.heir is Heir.NONE
            late = leaving.intent is not None and leaving.intent.recorded_at + SPACING >= NOW
            assert not leaving.made or (looked and not late)
        case reason:
            raise AssertionError(reason)


@given(departures, found)
def test_every_end_says_what_is_left_behind(leaving: Leaving, there: DeleteBinding | None) -> None:
    """And every state on the way says what to do, or when it goes on, within what a condition holds."""
    plan = plan_deletion(leaving, there, NOW, NOW)
    release = released(leaving, there)
    assert leaving.what in plan.verdict.message or DELETE in plan.actions
    assert len(plan.verdict.message) <= MAX_MESSAGE
    if release is None:
        assert told(plan.verdict)
    elif release.reason in LEFT:
        assert "goes on running and billing" in release.message
    elif release.reason is Reason.DELETED:
        assert ("is deleted" if leaving.made else "nothing was touched") in release.message
        assert not leaving.made or leaving.rest in release.message


def told(verdict: Verdict) -> bool:
    """Whether a person, or the clock, brings it further."""
    if verdict.standing is Standing.STALLED:
        return "imm-operator.dev/detach=true" in verdict.message
    return verdict.look_again is not None


@given(departures, found)
def test_without_retain_or_a_person_only_a_terminating_namespace_gives_up(
    leaving: Leaving, there: DeleteBinding | None
) -> None:
    """Elsewhere an object that nobody can delete stays, however long."""
    alone = replace(
        leaving, policy=DeletionPolicy.DELETE, made=True, detached=False, heir=Heir.NONE, stands=Stands.REFUSED,
        obstacle=OBSTACLES[0], ending=None,
    )  # fmt: skip
    assert released(alone, there, NOW + timedelta(days=3650)) is None
    ending = replace(alone, ending=NOW)
    assert released(ending, there, NOW + timedelta(days=3650)) is not None


@given(departures, found)
def test_a_stand_in_is_made_only_for_a_grace_period_and_by_an_original(
    leaving: Leaving, there: DeleteBinding | None
) -> None:
    """A stand-in of a stand-in would never end."""
    made = any(isinstance(action, StandIn) for action in plan_deletion(leaving, there, NOW, NOW).actions)
    assert not made or (leaving.stands is Stands.POSSIBLE and in_grace(leaving))
