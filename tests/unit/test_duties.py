"""Which queues are read, for whom, and what is done where accounts do not agree."""

from __future__ import annotations

from typing import Any

from controller.api.batchimport import BatchImport
from controller.api.cloudaccount import CloudAccount
from controller.api.events import ForeignMessages
from controller.api.kind import Kind
from controller.cloud.clouds import Place
from controller.reconcile.kinds import Key
from controller.runtime.duties import Duty, QueuePlace, duties

ONE, TWO = "1234567890123456", "6543210987654321"


def account(namespace: str, account_id: str = ONE, mns: str | None = None, **events: Any) -> CloudAccount:
    """A CloudAccount that names the queue `results`."""
    spec: dict[str, Any] = {
        "region": "cn-hangzhou",
        "accountId": account_id,
        "credentials": {"secretRef": {"name": "key"}},
        "endpoints": {"mns": mns} if mns else {},
        "events": {"topic": "news", "queue": "results"} | events,
    }
    return CloudAccount.read({"metadata": {"name": "account", "namespace": namespace}, "spec": spec})


def batch(namespace: str, phase: str | None = "Waiting", name: str = "photos") -> BatchImport:
    """A BatchImport of that account."""
    spec = {
        "accountRef": {"name": "account"},
        "target": {"dataset": {"project": "media", "name": "pictures"}},
        "source": {"items": [{"uri": "oss://photos/a.jpg"}]},
    }
    return BatchImport.read(
        {"metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": {"phase": phase}}
    )


def only(*objects: Kind) -> Duty:
    """The one there is."""
    (duty,) = duties(objects).values()
    return duty


def test_accounts_that_name_one_queue_share_a_reader() -> None:
    """The first in order lends its session; every import that waits is known."""
    duty = only(account("zoo"), account("team"), batch("team"), batch("zoo"), batch("zoo", name="more"))
    assert (("team", "account"), ("zoo", "account")) == duty.accounts
    assert ["team/photos", "zoo/more", "zoo/photos"] == [f"{key.namespace}/{key.name}" for key in duty.imports]


def test_a_queue_of_the_same_name_elsewhere_is_another_one() -> None:
    """In another account, or at another address, which is whatever somebody wrote there."""
    objects = [account("a"), account("b", TWO), account("c", mns="https://mns.example.com")]
    found = duties([*objects, batch("a"), batch("b"), batch("c")])
    assert 3 == len(found)
    assert all(1 == len(duty.accounts) for duty in found.values())


def test_only_an_import_that_results_may_come_for_has_its_queue_read() -> None:
    """By its status, or because a run of it is worked off here whatever the status says."""
    for phase, read in ((None, 0), ("Resolving", 0), ("Submitting", 1), ("Waiting", 1), ("Failed", 0), ("Complete", 0)):
        assert read == len(duties([account("team"), batch("team", phase)]))
    assert 1 == len(duties([account("team"), batch("team", "Failed")], active=[Key("BatchImport", "team", "photos")]))


def test_an_account_that_no_import_waits_at_lends_nothing() -> None:
    """Naming a queue alone gives nobody a say in it."""
    assert (("team", "account"),) == only(account("team"), account("zoo"), batch("team")).accounts


def test_messages_are_moved_only_where_all_agree_where_to() -> None:
    """One tenant's setting never moves another's messages."""
    aside = {"foreignMessages": "DeadLetter", "deadLetterQueue": "aside"}
    agreed = only(account("a", **aside), account("b", **aside), batch("a"), batch("b"))
    assert (ForeignMessages.DEAD_LETTER, "aside") == (agreed.foreign, agreed.dead_letters)
    for other in ({}, aside | {"deadLetterQueue": "elsewhere"}, {"deadLetterQueue": "aside"}):
        split = only(account("a", **aside), account("b", **other), batch("a"), batch("b"))
        assert ForeignMessages.LEAVE is split.foreign


def test_a_session_of_another_place_does_not_read_the_queue() -> None:
    """An account whose address was just changed has its old session for a moment."""
    place = QueuePlace(ONE, "cn-hangzhou", None, "results")
    assert place.is_at(Place(ONE, "cn-hangzhou"))
    assert not place.is_at(Place(ONE, "cn-hangzhou", mns="https://mns.example.com"))
    assert not place.is_at(Place(TWO, "cn-hangzhou"))
    assert not place.is_at(Place(ONE, "cn-beijing"))
