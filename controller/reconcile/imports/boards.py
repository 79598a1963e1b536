"""What runs at an instance, listed once for all the imports that wait for it (law 6), and never oftener than it needs.

Of a long list only the first page is read, or, by its id, the task that somebody waits for: the rest ended long ago,
and in which order they come is documented nowhere. Who is about to submit, or lost an answer, reads all of its
directory's (`walk`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.cloud.errors import Conflict, Terminal
from controller.cloud.ports import ImageSearchPort
from controller.core.facts import InstanceFacts, TaskFacts
from controller.reconcile.imports.turns import Seat

PAGE = 10  # the documented size of a page; whether a larger one is taken is documented nowhere
KNOWN = timedelta(minutes=10)  # for so long an instance is taken for what Detail said of it
TRIES = 3
LIST = "imagesearch:IncreaseList"
REFUSED = timedelta(seconds=5)  # a refusal is shared for so long by those who look together


@dataclass(frozen=True, slots=True)
class Board:
    """Tasks of an instance by id, as of `looked_at`, the moment the listing began: a page, or the one asked for."""

    tasks: Mapping[int, TaskFacts]
    looked_at: datetime
    hints: int


@dataclass(slots=True)
class _Instance:
    looking: threading.Lock = field(default_factory=threading.Lock)
    page: Board | None = None
    asked: dict[int, Board] = field(default_factory=dict)  # by the id that was asked for
    hints: int = 0
    refused: tuple[datetime, str, Terminal] | None = None  # when, as whom
    facts: tuple[datetime, InstanceFacts | None] | None = None


class Boards:
    """By instance. Safe to share between threads: a listing is made at most once at a time, and others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instances: dict[Seat, _Instance] = {}

    def look(
        self,
        seat: Seat,
        port: ImageSearchPort,
        now: Callable[[], datetime],
        *,
        who: str,
        task: int | None = None,
        age: timedelta = timedelta(0),
    ) -> Board:
        """The board, listed now if the last one is older than `age` or than the last hint, or lacks the task.

        Raises:
            controller.cloud.errors.CloudError: the list could not be read.
        """
        instance = self._of(seat)
        with instance.looking:
            for known in (instance.page, instance.asked.get(task) if task is not None else None):
                fresh = known is not None and known.hints == instance.hints and now() - known.looked_at < age
                if known is not None and fresh and (task is None or task in known.tasks):
                    return known
            if instance.refused is not None and instance.refused[1] == who and now() - instance.refused[0] < REFUSED:
                raise instance.refused[2]
            board = self._listed(seat, port, now, who, instance, task)
            _keep(instance, board, task)
            return board

    def detail(self, seat: Seat, port: ImageSearchPort, now: Callable[[], datetime]) -> InstanceFacts | None:
        """What the instance is, or that it is not there; asked for again after a while, or once it was not there.

        Raises:
            controller.cloud.errors.CloudError: nobody could tell.
        """
        instance = self._of(seat)
        with instance.looking:
            known = instance.facts
            if known is None or now() - known[0] >= (KNOWN if known[1] is not None else REFUSED):
                known = instance.facts = now(), port.detail(seat[2])
            return known[1]

    def hint(self, seat: Seat) -> None:
        """Something is said to have happened there: no look from before counts any more."""
        with self._lock:
            instance = self._instances.get(seat)
            if instance is not None:
                instance.hints += 1

    def keep(self, needed: Callable[[Seat], bool]) -> None:
        """Forget the instances that no import names any more."""
        with self._lock:
            self._instances = {seat: one for seat, one in self._instances.items() if needed(seat)}

    def _of(self, seat: Seat) -> _Instance:
        with self._lock:
            return self._instances.setdefault(seat, _Instance())

    def _listed(
        self,
        seat: Seat,
        port: ImageSearchPort,
        now: Callable[[], datetime],
        who: str,
        instance: _Instance,
        task: int | None,
    ) -> Board:
        began, hints = now(), instance.hints
        found: dict[int, TaskFacts] = {}
        page = 1
        try:
            while True:
                listed = port.tasks(seat[2], task=task, page=page, size=PAGE)
                found |= {one.id: one for one in listed.tasks}
                if task is None or task in found or len(found) >= listed.total or not listed.tasks:
                    break
                page += 1
        except Terminal as error:
            instance.refused = now(), who, error
            raise
        instance.refused = None
        return Board(found, began, hints)


def _keep(instance: _Instance, board: Board, task: int | None) -> None:
    """What was told of one task corrects the page, which may be a little older: it decides whether somebody runs."""
    if task is None:
        instance.page = board
        return
    instance.asked = {one: old for one, old in instance.asked.items() if board.looked_at - old.looked_at < KNOWN}
    instance.asked[task] = board
    if instance.page is not None:
        rest = {number: facts for number, facts in instance.page.tasks.items() if number != task}
        instance.page = replace(instance.page, tasks={**rest, **board.tasks})


def walk(
    port: ImageSearchPort,
    instance: str,
    bucket: str | None,
    path: str | None,
    told: Callable[[int, int], None] = lambda _found, _total: None,
) -> list[TaskFacts]:
    """Every task of a directory's manifests, or of what is not None, by id; anew where one that came moved the pages.

    After each page `told` gets how many were found, and how many there are.

    Raises:
        controller.cloud.errors.CloudError: a page could not be read, or they never fit together: nothing is certain.
    """
    for _ in range(TRIES):
        found: dict[int, TaskFacts] = {}
        page, total = 0, 1
        while page * PAGE < total:
            page += 1
            listed = port.tasks(instance, bucket=bucket, path=path, page=page, size=PAGE)
            found |= {one.id: one for one in listed.tasks}
            total = listed.total
            told(len(found), total)
        if len(found) >= total:
            return sorted(found.values(), key=lambda one: one.id)
    raise Conflict(LIST, f"the tasks of instance {instance} change while they are listed")
