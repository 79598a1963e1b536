"""The informer's cache: newest version, references both ways, unreadable objects left alone."""

from __future__ import annotations

from typing import Any

import pytest

from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.kind import Kind
from controller.reconcile.kinds import Key
from controller.runtime.store import Store, parse
from tests.unit.informer_inputs import body

ACCOUNT = Key("CloudAccount", "team", "account")
DATASET = Key("Dataset", "team", "pictures")
BINDING = Key("DatasetBinding", "team", "photos")


def made(kind: str = "DatasetBinding", **fields: Any) -> Kind:
    """A parsed object."""
    found = parse(body(kind, **fields))
    assert found is not None
    return found


@pytest.mark.parametrize(("first", "second", "kept"), [(5, 6, 6), (6, 5, 6), (9, 10, 10), (99, 100, 100), (5, 5, 5)])
def test_an_older_version_never_replaces_a_newer_one(first: int, second: int, kept: int) -> None:
    """Versions are numbers, not text; an equal one is the same object."""
    store = Store()
    store.put(made(version=first))
    store.put(made(version=second))
    found = store.find(BINDING)
    assert found is not None
    assert str(kept) == found.metadata.resource_version


def test_put_tells_what_was_known_before() -> None:
    """Nothing, the older one, or itself where it is not newer."""
    store = Store()
    old, new = made(version=5), made(version=6)
    assert store.put(old) is None
    assert store.put(new) is old
    late = made(version=5)
    assert store.put(late) is late


def test_a_recreated_object_replaces_its_namesake() -> None:
    """Another uid is another object, whatever its version; a restored API server may count from below."""
    store = Store()
    store.put(made(version=50, uid="one"))
    store.put(made(version=7, uid="two"))
    found = store.find(BINDING)
    assert found is not None
    assert "two" == found.metadata.uid


def test_objects_are_found_by_kind_namespace_and_name() -> None:
    """Typed, and None where there is none."""
    store = Store()
    store.put(made())
    assert isinstance(store.get(DatasetBinding, "team", "photos"), DatasetBinding)
    assert store.get(Dataset, "team", "photos") is None
    assert store.get(DatasetBinding, "others", "photos") is None
    assert {BINDING} == store.keys("DatasetBinding")
    assert [BINDING.name] == [target.metadata.name for target in store.all()]


def test_referrers_are_known_before_what_they_refer_to_exists() -> None:
    """Someone waits for it."""
    store = Store()
    store.put(made(ref="pictures"))
    assert {BINDING} == store.referrers(DATASET) == store.referrers(ACCOUNT)
    store.put(made("Dataset"))
    assert {BINDING, DATASET} == store.referrers(ACCOUNT)


def test_references_follow_the_object() -> None:
    """A recreated object may refer to another dataset; a removed one refers to nothing."""
    store = Store()
    store.put(made(ref="pictures"))
    store.put(made(ref="others", uid="two"))
    assert set() == store.referrers(DATASET)
    assert {BINDING} == store.referrers(Key("Dataset", "team", "others"))
    store.remove(BINDING)
    assert set() == store.referrers(ACCOUNT)
    assert store.remove(BINDING) is None


def test_references_never_cross_a_namespace() -> None:
    """The same names elsewhere are others."""
    store = Store()
    store.put(made(ref="pictures", namespace="others"))
    assert set() == store.referrers(DATASET)


def test_an_object_this_version_cannot_read_is_logged_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """With its name and what does not fit, never a crash."""
    broken = body("DatasetBinding")
    broken["spec"]["bucket"] = {"not": "text"}
    broken["spec"]["invented"] = 1
    assert parse(broken) is None
    assert "DatasetBinding team/photos" in caplog.text
    assert "spec.bucket" in caplog.text
    assert "spec.invented" in caplog.text


def test_what_kubernetes_adds_to_metadata_does_not_matter() -> None:
    """Managed fields, labels, owners: ignored."""
    full = body("CloudAccount")
    full["metadata"] |= {"managedFields": [{}], "labels": {"a": "b"}, "ownerReferences": []}
    assert isinstance(parse(full), CloudAccount)
