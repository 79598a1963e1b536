"""The pictures that a batch of lines names, looked at where they lie: nothing is downloaded whole.

A picture is looked at once however many lines name it, and its parts are read from one version of it: what another
writer puts in its place meanwhile is a `Conflict`, and the pass looks again. A failed call ends the batch; what was
looked at by then is kept for the next try.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from controller.api.importsource import Operation
from controller.cloud.errors import Conflict, Invalid
from controller.cloud.ports import OssReads
from controller.core.imports.items import Finding
from controller.core.manifest.lines import Line
from controller.core.manifest.rules import Rule, region_problem
from controller.core.pictures import rules
from controller.core.pictures.inspection import Inspection, inspect
from controller.core.pictures.window import FIRST, Read

WORKERS = 16  # pictures that are looked at at once
KEPT = 20_000  # pictures whose verdict is kept: those of a few batches of lines, some 10 MB
LONGEST_KEY = 1023  # bytes of an object's name (OSS, "Object naming conventions")
# What OSS says of an object, and not of the bucket or the request: other pictures may be well.
_OF_THE_OBJECT = {"InvalidObjectName": rules.KEY, "InvalidObjectState": rules.ARCHIVED}
# What a look at a picture found: its size and what its bytes say, or the rule that keeps it from being read.
Look: TypeAlias = tuple[int, Inspection] | Rule
Looks = dict[str, Look]


class Unreadable(Exception):
    """A picture cannot be read, whoever tries. Attribute `rule`: the rule that it breaks."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.text)
        self.rule = rule


class PictureSource(Protocol):
    """Where pictures lie."""

    def open(self, name: str) -> tuple[int, Read] | None:
        """Size in bytes and a way to read parts of the picture of that PicName; None where there is none.

        Raises:
            Unreadable: this picture cannot be read.
        """
        ...

    def address(self, name: str) -> str:
        """Where the picture lies, for people."""
        ...


@dataclass(frozen=True, slots=True)
class OssPictures:
    """Pictures in OSS: a PicName follows `path`, which ends with / unless it is empty."""

    oss: OssReads
    bucket: str
    path: str

    def open(self, name: str) -> tuple[int, Read] | None:
        """See `PictureSource`; one call, and one for each further part.

        Raises:
            Unreadable: OSS refuses this object.
            controller.cloud.errors.CloudError: a call failed.
        """
        key = self.path + name
        try:
            fits = len(key.encode()) <= LONGEST_KEY
        except UnicodeEncodeError:
            fits = False
        if not fits:
            raise Unreadable(rules.KEY)
        try:
            head = self.oss.get_range(self.bucket, key, 0, FIRST)
        except Invalid as error:
            if error.code in _OF_THE_OBJECT:
                raise Unreadable(_OF_THE_OBJECT[error.code]) from error
            raise
        if head is None:
            return None

        def read(offset: int, count: int) -> bytes:
            if offset + count <= len(head.data):
                return head.data[offset : offset + count]
            part = self.oss.get_range(self.bucket, key, offset, count, etag=head.etag)
            if part is None:
                raise Conflict("oss:GetObject", f"{self.address(name)} is removed while it is looked at")
            return part.data

        return head.size, read

    def address(self, name: str) -> str:
        """See `PictureSource`."""
        return f"oss://{self.bucket}/{self.path}{name}"


class Pictures:
    """Checks the pictures of a run.

    Args:
        source: Where they lie.
        service_type: Of the instance; None where it is not known.
        executor: Threads for the calls.
        workers: How many of them are taken at most.
        kept: Pictures whose verdict is kept after a batch.

    Attributes:
        looked_at: Pictures that were looked at.
        unchecked: Those of which something could not be decided.
        bytes_read: What was read of them.
    """

    def __init__(
        self,
        source: PictureSource,
        service_type: int | None,
        executor: Executor,
        *,
        workers: int = WORKERS,
        kept: int = KEPT,
    ) -> None:
        self.looked_at = self.unchecked = self.bytes_read = 0
        self._source = source
        self._service_type = service_type
        self._executor = executor
        self._workers = workers
        self._most_kept = kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Look] = OrderedDict()

    def known(self, names: Iterable[str]) -> Looks:
        """What is kept of these pictures, for a checkpoint."""
        return {name: self._kept[name] for name in names if name in self._kept}

    def remember(self, looks: Looks) -> None:
        """What was looked at before a restart: it is not looked at again."""
        self._kept.update(looks)

    def check(self, lines: Sequence[tuple[int, Line]]) -> dict[int, tuple[Finding, ...]]:
        """What is to be said of the pictures that these lines add, by the lines' numbers; nothing of good ones.

        Raises:
            controller.cloud.errors.CloudError: a call failed; the next try looks at the rest.
        """
        adds = [
            (number, line, line.pic_name)
            for number, line in lines
            if line.operation is Operation.ADD and line.pic_name is not None
        ]
        looks = self._look_at({name for _, _, name in adds})
        found = ((number, self._judge(number, line, name, looks[name])) for number, line, name in adds)
        return {number: said for number, said in found if said}

    def _judge(self, number: int, line: Line, name: str, look: Look) -> tuple[Finding, ...]:
        where = f"line {number}"
        if isinstance(look, Rule):
            detail = self._source.address(name) if look is rules.MISSING else ""
            return (rules.broken(look, name, where, detail),)
        size, inspection = look
        said = rules.findings(inspection, size, name, self._service_type, where)
        if inspection.width is None or inspection.height is None:
            return said
        outside = region_problem(line, inspection.width, inspection.height, where=where)
        return said if outside is None else (outside, *said)

    def _look_at(self, names: set[str]) -> Looks:
        looks = self.known(names)
        for name in looks:
            self._kept.move_to_end(name)
        new = sorted(names - looks.keys())
        left, stop = iter(new), threading.Event()
        takers = [self._executor.submit(self._take, left, looks, stop) for _ in range(min(self._workers, len(new)))]
        wait(takers)
        while len(self._kept) > self._most_kept:
            self._kept.popitem(last=False)
        for taker in takers:
            taker.result()
        return looks

    def _take(self, left: Iterator[str], looks: Looks, stop: threading.Event) -> None:
        """Look at pictures until none is left, or one of the takers failed."""
        while not stop.is_set():
            with self._lock:
                name = next(left, None)
            if name is None:
                return
            try:
                look = self._look(name)
            except BaseException:
                stop.set()
                raise
            with self._lock:
                looks[name] = self._kept[name] = look
                self.looked_at += 1
                if not isinstance(look, Rule):
                    self.bytes_read += look[1].bytes_read
                    self.unchecked += bool(look[1].unchecked)

    def _look(self, name: str) -> Look:
        try:
            opened = self._source.open(name)
        except Unreadable as error:
            return error.rule
        return rules.MISSING if opened is None else (opened[0], inspect(*opened))
