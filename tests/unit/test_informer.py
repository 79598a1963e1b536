"""From watch events to the queue: what an event asks for, and what it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from controller.api.batchimport import BatchImport
from controller.api.dataset import Dataset
from controller.api.fields import DETACH, END_GRACE_PERIOD, RECONCILE_REQUESTED_AT
from controller.cloud.limiter import Lane
from controller.reconcile.kinds import KINDS, Key
from controller.runtime.kube import Kube
from tests.unit.informer_inputs import body
from tests.unit.informer_room import Listing, Room, client_of

BINDING = Key("DatasetBinding", "team", "photos")
DATASET = Key("Dataset", "team", "pictures")
ACCOUNT = Key("CloudAccount", "team", "account")


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


def unreadable(kind: str, **fields: Any) -> dict[str, Any]:
    """An object with a field that this version does not know."""
    made = body(kind, **fields)
    made["spec"]["invented"] = 1
    return made


async def test_what_cannot_be_read_any_more_is_left_alone(room: Room) -> None:
    """Its old version decides nothing more, nobody is told that it is gone, and a version that can be read counts."""
    room.see(body("Dataset", ready=True), body("DatasetBinding", ref="pictures"))
    await room.asked()
    room.queue.add(DATASET, Lane.EDIT)
    room.see(unreadable("Dataset", version=3))
    assert {BINDING: Lane.EDIT} == await room.asked()
    assert room.store.find(DATASET) is None
    assert room.store.unreadable(Dataset, "team", "pictures")
    room.see(body("Dataset", version=2), unreadable("Dataset", version=3))
    assert {} == await room.asked()
    room.see(body("Dataset", version=4))
    assert {DATASET, BINDING} == set(await room.asked())
    assert not room.store.unreadable(Dataset, "team", "pictures")


async def test_an_older_version_that_cannot_be_read_is_no_news(room: Room) -> None:
    """A late event, or a page of a LIST."""
    room.see(body("Dataset", version=3), unreadable("Dataset", version=2))
    assert room.store.find(DATASET) is not None


async def test_an_import_that_cannot_be_read_any_more_has_not_ended(listing: tuple[Listing, Kube]) -> None:
    """Its end is told when it comes, and a LIST that has it still is no end either."""
    served, kube = listing
    ended: list[str] = []
    room = Room(ended=lambda target: ended.append(target.metadata.name))
    stored = body("BatchImport")
    room.see(stored)
    served.objects["batchimports"] = [unreadable("BatchImport", version=2)]
    await room.informer.relist(kube, ())
    assert ([], True) == (ended, room.store.unreadable(BatchImport, "team", "photos"))
    served.objects["batchimports"] = []
    await room.informer.relist(kube, ())
    assert ([], False) == (ended, room.store.unreadable(BatchImport, "team", "photos"))


async def test_the_end_of_an_object_is_told_by_its_metadata_alone(room: Room) -> None:
    """What else the last word says of it need not be readable."""
    room.see(body("Dataset"), body("DatasetBinding", ref="pictures"))
    await room.asked()
    room.informer.observe(unreadable("Dataset", version=2), deleted=True)
    assert (None, {BINDING}) == (room.store.find(DATASET), set(await room.asked()))


async def test_a_late_end_is_not_that_of_the_namesake_that_came_after(room: Room) -> None:
    """It waits for its own pass."""
    room.see(body("DatasetBinding", version=2), body("DatasetBinding", version=9, uid="two"))
    room.informer.observe(body("DatasetBinding", version=5), deleted=True)
    assert room.store.find(BINDING) is not None
    assert {BINDING: Lane.EDIT} == await room.asked()


@pytest.fixture
async def listing() -> AsyncIterator[tuple[Listing, Kube]]:
    """A served listing, and the operator's own client on it."""
    served = Listing()
    async with client_of(served) as kube:
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
