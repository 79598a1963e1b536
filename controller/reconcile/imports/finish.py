"""The end of a run: a report with every item that did not succeed, then the verdict. A late word replaces both."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

import msgspec

from controller.api.batchimport import SHOWN_FAILURES, FailedItem, Phase
from controller.cloud.ports import OssPort
from controller.core.imports.documents import RunEnd, encode
from controller.core.imports.identity import end_key, report_key
from controller.core.imports.items import Item
from controller.core.imports.records import Attempt, Verdicts
from controller.core.imports.run import Fate
from controller.core.imports.taskwords import NEVER_KNOWN
from controller.core.manifest.lines import Line as ManifestLine
from controller.core.manifest.lines import name_of
from controller.core.reasons import Reason
from controller.reconcile.imports.journal import Each, read_segments
from controller.reconcile.imports.run import Run

UNKNOWN = "neither a message nor the dataset tells what became of it"
CANCELLED = "it was not sent: spec.deadline was over"
STOPPED = "its task was cancelled in the console before it came to this line"
UNTOLD = "the journal does not say why"
HEAD = 64 * 1024  # bytes of a report that hold its first lines
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
    def name(self) -> str:
        """As the status has it."""
        return self.uri or self.line


def conclude(run: Run, phase: Phase, now: datetime, each: Each = map) -> None:
    """Write the report, then the verdict, of what is known at this moment.

    Raises:
        controller.cloud.errors.CloudError: one of them, or what they are made from, could not be written or read.
    """
    oss, bucket = run.parts.oss, run.bucket
    with run.lock:
        fates, totals, token, first = bytes(run.state.fates), run.totals, run.token, dict(run.state.failures)
        unknowable, task, tokens = run.state.unknowable, run.state.last_task, tuple(sorted(run.tokens))
    report = bytearray()
    shown: list[FailedItem] = []
    for line in _lines(run, fates, first if totals.failed <= len(first) else _Errors(run, fates, each)):
        report += _encoder.encode(line) + b"\n"
        shown += [_shown(line)] if len(shown) < SHOWN_FAILURES else []
    if report or run.end is not None:
        oss.put_object(bucket, report_key(run.id), bytes(report))
    end = RunEnd(phase=phase, totals=totals, token=token, tokens=tokens, ended_at=now, unknowable=unknowable, task=task)
    oss.put_object(bucket, end_key(run.id), encode(end))
    run.shown = shown
    run.end = end


def read_shown(run: str, oss: OssPort, bucket: str) -> list[FailedItem]:
    """The first lines of a report, as the status shows them; none without a report."""
    found = oss.get_range(bucket, report_key(run), 0, HEAD)
    if found is None:
        return []
    whole = found.data if found.size <= HEAD else found.data[: found.data.rfind(b"\n") + 1]
    lines = [line for line in whole.splitlines() if line][:SHOWN_FAILURES]
    return [_shown(msgspec.json.decode(line, type=Line)) for line in lines]


def so_far(run: Run) -> list[FailedItem]:
    """The first failures that were told of while a run lasts, by name."""
    with run.lock:
        known = dict(run.state.failures)
    for index in known.keys() - run.names.keys():
        run.names[index] = _name(run.parts.item(index))
    return [FailedItem(item=run.names[index], error=known[index]) for index in sorted(known)]


class _Errors:
    """Why each file failed, from the journal: the first word since it was sent last. 4 bytes a file, each word once."""

    def __init__(self, run: Run, fates: bytes, each: Each) -> None:
        self._words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._of = array("I", bytes(4 * len(fates)))  # 0 where nothing is said, else a number of a word
        for records in read_segments(run.parts.oss, run.bucket, run.id, each):
            for record in records:
                if isinstance(record, Attempt):
                    self._of = array("I", bytes(4 * len(fates)))
                elif isinstance(record, Verdicts):
                    self._learn(record, fates)

    def get(self, index: int, untold: str) -> str:
        """Why that one failed."""
        number = self._of[index]
        return self._words[number - 1] if number else untold

    def _learn(self, record: Verdicts, fates: bytes) -> None:
        alone = ((error, ((index, index + 1),)) for index, error in record.failed)
        for error, ranges in chain(alone, record.failed_ranges):
            for index in chain.from_iterable(range(first, end) for first, end in ranges):
                if fates[index] == Fate.FAILED and not self._of[index]:
                    self._of[index] = self._number(error)

    def _number(self, error: str) -> int:
        if error not in self._numbers:
            self._words.append(error)
            self._numbers[error] = len(self._words)
        return self._numbers[error]


def _lines(run: Run, fates: bytes, errors: dict[int, str] | _Errors) -> Iterator[Line]:
    words = _words(run)
    for index in _unsuccessful(fates):
        item = run.parts.item(index)
        fate = Fate(fates[index])
        error = errors.get(index, UNTOLD) if fate is Fate.FAILED else words[fate]
        outcome, operation = fate.name.lower(), item.operation.value
        if isinstance(item, Item):
            yield Line(uri=item.uri, outcome=outcome, error=error, operation=operation)
        else:
            named = {"line": name_of(item), "product_id": item.product_id, "pic_name": item.pic_name or ""}
            yield Line(**named, outcome=outcome, error=error, operation=operation)


def _words(run: Run) -> dict[Fate, str]:
    """Why items are unknown, or were cancelled."""
    if not run.record.instance:
        return {Fate.UNKNOWN: UNKNOWN, Fate.CANCELLED: CANCELLED}
    never = run.state.unknowable
    return {
        Fate.UNKNOWN: NEVER_KNOWN.get(Reason(never), UNTOLD) if never in {*Reason} else UNTOLD,
        Fate.CANCELLED: CANCELLED if run.state.cancelled else STOPPED,
    }


def _name(item: Item | ManifestLine) -> str:
    return item.uri if isinstance(item, Item) else name_of(item)


def _unsuccessful(fates: bytes) -> Iterator[int]:
    told = {Fate.FAILED, Fate.UNKNOWN, Fate.CANCELLED}
    return (index for index, fate in enumerate(fates) if fate in told)


def _shown(line: Line) -> FailedItem:
    return FailedItem(item=line.name, error=line.error)
