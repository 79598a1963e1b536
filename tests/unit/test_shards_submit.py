"""Law 4 across shards: a label moves while its object is being created, and there is one CreateBinding in the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from controller.api.dataset import Dataset
from controller.api.fields import DETACH, END_GRACE_PERIOD, FINALIZER, SHARD
from controller.cloud.errors import NotLeading, TimedOut
from controller.cloud.fence import unfenced
from controller.reconcile.context import Outcome
from controller.reconcile.kinds import Key
from controller.reconcile.ports import AnyKind
from controller.runtime.shards import OwnFence, serving
from controller.runtime.store import Store
from tests.unit.operator_doubles import Clock, Cluster, Crash, Fate, World
from tests.unit.ownership_room import NEW, OLD, account, binding, cluster, conflicts, owner
from tests.unit.shards_room import Operator, label, until_settled
from tests.unit.steps_room import PLACE

LOST = TimedOut("imm:CreateBinding", "lost")


class Move:
    """A binding with its account in shard a, and the two operators; `now` moves both to shard b."""

    def __init__(self) -> None:
        self.world = World()
        self.key = self.world.binding()
        self.keys = (self.world.account, self.key)
        label(self.world, "a", *self.keys)
        self.a, self.b = Operator(self.world, "a"), Operator(self.world, "b")
        self.a.run(self.world.account)

    def now(self) -> None:
        """Both labels move, and both watches tell."""
        label(self.world, "b", *self.keys)
        for operator in (self.a, self.b):
            if not operator.deaf:
                operator.watch()

    def other_settles(self) -> None:
        """The labels move, and the other operator has the object Ready while the old one's thread stands still."""
        self.now()
        until_settled(self.b, *self.keys)
        self.world.cloud.fate = self.a.fate


def before_the_intent(move: Move) -> None:
    """The write of the intent meets the newer version."""
    move.world.cluster.before_write = once(lambda what: what == "status", move.other_settles)


def after_the_intent(move: Move) -> None:
    """It is acknowledged, and the submit waits in the limiter."""
    move.a.before_submit = move.other_settles


def quickly_after_the_intent(move: Move) -> None:
    """The same, and the submit's turn comes before the other operator may submit."""
    move.a.before_submit = move.now


def deaf_after_the_intent(move: Move) -> None:
    """As before, and the old operator's watch says nothing of it."""

    def moves() -> None:
        move.a.deaf = True
        move.other_settles()

    move.a.before_submit = moves


def deaf_and_quickly_after_the_intent(move: Move) -> None:
    """The submit leaves within four seconds, is lost, and takes effect when the other operator has looked once."""

    def moves() -> None:
        move.a.deaf = True
        move.now()
        move.world.clock.advance(3.9)
        for key in move.keys * 2:
            move.b.run(key)
        move.world.cloud.fate = move.a.fate

    move.a.before_submit = moves
    move.a.after_submit = lambda: Fate(delay=14.9, raises=Crash())


def answered_after_the_move(move: Move) -> None:
    """The submit is past the fence; its status write meets the newer version."""

    def answer() -> Fate:
        move.now()
        return Fate()

    move.a.after_submit = answer


def late_after_the_move(move: Move) -> None:
    """The submit is past the fence, its answer is lost, and it takes effect 14.9 s later."""

    def answer() -> Fate:
        move.now()
        return Fate(delay=14.9, raises=LOST, took=0.1)

    move.a.after_submit = answer


def crashed_after_the_move(move: Move) -> None:
    """The old operator ends with the submit on its way."""

    def answer() -> Fate:
        move.now()
        return Fate(delay=14.9, raises=Crash())

    move.a.after_submit = answer


def once(fits: Callable[[str], bool], then: Callable[[], None]) -> Callable[[str], None]:
    """A hook for the first write that fits."""
    left = [then]

    def hook(what: str) -> None:
        if fits(what) and left:
            left.pop()()

    return hook


@pytest.mark.parametrize(
    "when",
    [
        before_the_intent,
        after_the_intent,
        quickly_after_the_intent,
        deaf_after_the_intent,
        deaf_and_quickly_after_the_intent,
        answered_after_the_move,
        late_after_the_move,
        crashed_after_the_move,
    ],
)
async def test_a_label_that_moves_in_mid_submit_makes_one_binding(when: Callable[[Move], None]) -> None:
    """Whoever submits, the other does not; and the new operator has the object Ready without help."""
    move = Move()
    when(move)
    for _ in range(3):
        move.a.run(move.key)
    until_settled(move.b, *move.keys)
    assert (["bind photos"], ["create_binding"]) == (move.world.cloud.effects, move.a.submitted + move.b.submitted)
    assert ("True", "Succeeded") == move.world.condition(move.key)
    move.a.deaf = False
    assert move.a.run(move.key) is None


async def test_a_settled_object_moves_without_a_call_that_changes_anything() -> None:
    """Neither in the cloud nor in Kubernetes: the finalizer stays on, no event is made."""
    move = Move()
    until_settled(move.a, *move.keys)
    world = move.world
    world.cluster.writes.clear()
    world.cluster.events.clear()
    before = list(world.cloud.writes)
    move.now()
    until_settled(move.b, *move.keys, passes=3)
    assert (before, [], []) == (world.cloud.writes, world.cluster.writes, world.cluster.events)
    assert FINALIZER in world.cluster.read(move.key).metadata.finalizers


class TestFence:
    """In the name of the pass that is under way."""

    def test_outside_of_a_pass_only_the_leader_counts(self) -> None:
        """A consumer's writes are of no single object."""
        with OwnFence(unfenced, Store(Clock()), World().cluster)("oss:PutObject"):
            pass

    async def test_an_object_that_was_created_again_is_another(self) -> None:
        """Its namesake has a pass of its own."""
        move = Move()
        refused: list[NotLeading] = []

        def again() -> None:
            move.world.cluster.bodies[move.key]["metadata"]["uid"] = "another"
            move.world.cluster.mark(move.key)
            move.a.watch()
            with pytest.raises(NotLeading) as caught, move.a.fence("imm:CreateBinding"):
                pass
            refused.append(caught.value)

        move.a.before_submit = again
        move.a.run(move.key)
        assert ([None], []) == ([error.opens_in for error in refused], move.world.cloud.effects)

    @pytest.mark.parametrize(("took", "passes"), [(3, True), (5, False)])
    def test_an_answer_that_took_too_long_says_nothing(self, *, took: float, passes: bool) -> None:
        """The label may have moved since the API server looked."""
        move = Move()
        target = move.a.store.find(move.key)
        assert target is not None
        sent: list[str] = []

        class Slow(Cluster):
            def find(self, kind: type[AnyKind], namespace: str, name: str) -> AnyKind | None:
                move.world.clock.advance(took)
                return super().find(kind, namespace, name)

        slow = Slow(bodies=move.world.cluster.bodies)
        fence = OwnFence(unfenced, move.a.store, slow, clock=lambda: move.world.clock().timestamp())
        with serving(target), suppress(NotLeading), fence("imagesearch:IncreaseInstance"):
            sent.append("submit")
        assert passes == bool(sent)

    def test_a_quick_submit_reads_nothing_and_a_batch_always_does(self) -> None:
        """A binding's intent was written to the object a moment ago; a batch's lies in the work bucket."""
        move = Move()
        target = move.a.store.find(move.key)
        assert target is not None
        fence = OwnFence(unfenced, move.a.store, move.world.cluster)
        looked: list[int] = []
        with serving(target):
            for operation in ("imm:CreateBinding", "imm:BatchIndexFileMeta", "imagesearch:IncreaseInstance"):
                with fence(operation):
                    looked.append(len(move.world.cluster.looks))
        assert [0, 0, 1] == looked


class TestStandIns:
    """A deletion with a grace period, in a cluster with shards."""

    @pytest.fixture
    def move(self) -> Move:
        """A settled binding of shard a with policy Delete."""
        move = Move()
        move.world.binding(deletionPolicy="Delete")
        until_settled(move.a, *move.keys)
        return move

    def delete(self, move: Move) -> Key:
        """Delete it; its stand-in."""
        move.world.delete(move.key)
        move.a.run(move.key)
        (stand_in,) = (key for key in move.world.cluster.bodies if key.kind == "DatasetBinding")
        return stand_in

    async def test_a_stand_in_is_of_its_objects_shard_and_takes_no_other_label(self, move: Move) -> None:
        """A label of Argo CD's would have it pruned."""
        move.world.cluster.mark(move.key, labels={SHARD: "a", "argocd.argoproj.io/instance": "app"})
        stand_in = self.delete(move)
        assert {SHARD: "a"} == move.world.cluster.read(stand_in).metadata.labels
        move.world.clock.advance(600)
        assert move.b.run(stand_in) is None
        assert Outcome(gone=True) == move.a.run(stand_in)
        assert "unbind photos" == move.world.cloud.effects[-1]

    async def test_an_heir_in_another_shard_keeps_the_binding(self, move: Move) -> None:
        """The object is created again under its name with another label: nothing is unbound."""
        stand_in = self.delete(move)
        label(move.world, "b", move.world.account)
        again = move.world.binding(deletionPolicy="Delete")
        label(move.world, "b", again)
        move.world.clock.advance(900)
        assert Outcome(look_again=30.0) == move.a.run(stand_in)
        until_settled(move.b, move.world.account, again, passes=3)
        assert Outcome(gone=True) == move.a.run(stand_in)
        assert (["bind photos"], True) == (move.world.cloud.effects, PLACE in move.world.cloud.bindings)
        assert "Kept" in [reason for reason, _ in move.world.cluster.events]


class TestOwners:
    """Two objects of two shards of one cluster claim one binding: the record in the work bucket decides."""

    @pytest.fixture
    def world(self) -> World:
        """An account with a work bucket in each of two namespaces, one for each shard."""
        world = cluster()
        account(world, "tenant-b")
        label(world, "b", Key("CloudAccount", "tenant-b", "account"))
        return world

    def claimed(self, world: World, called: str = "photos", **more: Any) -> tuple[Operator, Key]:
        """A settled binding of the default shard."""
        ours = Operator(world, "")
        key = binding(world, called, at=NEW, **more)
        until_settled(ours, world.account, key, passes=3)
        assert ("cluster-one", "team", called) == owner(world)
        return ours, key

    def rival(self, world: World) -> tuple[Operator, Key]:
        """An older binding of the same bucket, of shard b."""
        theirs = Operator(world, "b")
        key = binding(world, "rival", "tenant-b", at=OLD)
        label(world, "b", key)
        theirs.watch()
        theirs.run(Key("CloudAccount", "tenant-b", "account"))
        theirs.run(key)
        return theirs, key

    async def test_a_record_of_another_shards_object_is_not_taken_over(self, world: World) -> None:
        """Its object is not in this operator's cache, and yet it lives. Its name is not for another namespace."""
        self.claimed(world, "planted-name")
        _, key = self.rival(world)
        said = conflicts(world, key)
        assert "an object of another namespace of this cluster, which shard default serves" in said
        assert "planted-name" not in said
        assert ["bind photos"] == world.cloud.effects

    async def test_nor_one_of_its_stand_in(self, world: World) -> None:
        """The object is gone, and what waits for the end of its grace period has its name on record."""
        ours, key = self.claimed(world, deletionPolicy="Delete")
        world.delete(key)
        ours.run(key)
        assert key not in world.cluster.bodies
        theirs, rival = self.rival(world)
        conflicts(world, rival)
        (stand_in,) = (found for found in world.cluster.bodies if found.name.startswith("photos-leaving"))
        told = world.cluster.read(stand_in).metadata.annotations
        world.cluster.mark(stand_in, annotations=told | {END_GRACE_PERIOD: "now"})
        ours.run(stand_in)
        for scope in theirs.context.snapshots.scopes():
            theirs.context.snapshots.refresh(scope)
        until_settled(theirs, rival, passes=3)
        assert ("cluster-one", "tenant-b", "rival") == owner(world)
        assert ["bind photos", "unbind photos", "bind photos"] == world.cloud.effects

    async def test_the_record_of_an_heir_in_another_shard_stays(self, world: World) -> None:
        """The stand-in is let go of by hand, and its name on record is that of the object which was created again."""
        ours, key = self.claimed(world, deletionPolicy="Delete")
        world.delete(key)
        ours.run(key)
        theirs = Operator(world, "b")
        label(world, "b", world.account, binding(world, "photos", at=NEW))
        until_settled(theirs, world.account, key, passes=3)
        (stand_in,) = (found for found in world.cluster.bodies if found.name.startswith("photos-leaving"))
        told = world.cluster.read(stand_in).metadata.annotations
        world.cluster.mark(stand_in, annotations=told | {DETACH: "true"})
        label(world, "", world.account)
        ours.run(world.account)
        assert Outcome(gone=True) == ours.run(stand_in)
        assert ("cluster-one", "team", "photos") == owner(world)

    async def test_one_whose_object_is_gone_is(self, world: World) -> None:
        """As without shards."""
        _, key = self.claimed(world)
        del world.cluster.bodies[key]
        theirs, rival = self.rival(world)
        until_settled(theirs, rival, passes=3)
        assert ("cluster-one", "tenant-b", "rival") == owner(world)
        assert ["bind photos"] == world.cloud.effects


def test_a_dataset_keeps_its_label_in_its_manifest() -> None:
    """From which the stand-in is made; the default shard needs none."""
    spec = {"accountRef": {"name": "account"}, "project": "media", "name": "pictures"}
    meta = {"name": "pictures", "namespace": "team"}
    for labels, shown in (({SHARD: "b", "x": "y"}, {"labels": {SHARD: "b"}}), ({SHARD: "default"}, {}), ({}, {})):
        made = Dataset.read({"metadata": meta | {"labels": labels}, "spec": spec}).manifest()
        assert meta | shown == made["metadata"]
