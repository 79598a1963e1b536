"""The documents of a run in the work bucket, and what docs/imports.md says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest

from controller.api.batchimport import OnExisting, Phase, Totals
from controller.core.imports import documents, identity, job, records
from controller.core.imports.documents import Document, ResolutionRecord, RunEnd, RunRecord, Unreadable
from controller.reconcile.imports.progress import piece_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RESOLUTION = ResolutionRecord(
    run="r",
    digest="d",
    items=3,
    adds=2,
    deletes=1,
    skipped=1,
    resolved_at=NOW,
    problems=1,
    first_problems=("line 2: 日本",),
)
RECORD = RunRecord(
    cluster="c",
    namespace="media",
    name="excursions",
    work="w",
    account_id="1",
    region="cn-hangzhou",
    project="media",
    dataset="photos",
    on_existing=OnExisting.UPDATE_LABELS,
    items=3,
    skipped=1,
    digest="d",
    nonce="n",
    started_at=NOW,
    token="t",
)
TOTALS = Totals(items=4, skipped=1, submitted=3, succeeded=1, failed=1, unknown=1, cancelled=1, resent=2)
END = RunEnd(phase=Phase.FAILED, totals=TOTALS, token="t", ended_at=NOW)
EACH: list[tuple[Document, Callable[[bytes], Document]]] = [
    (RESOLUTION, documents.decode_resolution),
    (RECORD, documents.decode_record),
    (END, documents.decode_end),
]
each = pytest.mark.parametrize(("document", "decode"), EACH, ids=[type(one).__name__ for one, _ in EACH])
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "imports.md").read_text(encoding="utf-8")


@each
def test_a_document_comes_back_as_it_was(document: Document, decode: Callable[[bytes], Document]) -> None:
    """And is written for people, too: camelCase, one member a line."""
    data = documents.encode(document)
    assert document == decode(data)
    assert 1 == json.loads(data)["version"]
    assert len(data.splitlines()) > len(type(document).__struct_fields__)


@each
def test_what_a_later_release_adds_is_passed_over(document: Document, decode: Callable[[bytes], Document]) -> None:
    """Of the same version: it may be left unread."""
    stored = json.loads(documents.encode(document)) | {"later": {"x": 1}}
    assert document == decode(json.dumps(stored).encode())


@each
@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_version_is_an_error_in_words(
    document: Document, decode: Callable[[bytes], Document], version: int
) -> None:
    """It names both versions and what to run."""
    stored = {"version": version}
    with pytest.raises(Unreadable, match=rf"{type(document).__name__} of version {version}, .* reads version 1: run"):
        decode(json.dumps(stored).encode())


@each
@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"\xff\xfe", b'{"version": "1"}', b'{"version": 1}', b"null"], ids=repr
)
def test_what_is_none_is_an_error_in_words(
    document: Document, decode: Callable[[bytes], Document], data: bytes
) -> None:
    """Not a crash, and not a guess."""
    with pytest.raises(Unreadable, match=f"it is no {type(document).__name__} of this operator .*restore it"):
        decode(data)


@pytest.mark.parametrize(
    "change", [{"items": "three"}, {"startedAt": "yesterday"}, {"onExisting": "Guess"}, {"nonce": None}], ids=str
)
def test_a_member_of_another_type_is_an_error(change: dict[str, Any]) -> None:
    """Somebody changed it by hand."""
    stored = json.loads(documents.encode(RECORD)) | change
    with pytest.raises(Unreadable):
        documents.decode_record(json.dumps(stored).encode())


def test_counts_that_are_none_are_an_error() -> None:
    """They are checked by the model that the status has."""
    stored = json.loads(documents.encode(END)) | {"totals": {"items": "many"}}
    with pytest.raises(Unreadable):
        documents.decode_end(json.dumps(stored).encode())


def test_a_verdict_is_of_these_very_counts_and_this_retry() -> None:
    """A late word or a new retry has it written anew."""
    assert END.says(TOTALS, "t")
    assert not END.says(TOTALS, "u")
    assert not END.says(TOTALS.model_copy(update={"succeeded": 2}), "t")


def test_the_diagram_in_the_docs_is_the_tables() -> None:
    """Printed by `controller.core.imports.phases.diagram`."""
    assert [job.diagram()] == re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)


def test_the_layout_in_the_docs_is_the_codes() -> None:
    """Each key, by the functions that make them."""
    named = re.findall(r"^\| `(runs/[^`]+)`", PAGE, re.MULTILINE)
    made = [
        identity.resolution_key("WORK", None),
        identity.problems_key("WORK", None),
        identity.progress_key("WORK"),
        identity.part_key("RUN", 0),
        piece_key("WORK-ID", 0),
        identity.record_key("RUN"),
        identity.segment_key("RUN", 0),
        identity.upload_key("RUN"),
        identity.original_key("RUN"),
        identity.task_report_key("RUN", 0),
        identity.report_key("RUN"),
        identity.end_key("RUN"),
    ]
    assert made == named
    assert "imm-operator/1/RUN/NONCE/CHUNK" in PAGE


def test_what_the_first_version_wrote_is_read() -> None:
    """Of a run that began before pictures were imported."""
    later = {"instance", "bucket", "path", "content", "sourceEtag", "unchecked", "wide", "warnings", "warningCount"}
    for document, decode in EACH:
        stored = json.loads(documents.encode(document))
        stored.get("totals", {}).pop("unchecked", None)
        old = {name: value for name, value in stored.items() if name not in later | {"existing", "unknowable"}}
        assert document == decode(json.dumps(old).encode())


def test_every_record_of_a_journal_is_in_the_docs() -> None:
    """By the type that its line has."""
    tags = {kind.__struct_config__.tag for kind in get_args(records.Record)}
    assert tags == set(re.findall(r"^\| `([a-z]+)` \|(?! what it says)", PAGE, re.MULTILINE))
