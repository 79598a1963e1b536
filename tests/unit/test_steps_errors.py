"""Whole passes in which a call fails: every error of the tree, met while looking and while acting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.api.fields import RECONCILE_REQUESTED_AT
from controller.api.status import Condition
from controller.cloud.errors import (
    BadCredentials,
    ClockSkewed,
    CloudError,
    Conflict,
    Denied,
    Invalid,
    ParentNotFound,
    Quota,
    Throttled,
    TimedOut,
    Unavailable,
)
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from tests.unit.operator_doubles import Fate, World
from tests.unit.steps_room import failing, settle


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in, with nothing counted yet."""
    made = World()
    made.sign_in()
    return made


FAILURES = [
    (Throttled("imm:X", "slow down", code="Throttling.User", request_id="r"), "Reconciling", "Throttled", True),
    (Unavailable("imm:X", "refused"), "Reconciling", "CloudUnavailable", True),
    (TimedOut("imm:X", "lost"), "Reconciling", "CloudUnavailable", True),
    (Conflict("imm:X", "busy", code="ResourceAlreadyExists"), "Reconciling", "CloudUnavailable", True),
    (Denied("imm:X", "no", code="NoPermission", request_id="r"), "Stalled", "AccessDenied", False),
    (BadCredentials("imm:X", "no", code="SignatureDoesNotMatch"), "Stalled", "CredentialsRejected", False),
    (ClockSkewed("imm:X", "no", code="InvalidTimeStamp.Expired"), "Stalled", "ClockSkewed", False),
    (Invalid("imm:X", "no", code="InvalidArgument"), "Stalled", "SpecInvalid", False),
    (ParentNotFound("imm:X", "no", code="ResourceNotFound"), "Stalled", "ProjectNotFound", False),
    (Quota("imm:X", "full", code="LimitExceededError"), "Stalled", "QuotaExceeded", False),
]


class TestErrors:
    """Every error of the tree, met while looking and while acting."""

    @pytest.mark.parametrize("operation", ["list_bindings", "get_bucket", "create_binding"])
    @pytest.mark.parametrize(
        ("error", "kind", "reason", "backs_off"), FAILURES, ids=[type(row[0]).__name__ for row in FAILURES]
    )
    def test_an_error_becomes_its_verdict(
        self, world: World, operation: str, error: CloudError, kind: str, reason: str, *, backs_off: bool
    ) -> None:
        """In progress with back-off when it may go away, Stalled at the resync interval when not."""
        key = world.binding()
        failing(world, operation, error)
        outcome = world.run(key)
        assert ("True", reason) == world.condition(key, kind)
        assert ("False", reason) == world.condition(key)
        assert (Outcome(failed=True) if backs_off else Outcome(look_again=600)) == outcome
        assert [reason] * (not backs_off) == [r for r, _ in world.cluster.events if r == reason]

    @pytest.mark.parametrize("row", FAILURES, ids=[type(row[0]).__name__ for row in FAILURES])
    def test_only_a_lost_answer_leaves_the_intent_open(
        self, world: World, row: tuple[CloudError, str, str, bool]
    ) -> None:
        """A refusal is an answer."""
        key = world.binding()
        failing(world, "create_binding", row[0])
        world.run(key)
        assert isinstance(row[0], TimedOut) == (world.cluster.read(key).status.intent is not None)

    @pytest.mark.parametrize("effect", [True, False], ids=["took-effect", "had-no-effect"])
    def test_a_lost_answer_is_resolved_by_look_ups(self, world: World, *, effect: bool) -> None:
        """Found: ours, not adopted. Not found twice: submitted again."""
        key = world.binding()
        failing(world, "create_binding", TimedOut("imm:CreateBinding", "lost"), effect=effect)
        world.run(key)
        world.clock.advance(16)
        for _ in range(4):
            world.run(key)
            world.clock.advance(21)
        assert ["bind photos"] == world.cloud.effects
        assert (1 if effect else 2) == world.cloud.writes.count("create_binding")
        assert world.cluster.read(key).status.adopted is False
        assert world.cluster.read(key).status.intent is None

    def test_an_error_keeps_what_the_status_knows(self, world: World) -> None:
        """A failed look is no news about the binding."""
        key = world.binding()
        settle(world, key)
        before = world.cluster.read(key).status
        world.clock.advance(301)
        failing(world, "list_bindings", Unavailable("imm:ListBindings", "refused"))
        world.run(key)
        after = world.cluster.read(key).status
        assert (before.state, before.phase, before.adopted) == (after.state, after.phase, after.adopted)
        world.run(key)
        assert ("True", "Succeeded") == world.condition(key)

    def test_refused_credentials_are_not_used_again_before_a_sign_in(self, world: World) -> None:
        """The account is named as suspect, and everybody waits for it."""
        key = world.binding()
        failing(world, "list_bindings", BadCredentials("imm:ListBindings", "no", code="InvalidAccessKeyId.NotFound"))
        world.run(key)
        assert {("team", "account"): 0.0} == world.context.sessions.take_wakes()
        calls = len(world.cloud.calls)
        assert Outcome() == world.run(key)
        assert calls == len(world.cloud.calls)
        world.run(world.account)
        world.run(key)
        assert ["bind photos"] == world.cloud.effects

    def test_the_same_refusal_twice_is_one_write_and_one_event(self, world: World) -> None:
        """Request ids and signed strings differ each time and are not in the status."""
        key = world.binding()
        errors: Iterator[CloudError] = iter(
            [
                Denied("imm:ListBindings", "no", code="NoPermission", request_id="one"),
                Denied("imm:ListBindings", "no", code="NoPermission", request_id="two"),
            ]
        )
        world.cloud.fate = lambda _operation: Fate(effect=False, raises=next(errors))
        world.run(key)
        world.run(key)
        assert ["status"] == world.cluster.writes
        assert 1 == len(world.cluster.events)

    def test_keys_replaced_in_the_middle_of_a_pass_lose_nothing(self, world: World) -> None:
        """The create took effect under the old keys; its answer must still be taken in."""
        key = world.binding()
        session = world.context.sessions.get("team", "account")
        assert session is not None

        def fate(operation: str) -> Fate:
            if operation == "get_bucket":
                for scope in world.context.snapshots.scopes():
                    world.context.snapshots.forget(scope)  # as the poller does with a project nobody is known to need
            return Fate()

        world.cloud.fate = fate
        assert not world.run(key).failed
        assert ["bind photos"] == world.cloud.effects
        world.clock.advance(31)
        world.run(key)
        assert world.cluster.read(key).status.adopted is False


class TestRefusedAgain:
    """What was refused is tried at every resync, and nobody who watches is told of it anew."""

    @pytest.mark.parametrize("operation", ["create_binding", "create_dataset", "update_dataset"])
    def test_a_refusal_that_stays_is_one_standstill(self, world: World, operation: str) -> None:
        """The intent stands before each try and no longer than it; no event, no other condition, no later moment."""
        key = refused(world, operation)
        before = world.cluster.read(key).status
        world.cluster.events.clear()
        world.cluster.writes.clear()
        seen: list[list[Condition]] = []
        world.cluster.after_write = lambda _what: seen.append(world.cluster.read(key).status.conditions)
        for _ in range(3):
            world.clock.advance(600)
            world.run(key)
        assert 4 == world.cloud.writes.count(operation)
        assert ([], ["status", "status"] * 3) == (world.cluster.events, world.cluster.writes)
        assert [before.conditions] * 6 == seen
        assert before == world.cluster.read(key).status

    @pytest.mark.parametrize("operation", ["create_binding", "create_dataset", "update_dataset"])
    def test_the_try_that_is_taken_ends_it(self, world: World, operation: str) -> None:
        """Whatever stood before."""
        key = refused(world, operation)
        world.cloud.fate = lambda _operation: Fate()
        world.clock.advance(600)
        world.run(key)
        assert world.condition(key, "Stalled") is None

    def test_a_person_who_asks_sees_another_try(self, world: World) -> None:
        """The answer is the same, and was told already."""
        key = refused(world, "create_binding")
        world.cluster.events.clear()
        world.clock.advance(60)
        world.cluster.mark(key, annotations={RECONCILE_REQUESTED_AT: "now"})
        world.run(key)
        status = world.cluster.read(key).status
        assert ("now", []) == (status.last_handled_reconcile_at, world.cluster.events)
        assert ("True", "QuotaExceeded") == world.condition(key, "Stalled")


def refused(world: World, operation: str) -> Key:
    """An object that the cloud refuses, for as long as it is asked, for lack of quota."""
    full = Quota("imm:X", "full", code="LimitExceededError", request_id="r")
    if operation == "update_dataset":
        world.run(world.dataset())
    world.cloud.fate = lambda called: Fate(effect=False, raises=full) if called == operation else Fate()
    described = {"description": "another"} if operation == "update_dataset" else {}
    key = world.binding() if operation == "create_binding" else world.dataset(**described)
    world.run(key)
    assert ("True", "QuotaExceeded") == world.condition(key, "Stalled")
    return key
