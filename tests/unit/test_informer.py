"""From watch events to the queue: what an event asks for, and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from controller.api.fields import DETACH, END_GRACE_PERIOD, RECONCILE_REQUESTED_AT
from controller.cloud.limiter import Lane
from controller.reconcile.kinds import KINDS, Key
from controller.runtime.informer import Informer
from controller.runtime.kube import Kube
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store
from tests.unit.informer_inputs import body
from tests.unit.operator_doubles import Clock

BINDING = Key("DatasetBinding", "team", "photos")
DATASET = Key("Dataset", "team", "pictures")
ACCOUNT = Key("CloudAccount", "team", "account")


class Room:
    """An informer with its store and queue."""

    def __init__(self) -> None:
        self.store, self.queue = Store(Clock()), WorkQueue()
        self.informer = Informer(self.store, self.queue)

    def see(self, *objects: dict[str, Any]) -> None:
        """Watch events."""
        for item in objects:
            self.informer.observe(item, deleted=False)

    async def asked(self) -> dict[Key, Lane]:
        """What is queued, taken off."""
        found = {}
        while len(self.queue):
            key, lane = await self.queue.get()
            self.queue.done(key)
            found[key] = lane
        return found


@pytest.fixture
async def room() -> Room:
    """An empty informer."""
    return Room()


async def test_a_new_object_is_an_edit_and_a_settled_one_a_resync(room: Room) -> None:
    """At start, what a person just applied goes ahead of what is as it should be."""
    room.see(body("DatasetBinding"))
    assert {BINDING: Lane.EDIT} == await room.asked()
    room.see(body("Dataset", ready=True, version=2))
    assert Lane.RESYNC == (await room.asked())[DATASET]


async def test_an_echo_of_our_own_status_asks_for_nothing(room: Room) -> None:
    """Neither the object nor anybody who does not wait for it."""
    room.see(body("DatasetBinding"))
    await room.asked()
    room.see(body("DatasetBinding", version=2, observed=1), body("DatasetBinding", version=2, observed=1))
    assert {} == await room.asked()


@pytest.mark.parametrize(
    "change",
    [
        {"generation": 2},
        {"deletionTimestamp": "2026-08-01T12:00:00Z"},
        {"annotations": {RECONCILE_REQUESTED_AT: "now"}},
        {"annotations": {END_GRACE_PERIOD: "now"}},
        {"annotations": {DETACH: "true"}},
        {"uid": "two"},
    ],
    ids=["spec", "delete", "requested", "end-grace", "detach", "recreated"],
)
async def test_what_a_person_does_is_an_edit(room: Room, change: dict[str, Any]) -> None:
    """And starts the back-off from the beginning."""
    room.see(body("DatasetBinding"))
    await room.asked()
    room.see(body("DatasetBinding", version=2, **change))
    assert {BINDING: Lane.EDIT} == await room.asked()


@pytest.mark.parametrize("change", [{"labels": {"a": "b"}}, {"annotations": {"other": "x"}}, {"finalizers": ["ours"]}])
async def test_other_metadata_asks_for_nothing(room: Room, change: dict[str, Any]) -> None:
    """It decides nothing."""
    room.see(body("DatasetBinding"))
    await room.asked()
    room.see(body("DatasetBinding", version=2, **change))
    assert {} == await room.asked()


async def test_an_older_version_is_no_news(room: Room) -> None:
    """A late event, or a page of a LIST that began before it."""
    room.see(body("DatasetBinding", version=9))
    await room.asked()
    room.see(body("DatasetBinding", version=8, generation=7))
    assert {} == await room.asked()


async def test_referrers_wake_when_readiness_flips_and_only_then(room: Room) -> None:
    """Both ways, and when the object comes or goes."""
    room.see(body("DatasetBinding", ref="pictures"))
    await room.asked()
    room.see(body("Dataset"))
    assert BINDING in await room.asked()
    room.see(body("Dataset", version=2, observed=1))
    assert BINDING not in await room.asked()
    room.see(body("Dataset", version=3, ready=True))
    assert BINDING in await room.asked()
    room.see(body("Dataset", version=4, ready=True))
    assert BINDING not in await room.asked()
    room.see(body("Dataset", version=5, generation=2, observed=1))
    assert BINDING in await room.asked()
    room.informer.observe(body("Dataset", version=6), deleted=True)
    assert {BINDING} == set(await room.asked())


async def test_a_deleted_object_is_dropped_with_what_waits_for_it(room: Room) -> None:
    """Nothing runs for it any more."""
    room.see(body("DatasetBinding"))
    room.informer.observe(body("DatasetBinding", version=2), deleted=True)
    assert {} == await room.asked()
    assert room.store.find(BINDING) is None


class Listing:
    """An API server that answers LIST from memory, two objects a page, and can change between pages."""

    def __init__(self) -> None:
        self.objects: dict[str, list[dict[str, Any]]] = {kind.plural: [] for kind in KINDS.values()}
        self.breaks = False
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """A page of a LIST."""
        self.asked.append(request.path)
        if self.breaks and "continue" in request.query:
            return web.Response(status=500, text="the etcd leader changed")
        start = int(request.query.get("continue", "0"))
        items = self.objects[request.path.rsplit("/", 1)[-1]]
        page = [{k: v for k, v in item.items() if k != "kind"} for item in items[start : start + 2]]
        token = str(start + 2) if start + 2 < len(items) else ""
        return web.json_response({"items": page, "metadata": {"continue": token}})


@pytest.fixture
async def listing() -> AsyncIterator[tuple[Listing, Kube]]:
    """A served listing, and the operator's own client on it."""
    served = Listing()
    app = web.Application()
    app.router.add_get("/{path:.*}", served.answer)
    async with TestServer(app) as server, ClientSession() as session:
        kube = Kube()
        kube.use(str(server.make_url("/")), session)
        yield served, kube


def named(name: str, **fields: Any) -> dict[str, Any]:
    """A binding of another name."""
    made = body("DatasetBinding", **fields)
    made["metadata"]["name"] = name
    return made


async def test_a_list_takes_in_what_the_watch_missed_and_prunes_ghosts(
    room: Room, listing: tuple[Listing, Kube]
) -> None:
    """Over several pages; what is unchanged asks for nothing."""
    served, kube = listing
    room.see(named("a"), named("ghost"))
    await room.asked()
    served.objects["datasetbindings"] = [named("a"), named("b"), named("c"), named("d", ready=True), named("e")]
    await room.informer.relist(kube, ())
    assert {"a", "b", "c", "d", "e"} == {key.name for key in room.store.keys("DatasetBinding")}
    assert {"b", "c", "d", "e"} == {key.name for key in await room.asked()}


async def test_a_list_that_breaks_off_prunes_nothing(room: Room, listing: tuple[Listing, Kube]) -> None:
    """A missing page is not a deletion."""
    served, kube = listing
    room.see(*(named(name) for name in "abcde"))
    served.objects["datasetbindings"] = [named(name) for name in "abcde"]
    served.breaks = True
    with pytest.raises(Exception, match="etcd leader"):
        await room.informer.relist(kube, ())
    assert 5 == len(room.store.keys("DatasetBinding"))


async def test_only_the_watched_namespaces_are_listed(room: Room, listing: tuple[Listing, Kube]) -> None:
    """One LIST per kind and namespace."""
    served, kube = listing
    await room.informer.relist(kube, ("one", "two"))
    assert 2 * len(KINDS) == len(served.asked)
    assert all("/namespaces/one/" in path or "/namespaces/two/" in path for path in served.asked)


async def test_bindings_that_become_ready_together_have_their_dataset_counted_once_and_later(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its figures change with each of them; nobody waits for those."""
    others = [body("DatasetBinding", ref="pictures", name=f"photos-{n}") for n in range(50)]
    room.see(body("Dataset", observed=1, ready=True), *others)
    await room.asked()
    monkeypatch.setattr("controller.runtime.informer.COUNT_ANEW", 0.05)
    for other in others:
        room.informer.wake_neighbours(Key("DatasetBinding", "team", other["metadata"]["name"]), Lane.EDIT)
    assert {} == await room.asked()
    assert (DATASET, Lane.RESYNC) == await asyncio.wait_for(room.queue.get(), 10)
    room.queue.done(DATASET)
    assert {} == await room.asked()


@pytest.mark.parametrize("leaving", [True, False])
async def test_a_dataset_that_is_to_be_deleted_is_looked_at_as_soon_as_a_binding_is_gone(
    room: Room, *, leaving: bool
) -> None:
    """It may have waited for just that."""
    deleted: dict[str, Any] = {"deletionTimestamp": "2026-08-01T12:00:00Z"} if leaving else {}
    room.see(body("Dataset", observed=1, ready=True, **deleted), body("DatasetBinding", ref="pictures"))
    await room.asked()
    room.informer.forget(BINDING)
    assert leaving == (DATASET in await room.asked())
