"""The store's index of contests, and who is woken when a claim ends."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.cloud.limiter import Lane
from controller.core.ownership import Subject
from controller.reconcile.kinds import Key
from controller.reconcile.rivals import contests, first_rival, subject_of
from controller.runtime.informer import Informer
from controller.runtime.queue import WorkQueue
from controller.runtime.store import Store, parse
from tests.unit.informer_inputs import body
from tests.unit.operator_doubles import Clock

SUBJECT = Subject("1234567890123456", "cn-hangzhou", "media", "pictures", "photos")


def stored(kind: str = "DatasetBinding", name: str = "", **fields: Any) -> dict[str, Any]:
    """A stored object of another name."""
    made = body(kind, **fields)
    if name:
        made["metadata"] |= {"name": name, "uid": name}
    return made


def binding(store: Store, name: str = "photos") -> DatasetBinding:
    """The object as the store has it."""
    found = store.get(DatasetBinding, "team", name)
    assert found is not None
    return found


@pytest.fixture
def store() -> Store:
    """An account that has signed in, a dataset and a binding that names it."""
    made = Store(Clock())
    for item in (body("CloudAccount", ready=True), body("Dataset"), body("DatasetBinding", ref="pictures")):
        parsed = parse(item)
        assert parsed is not None
        made.put(parsed)
    return made


def put(store: Store, item: dict[str, Any]) -> None:
    """As the watch delivers it."""
    parsed = parse(item)
    assert parsed is not None
    store.put(parsed)


def test_a_binding_by_reference_and_one_by_name_claim_the_same(store: Store) -> None:
    """Spelled differently, the same thing in the cloud."""
    put(store, stored(name="second"))
    assert SUBJECT == subject_of(binding(store), store) == subject_of(binding(store, "second"), store)
    first = first_rival(binding(store, "second"), SUBJECT, store)
    assert first is not None
    assert "photos" == first.metadata.name
    assert first_rival(binding(store), SUBJECT, store) is None


@pytest.mark.parametrize(
    "change",
    [{"dataset": {"project": "media", "name": "films"}}, {"dataset": {"project": "films", "name": "pictures"}}],
    ids=["dataset", "project"],
)
def test_the_same_bucket_in_another_dataset_is_no_rival(store: Store, change: dict[str, Any]) -> None:
    """A bucket may be bound to several."""
    other = stored(name="second")
    other["spec"] = other["spec"] | change
    put(store, other)
    second = binding(store, "second")
    subject = subject_of(second, store)
    assert subject is not None
    assert first_rival(second, subject, store) is None


def test_what_is_removed_or_changed_leaves_the_index(store: Store) -> None:
    """No key is left behind, or the store would grow with every object that ever was."""
    [entry] = contests(binding(store))
    assert ["photos"] == [found.metadata.name for found in store.contenders(entry)]
    store.remove(Key("DatasetBinding", "team", "photos"))
    assert [] == store.contenders(entry)
    dataset = store.get(Dataset, "team", "pictures")
    assert dataset is not None
    assert (("Dataset", "media", "pictures"),) == contests(dataset)


@pytest.mark.parametrize(("watched", "seen"), [((), True), (("team",), True), (("others",), False)])
def test_only_watched_namespaces_are_known(watched: tuple[str, ...], *, seen: bool) -> None:
    """With none named all are."""
    assert seen == Store(Clock(), watched).watches("team")


class TestWaking:
    """The loser does not wait for its resync."""

    @pytest.fixture
    def queue(self) -> WorkQueue:
        """Nothing queued."""
        return WorkQueue()

    async def test_the_end_of_a_winner_wakes_the_loser_as_an_edit(self, store: Store, queue: WorkQueue) -> None:
        """And nobody who claims something else."""
        put(store, stored(name="loser"))
        other = stored(name="bystander")
        other["spec"] = other["spec"] | {"dataset": {"project": "media", "name": "films"}}
        put(store, other)
        Informer(store, queue).observe(body("DatasetBinding", version=9), deleted=True)
        assert (Key("DatasetBinding", "team", "loser"), Lane.EDIT) == await queue.get()
        assert 0 == len(queue)

    async def test_a_winner_that_only_observes_from_now_on_wakes_the_loser(
        self, store: Store, queue: WorkQueue
    ) -> None:
        """Any edit of it may mean that."""
        put(store, stored(name="loser"))
        edited = stored(version=9, generation=2)
        edited["spec"] = edited["spec"] | {"mode": "Observe"}
        Informer(store, queue).observe(edited, deleted=False)
        assert Key("DatasetBinding", "team", "loser") in {(await queue.get())[0], (await queue.get())[0]}
