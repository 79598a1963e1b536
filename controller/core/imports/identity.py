"""Which run an object's spec stands for, and where what is known of a run lies in the work bucket.

A run is its place, its owner, its work fields and the content they led to. What is left out of that can be toggled,
defaulted, lost and restored without anything being sent, and billed, a second time.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from controller.api.batchimport import BatchImportSpec

VERSION = 1
# Fields of the spec that decide the work; `run_token` asks for another reading of the same work. No other field counts.
WORK = frozenset({"target", "source", "on_invalid"})
NAMED_OTHERWISE = ("ref", "project", "name")  # of target.dataset: only the project and dataset they lead to count
SETS = ("include", "exclude")  # of source.prefix: their order says nothing
RUNS = "runs"
USER_DATA = re.compile(r"imm-operator/1/([0-9a-f]{32})/([0-9a-zA-Z_-]{1,64})/(0|[1-9][0-9]{0,8})")
MARK_HEADER = "x-oss-meta-imm-operator-run"  # of a manifest that an import put into its place
MARK = re.compile(r"([0-9a-f]{32})/([1-9][0-9]{0,8})")
CALLBACK = re.compile(r"(?:/[^?#]*)?/v1/callbacks/([0-9a-f]{32})/([0-9a-zA-Z_-]{1,64})/?")


@dataclass(frozen=True, slots=True)
class Address:
    """Which call a message answers. The nonce is in the run record only, so that nobody else can answer for IMM."""

    run: str
    nonce: str
    chunk: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose manifest it is: the run and its attempt, counted from 1 (`RunState.attempts`)."""

    run: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Callback:
    """Which run a callback speaks of. The nonce is the run record's."""

    run: str
    nonce: str


def work_hash(
    spec: BatchImportSpec,
    *,
    account_id: str,
    region: str,
    namespace: str,
    name: str,
    project: str = "",
    dataset: str = "",
) -> str:
    """32 hex digits of everything that decides the work, `project` and `dataset` as the target was resolved to.

    An import into Image Search has neither: its target's own fields count.

    Defaults are left out, so that neither a field that this version does not know yet nor one that the API server
    fills in changes anything. Items count in their order, in which they are sent; labels and globs in none.
    """
    return _hash([VERSION, account_id, region, namespace, name, project, dataset, _work(spec)])


def run_id(work: str, digest: str) -> str:
    """32 hex digits of the work and the content it led to. The same content under a new runToken is the same run."""
    return _hash([VERSION, "run", work, digest])


def resolution_hash(work: str, token: str | None) -> str:
    """What one reading of the source belongs to: the work fields and `spec.runToken`. This is `status.work`."""
    return work if token is None else _hash([VERSION, "reading", work, token])


def resolution_key(work: str, token: str | None) -> str:
    """The object that says which run one reading led to."""
    return f"{RUNS}/{resolution_hash(work, token)}.json"


def problems_key(work: str, token: str | None) -> str:
    """The object with every wrong line of one reading."""
    return f"{RUNS}/{resolution_hash(work, token)}.problems.jsonl"


def progress_key(reading: str) -> str:
    """How far the check of a source is; `reading` is `resolution_hash`. Overwritten batch by batch."""
    return f"{RUNS}/{reading}.progress.json"


def record_key(run: str) -> str:
    """The run record."""
    return f"{RUNS}/{run}/record.json"


def part_key(run: str, number: int) -> str:
    """A part of the frozen content (`controller.core.imports.items.PART` items), counted from 0.

    Instead of the run it may be a reading that has them (`RunRecord.content`).
    """
    return f"{parts_folder(run)}{number:06}.jsonl"


def parts_folder(run: str) -> str:
    """Where the parts lie, one after the other in the order of their names."""
    return f"{RUNS}/{run}/items/"


def segment_key(run: str, number: int) -> str:
    """A segment of the journal, counted from 0."""
    return f"{RUNS}/{run}/journal/{number:08}.jsonl"


def report_key(run: str) -> str:
    """The object with every item that did not succeed."""
    return f"{RUNS}/{run}/report.jsonl"


def end_key(run: str) -> str:
    """The object with the verdict."""
    return f"{RUNS}/{run}/end.json"


def original_key(run: str) -> str:
    """The user's own manifest, kept before another is put in its place."""
    return f"{RUNS}/{run}/original.meta"


def upload_key(run: str) -> str:
    """The upload of a manifest that was begun last: a process that begins anew drops its parts."""
    return f"{RUNS}/{run}/upload.json"


def task_report_key(run: str, chunk: int) -> str:
    """The report of a task, byte for byte as the service gave it."""
    return f"{RUNS}/{run}/tasks/{chunk:06}.report"


def manifest_mark(run: str, attempt: int) -> str:
    """What a manifest that an import puts into its place says in its metadata (`MARK_HEADER`)."""
    return f"{run}/{attempt}"


def parse_manifest_mark(text: str) -> Mark | None:
    """Whose manifest it is; None where the text is not of our making."""
    found = MARK.fullmatch(text)
    return Mark(found[1], int(found[2])) if found else None


def callback_path(run: str, nonce: str) -> str:
    """The path of a run's callback address, behind whatever the operator's public address is."""
    return f"/v1/callbacks/{run}/{nonce}"


def parse_callback(address: str) -> Callback | None:
    """The run of a callback address, or of its path alone; None where it is not of our making."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    found = CALLBACK.fullmatch(path)
    return Callback(found[1], found[2]) if found else None


def user_data(run: str, nonce: str, chunk: int) -> str:
    """UserData of a call.

    Raises:
        ValueError: `parse_user_data` would not know it again.
    """
    text = f"imm-operator/{VERSION}/{run}/{nonce}/{chunk}"
    if parse_user_data(text) != Address(run, nonce, chunk):
        raise ValueError(f"no UserData of a call: {text}")
    return text


def parse_user_data(text: str) -> Address | None:
    """The call that a message's UserData names; None where it is not of our making."""
    found = USER_DATA.fullmatch(text)
    return Address(found[1], found[2], int(found[3])) if found else None


def _work(spec: BatchImportSpec) -> dict[str, Any]:
    work = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=set(WORK))
    for name in NAMED_OTHERWISE:
        work["target"].get("dataset", {}).pop(name, None)
    prefix = work["source"].get("prefix") or {}
    for name in SETS:
        if name in prefix:
            prefix[name] = sorted(set(prefix[name]))
    pruned: dict[str, Any] = _without_empty(work)
    return pruned


def _without_empty(value: Any) -> Any:
    """Without maps and lists that hold nothing: a group of fields that are all left out is left out itself."""
    match value:
        case dict():
            kept = {key: _without_empty(inner) for key, inner in value.items()}
            return {key: inner for key, inner in kept.items() if inner not in ({}, [])}
        case list():
            return [_without_empty(inner) for inner in value]
        case _:
            return value


def _hash(value: list[Any]) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
