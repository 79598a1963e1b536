"""The report of a run: every item that did not succeed, as JSON lines in one object, over as many passes as it takes.

A short one is put at once. What is longer than a part goes up in parts, so that its length is no matter of memory, and
nobody ever sees half of it. It is of what was known when it began: a late word makes another one after it.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import chain

import msgspec

from controller.api.batchimport import SHOWN_FAILURES, FailedItem
from controller.cloud.errors import CloudError
from controller.cloud.ports import OssPort, UploadedPart
from controller.core.imports.identity import report_key
from controller.core.imports.items import Item
from controller.core.imports.records import Attempt, Verdicts
from controller.core.imports.run import Fate
from controller.core.imports.taskwords import NEVER_KNOWN
from controller.core.manifest.lines import name_of
from controller.core.reasons import Reason
from controller.reconcile.imports.begun import begin_upload, drop_upload
from controller.reconcile.imports.journal import Each, read_segments
from controller.reconcile.imports.patient import patient
from controller.reconcile.imports.run import Run

PART_SIZE = 4 * 1024 * 1024  # bytes; OSS takes 10,000 parts
UNKNOWN = "neither a message nor the dataset tells what became of it"
CANCELLED = "it was not sent: spec.deadline was over"
STOPPED = "its task was cancelled in the console before it came to this line"
UNTOLD = "the journal does not say why"
UNSUCCESSFUL = re.compile(b"[%s]" % re.escape(bytes((Fate.FAILED, Fate.UNKNOWN, Fate.CANCELLED))))
_encoder = msgspec.json.Encoder()


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A line of the report: of a file its `uri`, of a picture its names."""

    uri: str = ""
    line: str = ""
    product_id: str = msgspec.field(name="ProductId", default="")
    pic_name: str = msgspec.field(name="PicName", default="")
    outcome: str
    error: str
    operation: str = "ADD"

    @property
    def shown(self) -> FailedItem:
        """As the status has it."""
        return FailedItem(item=self.uri or self.line, error=self.error)


class Report:
    """One that is being written.

    Attributes:
        totals: The counts that it is of; as `token`, `tokens`, `unknowable` and `task`.
        shown: Its first lines.
        whole: Whether all of it was sent: an upload whose end failed may be over then.
    """

    def __init__(self, run: Run) -> None:
        with run.lock:
            self._fates, first = bytes(run.state.fates), dict(run.state.failures)
            self.totals, self.token, self.tokens = run.totals, run.token, tuple(sorted(run.tokens))
            self.unknowable, self.task = run.state.unknowable, run.state.last_task
            self._words = _words(run)
        self.shown: list[FailedItem] = []
        self.whole = self._done = False
        self._run = run
        self._first = first if self.totals.failed <= len(first) else None
        self._errors: _Errors | None = None
        self._at = 0  # the item that comes next
        self._next = bytearray()
        self._upload = ""
        self._parts: list[UploadedPart] = []

    def step(self, oss: OssPort, until: Callable[[], bool], each: Each) -> bool:
        """Write on until it is in its place (True) or `until` says stop (False); always a little.

        Raises:
            controller.cloud.errors.CloudError: a call failed; the next step makes it again.
        """
        if self._done:
            return True
        if not self._learned(until, each):
            return False
        while (found := UNSUCCESSFUL.search(self._fates, self._at)) is not None:
            self._add(found.start())
            if len(self._next) >= PART_SIZE:
                self._send(oss)
            if until():
                return False
        self._end(oss)
        self._done = True
        return True

    def drop(self, oss: OssPort) -> None:
        """Have OSS forget the parts; where it does not answer, they lie there until a rule of the bucket's ends."""
        if self._upload:
            with suppress(CloudError):
                oss.abort_upload(self._run.bucket, report_key(self._run.id), self._upload)

    def _learned(self, until: Callable[[], bool], each: Each) -> bool:
        """Whether it is known why each item failed."""
        if self._first is not None:
            return True
        errors = self._errors or _Errors(self._run, self._fates, each)
        self._errors = None  # if this raises, the journal has to be read from its begin
        learned = errors.learn(until)
        self._errors = errors
        return learned

    def _add(self, index: int) -> None:
        line = self._line(index)
        self._next += _encoder.encode(line) + b"\n"
        self.shown += [line.shown] if len(self.shown) < SHOWN_FAILURES else []
        self._at = index + 1

    def _line(self, index: int) -> Line:
        item, fate = self._run.parts.item(index), Fate(self._fates[index])
        error = self._error(index) if fate is Fate.FAILED else self._words[fate]
        outcome, operation = fate.name.lower(), item.operation.value
        if isinstance(item, Item):
            return Line(uri=item.uri, outcome=outcome, error=error, operation=operation)
        named = {"line": name_of(item), "product_id": item.product_id, "pic_name": item.pic_name or ""}
        return Line(**named, outcome=outcome, error=error, operation=operation)

    def _error(self, index: int) -> str:
        if self._first is not None:
            return self._first.get(index, UNTOLD)
        return self._errors.of(index) if self._errors is not None else UNTOLD

    def _send(self, oss: OssPort) -> None:
        """The same number again is the same part to OSS."""
        bucket, key = self._run.bucket, report_key(self._run.id)
        if not self._upload:
            drop_upload(self._run, oss)
            self._upload = begin_upload(self._run, oss, bucket, key, {}, replace=True)
        self._parts.append(oss.upload_part(bucket, key, self._upload, len(self._parts) + 1, bytes(self._next)))
        self._next.clear()

    def _end(self, oss: OssPort) -> None:
        bucket, key = self._run.bucket, report_key(self._run.id)
        if not self._upload:
            if self._next or self._run.end is not None:
                oss.put_object(bucket, key, bytes(self._next))
            return
        if self._next:
            self._send(oss)
        self.whole = True
        oss.complete_upload(bucket, key, self._upload, self._parts, replace=True)


class _Errors:
    """Why each file failed, from the journal: the first word since it was sent last. 4 bytes a file, each word once."""

    def __init__(self, run: Run, fates: bytes, each: Each) -> None:
        self._fates = fates
        self._said: list[str] = []
        self._numbers: dict[str, int] = {}
        self._of = array("I", bytes(4 * len(fates)))  # 0 where nothing is said, else a number of a word
        self._segments = read_segments(patient(run.parts.oss), run.bucket, run.id, each)

    def learn(self, until: Callable[[], bool]) -> bool:
        """Read on, to the end (True) or until it is time to stop."""
        for records in self._segments:
            for record in records:
                if isinstance(record, Attempt):
                    self._of = array("I", bytes(4 * len(self._fates)))
                elif isinstance(record, Verdicts):
                    self._take(record)
            if until():
                return False
        return True

    def of(self, index: int) -> str:
        """Why that one failed."""
        number = self._of[index]
        return self._said[number - 1] if number else UNTOLD

    def _take(self, record: Verdicts) -> None:
        alone = ((error, ((index, index + 1),)) for index, error in record.failed)
        for error, ranges in chain(alone, record.failed_ranges):
            for index in chain.from_iterable(range(first, end) for first, end in ranges):
                if self._fates[index] == Fate.FAILED and not self._of[index]:
                    self._of[index] = self._number(error)

    def _number(self, error: str) -> int:
        if error not in self._numbers:
            self._said.append(error)
            self._numbers[error] = len(self._said)
        return self._numbers[error]


def _words(run: Run) -> Mapping[Fate, str]:
    """Why items are unknown, or were cancelled."""
    if not run.record.instance:
        return {Fate.UNKNOWN: UNKNOWN, Fate.CANCELLED: CANCELLED}
    never = run.state.unknowable
    return {
        Fate.UNKNOWN: NEVER_KNOWN.get(Reason(never), UNTOLD) if never in {*Reason} else UNTOLD,
        Fate.CANCELLED: CANCELLED if run.state.cancelled else STOPPED,
    }
