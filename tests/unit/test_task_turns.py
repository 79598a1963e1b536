"""Whose turn it is at an instance, what its board tells, and what a callback may bring about."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from controller.api.batchimport import BatchImport
from controller.cloud.errors import CloudError, Conflict, Denied
from controller.cloud.ports import ImageSearchPort, TaskPage
from controller.core.facts import InstanceFacts, TaskFacts
from controller.reconcile.imports.boards import PAGE, Boards, walk
from controller.reconcile.imports.turns import Turn, Turns
from controller.runtime.store import Store

SEAT = "1234567890123456", "cn-hangzhou", "goods"
START = datetime(2026, 8, 1, 12, tzinfo=UTC)


def import_of(name: str, created: int = 0, instance: str = "goods", **status: object) -> BatchImport:
    """An import into an instance, created so many seconds after the others may have been."""
    at = (START + timedelta(seconds=created)).isoformat()
    return BatchImport.read(
        {
            "kind": "BatchImport",
            "metadata": {
                "name": name, "namespace": "team", "uid": f"uid-{name}", "generation": 1, "resourceVersion": "1",
                "creationTimestamp": at,
            },
            "spec": {
                "accountRef": {"name": "account"},
                "target": {"imageSearch": {"instanceName": instance, "bucket": "photos"}},
                "source": {"pictures": [{"productId": "1", "picName": "a.png", "customContent": "c"}]},
            },
            "status": {"identity": {"accountId": SEAT[0], "region": SEAT[1]}} | status,
        }
    )  # fmt: skip


def store_of(*imports: BatchImport) -> Store:
    """The informer's cache."""
    store = Store(lambda: START)
    for one in imports:
        store.put(one)
    return store


WAITS: dict[str, Any] = {"phase": "Submitting"}
RUNS: dict[str, Any] = {"phase": "Waiting", "task": {"id": 1, "state": "Processing"}}


class TestTurns:
    """The queue of one instance."""

    def test_the_older_comes_first_and_the_rest_know_how_many_are_ahead(self) -> None:
        """By creation, then by name."""
        imports = [import_of("b", 1), import_of("a", 1), import_of("c", 0)]
        turns, store = Turns(), store_of(*[import_of(one.metadata.name, 1) for one in imports[:2]], imports[2])
        assert Turn(0) == turns.stand(SEAT, imports[2], store, running=False)
        assert Turn(1, "team/c") == turns.stand(SEAT, imports[1], store, running=False)
        assert Turn(2, "team/c") == turns.stand(SEAT, imports[0], store, running=False)

    def test_who_is_first_stays_it_when_an_older_one_becomes_ready(self) -> None:
        """It may be submitting at this very moment."""
        old, young = import_of("old", 0), import_of("young", 1)
        turns, store = Turns(), store_of(old, young)
        assert Turn(0) == turns.stand(SEAT, young, store, running=False)
        assert Turn(1, "team/young") == turns.stand(SEAT, old, store, running=False)
        turns.leave(young)
        assert {("team", "old")} == turns.take_wakes()
        assert set() == turns.take_wakes()
        assert Turn(0) == turns.stand(SEAT, old, store, running=False)

    @pytest.mark.parametrize(
        ("other", "ahead"),
        [
            (import_of("a", 0, **WAITS), 1),
            (import_of("a", 5, **RUNS), 1),
            (import_of("a", 5, **WAITS), 0),
            (import_of("a", 0, phase="Resolving"), 0),
            (import_of("a", 0, phase="Complete"), 0),
            (import_of("a", 0, instance="others", **WAITS), 0),
            (import_of("a", 0, **WAITS, conditions=[]), 1),
        ],
        ids=["older", "running", "younger", "resolving", "complete", "elsewhere", "no conditions"],
    )
    def test_before_its_first_pass_an_imports_status_counts(self, other: BatchImport, ahead: int) -> None:
        """A process that just began knows nothing else of the others."""
        me = import_of("me", 1, **WAITS)
        assert ahead == Turns().stand(SEAT, me, store_of(me, other), running=False).ahead

    def test_one_that_stands_still_or_is_of_another_account_is_no_obstacle(self) -> None:
        """Nor one that is suspended, or only watches."""
        me = import_of("me", 9, **WAITS)
        stalled = {
            "type": "Stalled", "status": "True", "reason": "ManifestForeign", "message": "", "observedGeneration": 1,
            "lastTransitionTime": START.isoformat(),
        }  # fmt: skip
        others = [
            import_of("stalled", 0, **WAITS, conditions=[stalled]),
            import_of("theirs", 0, phase="Submitting").model_copy(),
        ]
        theirs = others[1].status.model_copy(update={"identity": None})
        others[1] = others[1].model_copy(update={"status": theirs})
        for name, change in (("suspended", {"suspend": True}), ("observed", {"mode": "Observe"})):
            one = import_of(name, 0, **WAITS)
            others.append(one.model_copy(update={"spec": one.spec.model_copy(update=change)}))
        assert Turn(0) == Turns().stand(SEAT, me, store_of(me, *others), running=False)

    def test_one_that_is_deleted_holds_up_nobody(self) -> None:
        """Whether its last pass knew of it or not."""
        first, second = import_of("first", 0), import_of("second", 1)
        turns, store = Turns(), store_of(first, second)
        turns.stand(SEAT, first, store, running=True)
        turns.stand(SEAT, second, store, running=False)
        turns.leave(first)
        turns.forget(("team", "first"))
        store.remove(next(key for key in store.keys("BatchImport") if key.name == "first"))
        assert {("team", "second")} == turns.take_wakes()
        assert Turn(0) == turns.stand(SEAT, second, store, running=False)

    def test_two_threads_never_are_first_both(self) -> None:
        """Whoever asks first is it."""
        imports = [import_of(str(number), number) for number in range(20)]
        turns, store = Turns(), store_of(*imports)
        found: list[Turn] = []
        threads = [
            threading.Thread(target=lambda one=one: found.append(turns.stand(SEAT, one, store, running=False)))
            for one in imports
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 1 == sum(not turn.ahead for turn in found)


def task(number: int, status: str = "SUCCESS") -> TaskFacts:
    """A task of the list."""
    return TaskFacts(number, "photos", "", "", status, "0", "", "", START, START)


class Listed:
    """An instance's list as `ImageSearchPort` has it; counts how often it is read."""

    def __init__(self, tasks: Sequence[TaskFacts] = ()) -> None:
        self.listed = list(tasks)
        self.calls = 0
        self.raises: CloudError | None = None
        self.after_page: Any = lambda _page: None

    @property
    def port(self) -> ImageSearchPort:
        """As who looks is given it."""
        return cast("ImageSearchPort", self)

    def tasks(self, _instance: str, *, page: int, size: int, **_filters: str) -> TaskPage:
        """One page."""
        self.calls += 1
        if self.raises is not None:
            raise self.raises
        found = TaskPage(tuple(self.listed[(page - 1) * size : page * size]), len(self.listed))
        self.after_page(page)
        return found

    def detail(self, _instance: str) -> InstanceFacts | None:
        """Counted, too."""
        self.calls += 1
        return InstanceFacts("goods", SEAT[1], 0, 1, 1, 1)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class TestBoards:
    """One list for all."""

    def test_a_look_is_shared_until_it_is_too_old(self) -> None:
        """By whoever asks meanwhile, but not by who waits for a task that it lacks."""
        listed, boards, clock = Listed([task(2), task(1)]), Boards(), Clock()
        age = timedelta(seconds=5)
        first = boards.look(SEAT, listed.port, clock, who="me", age=age)
        clock.advance(4)
        assert first is boards.look(SEAT, listed.port, clock, who="you", age=age, task=2)
        assert 1 == listed.calls
        clock.advance(1)
        assert first is not boards.look(SEAT, listed.port, clock, who="you", age=age)
        boards.look(SEAT, listed.port, clock, who="me", age=age, task=3)
        assert 3 == listed.calls

    def test_a_hint_makes_every_earlier_look_old(self) -> None:
        """One that comes while the list is read, too."""
        listed, boards, clock = Listed([task(1)]), Boards(), Clock()
        age = timedelta(hours=1)
        boards.look(SEAT, listed.port, clock, who="me", age=age)
        boards.hint(SEAT)
        listed.after_page = lambda _page: boards.hint(SEAT)
        boards.look(SEAT, listed.port, clock, who="me", age=age)
        listed.after_page = lambda _page: None
        boards.look(SEAT, listed.port, clock, who="me", age=age)
        boards.look(SEAT, listed.port, clock, who="me", age=age)
        assert 3 == listed.calls

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_only_as_many_pages_are_read_as_it_takes(self, *, newest_first: bool) -> None:
        """Whatever the order of the list is."""
        tasks = [task(number) for number in range(95, 0, -1)]
        listed, boards = Listed(tasks if newest_first else tasks[::-1]), Boards()
        board = boards.look(SEAT, listed.port, Clock(), who="me", task=95)
        assert 95 in board.tasks
        assert (1 if newest_first else 10) == listed.calls

    def test_a_refusal_is_shared_by_those_who_look_as_the_same(self) -> None:
        """For a few seconds; somebody else is not told no for it."""
        listed, boards, clock = Listed(), Boards(), Clock()
        listed.raises = Denied("imagesearch:IncreaseList", "no")
        for who in ("me", "me", "you"):
            with pytest.raises(Denied):
                boards.look(SEAT, listed.port, clock, who=who)
        assert 2 == listed.calls
        clock.advance(6)
        with pytest.raises(Denied):
            boards.look(SEAT, listed.port, clock, who="you")
        assert 3 == listed.calls

    def test_what_an_instance_is_is_asked_for_seldom(self) -> None:
        """And forgotten with the last import that names it."""
        listed, boards, clock = Listed(), Boards(), Clock()
        for _ in range(3):
            boards.detail(SEAT, listed.port, clock)
        assert 1 == listed.calls
        boards.keep(lambda _seat: False)
        boards.detail(SEAT, listed.port, clock)
        assert 2 == listed.calls

    def test_a_walk_has_every_task(self) -> None:
        """Of however many pages."""
        listed = Listed([task(number) for number in range(PAGE * 3 + 1)])
        assert list(range(PAGE * 3 + 1)) == [one.id for one in walk(listed.port, "goods", "photos", "")]
        assert 4 == listed.calls

    def test_a_walk_through_a_list_that_grows_is_made_anew(self) -> None:
        """A new task at the begin shows one of the first page again on the second, and hides itself."""
        listed = Listed([task(number) for number in range(PAGE * 2)])
        new = iter([99])

        def grow(_page: int) -> None:
            listed.listed = [*[task(number) for number in new], *listed.listed]

        listed.after_page = grow
        assert 99 in [one.id for one in walk(listed.port, "goods", "photos", "")]
        assert 3 + 3 == listed.calls
        new = iter(range(100, 10_000))
        listed.after_page = lambda _page: setattr(listed, "listed", [task(next(new)), *listed.listed])
        with pytest.raises(Conflict):
            walk(listed.port, "goods", "photos", "")
