"""The JSON documents of a run in the work bucket. Each says its version, and one of another version is not guessed at.

Besides the fields agreed on, `ResolutionRecord.first_problems` spares a restart the report, and `RunRecord.token` is
the `spec.retry.failedItems` that stood there when the run began: it is no retry of this run.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec

from controller.api.batchimport import OnExisting, Phase, Totals
from controller.core.imports.records import TaskTold

VERSION = 1


class Unreadable(ValueError):
    """An object of the work bucket that this version did not write, or that somebody changed."""


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every document says."""

    version: int = VERSION


class ResolutionRecord(Document, frozen=True, kw_only=True, rename="camel"):
    """Which run one reading of the source led to; `run` is empty where problems kept it from being one.

    Of pictures, besides: `wide` lines delete a whole product, `unchecked` pictures did not tell enough, `warnings` are
    the first doubts of `warning_count`, `content` and `source_etag` as in `RunRecord`, `existing` pairs are in the
    instance already (None where that was not asked).
    """

    run: str
    digest: str
    items: int
    adds: int
    deletes: int
    skipped: int
    resolved_at: datetime
    problems: int
    first_problems: tuple[str, ...] = ()
    wide: int = 0
    unchecked: int = 0
    warnings: tuple[str, ...] = ()
    warning_count: int = 0
    content: str = ""
    source_etag: str = ""
    existing: int | None = None


class RunRecord(Document, frozen=True, kw_only=True, rename="camel"):
    """Whose run it is, where it goes, what it holds. Written before anything is submitted, and never again.

    `cluster` is the uid of the cluster's kube-system namespace, `work` the hash of the work fields. Either `project`
    and `dataset` are set, or `instance`, `bucket` and `path` (as spec.target.imageSearch has it).

    `content` is the folder under runs/ with the parts, empty where that is the run's own. `source_etag` is that of the
    user's own manifest, which is submitted as it is; empty where one is made of the parts.
    """

    cluster: str
    namespace: str
    name: str
    work: str
    account_id: str
    region: str
    items: int
    skipped: int
    digest: str
    nonce: str
    started_at: datetime
    token: str = ""
    project: str = ""
    dataset: str = ""
    on_existing: OnExisting = OnExisting.REINDEX
    instance: str = ""
    bucket: str = ""
    path: str = ""
    content: str = ""
    source_etag: str = ""
    unchecked: int = 0


class RunEnd(Document, frozen=True, kw_only=True, rename="camel"):
    """How a run ended; overwritten where a retry or a late word changed that.

    `tokens` were retries, or stood in the spec at first. `unknowable` and `task` (`RunState.last_task`) are what a
    status says that is no other one after a restart.
    """

    phase: Phase
    totals: Totals
    token: str
    ended_at: datetime
    unknowable: str = ""
    task: TaskTold | None = None
    tokens: tuple[str, ...] = ()

    def says(self, totals: Totals, token: str) -> bool:
        """Whether it was written of these very counts, after this very retry."""
        return (self.totals, self.token) == (totals, token)


D = TypeVar("D", bound=Document)


def encode(document: Document) -> bytes:
    """As it is stored, for people to read too."""
    return msgspec.json.format(msgspec.json.encode(document, enc_hook=_totals_out), indent=1)


def decode_resolution(data: bytes) -> ResolutionRecord:
    """Raises `Unreadable`."""
    return _decode(ResolutionRecord, data)


def decode_record(data: bytes) -> RunRecord:
    """Raises `Unreadable`."""
    return _decode(RunRecord, data)


def decode_end(data: bytes) -> RunEnd:
    """Raises `Unreadable`."""
    return _decode(RunEnd, data)


def _decode(kind: type[D], data: bytes) -> D:
    try:
        version = msgspec.json.decode(data, type=Document).version
        if version == VERSION:
            return msgspec.json.decode(data, type=kind, dec_hook=_totals_in)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(
            f"it is no {kind.__name__} of this operator ({error}): restore it as it was written"
        ) from error
    raise Unreadable(
        f"it is a {kind.__name__} of version {version}, and this operator reads version {VERSION}: run the version of "
        "the operator that wrote it, or a later one"
    )


def _totals_out(value: Any) -> Any:
    if isinstance(value, Totals):
        return value.model_dump(by_alias=True)
    raise NotImplementedError(type(value))


def _totals_in(kind: type, value: Any) -> Any:
    return kind.model_validate(value) if kind is Totals else value
