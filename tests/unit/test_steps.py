"""One pass of every managed kind over ports in memory: writes counted, order kept, errors reported, identity recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from controller.api.fields import DETACH, END_GRACE_PERIOD, FINALIZER, RECONCILE_REQUESTED_AT
from controller.api.status import Identity
from controller.cloud.errors import (
    BadCredentials,
    ClockSkewed,
    CloudError,
    Conflict,
    Denied,
    Invalid,
    Ownership,
    ParentNotFound,
    Quota,
    Throttled,
    TimedOut,
    Unavailable,
)
from controller.core.facts import BindingFacts, BucketFacts, Caller, DatasetFacts
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from controller.reconcile.ports import ObjectGone, StaleObject
from tests.unit.operator_doubles import ACCOUNT, REGION, Fate, World

PLACE = ("media", "pictures", "photos")


@pytest.fixture
def world() -> World:
    """A namespace whose account is signed in, with nothing counted yet."""
    made = World()
    made.sign_in()
    return made


def failing(world: World, operation: str, error: BaseException, *, effect: bool = False, times: int = 1) -> None:
    """Have the next calls of an operation fail."""
    left = iter(range(times))

    def fate(called: str) -> Fate:
        hit = called == operation and next(left, None) is not None
        return Fate(effect=effect, raises=error) if hit else Fate()

    world.cloud.fate = fate


def settle(world: World, key: Key) -> None:
    """Run passes until the binding is scanned and its object settled."""
    world.run(key)
    world.cloud.set_state("photos", "Running", "IncrementalScanning")
    world.clock.advance(31)
    poll(world)
    world.run(key)
    world.cluster.writes.clear()
    world.cluster.events.clear()
    world.cloud.calls.clear()


def poll(world: World) -> None:
    """What the project's poller does."""
    for scope in world.context.snapshots.scopes():
        world.context.snapshots.refresh(scope)


class TestWrites:
    """Law 7 and the figure of the design: three Kubernetes writes to Ready, none afterwards."""

    def test_a_binding_costs_three_writes_to_ready(self, world: World) -> None:
        """Finalizer, intent, and the status that says Ready."""
        key = world.binding()
        world.run(key)
        assert ["hold", "status"] == world.cluster.writes
        world.clock.advance(1)
        world.cloud.set_state("photos", "Running", "IncrementalScanning")
        poll(world)
        world.run(key)
        assert ["hold", "status", "status"] == world.cluster.writes
        assert ("True", "Succeeded") == world.condition(key)

    def test_a_dataset_costs_three_writes_to_ready(self, world: World) -> None:
        """The answer to the create is final, so one pass does it all."""
        key = world.dataset()
        world.run(key)
        assert ["hold", "status", "status"] == world.cluster.writes
        assert ("True", "Succeeded") == world.condition(key)
        assert ["create_dataset"] == world.cloud.writes

    def test_an_existing_binding_is_adopted_with_two_writes(self, world: World) -> None:
        """No intent is needed for what is there."""
        world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        world.run(world.binding())
        assert ["hold", "status"] == world.cluster.writes

    @pytest.mark.parametrize("kind", ["binding", "dataset"])
    def test_a_second_pass_of_a_settled_object_writes_nothing(self, world: World, kind: str) -> None:
        """Neither to the cloud nor to Kubernetes, however often and whatever woke it."""
        key = world.binding() if kind == "binding" else world.dataset()
        settle(world, key)
        for seconds in (0, 1, 600, 86_400):
            world.clock.advance(seconds)
            outcome = world.run(key)
            assert Outcome(look_again=600) == outcome
        assert ([], []) == (world.cluster.writes, world.cloud.writes)
        assert [] == world.cluster.events

    def test_a_settled_binding_costs_no_cloud_call_while_the_snapshot_is_fresh(self, world: World) -> None:
        """Law 6: the project's listing serves it."""
        key = world.binding()
        settle(world, key)
        world.run(key)
        assert [] == world.cloud.calls

    def test_an_old_snapshot_is_not_trusted(self, world: World) -> None:
        """When the poller fails, the pass itself must look."""
        key = world.binding()
        settle(world, key)
        world.clock.advance(301)
        world.run(key)
        assert ["list_bindings"] == world.cloud.calls

    @pytest.mark.parametrize("standing", ["stalled", "waiting", "planned", "suspended"])
    def test_an_object_that_cannot_go_on_writes_its_status_once(self, world: World, standing: str) -> None:
        """Standing still is settled, too."""
        spec: dict[str, dict[str, object]] = {
            "stalled": {"maxObjects": 1},
            "waiting": {"accountRef": {"name": "nobody"}},
            "planned": {"mode": "Observe"},
            "suspended": {"suspend": True},
        }
        key = world.binding(**spec[standing])
        world.run(key)
        before = list(world.cluster.writes)
        for _ in range(3):
            world.clock.advance(40)
            world.run(key)
        assert before == world.cluster.writes
        assert 1 == before.count("status")
        assert [] == world.cloud.writes

    def test_progress_is_written_at_most_every_thirty_seconds(self, world: World) -> None:
        """A long scan does not fill the API server."""
        key = world.binding()
        for second in range(0, 120, 5):
            world.cloud.set_state("photos", "Running", f"FullScanning{second}")
            poll(world)
            world.run(key)
            world.clock.advance(5)
        assert 4 == world.cluster.writes.count("status")  # the intent, and one each at 30, 60 and 90 s

    def test_ready_is_never_held_back(self, world: World) -> None:
        """Progress waits, results do not."""
        key = world.binding()
        world.run(key)
        world.clock.advance(1)
        world.cloud.set_state("photos", "Running", "IncrementalScanning")
        poll(world)
        world.run(key)
        assert ("True", "Succeeded") == world.condition(key)

    def test_an_edit_is_reported_at_once(self, world: World) -> None:
        """observedGeneration follows the spec even within the thirty seconds."""
        key = world.binding()
        world.run(key)
        world.binding(maxObjects=5000)
        world.clock.advance(1)
        world.run(key)
        assert 2 == world.cluster.read(key).status.observed_generation

    def test_a_request_to_reconcile_is_echoed_at_once(self, world: World) -> None:
        """Flux and people wait for the echo, also one of a token longer than the status holds."""
        key = world.binding()
        world.run(key)
        world.clock.advance(1)
        world.cluster.mark(key, annotations={RECONCILE_REQUESTED_AT: "t" * 200})
        world.run(key)
        assert "t" * 128 == world.cluster.read(key).status.last_handled_reconcile_at


class TestOrder:
    """Finalizer before intent before submit, each from the newest version."""

    def test_the_intent_stands_in_the_cluster_before_the_submit(self, world: World) -> None:
        """At the moment of the call the stored object is held and announces it."""
        key = world.binding()
        stored: list[tuple[bool, str | None]] = []

        def fate(operation: str) -> Fate:
            if operation == "create_binding":
                now = world.cluster.read(key)
                stored.append((now.metadata.held, now.status.intent and now.status.intent.operation))
            return Fate()

        world.cloud.fate = fate
        world.run(key)
        assert [(True, "CreateBinding")] == stored

    @pytest.mark.parametrize("what", ["hold", "status"])
    def test_a_stale_object_stops_the_pass_before_the_cloud_is_touched(self, world: World, what: str) -> None:
        """409: nothing was planned from the version that is stored now."""
        key = world.binding()

        def edited_meanwhile(write: str) -> None:
            if write == what and len(world.cluster.writes) < 2:
                world.cluster.mark(key, labels={"by": "somebody"})

        world.cluster.before_write = edited_meanwhile
        with pytest.raises(StaleObject):
            world.run(key)
        assert [] == world.cloud.writes
        world.cluster.before_write = lambda _what: None
        world.run(key)
        assert ["bind photos"] == world.cloud.effects

    def test_an_object_that_is_gone_ends_the_pass(self, world: World) -> None:
        """404 goes up as such."""
        key = world.binding()
        target = world.cluster.read(key)
        world.delete(key)
        with pytest.raises(ObjectGone):
            world.cluster.hold(target)

    def test_a_held_object_keeps_other_peoples_finalizers(self, world: World) -> None:
        """Ours is added to theirs and taken off alone."""
        key = world.binding()
        world.cluster.mark(key, finalizers=["example.com/theirs"])
        world.run(key)
        assert ("example.com/theirs", FINALIZER) == world.cluster.read(key).metadata.finalizers
        world.delete(key)
        assert Outcome(gone=True) == world.run(key)
        assert ("example.com/theirs",) == world.cluster.read(key).metadata.finalizers
        assert Outcome(gone=True) == world.run(key)


class TestStatus:
    """What the status records."""

    @pytest.mark.parametrize("existed", [True, False])
    def test_adopted_tells_who_made_the_binding(self, world: World, *, existed: bool) -> None:
        """And an adoption is an event, once."""
        if existed:
            world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "IncrementalScanning")
        key = world.binding()
        settle_events = world.cluster.events
        world.run(key)
        world.clock.advance(31)
        world.run(key)
        assert existed is world.cluster.read(key).status.adopted
        assert int(existed) == [reason for reason, _ in settle_events].count("Adopted")

    def test_an_adoption_whose_status_is_held_back_is_still_one_event(self, world: World) -> None:
        """It is told when it is written down."""
        world.cloud.bindings[PLACE] = BindingFacts(*PLACE, "Running", "FullScanning")
        world.cluster.put("Dataset", "later", world.cluster.bodies[world.dataset("later")]["spec"])
        key = world.binding(dataset={"ref": "later"})
        world.run(key)
        assert ("False", "DependencyNotReady") == world.condition(key)
        world.run(Key("Dataset", "team", "later"))
        for _ in range(8):
            world.run(key)
            world.clock.advance(5)
        adoptions = [message for reason, message in world.cluster.events if reason == "Adopted"]
        assert 1 == len([message for message in adoptions if message])
        assert world.cluster.read(key).status.adopted is True

    @pytest.mark.parametrize("existed", [True, False])
    def test_adopted_tells_who_made_the_dataset(self, world: World, *, existed: bool) -> None:
        """Found is adopted, created is not."""
        if existed:
            world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "")
        key = world.dataset()
        world.run(key)
        assert existed is world.cluster.read(key).status.adopted

    @pytest.mark.parametrize("kind", ["binding", "dataset"])
    def test_the_identity_is_on_record_with_the_first_status(self, world: World, kind: str) -> None:
        """Deletion relies on it: it stands before anything is made."""
        key = world.binding() if kind == "binding" else world.dataset()
        failing(world, f"create_{kind}", TimedOut("imm:Create", "lost"))
        world.run(key)
        assert Identity(account_id=ACCOUNT, region=REGION) == world.cluster.read(key).status.identity

    def test_state_phase_and_reason_are_the_clouds(self, world: World) -> None:
        """Shown as they are, also ones the operator does not know."""
        key = world.binding()
        settle(world, key)
        world.cloud.set_state("photos", "Hibernating", "Dreaming", "x" * 600)
        world.clock.advance(31)
        poll(world)
        world.run(key)
        status = world.cluster.read(key).status
        assert ("Hibernating", "Dreaming", "x" * 512) == (status.state, status.phase, status.reason)

    def test_a_binding_that_was_not_looked_at_keeps_its_last_known_state(self, world: World) -> None:
        """A Dataset object that is not ready says nothing about the binding in the cloud."""
        world.run(world.dataset())
        key = world.binding(dataset={"ref": "pictures"})
        settle(world, key)
        world.dataset(description="an edit that is not observed yet")
        world.run(key)
        status = world.cluster.read(key).status
        assert ("Running", "IncrementalScanning") == (status.state, status.phase)

    def test_a_vanished_binding_shows_no_state(self, world: World) -> None:
        """Looked for and not found is another matter."""
        key = world.binding()
        settle(world, key)
        world.cloud.bindings.clear()
        poll(world)
        world.run(key)
        status = world.cluster.read(key).status
        assert (None, None) == (status.state, status.phase)
        assert ("False", "BindingVanished") == world.condition(key)
        assert ["BindingVanished"] == [reason for reason, _ in world.cluster.events]

    def test_statistics_and_template_are_reported(self, world: World) -> None:
        """As the cloud has them."""
        found = DatasetFacts("media", "pictures", "T", "", file_count=3, total_file_size=70, bind_count=2)
        world.cloud.datasets["media", "pictures"] = found
        key = world.dataset()
        world.run(key)
        status = world.cluster.read(key).status
        assert ("T", 3, 70, 2) == (
            status.template_id,
            status.statistics.files,
            status.statistics.total_size,
            status.statistics.bindings,
        )

    def test_an_update_settles_until_it_shows(self, world: World) -> None:
        """One call, Settling meanwhile, Ready when the cloud shows it, and the intent is gone."""
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "")
        key = world.dataset(description="new")
        for _ in range(6):
            world.run(key)
            assert ("False", "Settling") == world.condition(key) or ("False", "Updating") == world.condition(key)
            world.clock.advance(30)
        assert ["update_dataset"] == world.cloud.writes
        world.cloud.datasets["media", "pictures"] = DatasetFacts("media", "pictures", "T", "new")
        world.run(key)
        assert ("True", "Succeeded") == world.condition(key)
        assert world.cluster.read(key).status.intent is None


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
    (Ownership("imm:X", "theirs"), "Stalled", "OwnershipConflict", False),
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
    def test_only_a_lost_answer_leaves_the_intent_open(self, world: World, row: tuple[CloudError, str, str, bool]) -> None:
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
        assert {("team", "account")} == world.context.sessions.take_suspects()
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


class TestRecreate:
    """`recreatePolicy: Always`: a vanished or failed binding is made again, and only then."""

    def test_a_failed_binding_is_replaced(self, world: World) -> None:
        """Unbound and bound in one pass, with an intent of its own."""
        key = world.binding(recreatePolicy="Always")
        settle(world, key)
        world.cloud.set_state("photos", "Failed", "", "no role")
        poll(world)
        world.run(key)
        assert ["bind photos", "unbind photos", "bind photos"] == world.cloud.effects
        assert ("False", "BucketNotFound") != world.condition(key)
        assert ["Deleted", "Created"] == [reason for reason, _ in world.cluster.events]

    def test_a_failed_binding_whose_bucket_is_gone_stalls_after_the_removal(self, world: World) -> None:
        """Nothing can be made again of what has no bucket."""
        key = world.binding(recreatePolicy="Always")
        settle(world, key)
        world.cloud.set_state("photos", "Failed")
        world.cloud.buckets.clear()
        poll(world)
        world.run(key)
        assert ("False", "BucketNotFound") == world.condition(key)

    def test_a_removal_that_does_not_show_yet_is_waited_for(self, world: World) -> None:
        """One call a pass, not one after the other; the verdict says when to look again."""
        key = world.binding(recreatePolicy="Always")
        settle(world, key)
        world.cloud.deletes_late = True
        world.cloud.set_state("photos", "Failed")
        poll(world)
        outcome = world.run(key)
        assert ["delete_binding"] == world.cloud.writes
        assert Outcome(look_again=30.0) == outcome
        assert ("False", "Deleting") == world.condition(key)

    def test_a_vanished_binding_comes_back_only_with_consent(self, world: World) -> None:
        """Never is the default; the edit to Always is the consent."""
        key = world.binding()
        settle(world, key)
        world.cloud.bindings.clear()
        poll(world)
        world.run(key)
        assert [] == world.cloud.writes
        world.binding(recreatePolicy="Always")
        world.run(key)
        assert ["create_binding"] == world.cloud.writes


class TestDeletion:
    """Law 8 through the whole pass."""

    @pytest.fixture
    def key(self, world: World) -> Key:
        """A settled binding with policy Delete."""
        made = world.binding(deletionPolicy="Delete")
        settle(world, made)
        return made

    def test_it_waits_for_the_grace_period_and_then_unbinds(self, world: World, key: Key) -> None:
        """Ten minutes by default; the object goes with the binding."""
        world.delete(key)
        outcome = world.run(key)
        assert (Outcome(look_again=600.0), []) == (outcome, world.cloud.writes)
        assert ("False", "DeletionGracePeriod") == world.condition(key)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(key)
        assert ["delete_binding"] == world.cloud.writes
        assert key not in world.cluster.bodies

    def test_the_annotation_ends_the_grace_period(self, world: World, key: Key) -> None:
        """For those who mean it."""
        world.delete(key)
        world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(gone=True) == world.run(key)
        assert {} == world.cloud.bindings

    def test_a_delete_that_does_not_show_yet_is_made_once_a_pass(self, world: World, key: Key) -> None:
        """The finalizer stays until a listing does not have it any more."""
        world.cloud.deletes_late = True
        world.delete(key)
        world.cluster.mark(key, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(look_again=5.0) == world.run(key)
        assert ["delete_binding"] == world.cloud.writes
        assert ("False", "Deleting") == world.condition(key)
        world.cloud.bindings.clear()
        world.clock.advance(5)
        assert Outcome(gone=True) == world.run(key)

    def test_a_dataset_whose_delete_does_not_show_yet_likewise(self, world: World) -> None:
        """The same rule for the other kind."""
        dataset = world.dataset(deletionPolicy="Delete")
        world.run(dataset)
        world.cloud.deletes_late = True
        world.delete(dataset)
        world.cluster.mark(dataset, annotations={END_GRACE_PERIOD: "now"})
        assert Outcome(look_again=5.0) == world.run(dataset)
        assert ["create_dataset", "delete_dataset"] == world.cloud.writes
        world.cloud.datasets.clear()
        assert Outcome(gone=True) == world.run(dataset)

    @pytest.mark.parametrize("how", ["retain", "detach"])
    def test_retained_and_detached_bindings_stay(self, world: World, how: str) -> None:
        """Released at once, with one event, and nothing written to the cloud."""
        made = world.binding(**({} if how == "retain" else {"deletionPolicy": "Delete"}))
        settle(world, made)
        world.delete(made)
        if how == "detach":
            world.cluster.mark(made, annotations={DETACH: "true"})
        assert Outcome(gone=True) == world.run(made)
        assert [] == world.cloud.writes
        assert PLACE in world.cloud.bindings
        assert ["Retained" if how == "retain" else "Detached"] == [reason for reason, _ in world.cluster.events]

    def test_without_its_account_object_the_session_of_this_process_serves(self, world: World, key: Key) -> None:
        """Everything of a namespace is deleted together, in any order."""
        del world.cluster.bodies[world.account]
        world.delete(key)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(key)
        assert ["delete_binding"] == world.cloud.writes

    def test_without_any_credentials_it_stalls_with_the_steps(self, world: World, key: Key) -> None:
        """The account is gone and the process is new."""
        del world.cluster.bodies[world.account]
        world.delete(key)
        world.clock.advance(600)
        world.restart()
        world.run(key)
        assert ("True", "CredentialsUnavailable") == world.condition(key, "Stalled")
        assert key in world.cluster.bodies

    def test_credentials_of_another_account_prove_no_absence(self, world: World, key: Key) -> None:
        """There the binding looks absent, and the finalizer stays."""
        session = world.context.sessions.get("team", "account")
        assert session is not None
        world.context.sessions.put("team", "account", replace(session, caller=Caller("999999", "arn", is_root=False)))
        world.cloud.bindings.clear()
        world.delete(key)
        world.clock.advance(600)
        world.run(key)
        assert ("True", "CredentialsUnavailable") == world.condition(key, "Stalled")
        assert "999999" in world.cluster.read(key).status.conditions[0].message
        assert key in world.cluster.bodies

    def test_a_vanished_project_has_no_binding_left(self, world: World, key: Key) -> None:
        """Nothing to delete, so the object goes."""
        world.cloud.projects.clear()
        world.delete(key)
        world.clock.advance(600)
        assert Outcome(gone=True) == world.run(key)

    def test_delete_and_recreate_within_the_grace_period_adopts_it_again(self, world: World, key: Key) -> None:
        """What Flux does with `force`: nothing is lost, nothing is scanned again."""
        world.delete(key)
        world.run(key)
        del world.cluster.bodies[key]
        again = world.binding(deletionPolicy="Delete")
        world.run(again)
        assert ("True", "Succeeded") == world.condition(again)
        assert world.cluster.read(again).status.adopted is True
        assert [] == world.cloud.writes

    def test_an_object_never_held_is_none_of_ours(self, world: World) -> None:
        """Terminating without our finalizer: somebody else's to finish."""
        made = world.binding()
        world.cluster.mark(made, finalizers=["example.com/theirs"], deletionTimestamp=world.clock().isoformat())
        assert Outcome(gone=True) == world.run(made)
        assert ([], []) == (world.cluster.writes, world.cloud.calls)


class TestDependencies:
    """An object waits for its account and dataset, in its own namespace."""

    def test_a_new_process_says_nothing_before_the_account_signed_in(self, world: World) -> None:
        """The account was Ready: there is no reason to tell people otherwise."""
        key = world.binding()
        settle(world, key)
        world.restart()
        assert Outcome() == world.run(key)
        assert ([], []) == (world.cluster.writes, world.cloud.calls)

    def test_a_dataset_object_gives_the_names(self, world: World) -> None:
        """And the binding waits until it is Ready."""
        key = world.binding(dataset={"ref": "pictures"})
        world.run(key)
        assert ("False", "DependencyNotFound") == world.condition(key)
        world.run(world.dataset())
        world.run(key)
        assert [PLACE] == list(world.cloud.bindings)

    def test_an_account_of_another_namespace_does_not_count(self, world: World) -> None:
        """References never cross a namespace."""
        body = world.cluster.bodies.pop(world.account)
        body["metadata"]["namespace"] = "others"
        world.cluster.bodies[Key("CloudAccount", "others", "account")] = body
        key = world.binding()
        world.run(key)
        assert ("False", "DependencyNotFound") == world.condition(key)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            (lambda world: world.cloud.buckets.clear(), "BucketNotFound"),
            (
                lambda world: world.cloud.buckets.update(photos=BucketFacts("photos", "cn-beijing", 1)),
                "RegionMismatch",
            ),
        ],
        ids=["no-bucket", "other-region"],
    )
    def test_a_wrong_bucket_is_refused_before_anything_is_submitted(
        self, world: World, change: Callable[[World], None], reason: str
    ) -> None:
        """No intent, no call, no cost; and it goes on by itself once mended."""
        change(world)
        key = world.binding()
        world.run(key)
        assert ("True", reason) == world.condition(key, "Stalled")
        assert world.cluster.read(key).status.intent is None
        world.cloud.buckets["photos"] = BucketFacts("photos", REGION, 1)
        world.run(key)
        assert ["create_binding"] == world.cloud.writes


def test_a_conflict_on_create_is_found_by_the_next_look(world: World) -> None:
    """Somebody else was faster: it is adopted once the listing shows it."""
    key = world.binding()
    world.run(world.binding("other", bucket="photos"))
    world.cluster.events.clear()
    assert world.run(key).look_again == 30.0
    world.clock.advance(31)
    world.run(key)
    assert ["bind photos"] == world.cloud.effects
    assert world.cluster.read(key).status.adopted is True


def test_the_clock_of_the_intent_is_the_operators(world: World) -> None:
    """Recorded when it was planned."""
    key = world.binding()
    failing(world, "create_binding", TimedOut("imm:CreateBinding", "lost"))
    world.run(key)
    intent = world.cluster.read(key).status.intent
    assert world.clock() - intent.recorded_at < timedelta(seconds=1)
