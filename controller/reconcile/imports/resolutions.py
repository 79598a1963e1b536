"""What sources led to: on record, in memory, or being read. What was only looked at is in memory alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from controller.core.imports.documents import ResolutionRecord, decode_resolution
from controller.core.imports.identity import parts_folder, problems_key, resolution_key
from controller.core.imports.job import Resolution
from controller.reconcile.imports.resolve import Question, Resolving, begin
from controller.reconcile.imports.run import Owner
from controller.reconcile.imports.sources import SourceChanged
from controller.reconcile.imports.stored import read_document


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
    return question.looks_only or question.too_many(found.items)


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
