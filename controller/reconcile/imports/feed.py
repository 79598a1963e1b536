"""Sends what is unsent: a window of chunks on their way, planned on record before they leave.

One segment of the journal holds the answers of the calls that ended and the plan of those that take their places, so
the work bucket sees a few requests for a wave of calls. What was planned and not answered is what a crash leaves to be
found out: never more than the window.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field

from controller.api.batchimport import OnExisting
from controller.api.importsource import Operation
from controller.cloud.errors import CloudError, Retryable, Throttled, TimedOut, Unavailable
from controller.core.imports.chunks import MAX_FILES, Allowance, pack
from controller.core.imports.items import Item
from controller.core.imports.records import Chunk, Means, Planned, ranges_of
from controller.core.imports.run import Fate, items_of
from controller.reconcile.imports.asking import get_all
from controller.reconcile.imports.calls import Answer, Target, submit
from controller.reconcile.imports.run import Run

AT_ONCE = 4  # a segment is written for a fourth of the window, not for each answer
PATIENCE = 4  # calls in a row that fail on their way, before nothing more is sent for now
PASSING = (Throttled, Unavailable, TimedOut)  # of one call; the next may get through
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Feed:
    """One slice of sending.

    Attributes:
        allowance: The present one: how much goes into a call.
        halve: Told the allowance of a call that the gateway refused for its length.
        window: Chunks that may be on their way at once.
        until: Whether no more is to be planned.
    """

    run: Run
    target: Target
    allowance: Callable[[], Allowance]
    halve: Callable[[Allowance], None]
    executor: Executor
    window: int
    until: Callable[[], bool]
    _under_way: dict[Future[Answer], tuple[Chunk, Allowance]] = field(default_factory=dict)
    _failure: CloudError | None = None
    _in_a_row: int = 0
    _last: CloudError | None = None  # why the call that ended last took no effect

    def send(self) -> None:
        """Plan and submit until nothing is unsent, the time is up, or a call says that more would fail, too.

        Raises:
            controller.cloud.errors.CloudError: why nothing more is sent for now; what became of each chunk is on
                record, or owed to it.
        """
        self._to_the_end(self._slide)

    def send_again(self, numbers: Sequence[int]) -> None:
        """Send what nobody told of in lost chunks, under new numbers; raises as `send`."""

        def repeat() -> None:
            for at in range(0, len(numbers), self.window):
                self._repeat(numbers[at : at + self.window])
                self._collect(len(self._under_way))
                if self._failure is not None:
                    return

        self._to_the_end(repeat)

    def _to_the_end(self, work: Callable[[], None]) -> None:
        """Whatever happens, what is on its way is waited for, and its answers are kept."""
        try:
            work()
        except CloudError as error:
            self._failure = self._failure or error
        finally:
            self._collect(len(self._under_way))
        try:
            self.run.note([])
        except CloudError as error:
            self._failure = self._failure or error
        self._failure = self._failure or self._last
        if self._failure is not None:
            self.run.refused = not isinstance(self._failure, Retryable)
            raise self._failure

    def _slide(self) -> None:
        while True:
            chunks = self._plan() if not self._stopped() else []
            if chunks:
                self._leave(chunks)
            if not self._under_way:
                return
            self._collect(min(len(self._under_way), max(1, self.window // AT_ONCE)))

    def _stopped(self) -> bool:
        return self._failure is not None or self.until() or len(self.run.state.lost) >= self.window

    def _plan(self) -> list[Chunk]:
        free = (1 if self.run.refused else self.window) - len(self._under_way)
        if free <= 0:
            return []
        with self.run.lock:
            unsent, first = self.run.state.unsent(free * MAX_FILES), self.run.state.next_chunk
        if not unsent:
            return []
        allowance = self.allowance()
        if self.run.record.on_existing is OnExisting.UPDATE_LABELS:
            self._look_up(unsent, allowance)
        items = self.run.parts.items(unsent)
        return pack(items, self._means, allowance, first_number=first, most_chunks=free)

    def _look_up(self, indices: Sequence[int], allowance: Allowance) -> None:
        """Learn which of the files to add the dataset holds already, as far as that was not asked before."""
        items = [item for _, item in self.run.parts.items(indices) if item.operation is Operation.ADD]
        known = self.run.existing
        for uri in known.keys() - {item.uri for item in items}:
            del known[uri]
        new = [item.uri for item in items if item.uri not in known]
        held = get_all(new, self.target, allowance, self.executor)
        known.update((uri, uri in held) for uri in new)

    def _means(self, item: Item) -> Means:
        if item.operation is Operation.DELETE:
            return Means.DELETE
        return Means.UPDATE if self.run.existing.get(item.uri) else Means.INDEX

    def _repeat(self, numbers: Sequence[int]) -> None:
        with self.run.lock:
            fates, first = self.run.state.fates, self.run.state.next_chunk
            left = [
                (one.chunk.means, [index for index in items_of(one.chunk) if fates[index] == Fate.SENT])
                for one in self.run.open_chunks(numbers)
            ]
        chunks = [
            Chunk(number, means, ranges_of(indices))
            for number, (means, indices) in enumerate([one for one in left if one[1]], start=first)
        ]
        self._leave(chunks, tuple(numbers))

    def _leave(self, chunks: Sequence[Chunk], again: tuple[int, ...] = ()) -> None:
        """Put the plan on record, with the answers that came meanwhile, and make the calls."""
        allowance = self.allowance()
        loaded = [(chunk, list(self.run.parts.items(list(items_of(chunk))))) for chunk in chunks]
        self.run.note([Planned(self.target.now(), tuple(chunks), again)])
        for chunk, items in loaded:
            self._under_way[self.executor.submit(submit, self.run, chunk, items, self.target)] = chunk, allowance

    def _collect(self, enough: int) -> None:
        """Wait until so many calls have ended, and take in what they tell."""
        ended: list[Future[Answer]] = []
        while len(ended) < enough:
            done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
            for call in done:
                chunk, allowance = self._under_way.pop(call)
                self._take(_ended(call, chunk), allowance)
            ended += done

    def _take(self, answer: Answer, allowance: Allowance) -> None:
        self.run.owe(answer.records)
        if answer.lost:
            self.run.lose(answer.chunk.number)
        if answer.too_long:
            self.halve(allowance)
        self._last = answer.error if not answer.lost else None
        if answer.error is None:
            self.run.refused, self._in_a_row = False, 0
            return
        self._in_a_row += 1
        if not isinstance(answer.error, PASSING) or self._in_a_row >= PATIENCE:
            self._failure = self._failure or answer.error


def _ended(call: Future[Answer], chunk: Chunk) -> Answer:
    """What a call tells; of one that met a defect of ours nobody can tell what it did."""
    try:
        return call.result()
    except Exception as error:
        log.exception("chunk %d", chunk.number)
        said = f"the call of chunk {chunk.number} met a defect of the operator's ({type(error).__name__})"
        return Answer(chunk, error=TimedOut("imm", said), lost=True)
