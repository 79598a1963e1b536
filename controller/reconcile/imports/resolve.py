"""From a source to the run it stands for: read, checked, frozen, and written down which run that is.

A source of files is read twice (`sources`), one of pictures once (`checking`).

The resolution is the last thing written, and once: whoever comes second, with a source that changed meanwhile, adopts
the first one's. What is only looked at, in mode DryRun or because it is too much, is not frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from controller.api.batchimport import BatchImport, OnInvalid
from controller.api.fields import Mode
from controller.cloud.errors import Conflict
from controller.cloud.ports import OssPort
from controller.core.imports.documents import ResolutionRecord, decode_resolution, encode
from controller.core.imports.identity import problems_key, resolution_hash, resolution_key, run_id
from controller.reconcile.imports.checking import Checking
from controller.reconcile.imports.latest import latest_of
from controller.reconcile.imports.problems import ProblemReport
from controller.reconcile.imports.run import Owner
from controller.reconcile.imports.sources import Freezing, Reading
from controller.reconcile.imports.standing import ImageLooks
from controller.reconcile.imports.stored import read_document, read_record


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be resolved: an object's source, for a work and its runToken, in a work bucket.

    `looks` are needed to resolve what goes into Image Search, and not to find what was resolved.
    """

    target: BatchImport
    work: str
    oss: OssPort
    region: str
    bucket: str
    looks: ImageLooks | None = None

    @property
    def owner(self) -> Owner:
        """Whose it is."""
        return self.target.metadata.namespace, self.target.metadata.name

    @property
    def token(self) -> str | None:
        """The runToken."""
        return self.target.spec.run_token

    @property
    def id(self) -> str:
        """What it is known by: `status.work`."""
        return resolution_hash(self.work, self.token)

    @property
    def looks_only(self) -> bool:
        """Whether nothing may be written."""
        return self.target.spec.mode is not Mode.APPLY or self.target.spec.suspend

    def too_many(self, items: int) -> bool:
        """Whether a source holds more than the spec lets submit."""
        most = self.target.spec.max_items
        return most is not None and items > most

    def rejects(self, problems: int, items: int) -> bool:
        """Whether a source is not run. With every line left out there is nothing to run: that is no success either."""
        return bool(problems) and (self.target.spec.on_invalid is OnInvalid.REJECT or not items)


class ResolvingFiles:
    """A source of files that is being read, over several passes."""

    def __init__(self, question: Question) -> None:
        self.id = question.id
        self._looks_only = question.looks_only
        self._freezing: Freezing | None = None
        self._latest, self._oss = latest_of(question.oss)
        report = ProblemReport(self._oss, question.bucket, problems_key(question.work, question.token))
        self._reading = Reading(
            question.target,
            self._oss,
            question.region,
            work_bucket=question.bucket,
            report=None if self._looks_only else report,
        )

    def fits(self, question: Question) -> bool:
        """Whether it may go on for this question."""
        return (self.id, self._looks_only) == (question.id, question.looks_only)

    def close(self) -> None:
        """It is not gone on with."""

    def step(
        self, question: Question, until: Callable[[], bool], now: datetime
    ) -> tuple[ResolutionRecord, bool] | None:
        """Go on until the time is up, or to the resolution and whether it is written down.

        Raises:
            controller.cloud.errors.CloudError: a call failed, or the source changed or is not there.
        """
        self._latest.port = question.oss
        found = self._reading
        if not found.step(until):
            return None
        rejected = question.rejects(found.problem_count, found.items)
        record = self._record("" if rejected else run_id(question.work, found.digest), now)
        if self._looks_only or (not rejected and question.too_many(found.items)):
            return record, False
        if not rejected and not self._freeze(record.run, question, until):
            return None
        return _write(record, question), True

    def _freeze(self, run: str, question: Question, until: Callable[[], bool]) -> bool:
        if self._freezing is None:
            if read_record(run, question.oss, question.bucket) is not None:
                return True  # its parts were there before its record was
            self._freezing = Freezing(
                question.target,
                self._oss,
                question.region,
                work_bucket=question.bucket,
                run=run,
                digest=self._reading.digest,
                marks=self._reading.marks,
            )
        return self._freezing.step(until)

    def _record(self, run: str, now: datetime) -> ResolutionRecord:
        found = self._reading
        return ResolutionRecord(
            run=run,
            digest=found.digest,
            items=found.items,
            adds=found.adds,
            deletes=found.deletes,
            skipped=found.skipped,
            resolved_at=now,
            problems=found.problem_count,
            first_problems=found.problems,
        )


class ResolvingPictures:
    """A source of pictures that is being checked, over several passes."""

    def __init__(self, question: Question) -> None:
        if question.looks is None:
            raise RuntimeError("pictures are checked with an instance only")
        self.id = question.id
        self._looks_only = question.looks_only
        self._latest, oss = latest_of(question.oss)
        self._checking = Checking(
            question.target,
            oss,
            work_bucket=question.bucket,
            reading=question.id,
            looks=question.looks,
            report=ProblemReport(oss, question.bucket, problems_key(question.work, question.token)),
            freezes=None if self._looks_only else oss,
        )

    def fits(self, question: Question) -> bool:
        """Whether it may go on for this question."""
        return (self.id, self._looks_only) == (question.id, question.looks_only)

    def close(self) -> None:
        """It is not gone on with."""
        self._checking.close()

    def step(
        self, question: Question, until: Callable[[], bool], now: datetime
    ) -> tuple[ResolutionRecord, bool] | None:
        """As `ResolvingFiles.step`."""
        self._latest.port = question.oss
        found = self._checking
        found.looks = question.looks or found.looks
        if not found.step(until):
            return None
        counts = found.counts
        rejected = question.rejects(counts.problems, counts.items)
        record = ResolutionRecord(
            run="" if rejected else run_id(question.work, found.digest),
            digest=found.digest,
            items=counts.items,
            adds=counts.adds,
            deletes=counts.deletes,
            skipped=counts.skipped,
            resolved_at=now,
            problems=counts.problems,
            first_problems=tuple(found.problems),
            wide=counts.wide,
            unchecked=counts.unchecked,
            warnings=tuple(found.warnings),
            warning_count=counts.warnings,
            content=found.content,
            source_etag=found.source_etag,
            existing=found.existing,
        )
        if self._looks_only or (not rejected and question.too_many(counts.items)):
            return record, False
        return _write(record, question), True


Resolving = ResolvingFiles | ResolvingPictures


def begin(question: Question) -> Resolving:
    """Begin to resolve."""
    pictures = question.target.spec.target.image_search is not None
    return ResolvingPictures(question) if pictures else ResolvingFiles(question)


def _write(record: ResolutionRecord, question: Question) -> ResolutionRecord:
    key = resolution_key(question.work, question.token)
    try:
        question.oss.put_new(question.bucket, key, encode(record))
    except Conflict:
        found = read_document(decode_resolution, key, question.oss, question.bucket)
        if found is None:
            raise  # written and removed again: the next pass sees what comes of it
        return found
    return record
