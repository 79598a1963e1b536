"""Label sharding: who is served by whom, what is forgotten when a label moves, and what is said of other shards."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from controller.api.batchimport import BatchImport
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import SHARD
from controller.cloud.limiter import Lane
from controller.core.reasons import Reason
from controller.reconcile.imports.gone import tell_gone
from controller.reconcile.kinds import KINDS, Key
from controller.runtime.cluster import KubernetesCluster
from controller.runtime.informer import Informer
from controller.runtime.kube import Kube
from controller.runtime.queue import WorkQueue
from controller.runtime.settings import LONGEST_SHARD, Settings
from controller.runtime.shards import Shard
from controller.runtime.store import Store, parse
from infra.settings import FIRST_SHARD
from tests.unit.informer_inputs import body
from tests.unit.informer_room import Listing, Room, client_of
from tests.unit.operator_doubles import Clock, World
from tests.unit.shards_room import Operator, label

BINDING = Key("DatasetBinding", "team", "photos")
DATASET = Key("Dataset", "team", "pictures")


class TestSettings:
    """`IMM_OPERATOR_SHARD`."""

    def test_the_lease_is_named_after_the_shard_unless_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two shards never wait for each other; a name that is given stays."""
        assert ("", "imm-operator") == (Settings().shard, Settings().lease_name)
        monkeypatch.setenv("IMM_OPERATOR_SHARD", "b")
        assert ("b", "imm-operator-b") == (Settings().shard, Settings().lease_name)
        monkeypatch.setenv("IMM_OPERATOR_LEASE_NAME", "mine")
        assert "mine" == Settings().lease_name

    def test_default_is_the_shard_without_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The stack's first shard is called so, and its objects have no label."""
        monkeypatch.setenv("IMM_OPERATOR_SHARD", FIRST_SHARD)
        assert ("", "imm-operator") == (Settings().shard, Settings().lease_name)

    def test_the_longest_name_still_names_a_lease(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And one character more is refused for what it is."""
        monkeypatch.setenv("IMM_OPERATOR_SHARD", "s" * LONGEST_SHARD)
        assert 63 == len(Settings().lease_name)
        monkeypatch.setenv("IMM_OPERATOR_SHARD", "s" * (LONGEST_SHARD + 1))
        with pytest.raises(ValidationError) as caught:
            Settings()
        assert ("shard",) == caught.value.errors()[0]["loc"]

    @pytest.mark.parametrize("name", ["B", "a_b", "-a", "a-", "a.b", "a b", "a,b", "a=b"])
    def test_what_is_no_name_is_refused(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """Nothing reaches the API server's selector that means something there."""
        monkeypatch.setenv("IMM_OPERATOR_SHARD", name)
        with pytest.raises(ValidationError):
            Settings()


@pytest.mark.parametrize(
    ("labels", "shard"),
    [(None, ""), ({}, ""), ({SHARD: ""}, ""), ({SHARD: "default"}, ""), ({"x": "y"}, ""), ({SHARD: "b"}, "b")],
)
def test_every_object_is_of_exactly_one_shard(labels: dict[str, str] | None, shard: str) -> None:
    """Without the label, with an empty one, and `default` are the same."""
    metadata = {} if labels is None else {"labels": labels}
    assert [shard] == [name for name in ("", "a", "b", "b2") if Shard(name).serves(metadata)]


class Shards(Room):
    """The informer of a shard, and the imports that it said were deleted."""

    def __init__(self, shard: str) -> None:
        self.store, self.queue = Store(Clock()), WorkQueue()
        self.ended: list[BatchImport] = []
        self.informer = Informer(self.store, self.queue, self.ended.append, Shard(shard))


def of(shard: str, kind: str = "DatasetBinding", **fields: Any) -> dict[str, Any]:
    """A stored object of a shard."""
    return body(kind, labels={SHARD: shard} if shard else {}, **fields)


@pytest.mark.parametrize(("mine", "theirs"), [("a", "b"), ("a", ""), ("", "a")])
class TestInformer:
    """Of one shard, while another one's objects come by."""

    async def test_other_shards_objects_are_dropped_unread(
        self, mine: str, theirs: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Not even a line in the log of one that this version cannot read: that is its own operator's to say."""
        room = Shards(mine)
        unreadable = of(theirs) | {"spec": {"from": "the future"}}
        room.see(unreadable, of(theirs, "Dataset"))
        room.informer.observe(of(theirs, version=2), deleted=True)
        assert ([], {}, "") == (room.store.all(), await room.asked(), caplog.text)
        room.see(of(mine))
        assert {BINDING: Lane.EDIT} == await room.asked()

    async def test_one_whose_label_moves_away_is_forgotten_at_once(self, mine: str, theirs: str) -> None:
        """And who refers to it says so. Nothing waits for it any more."""
        room = Shards(mine)
        room.see(of(mine, "Dataset", ready=True), of(mine, ref="pictures"))
        await room.asked()
        room.queue.add(DATASET, Lane.EDIT)
        room.see(of(theirs, "Dataset", version=2, ready=True))
        assert room.store.find(DATASET) is None
        assert {BINDING} == set(await room.asked())

    async def test_one_that_comes_is_new(self, mine: str, theirs: str) -> None:
        """And who waits for it goes on; it may go and come as often as it likes."""
        room = Shards(mine)
        room.see(of(mine, ref="pictures"), of(theirs, "Dataset", ready=True))
        await room.asked()
        for version in (2, 4, 6):
            room.see(of(mine, "Dataset", version=version, ready=True))
            assert {BINDING, DATASET} == set(await room.asked())
            room.see(of(theirs, "Dataset", version=version + 1, ready=True))
            assert {BINDING} == set(await room.asked())

    async def test_an_older_version_of_another_shard_says_nothing(self, mine: str, theirs: str) -> None:
        """A page of a LIST that began before the label moved here."""
        room = Shards(mine)
        room.see(of(mine, version=5))
        room.see(of(theirs, version=4))
        assert room.store.find(BINDING) is not None

    async def test_a_late_answer_to_a_write_does_not_bring_it_back(self, mine: str, theirs: str) -> None:
        """The write was before the move, and its answer is heard after it."""
        room = Shards(mine)
        room.see(of(mine, version=5))
        written = parse(of(mine, version=6))
        room.see(of(theirs, version=7))
        assert written is not None
        assert written is room.store.put(written)
        assert [] == room.store.all()

    async def test_a_late_answer_after_the_selectors_delete_does_not_either(self, mine: str, theirs: str) -> None:
        """With a selector the watch says "deleted", and shows the object as it was, under the move's version."""
        del theirs
        room = Shards(mine)
        room.see(of(mine, version=5))
        room.informer.observe(of(mine, version=7), deleted=True)
        written = parse(of(mine, version=6))
        assert written is not None
        room.store.put(written)
        assert [] == room.store.all()
        room.see(of(mine, version=8))
        assert 1 == len(room.store.all())

    async def test_a_list_asks_for_the_shards_own(
        self, mine: str, theirs: str, listing: tuple[Selecting, Kube], caplog: pytest.LogCaptureFixture
    ) -> None:
        """And takes away what moved while no event said so, without calling it gone where it sees it."""
        served, kube = listing
        room = Shards(mine)
        room.see(of(mine), of(mine, "Dataset"))
        served.objects["datasetbindings"] = [of(mine)]
        served.objects["datasets"] = [of(theirs, "Dataset", version=2)]
        with caplog.at_level(logging.INFO):
            await room.informer.relist(kube, ())
        assert {f"{SHARD}={mine}" if mine else None} == set(served.selectors)
        assert len(KINDS) == len(served.selectors)
        assert [BINDING] == [Key(t.kind(), t.metadata.namespace, t.metadata.name) for t in room.store.all()]
        assert ("is gone" in caplog.text) == bool(mine)


class Selecting(Listing):
    """An API server that selects by label."""

    def __init__(self) -> None:
        super().__init__()
        self.selectors: list[str | None] = []

    async def answer(self, request: web.Request) -> web.Response:
        """A page of a LIST, or one object."""
        *_, plural, name = request.path.split("/")
        if plural in self.objects:
            found = (one for one in self.objects[plural] if one["metadata"]["name"] == name)
            found_one = next(found, None)
            return web.json_response(found_one, status=200 if found_one else 404)
        selector = request.query.get("labelSelector")
        self.selectors.append(selector)
        whole = self.objects
        if selector is not None:
            name, _, value = selector.partition("=")
            self.objects = {
                plural: [one for one in items if one["metadata"].get("labels", {}).get(name) == value]
                for plural, items in whole.items()
            }
        try:
            return await super().answer(request)
        finally:
            self.objects = whole


@pytest.fixture
async def listing() -> AsyncIterator[tuple[Selecting, Kube]]:
    """A served listing, and the operator's own client on it."""
    served = Selecting()
    async with client_of(served) as kube:
        yield served, kube


async def test_past_the_cache_every_shards_objects_are_seen(listing: tuple[Selecting, Kube]) -> None:
    """All of a namespace, or one by name; what this version cannot read is none, and what is not there neither."""
    served, kube = listing
    another = of("b", version=2)
    another["metadata"]["name"] = "films"
    served.objects["datasetbindings"] = [of("a"), another, of("") | {"spec": {"from": "the future"}}]
    cluster = KubernetesCluster(kube, Store(Clock()), asyncio.get_running_loop())
    found = await asyncio.to_thread(cluster.find_all, DatasetBinding, "team")
    assert [("photos", "a"), ("films", "b")] == [(one.metadata.name, one.metadata.shard) for one in found]
    assert [None] == served.selectors[-1:]
    one = await asyncio.to_thread(cluster.find, DatasetBinding, "team", "films")
    assert one is not None
    assert "b" == one.metadata.shard
    assert await asyncio.to_thread(cluster.find, DatasetBinding, "team", "none") is None


@pytest.fixture
def world() -> World:
    """A namespace with an account in the default shard."""
    return World()


class TestWords:
    """What an object says of one that another shard serves."""

    def message(self, world: World, key: Key) -> str:
        """Of the Ready condition, which gives DependencyNotFound."""
        assert ("False", "DependencyNotFound") == world.condition(key)
        return str(world.cluster.read(key).status.conditions[0].message)

    @pytest.mark.parametrize(("theirs", "mine"), [("a", "b"), ("a", "default"), ("default", "b")])
    async def test_an_account_of_another_shard_is_named_with_the_way_out(
        self, world: World, theirs: str, mine: str
    ) -> None:
        """It exists, so "create it" would be wrong."""
        label(world, "" if theirs == "default" else theirs, world.account)
        key = world.binding()
        label(world, "" if mine == "default" else mine, key)
        Operator(world, "" if mine == "default" else mine).run(key)
        said = self.message(world, key)
        assert said.startswith(f"CloudAccount account belongs to shard {theirs} and this object to shard {mine}: give ")
        assert "the same label imm-operator.dev/shard" in said
        assert [] == world.cloud.calls

    async def test_a_dataset_of_another_shard_is_named_too(self, world: World) -> None:
        """The account is signed in, and the Dataset is not here."""
        dataset = world.dataset()
        label(world, "a", dataset)
        key = world.binding(dataset={"ref": "pictures"})
        ours = Operator(world, "")
        ours.run(world.account)
        ours.run(key)
        assert "Dataset pictures belongs to shard a and this object to shard default" in self.message(world, key)

    async def test_one_that_is_nowhere_is_still_to_be_created(self, world: World) -> None:
        """The words are as without shards."""
        del world.cluster.bodies[world.account]
        key = world.binding()
        Operator(world, "").run(key)
        assert "does not exist in this namespace; create it" in self.message(world, key)

    async def test_many_that_refer_to_it_ask_once_in_half_a_minute(self, world: World) -> None:
        """No storm; and what moves after that is seen."""
        label(world, "a", world.account)
        keys = [world.binding(f"photos-{n}") for n in range(20)]
        ours = Operator(world, "")
        for key in keys:
            ours.run(key)
        assert ["get CloudAccount team/account"] == world.cluster.looks
        world.clock.advance(31)
        label(world, "c", world.account)
        ours.run(keys[0])
        assert "belongs to shard c" in self.message(world, keys[0])

    async def test_before_the_first_list_is_through_nobody_asks(self, world: World) -> None:
        """What is not in the store yet is not elsewhere."""
        label(world, "a", world.account)
        key = world.binding()
        ours = Operator(world, "")
        ours.store.complete = False
        ours.run(key)
        assert [] == world.cluster.looks

    async def test_one_that_leaves_says_whose_account_it_waits_for(self, world: World) -> None:
        """A deleted object of another shard than its account: nobody here can sign in for it."""
        ours = Operator(world, "")
        key = world.binding(deletionPolicy="Delete", deletionGracePeriod="0s")
        for _ in range(2):
            ours.run(world.account)
            ours.run(key)
        label(world, "a", world.account)
        world.delete(key)
        ours.restart()
        ours.run(key)
        assert ("True", "CredentialsUnavailable") == world.condition(key, "Stalled")
        assert "CloudAccount account belongs to shard a" in world.cluster.read(key).status.conditions[0].message


class TestImports:
    """An import that moves has not ended: its task is followed by the other shard."""

    def an_import(self, world: World, shard: str) -> Key:
        """Whose task is at work."""
        spec = {
            "accountRef": {"name": "account"},
            "target": {"imageSearch": {"instanceName": "shop", "bucket": "photos"}},
            "source": {"pictures": [{"productId": "1", "picName": "a.png", "customContent": "c"}]},
        }
        status = {"phase": "Waiting", "run": "r", "task": {"id": 7, "state": "Processing"}, "observedGeneration": 1}
        key = world.cluster.put("BatchImport", "pictures", spec)
        world.cluster.bodies[key]["status"] = status
        label(world, shard, key)
        return key

    @pytest.mark.parametrize("moved", [True, False])
    async def test_only_of_one_that_is_gone_the_task_is_told_of(self, world: World, *, moved: bool) -> None:
        """The informer cannot always tell the two apart; the API server can."""
        key = self.an_import(world, "a")
        ours = Operator(world, "a")
        if moved:
            label(world, "b", key)
        else:
            del world.cluster.bodies[key]
        ours.watch()
        (last,) = ours.ended
        tell_gone(last, ours.context)
        assert ([] if moved else [Reason.TASK_RUNNING]) == [reason for reason, _ in world.cluster.events]

    async def test_one_made_again_elsewhere_is_another(self, world: World) -> None:
        """Deleted and created for another shard: the old one's task is told of."""
        key = self.an_import(world, "a")
        ours = Operator(world, "a")
        last = copy.deepcopy(world.cluster.read(key))
        del world.cluster.bodies[key]
        self.an_import(world, "b")
        tell_gone(last, ours.context)
        assert [Reason.TASK_RUNNING] == [reason for reason, _ in world.cluster.events]
