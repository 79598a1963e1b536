"""From a source to the run it stands for: read, checked, frozen, and written down which run that is.

A source of files is read twice (`sources`), one of pictures once (`checking`).

The resolution is the last thing written, and once: whoever comes second, with a source that changed meanwhile, adopts
the first one's. What is only looked at, in mode DryRun or because it is too much, is not frozen and kept in memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from controller.api.batchimport import BatchImport, OnInvalid
from controller.api.fields import Mode
from controller.cloud.errors import Conflict
from controller.cloud.ports import OssPort
from controller.core.imports.documents import ResolutionRecord, decode_resolution, encode
from controller.core.imports.identity import parts_folder, problems_key, resolution_hash, resolution_key, run_id
from controller.core.imports.job import Resolution
from controller.reconcile.imports.checking import Checking
from controller.reconcile.imports.latest import latest_of
from controller.reconcile.imports.problems import ProblemReport
from controller.reconcile.imports.run import Owner
from controller.reconcile.imports.sources import Freezing, Reading, SourceChanged
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
        found, spec = self._reading, question.target.spec
        if not found.step(until):
            return None
        # With every line left out there is nothing to run: that is no success either.
        rejected = bool(found.problem_count) and (spec.on_invalid is OnInvalid.REJECT or not found.items)
        record = self._record("" if rejected else run_id(question.work, found.digest), now)
        if self._looks_only or (not rejected and spec.max_items is not None and found.items > spec.max_items):
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
        found, spec = self._checking, question.target.spec
        found.looks = question.looks or found.looks
        if not found.step(until):
            return None
        counts = found.counts
        rejected = bool(counts.problems) and (spec.on_invalid is OnInvalid.REJECT or not counts.items)
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
        if self._looks_only or (not rejected and spec.max_items is not None and counts.items > spec.max_items):
            return record, False
        return _write(record, question), True


Resolving = ResolvingFiles | ResolvingPictures


def begin(question: Question) -> Resolving:
    """Begin to resolve."""
    pictures = question.target.spec.target.image_search is not None
    return ResolvingPictures(question) if pictures else ResolvingFiles(question)


class Resolutions:
    """What sources led to, and those that are being read, one for each import. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[Owner, Resolving] = {}
        self._known: dict[Owner, tuple[str, ResolutionRecord, bool]] = {}

    def find(self, question: Question) -> Resolution | None:
        """What is on record, read once; or what was only looked at, as long as no more than a look is wanted.

        Raises:
            controller.cloud.errors.CloudError: the work bucket did not answer.
        """
        record = self._find(question)
        return to_resolution(record, question) if record is not None else None

    def record(self, question: Question) -> ResolutionRecord:
        """What `find` told of, as it is on record."""
        record = self._find(question)
        if record is None:
            raise RuntimeError("a run is begun only with what its source led to")
        return record

    def _find(self, question: Question) -> ResolutionRecord | None:
        with self._lock:
            known = self._known.get(question.owner)
        if known is not None and known[0] == question.id and (known[2] or _only_a_look(question, known[1])):
            return known[1]
        key = resolution_key(question.work, question.token)
        found = read_document(decode_resolution, key, question.oss, question.bucket)
        if found is not None:
            self._keep(question, found, on_record=True)
        return found

    def step(self, question: Question, until: Callable[[], bool], now: datetime) -> None:
        """Read on; `find` has the resolution when there is one.

        Raises:
            controller.cloud.errors.CloudError: as `ResolvingFiles.step`.
        """
        with self._lock:
            under_way = self._under_way.get(question.owner)
            if under_way is None or not under_way.fits(question):
                if under_way is not None:
                    under_way.close()
                under_way = self._under_way[question.owner] = begin(question)
        try:
            found = under_way.step(question, until, now)
        except SourceChanged:
            self.forget(question.owner)
            raise
        if found is not None:
            self._keep(question, found[0], on_record=found[1])

    def forget(self, owner: Owner) -> None:
        """Drop what is in memory of an import."""
        with self._lock:
            under_way = self._under_way.pop(owner, None)
            self._known.pop(owner, None)
        if under_way is not None:
            under_way.close()

    def keep(self, needed: Callable[[Owner], bool]) -> None:
        """Forget the imports that are gone."""
        with self._lock:
            owners = {*self._under_way, *self._known}
        for owner in owners:
            if not needed(owner):
                self.forget(owner)

    def _keep(self, question: Question, found: ResolutionRecord, *, on_record: bool) -> None:
        with self._lock:
            self._under_way.pop(question.owner, None)
            self._known[question.owner] = question.id, found, on_record


def _only_a_look(question: Question, found: ResolutionRecord) -> bool:
    most = question.target.spec.max_items
    return question.looks_only or (most is not None and found.items > most)


def to_resolution(record: ResolutionRecord, question: Question) -> Resolution:
    """As decisions have it."""
    report = f"oss://{question.bucket}/{problems_key(question.work, question.token)}" if record.problems else ""
    return Resolution(
        run=record.run,
        items=record.items,
        adds=record.adds,
        deletes=record.deletes,
        skipped=record.skipped,
        problems=record.first_problems,
        problem_count=record.problems,
        report=report,
        wide=record.wide,
        unchecked=record.unchecked,
        warnings=record.warnings,
        warning_count=record.warning_count,
        existing=record.existing,
        source_etag=record.source_etag,
        checked=f"oss://{question.bucket}/{parts_folder(record.content)}" if record.content else "",
    )


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
