"""The report of a run that failed at large: in parts, in slices, whole or not there, in the memory of one part."""

from __future__ import annotations

import gc
import tracemalloc
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import oss2
import pytest

from controller.api.batchimport import Phase, Totals
from controller.cloud.ports import OssPort, UploadedObject, UploadedPart
from controller.core.imports.documents import RunRecord
from controller.core.imports.identity import part_key, report_key, segment_key
from controller.core.imports.items import PART, Item
from controller.core.imports.items import encode as encode_items
from controller.core.imports.records import Answered, Cancelled, Chunk, Means, Planned, Record, Verdicts
from controller.core.imports.records import encode as encode_records
from controller.core.imports.run import RunState
from controller.reconcile import batchimport
from controller.reconcile.imports import report
from controller.reconcile.imports.finish import conclude
from controller.reconcile.imports.journal import Journal
from controller.reconcile.imports.parts import FILES, Parts
from controller.reconcile.imports.run import Run
from controller.reconcile.kinds import Key
from emulator.testing import LocalCloud, cloud, running
from tests.unit.import_world import PHOTOS, WORK, ImportWorld
from tests.unit.operator_doubles import Crash

__all__ = ["cloud"]

RUN = "0" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONG = "x" * 900
MANY = 300  # files whose lines fill three parts of the least length that OSS takes
LEAST = 100 * 1024


@pytest.fixture
def world(cloud: LocalCloud) -> Iterator[ImportWorld]:
    """A world for one test."""
    made = ImportWorld(cloud)
    yield made
    made.close()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """As small as OSS takes them."""
    monkeypatch.setattr(report, "PART_SIZE", LEAST)


def missing() -> list[str]:
    """Files that are not there."""
    return [f"oss://{PHOTOS}/{LONG}/{number:03}.txt" for number in range(MANY)]


def failing(world: ImportWorld) -> Key:
    """An import of which nothing succeeds, but for its end."""
    listed = "".join(f'{{"uri": "{uri}"}}\n' for uri in missing())
    world.bucket.put_object("list.jsonl", listed)
    key = world.batch([], source={"table": {"bucket": PHOTOS, "key": "list.jsonl"}})
    world.settle(key)
    world.cloud.advance(60)
    world.deliver_all()
    return key


def reported(world: ImportWorld, key: Key) -> list[str]:
    """The names in the report."""
    data = world.oss().get_object(WORK, report_key(world.status(key).run or ""), largest=1 << 24)
    return [msgspec.json.decode(line)["uri"] for line in data.splitlines()]


def left_behind(world: ImportWorld) -> int:
    """Uploads that nobody ended."""
    auth = oss2.AuthV4(world.cloud.access_key_id, world.cloud.access_key_secret)
    bucket = oss2.Bucket(auth, world.cloud.url, WORK, session=world.session, region=world.cloud.region)
    return len(bucket.list_multipart_uploads().upload_list)


@pytest.mark.usefixtures("small_parts")
def test_a_long_report_goes_up_in_parts_and_is_whole(world: ImportWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pass takes longer than its slice, here of no time at all; until the end nothing of it is seen."""
    key = failing(world)
    world.guard.writes.clear()
    monkeypatch.setattr(batchimport, "SLICE", 0.0)
    passes = 1
    while world.run(key).look_again == 0.0:
        passes += 1
        status = world.status(key)
        assert status.phase == "Waiting"
        assert world.oss().get_range(WORK, report_key(status.run or ""), 0, 1) is None
    assert passes >= MANY
    assert missing() == reported(world, key)
    assert ("Failed", 10) == (world.status(key).phase, len(world.status(key).failures))
    assert ["begin_upload", "put_object", *["upload_part"] * 3, "complete_upload", "put_object"] == world.guard.writes
    assert 0 == left_behind(world)


def test_a_short_report_is_one_put(world: ImportWorld) -> None:
    """And the verdict is the other."""
    key = failing(world)
    world.guard.writes.clear()
    world.settle(key)
    assert ["put_object", "put_object"] == world.guard.writes
    assert missing() == reported(world, key)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_whatever_write_the_process_ends_at_the_report_is_whole_and_no_parts_stay(*, after: bool) -> None:
    """The next process begins it anew, and drops what the one before left."""
    with running() as local:
        for at in range(1, 8):
            local.reset()
            world = ImportWorld(local)
            key = failing(world)
            guard = world.guard
            guard.writes.clear()
            guard.at, guard.after = at, after
            with suppress(Crash):
                world.settle(key)
            assert guard.dead
            began_unheard = guard.writes[-1] == "begin_upload" and after
            world.restart()
            world.settle(key)
            assert (missing(), "Failed") == (reported(world, key), world.status(key).phase)
            unrecorded = began_unheard or (at == 2 and not after)  # begun, and its id not on record yet
            assert unrecorded == bool(left_behind(world))
            world.close()


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "InitiateMultipartUpload", "when": "after", "drop": True},
        {"operation": "UploadPart", "when": "after", "drop": True},
        {"operation": "UploadPart", "error": {"status": 404, "code": "NoSuchUpload"}},
        {"operation": "CompleteMultipartUpload", "when": "before", "drop": True},
        {"operation": "CompleteMultipartUpload", "when": "after", "drop": True},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_call_that_fails_is_made_again(world: ImportWorld, fault: dict[str, object]) -> None:
    """Or the report begins anew, where nobody can tell whether its upload is over."""
    key = failing(world)
    world.cloud.fault({"service": "oss", "times": 1, **fault})
    world.settle(key)
    assert (missing(), "Failed") == (reported(world, key), world.status(key).phase)


@pytest.mark.usefixtures("small_parts")
def test_a_retry_that_comes_in_between_makes_another_report(
    world: ImportWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written of the one before is dropped."""
    key = failing(world)
    with monkeypatch.context() as patched:
        patched.setattr(batchimport, "SLICE", 0.0)
        for _ in range(MANY // 2):
            assert 0.0 == world.run(key).look_again
    assert 1 == left_behind(world)
    for uri in missing()[1:]:
        world.bucket.put_object(uri.partition(f"{PHOTOS}/")[2], b"text")
    table = {"table": {"bucket": PHOTOS, "key": "list.jsonl"}}
    world.settle(world.batch([], source=table, retry={"failedItems": "once more"}))
    world.work(key)
    assert missing()[:1] == reported(world, key)
    assert 0 == left_behind(world)


class Store:
    """A work bucket with the frozen content and journal of a run, made when asked for; what is put is only counted."""

    def __init__(self, records: Sequence[Sequence[Record]]) -> None:
        self.segments = {segment_key(RUN, number): encode_records(one) for number, one in enumerate(records)}
        self.written = 0

    def get_object(self, _bucket: str, key: str, **_limits: int) -> bytes | None:
        if key.endswith("upload.json"):
            return None
        if "/journal/" in key:
            return self.segments.get(key)
        number = next(one for one in range(1000) if part_key(RUN, one) == key)
        return encode_items([Item(f"oss://photos/{one:075}.jpg") for one in range(number * PART, (number + 1) * PART)])

    def put_object(self, _bucket: str, _key: str, data: bytes) -> None:
        self.written += len(data)

    def begin_upload(self, _bucket: str, _key: str, _metadata: object, *, replace: bool) -> str:
        return str(replace)

    def upload_part(self, _bucket: str, _key: str, _upload: str, number: int, data: bytes) -> UploadedPart:
        self.written += len(data)
        return UploadedPart(number, "etag", 0, len(data))

    def complete_upload(self, *_args: object, replace: bool) -> UploadedObject:
        return UploadedObject(str(replace), 0)


def records(count: int, *, failed: bool) -> list[list[Record]]:
    """A journal in which nothing of so many files succeeded."""
    if not failed:
        return [[Cancelled(NOW)]]
    found: list[list[Record]] = []
    for number, first in enumerate(range(0, count, 100)):
        chunk = Chunk(number, Means.INDEX, ((first, first + 100),))
        told = tuple((index, f"File {index % 7} does not exist") for index in range(first, first + 100))
        found.append([Planned(NOW, (chunk,)), Answered(number, NOW), Verdicts(number, NOW, "message", failed=told)])
    return found


def loaded(store: Store, journal: Sequence[Sequence[Record]], count: int) -> Run:
    """The run that they make."""
    state = RunState(array("Q", bytes(8 * count)))
    for segment in journal:
        for one in segment:
            state.apply(one)
    named: dict[str, Any] = dict.fromkeys(
        ("cluster", "namespace", "name", "work", "account_id", "region", "digest", "nonce"), "x"
    )
    record = RunRecord(**named, items=count, skipped=0, started_at=NOW)
    oss = cast("OssPort", store)
    return Run(RUN, "work", record, state, Journal(oss, "work", RUN, len(journal)), Parts(oss, "work", RUN, FILES))


def peak(count: int, *, failed: bool) -> int:
    """Bytes at the worst moment of writing a report of so many files."""
    journal = records(count, failed=failed)
    store = Store(journal)
    run = loaded(store, journal, count)
    gc.disable()
    tracemalloc.start()
    try:
        assert conclude(run, lambda _totals: Phase.FAILED, NOW, lambda: False) is not None
        assert store.written > 100 * count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("failed", "each"), [(False, 2), (True, 8)], ids=["cancelled", "failed"])
def test_the_length_of_a_report_is_no_matter_of_memory(*, failed: bool, each: int) -> None:
    """A byte a file; where the journal has to say why each failed, four more. Each line is 150."""
    less, more = peak(50_000, failed=failed), peak(200_000, failed=failed)
    assert more < 24 << 20
    assert (more - less) / 150_000 < each


def test_a_late_word_is_in_the_next_report() -> None:
    """The verdict on record says the counts that its report is of, so that it is seen to be out of date."""
    chunk = Chunk(0, Means.INDEX, ((0, 3),))
    journal: list[list[Record]] = [
        [Planned(NOW, (chunk,)), Answered(0, NOW), Verdicts(0, NOW, "dataset", unknown=(0, 1, 2))]
    ]
    run = loaded(Store(journal), journal, 3)

    def phase_of(totals: Totals) -> Phase:
        return Phase.FAILED if totals.unknown else Phase.COMPLETE

    assert conclude(run, phase_of, NOW, lambda: True) is None
    run.fold([Verdicts(0, NOW, "message", succeeded=((0, 3),))])
    while (end := conclude(run, phase_of, NOW, lambda: True)) is None:
        pass
    assert (Phase.FAILED, 3, False) == (end.phase, end.totals.unknown, run.concluded)
    end = conclude(run, phase_of, NOW, lambda: True)
    assert end is not None
    assert (Phase.COMPLETE, 0, True, []) == (end.phase, end.totals.unknown, run.concluded, run.shown)
