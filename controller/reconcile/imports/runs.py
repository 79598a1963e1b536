"""The runs this process works on: each one loaded once from its records, shared by its passes and by the consumers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from controller.cloud.errors import Invalid
from controller.cloud.ports import OssPort
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import segment_key
from controller.core.imports.items import Item
from controller.core.imports.run import RunState
from controller.core.manifest.lines import Line
from controller.reconcile.imports.journal import Each, Journal, read_segments
from controller.reconcile.imports.parts import FILES, LINES, PartFormat, Parts
from controller.reconcile.imports.run import Owner, Run
from controller.reconcile.imports.stored import read_end, read_record

__all__ = ["Run", "Runs", "load"]

REMEMBERED = 10_000  # records of runs that are not loaded


class Runs:
    """The loaded runs by id. Safe to share between threads; a run is loaded by one of them at a time."""

    def __init__(self, each: Each = map) -> None:
        self._each = each
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._loading: dict[str, threading.Lock] = {}
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
        with self._lock:
            loading = self._loading.setdefault(run, threading.Lock())
        with loading:
            found = self.find(run)
            if found is None:
                found = load(run, oss, bucket, self._each)
                if found is None:
                    return None
                with self._lock:
                    self._runs[run] = found
            found.use(oss)
            return found

    def drop(self, run: str) -> None:
        """Forget a run; its records stay, and it is loaded from them when it is needed again."""
        with self._lock:
            self._runs.pop(run, None)

    def active(self) -> list[Run]:
        """Every loaded run."""
        with self._lock:
            return list(self._runs.values())

    def keep(self, needed: Callable[[Owner, str], bool]) -> None:
        """Forget the runs that no object follows any more: `needed` is told the owner and the run id."""
        for run in self.active():
            if not needed(run.target, run.id):
                self.drop(run.id)

    def doubt(self, run: str) -> None:
        """More became known of a run than its object's status shows, maybe: its pass has to load it."""
        with self._lock:
            self._words[run] = self._words.get(run, 0) + 1

    def words(self, run: str) -> int:
        """How many words there were on a run; asked before it is observed, for `trust`."""
        with self._lock:
            return self._words.get(run, 0)

    def trust(self, run: str, words: int) -> None:
        """The object's status shows all that so many words told."""
        with self._lock:
            self._trusted[run] = words

    def trusted(self, run: str) -> bool:
        """Whether this process knows that a status shows all there is; one that just began does not."""
        with self._lock:
            return self._trusted.get(run) == self._words.get(run, 0)

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
    record = read_record(run, oss, bucket)
    if record is None:
        return None
    content = record.content or run
    form: PartFormat[Item] | PartFormat[Line] = LINES if record.instance else FILES
    state = RunState(form.fingerprints(oss, bucket, content, record.items))
    first_free = 0
    for records in read_segments(oss, bucket, run, each):
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
    found = Run(run, bucket, record, state, journal, parts, read_end(run, oss, bucket))
    journal.fold = found.fold
    return found
