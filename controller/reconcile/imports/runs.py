"""The runs this process works on: each one loaded once from its records, shared by its passes and by the consumers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.cloud.errors import Invalid
from controller.cloud.ports import OssPort
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import segment_key
from controller.core.imports.items import Item
from controller.core.imports.run import RunState
from controller.core.manifest.lines import Line
from controller.reconcile.imports.journal import Each, Journal, read_segments
from controller.reconcile.imports.parts import FILES, LINES, PartFormat, Parts
from controller.reconcile.imports.patient import patient
from controller.reconcile.imports.run import Owner, Run
from controller.reconcile.imports.stored import read_end, read_record

__all__ = ["Run", "Runs", "load"]

REMEMBERED = 10_000  # records of runs that are not loaded


@dataclass(slots=True)
class _Loading:
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class Runs:
    """The loaded runs by id. Safe to share between threads; a run is loaded by one of them at a time."""

    def __init__(self, each: Each = map) -> None:
        self._each = each
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._loading: dict[str, _Loading] = {}
        self._said = 0  # words so far on any run: a mark that was dropped never comes again
        self._words: dict[str, int] = {}
        self._trusted: dict[str, int] = {}
        self._records: OrderedDict[tuple[str, str], RunRecord | None] = OrderedDict()

    def find(self, run: str) -> Run | None:
        """A run that is loaded and can be gone on with."""
        with self._lock:
            found = self._runs.get(run)
            return found if found is not None and not found.journal.broken else None

    def open(self, run: str, oss: OssPort, bucket: str) -> Run | None:
        """The run, loaded from its records where that was not done yet; None where there is no such run.

        Raises:
            controller.cloud.errors.CloudError: the work bucket did not answer, or a record cannot be read.
        """
        with self._one_at_a_time(run):
            found = self.find(run)
            if found is None:
                found = load(run, oss, bucket, self._each)
                if found is None:
                    return None
                with self._lock:
                    self._runs[run] = found
            found.use(oss)
            return found

    @contextmanager
    def _one_at_a_time(self, run: str) -> Iterator[None]:
        with self._lock:
            loading = self._loading.setdefault(run, _Loading())
            loading.users += 1
        try:
            with loading.lock:
                yield
        finally:
            with self._lock:
                loading.users -= 1
                if not loading.users:
                    del self._loading[run]

    def drop(self, run: str) -> None:
        """Forget a run; its records stay, and it is loaded from them when it is needed again."""
        with self._lock:
            self._runs.pop(run, None)

    def active(self) -> list[Run]:
        """Every loaded run."""
        with self._lock:
            return list(self._runs.values())

    def keep(self, needed: Callable[[Owner, str], bool], named: Callable[[str], bool]) -> None:
        """Forget the runs that no object follows any more, and what was told of those that none names either.

        `needed` is told the owner and the run id; `named` tells whether a status names a run.
        """
        for run in self.active():
            if not needed(run.target, run.id):
                self.drop(run.id)
        with self._lock:
            for run_id in {*self._words, *self._trusted} - self._runs.keys():
                if not named(run_id):
                    self._words.pop(run_id, None)
                    self._trusted.pop(run_id, None)

    def doubt(self, run: str) -> None:
        """More became known of a run than its object's status shows, maybe: its pass has to load it."""
        with self._lock:
            self._said += 1
            self._words[run] = self._said

    def words(self, run: str) -> int:
        """The mark of the last word on a run; asked before it is observed, for `trust`."""
        with self._lock:
            return self._words.setdefault(run, self._said)

    def trust(self, run: str, words: int) -> None:
        """The object's status shows all that was told up to that mark."""
        with self._lock:
            self._trusted[run] = words

    def trusted(self, run: str) -> bool:
        """Whether this process knows that a status shows all there is; one that just began does not."""
        with self._lock:
            return run in self._trusted and self._trusted[run] == self._words.get(run)

    def remember(self, run: str, bucket: str, read: Callable[[], RunRecord | None]) -> RunRecord | None:
        """The record of a run that is not loaded, or that there is none, as `read` once."""
        key = bucket, run
        with self._lock:
            if key in self._records:
                return self._records[key]
        found = read()
        with self._lock:
            self._records[key] = found
            while len(self._records) > REMEMBERED:
                self._records.popitem(last=False)
        return found


def load(run: str, oss: OssPort, bucket: str, each: Each = map) -> Run | None:
    """A run from its records; None where there is none.

    Raises:
        controller.cloud.errors.CloudError: the work bucket did not answer, or a record cannot be read.
    """
    reads = patient(oss)
    record = read_record(run, reads, bucket)
    if record is None:
        return None
    content = record.content or run
    form: PartFormat[Item] | PartFormat[Line] = LINES if record.instance else FILES
    state = RunState(form.fingerprints(reads, bucket, content, record.items))
    first_free = 0
    for records in read_segments(reads, bucket, run, each):
        try:
            for one in records:
                state.apply(one)
        except ValueError as error:
            where = f"oss://{bucket}/{segment_key(run, first_free)}"
            raise Invalid("oss:GetObject", f"{where} does not follow from what stands before it: {error}") from error
        first_free += 1
    state.forget_calls()
    journal = Journal(oss, bucket, run, first_free)
    parts = Parts(oss, bucket, content, form)
    found = Run(run, bucket, record, state, journal, parts, read_end(run, reads, bucket))
    journal.fold = found.fold
    return found
