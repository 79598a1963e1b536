"""The source of an import into Image Search becomes the content of a run: read once, checked, and frozen as it goes.

Each batch of lines goes through the grammar, the rules of meaning, its pictures and the index of pairs; what is good is
written in parts, and then a checkpoint that a restart goes on from. So pictures, which cost a request each, are asked
for once. Nothing that is frozen here is a run before the resolution names it: who rejects lines, or finds that the
source changed, leaves parts behind that nobody reads.

It is `controller.reconcile.imports.sources.Reading` and `Freezing` in one, as a second reading would ask for every
picture again. Where nothing may be written (mode DryRun) only the report of problems is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from controller.api.batchimport import SHOWN_FAILURES, SHOWN_WARNINGS, BatchImport, OnInvalid
from controller.api.importsource import Operation
from controller.cloud.errors import Unavailable
from controller.cloud.ports import OssPort, OssReads
from controller.core.facts import InstanceFacts
from controller.core.imports.items import Finding, Problem, Severity
from controller.core.manifest.lines import Line
from controller.reconcile.imports.checkpoint import Checkpoint, Restored
from controller.reconcile.imports.line_batch import Batch, Numbered
from controller.reconcile.imports.line_contents import lines_of
from controller.reconcile.imports.line_parts import PartWriter
from controller.reconcile.imports.line_rows import LineRow, Position
from controller.reconcile.imports.pairs import Pairs
from controller.reconcile.imports.parts import LINES, FrozenContentLost
from controller.reconcile.imports.pictures import OssPictures, Pictures
from controller.reconcile.imports.problems import ProblemReport
from controller.reconcile.imports.progress import Counts
from controller.reconcile.imports.sources import MOST_ITEMS, SourceChanged
from controller.reconcile.imports.standing import ImageLooks, require_place

BUDGET = 100  # look-ups of pairs that the instance may have already


class Onlooker(Protocol):
    """Who wants to know of every line."""

    def see(self, good: Sequence[tuple[str, Line]], said: Sequence[Finding]) -> None:
        """A batch is decided on: its good lines with their places, and what is said of all of them, both in order."""
        ...


class Checking:
    """What a source holds, and its content frozen.

    Args:
        freezes: Where the content and the checkpoint are written; None where nothing may be.

    Attributes:
        looks: May be changed between two steps, as keys are renewed.
        onlooker: May be set before the first step. It must not fail, and where the index on disk failed it is told of
            all lines once more.
        done: Whether it was read to its end; before that nothing else here is final.
        counts: Lines and pictures by what became of them; no items where the source is wrong as a whole.
        problems: The first few, for people; as `warnings`.
        existing: Pairs that the instance has already; None where nobody asked, or there are too many to ask for.
        source_etag: Of the user's own manifest, where it may be submitted as it is.
    """

    def __init__(
        self,
        target: BatchImport,
        oss: OssReads,
        *,
        work_bucket: str,
        reading: str,
        looks: ImageLooks,
        report: ProblemReport | None = None,
        freezes: OssPort | None,
        most: int = MOST_ITEMS,
    ) -> None:
        if target.spec.target.image_search is None:
            raise RuntimeError("only what goes into Image Search is checked here")
        self.done = False
        self.existing: int | None = None
        self.source_etag = ""
        self._into = target.spec.target.image_search
        self._source = target.spec.source
        self._skips = target.spec.on_invalid is OnInvalid.SKIP
        self._oss = oss
        self._work_bucket = work_bucket
        self.looks = looks
        self._report = report
        self.onlooker: Onlooker | None = None
        self._most = most
        self._freezes = freezes
        self._checkpoint = Checkpoint(freezes, work_bucket, reading) if freezes is not None else None
        self._pictures: Pictures | None = None
        self._pairs: Pairs | None = None
        self._begin()

    @property
    def digest(self) -> str:
        """Of the good lines in their order, however they were written: 64 hex digits."""
        return self._parts.digest

    @property
    def content(self) -> str:
        """The folder under runs/ with the parts."""
        return self._parts.content

    @property
    def pictures(self) -> Pictures | None:
        """What looks at pictures, once it has begun, and knows how many it looked at since."""
        return self._pictures

    @property
    def position(self) -> Position:
        """Up to where the source was read, once it has begun."""
        return self._content.position

    @property
    def looked(self) -> float:
        """How much of the batch at hand was looked at, from 0 to 1."""
        return self._batch.looked

    def step(self, until: Callable[[], bool]) -> bool:
        """Go on until everything was checked (True) or `until` says stop (False); always a little.

        Raises:
            SourceNotFound: there is no such manifest, table or bucket.
            SourceChanged: the source changed meanwhile: this checking leads to nothing any more.
            controller.cloud.errors.InstanceNotFound: there is no such instance; as WrongRegion and BucketNotFound, of
                the pictures' bucket, it is no problem of a line.
            controller.cloud.errors.CloudError: a call failed; the next step makes it again.
        """
        while not self.done:
            try:
                self._advance()
            except OSError as error:  # what the index has is not certain any more
                self.close()
                self._begin()
                message = f"the index of lines cannot be kept on disk: {error}; make room where TMPDIR is"
                raise Unavailable("checking", message) from error
            except FrozenContentLost as error:
                self._drop()
                message = "what was checked before a restart is gone, or is not so any more; everything is checked anew"
                raise SourceChanged("oss:GetObject", message) from error
            except SourceChanged:
                self._drop()
                raise
            if until():
                return self.done
        return True

    def close(self) -> None:
        """Give up the index on disk; what is not done goes on from its checkpoint in another `Checking`."""
        if self._pairs is not None:
            self._pairs.close()
            self._pairs = None

    def _drop(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.drop()

    def _begin(self) -> None:
        """From the checkpoint, if there is one."""
        self.counts = Counts()
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._chores: deque[Callable[[], None]] = deque([self._stand])
        self._rows: Iterator[LineRow | None] = iter(())
        self._over = self._unusable = False
        self._adds: list[Line] = []  # as many as may be asked for
        self._parts = PartWriter(self._checkpoint.content if self._checkpoint is not None else "")
        self._unchecked_before = 0  # the restart

    def _advance(self) -> None:
        if self._chores:
            self._chores[0]()
            self._chores.popleft()
        elif self._pictures is not None and (unseen := self._batch.unseen()):
            self._batch.seen(unseen, self._pictures.check(unseen))
        elif self._batch.full or self._over:
            self._settle()
        else:
            self._fill()

    def _stand(self) -> None:
        """Make sure of the place, and of where to go on."""
        instance = require_place(self._into, self.looks, self._oss, self._work_bucket)
        restored = self._checkpoint.restore(self._report) if self._checkpoint is not None else None
        self._open(instance, restored)

    def _open(self, instance: InstanceFacts, restored: Restored | None) -> None:
        position = restored.progress.position if restored is not None else Position()
        self._content = lines_of(self._source, self._into, self._oss, position)
        self._pairs = pairs = Pairs(self.looks.directory, lambda number: self._content.where(number, None))
        if self.looks.at_pictures:
            source = self.looks.source or OssPictures(self._oss, self._into.bucket, self._into.path)
            self._pictures = Pictures(source, instance.service_type, self.looks.executor)
        self._service_type = instance.service_type
        self._batch = Batch(self._service_type, self._content.where)
        if restored is None:
            return
        found = restored.progress
        self.counts, self._unchecked_before, self._over = found.counts, found.counts.unchecked, found.over
        self.problems, self.warnings = list(found.problems), list(found.warnings)
        self._parts = PartWriter(
            found.content, parts=found.parts, digest=bytes.fromhex(found.digest), pending=found.pending.encode()
        )
        if self._pictures is not None:
            self._pictures.remember(restored.looks)
        self._chores.extend(restored.replay(pairs))

    def _fill(self) -> None:
        """Take rows into the batch, or fetch the next piece."""
        for row in self._rows:
            if row is not None:
                self._batch.take(row)
                if self._batch.full:
                    return
        rows = None if self._content.unusable else self._content.fetch()
        self._rows, self._over = rows if rows is not None else iter(()), rows is None

    def _settle(self) -> None:
        """Decide on the lines of a batch. Whatever can fail comes first, so that it can be decided again."""
        if self._report is not None:
            self._report.make_room()
        batch, counts = self._batch, self.counts
        good = self._distinct(batch)
        counts.read += len(batch)
        if self._skips and not self._content.unusable:
            counts.skipped += len(batch) - len(good)
        counts.items += len(good)
        counts.adds += sum(line.operation is Operation.ADD for _, line in good)
        counts.wide += sum(line.wide for _, line in good)
        counts.deletes = counts.items - counts.adds
        if self._pictures is not None:
            counts.unchecked = self._unchecked_before + self._pictures.unchecked
        self._say(batch)
        if self.onlooker is not None:
            self.onlooker.see([(self._content.where(number, line), line) for number, line in good], batch.findings())
        lines = [line for _, line in good]
        self._adds += [line for line in lines if line.operation is Operation.ADD][: BUDGET + 1 - len(self._adds)]
        self._parts.take(lines)
        if self._parts.size > LINES.largest:
            self._refuse(f"5000 lines in a row take more than {LINES.largest >> 20} MiB: use shorter CustomContent")
        elif counts.items > self._most:
            self._refuse(f"a run has {self._most} lines at most: make several")
        self._batch = Batch(self._service_type, self._content.where)
        self._chores.extend([self._write_part] * len(self._parts.ready))
        self._save(batch, [number for number, _ in good])
        if self._over:
            self._chores.append(self._finish)

    def _distinct(self, batch: Batch) -> list[Numbered]:
        """The good lines of which no other is about the same picture."""
        good = batch.good()
        if self._content.distinct or self._pairs is None:
            return good
        for number, findings in self._pairs.add_batch(good).items():
            batch.say(number, findings)
        return batch.good()

    def _say(self, batch: Batch) -> None:
        wrong: list[Problem] = []
        for one in batch.findings():
            if one.severity is Severity.PROBLEM:
                wrong.append(Problem(one.where, one.field, one.value, one.rule))
                continue
            self.counts.warnings += 1
            if len(self.warnings) < SHOWN_WARNINGS:
                self.warnings.append(str(one))
        self._note(wrong)

    def _note(self, wrong: list[Problem]) -> None:
        self.counts.problems += len(wrong)
        self.problems += [str(one) for one in wrong[: SHOWN_FAILURES - len(self.problems)]]
        if self._report is not None:
            self._report.add(wrong)

    def _refuse(self, rule: str) -> None:
        """Give up: no part of the source may be taken, and the rest of it need not be read."""
        self._over = self._unusable = True
        self._rows = iter(())
        self._parts.ready.clear()
        refusal = Finding(self._content.where(self._batch.last, None), "source", "", rule)
        self._note([Problem(refusal.where, refusal.field, refusal.value, refusal.rule)])
        if self.onlooker is not None:
            self.onlooker.see((), [refusal])

    def _write_part(self) -> None:
        self._parts.write(self._freezes, self._work_bucket)

    def _save(self, batch: Batch, numbers: list[int]) -> None:
        """Have a checkpoint written behind the batch's parts."""
        checkpoint = self._checkpoint
        if checkpoint is None or self._unusable or self._content.unusable or not len(batch):
            return
        if self._report is not None:
            self._chores.append(self._report.store)
        position, over = self._content.position, self._over
        looks = self._pictures.known(batch.names) if self._pictures is not None else {}
        self._chores.append(lambda: checkpoint.write_piece(numbers, looks, content=self._parts.content))
        self._chores.append(
            lambda: checkpoint.write(
                self._parts,
                position=position,
                counts=self.counts,
                report=self._report,
                problems=self.problems,
                warnings=self.warnings,
                over=over,
            )
        )

    def _finish(self) -> None:
        """Add what comes behind the last batch."""
        counts = self.counts
        self._unusable = self._unusable or self._content.unusable
        self._parts.close()
        if self._unusable:
            self._parts.ready.clear()
            counts.skipped += counts.items * self._skips
            counts.items = counts.adds = counts.deletes = counts.wide = 0
        elif self._source.manifest is not None and not counts.problems:
            self.source_etag = self._content.position.etag
        self._chores.extend([self._write_part] * len(self._parts.ready))
        if self._report is not None:
            self._chores.append(self._report.close)
        if self._checkpoint is None and not self._unusable and counts.adds <= BUDGET:
            self.existing = 0
            self._chores.extend([self._look_up] * len(self._adds[: counts.adds]))
        self._chores.append(self._end)

    def _look_up(self) -> None:
        line = self._adds[-1]
        self.existing = (self.existing or 0) + self.looks.exists(line.product_id, line.pic_name or "")
        self._adds.pop()

    def _end(self) -> None:
        self.close()
        self.done = True
