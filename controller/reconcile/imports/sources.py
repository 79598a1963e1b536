"""A source becomes the content of a run: read once to learn what it holds, and once more to freeze it.

Both go on in slices: what stops one, time or a failed call, loses nothing. Of a million files only what finds one that
comes twice is kept in memory.

Beside what was agreed on, `Reading` takes the work bucket, whose own records are never imported, and a report for the
problems; `Freezing` takes the digest to arrive at and the reading's `marks`: with these no object of another content is
ever written under a run's name, whatever happened to the source in between. A source that is wrong as a whole (a column
is missing, its bucket is in another region) leaves out every line, whatever onInvalid says: it has problems and no
items.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from controller.api.batchimport import BatchImport, OnInvalid
from controller.api.importsource import DRIVES, Operation
from controller.cloud.ports import OssPort
from controller.core.imports.globs import is_folder
from controller.core.imports.items import PART, Item, Problem, encode
from controller.core.imports.places import Places
from controller.core.imports.rules import shown
from controller.core.imports.table import Row
from controller.reconcile.imports.buckets import Buckets
from controller.reconcile.imports.contents import SourceChanged, SourceNotFound, content_of
from controller.reconcile.imports.parts import FILES
from controller.reconcile.imports.problems import ProblemReport

__all__ = ["Freezing", "Reading", "SourceChanged", "SourceNotFound"]

SHOWN_PROBLEMS = 10
MOST_ITEMS = 5_000_000  # files of a run: it takes nine bytes of each as long as it lasts, and about 13 while it is read
NONE_LEFT = Row(0, ())
Keep = Callable[[int, bytes, bytes], None]  # a part's number, its bytes, and the digest of everything up to its end


class Reading:
    """What a source holds.

    Attributes:
        done: Whether it was read to its end; before that nothing below is final.
        digest: Of the items in their order, however they were written: 64 hex digits.
        items: How many there are; none where `unusable`.
        adds: How many of them are ADD.
        deletes: How many of them are DELETE.
        skipped: Lines that were left out; where onInvalid is Reject nothing is left out, and nothing may be run.
        problem_count: Everything that is wrong.
        marks: The digest at each part's end.
        unusable: The source is wrong as a whole, and none of its lines may be taken.
    """

    def __init__(
        self,
        target: BatchImport,
        oss: OssPort,
        region: str,
        *,
        work_bucket: str,
        report: ProblemReport | None = None,
        keep: Keep | None = None,
        most: int = MOST_ITEMS,
    ) -> None:
        self.done = self.unusable = False
        self.digest = ""
        self.items = self.adds = self.deletes = self.skipped = self.problem_count = 0
        self.marks: list[bytes] = []
        self._skips = target.spec.on_invalid is OnInvalid.SKIP
        self._buckets = Buckets(oss, region, work_bucket)
        self._content = content_of(target.spec.source, oss, self._buckets)
        self._rows: Iterator[Row | None] = iter(())
        self._row: Row | None = None
        self._places = Places()
        self._report = report
        self._keep = keep
        self._most = most
        self._hash = hashlib.sha256()
        self._part = bytearray()
        self._first: list[str] = []

    @property
    def problems(self) -> tuple[str, ...]:
        """The first few, for people."""
        return tuple(self._first)

    def step(self, until: Callable[[], bool]) -> bool:
        """Read on until everything was read (True) or `until` says stop (False); always a little.

        Raises:
            SourceNotFound: there is no such table or bucket.
            SourceChanged: the source changed meanwhile: this reading leads to nothing any more.
            controller.cloud.errors.CloudError: a call failed; the next step makes it again.
        """
        while not self.done:
            if not self._advance():
                self._finish()
            elif until():
                return self.done
        return True

    def _advance(self) -> bool:
        """Take the next row or fetch the next piece; False when there is none."""
        if self._row is None:
            row = next(self._rows, NONE_LEFT)
            if row is NONE_LEFT:
                rows = None if self.unusable or self._content.unusable else self._content.fetch()
                self._rows = rows if rows is not None else iter(())
                return rows is not None
            self._row = row
        if self._row is not None:
            self._take(self._row)
            self._row = None
        return True

    def _take(self, row: Row) -> None:
        """Count a row. Whatever can fail comes first, so that it can be taken again."""
        if self._report is not None:
            self._report.make_room()
        if self.items and self.items % PART == 0 and self._part:
            self._close_part()
        found = row.found if isinstance(row.found, tuple) else self._object_to(row.line, row.found)
        if isinstance(found, tuple):
            self._note(found)
            self.skipped += self._skips and not self._content.unusable
            return
        self._part += encode([found])
        self.items += 1
        self.adds += found.operation is Operation.ADD
        self.deletes += found.operation is Operation.DELETE
        if len(self._part) > FILES.largest:
            self._refuse(row.line, f"{PART} files in a row take more than {FILES.largest >> 20} MiB: use fewer labels")
        elif self.items > self._most:
            self._refuse(row.line, f"a run has {self._most} files at most: make several, or bind the bucket")

    def _object_to(self, line: int, item: Item) -> Item | tuple[Problem, ...]:
        """What only the whole source or the cloud can say against a file."""
        named = [("uri", item.uri)] if item.oss_uri is None else [("uri", item.uri), ("ossUri", item.oss_uri)]
        found = [(field, uri, rule) for field, uri in named if (rule := self._misplaced(uri))]
        if not found and not self._content.distinct:
            before = self._places.add(item.uri, line)
            if before is not None:
                rule = f"the same file is in {self._content.where(before)}: name each file once"
                found = [("uri", item.uri, rule)]
        where = self._content.where(line)
        return tuple(Problem(where, field, shown(uri), rule) for field, uri, rule in found) or item

    def _misplaced(self, uri: str) -> str:
        """Why an object cannot be indexed from where it lies; empty of one that can, and of a file of a drive."""
        if uri.startswith(DRIVES):
            return ""
        if is_folder(uri):
            return "it ends with /, and so marks a folder and is no file"
        return "" if self._content.distinct else self._buckets.refusal(uri.removeprefix("oss://").partition("/")[0])

    def _note(self, problems: Sequence[Problem]) -> None:
        self.problem_count += len(problems)
        self._first += [str(problem) for problem in problems[: SHOWN_PROBLEMS - len(self._first)]]
        if self._report is not None:
            self._report.add(problems)

    def _refuse(self, line: int, rule: str) -> None:
        """Give up: no part of the source may be taken, and the rest of it need not be read."""
        self.unusable = True
        self._rows = iter(())
        self._note([Problem(self._content.where(line), "source", "", rule)])

    def _close_part(self) -> None:
        data, digest = bytes(self._part), self._hash.copy()
        digest.update(data)
        if self._keep is not None:
            self._keep(len(self.marks), data, digest.digest())
        self.marks.append(digest.digest())
        self._hash = digest
        self._part.clear()

    def _finish(self) -> None:
        self.unusable = self.unusable or self._content.unusable
        if self.unusable:
            self._part.clear()
        if self._part:
            self._close_part()
        if self._report is not None:
            self._report.close()
        if self.unusable:
            self.skipped += self.items * self._skips
            self.items = self.adds = self.deletes = 0
        self.digest = self._hash.hexdigest()
        self._places = Places()
        self.done = True


class Freezing:
    """Reads a source again and writes the run's parts; repeated, it writes the same, which is nothing."""

    def __init__(
        self,
        target: BatchImport,
        oss: OssPort,
        region: str,
        *,
        work_bucket: str,
        run: str,
        digest: str,
        marks: Sequence[bytes],
    ) -> None:
        self._oss = oss
        self._bucket = work_bucket
        self._run = run
        self._digest = digest
        self._marks = marks
        self._reading = Reading(target, oss, region, work_bucket=work_bucket, keep=self._keep)

    def step(self, until: Callable[[], bool]) -> bool:
        """As `Reading.step`. True when every part is in the work bucket.

        Raises:
            SourceChanged: the source does not hold the run's content any more; also as `Reading.step`.
            FrozenContentLost: a part of this run is there, and is not what this version wrote.
        """
        if not self._reading.step(until):
            return False
        if self._reading.digest != self._digest:
            raise self._changed()
        return True

    def _keep(self, number: int, data: bytes, mark: bytes) -> None:
        if number >= len(self._marks) or self._marks[number] != mark:
            raise self._changed()
        FILES.write(self._oss, self._bucket, self._run, number, data)

    def _changed(self) -> SourceChanged:
        return SourceChanged("oss:GetObject", "the source was changed between its reading and its freezing")
