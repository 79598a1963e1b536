"""The informer's cache: newest version, references both ways, unreadable objects left alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.api.cloudaccount import CloudAccount
from controller.api.dataset import Dataset
from controller.api.datasetbinding import DatasetBinding
from controller.api.fields import RECONCILE_REQUESTED_AT
from controller.api.kind import Kind
from controller.reconcile.kinds import Key
from controller.runtime.store import Store, parse
from tests.unit.informer_inputs import body
from tests.unit.operator_doubles import START, Clock

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
    store = Store(Clock())
    store.put(made(version=first))
    store.put(made(version=second))
    found = store.find(BINDING)
    assert found is not None
    assert str(kept) == found.metadata.resource_version


@pytest.mark.parametrize(("version", "has"), [(8, True), (9, True), (10, False)])
def test_a_version_is_had_once_it_or_a_newer_one_is_known(version: int, *, has: bool) -> None:
    """Of another object of that name no version is."""
    store = Store(Clock())
    assert not store.has(BINDING, ("uid", version))
    known = made(version=9)
    store.put(known)
    assert has is store.has(BINDING, (known.metadata.uid, version))
    assert not store.has(BINDING, ("another", version))


def test_put_tells_what_was_known_before() -> None:
    """Nothing, the older one, or itself where it is not newer."""
    store = Store(Clock())
    old, new = made(version=5), made(version=6)
    assert store.put(old) is None
    assert store.put(new) is old
    late = made(version=5)
    assert store.put(late) is late


def request(token: str, **fields: Any) -> Kind:
    """An object that somebody annotated."""
    return made(annotations={RECONCILE_REQUESTED_AT: token}, **fields)


def test_a_request_dates_from_when_its_token_was_first_seen() -> None:
    """Neither our own writes, nor other people's, nor a late event of an older version make it younger or older."""
    clock = Clock()
    store = Store(clock)
    store.put(made(version=5))
    clock.advance(1)
    first = request("a", version=6)
    store.put(first)
    clock.advance(1)
    store.put(request("a", version=7, observed=1))  # our own status
    store.put(request("a", version=8, labels={"by": "somebody"}))
    store.put(made(version=5))
    store.put(first)
    assert START + timedelta(seconds=1) == store.requested_at(first)
    store.put(request("b", version=9))
    assert START + timedelta(seconds=2) == store.requested_at(first)
    clock.advance(1)
    store.put(request("b", version=1, uid="two"))
    assert START + timedelta(seconds=3) == store.requested_at(first)


def test_a_request_of_an_object_that_is_gone_is_of_this_moment() -> None:
    """A pass that still runs must not rest on anything older; its namesake starts afresh."""
    clock = Clock()
    store = Store(clock)
    target = request("a")
    store.put(target)
    store.remove(BINDING)
    clock.advance(9)
    assert clock() == store.requested_at(target)
    store.put(target)
    assert clock() == store.requested_at(target)


def test_a_recreated_object_replaces_its_namesake() -> None:
    """Another uid is another object, whatever its version; a restored API server may count from below."""
    store = Store(Clock())
    store.put(made(version=50, uid="one"))
    store.put(made(version=7, uid="two"))
    found = store.find(BINDING)
    assert found is not None
    assert "two" == found.metadata.uid


@pytest.mark.parametrize(("uid", "version", "stays"), [("one", 5, True), ("one", 7, False), ("two", 5, False)])
def test_the_end_of_an_object_is_not_that_of_its_namesake(uid: str, version: int, *, stays: bool) -> None:
    """Another uid that is newer came after it; what is of the same uid, or older, is gone."""
    store = Store(Clock())
    known = made(version=6, uid="two")
    store.put(known)
    assert (None if stays else known) == store.remove(BINDING, (uid, version))
    assert stays == (store.find(BINDING) is not None)


def test_objects_are_found_by_kind_namespace_and_name() -> None:
    """Typed, and None where there is none."""
    store = Store(Clock())
    store.put(made())
    assert isinstance(store.get(DatasetBinding, "team", "photos"), DatasetBinding)
    assert store.get(Dataset, "team", "photos") is None
    assert store.get(DatasetBinding, "others", "photos") is None
    assert {BINDING} == store.keys("DatasetBinding")
    assert [BINDING.name] == [target.metadata.name for target in store.all()]


def test_referrers_are_known_before_what_they_refer_to_exists() -> None:
    """Someone waits for it."""
    store = Store(Clock())
    store.put(made(ref="pictures"))
    assert {BINDING} == store.referrers(DATASET) == store.referrers(ACCOUNT)
    store.put(made("Dataset"))
    assert {BINDING, DATASET} == store.referrers(ACCOUNT)


def test_references_follow_the_object() -> None:
    """A recreated object may refer to another dataset; a removed one refers to nothing."""
    store = Store(Clock())
    store.put(made(ref="pictures"))
    store.put(made(ref="others", uid="two"))
    assert set() == store.referrers(DATASET)
    assert {BINDING} == store.referrers(Key("Dataset", "team", "others"))
    store.remove(BINDING)
    assert set() == store.referrers(ACCOUNT)
    assert store.remove(BINDING) is None


def test_references_never_cross_a_namespace() -> None:
    """The same names elsewhere are others."""
    store = Store(Clock())
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
