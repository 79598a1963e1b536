"""What reading and freezing take in memory: a block, a part, and a fingerprint of each file."""

from __future__ import annotations

import gc
import tracemalloc
from typing import cast

import pytest

from controller.api.batchimport import BatchImport
from controller.cloud.ports import ObjectPage, ObjectRange, OssPort
from controller.core.facts import BucketFacts, ObjectFacts
from controller.core.imports.places import Places
from controller.reconcile.imports.buckets import Buckets
from controller.reconcile.imports.contents import BLOCK
from controller.reconcile.imports.sources import Freezing, Reading

LINE = '{{"uri":"oss://photos/{:075}.jpg","customLabels":{{"a":"b"}}}}\n'
WIDTH = len(LINE.format(0))
FEW, MANY = 3, 14  # blocks; so far apart, the last block of each begins at the same place of a part, within 112 lines
TABLE: dict[str, object] = {"table": {"bucket": "photos", "key": "list"}}
PREFIX: dict[str, object] = {"prefix": {"bucket": "photos"}}


class Endless:
    """A bucket with so many objects, and a table of so many lines, made when they are asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.stored = 0

    def get_bucket(self, bucket: str) -> BucketFacts:
        return BucketFacts(bucket, "cn-hangzhou")

    def get_range(self, _bucket: str, _key: str, first: int, count: int, *, etag: str | None = None) -> ObjectRange:
        size = self.count * WIDTH
        end = min(first + count, size)
        begin = first // WIDTH
        text = b"".join(LINE.format(number).encode() for number in range(begin, -(-end // WIDTH)))
        return ObjectRange(text[first - begin * WIDTH : end - begin * WIDTH], size, etag or "1")

    def list_objects(self, _bucket: str, _prefix: str, *, after: str | None = None, most: int = 1000) -> ObjectPage:
        begin = 0 if after is None else int(after) + 1
        end = min(begin + most, self.count)
        keys = [f"{number:09}" for number in range(begin, end)]
        return ObjectPage(tuple(ObjectFacts(key, 1, "1") for key in keys), keys[-1] if end < self.count else None)

    def put_new(self, _bucket: str, _key: str, data: bytes) -> None:
        self.stored += len(data)


def importing(source: dict[str, object]) -> BatchImport:
    """What imports from there."""
    return BatchImport.model_validate(
        {
            "apiVersion": "imm-operator.dev/v1alpha1",
            "kind": "BatchImport",
            "metadata": {"name": "spring", "namespace": "shop", "uid": "1"},
            "spec": {
                "accountRef": {"name": "main"},
                "target": {"dataset": {"project": "p", "name": "d"}},
                "source": source,
            },
        }
    )


def peak(source: dict[str, object], count: int) -> int:
    """Bytes at the worst moment of reading and freezing so many files, with no collector of garbage to help."""
    target = importing(source)
    endless = Endless(count)
    oss = cast("OssPort", endless)
    gc.disable()
    tracemalloc.start()
    try:
        reading = Reading(target, oss, "cn-hangzhou", work_bucket="records")
        assert reading.step(lambda: False)
        assert (count, 0) == (reading.items, reading.problem_count)
        marks, digest = reading.marks, reading.digest
        del reading
        freezing = Freezing(target, oss, "cn-hangzhou", work_bucket="records", run="0" * 32, digest=digest, marks=marks)
        assert freezing.step(lambda: False)
        assert endless.stored > count * 20
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("source", "each"), [(TABLE, 14), (PREFIX, 1)], ids=["table", "prefix"])
def test_a_hundred_thousand_files_take_little_more_memory_than_a_quarter_as_many(
    source: dict[str, object], each: int
) -> None:
    """A block of a table and a part of the frozen content are all else that is held; a listing has no file twice."""
    few, many = (blocks * BLOCK // WIDTH for blocks in (FEW, MANY))
    less, more = peak(source, few), peak(source, many)
    assert more < 8 << 20
    assert (more - less) / (many - few) < each


def test_a_reading_takes_its_last_block_with_it() -> None:
    """It held itself once, and the block stayed until somebody collected the garbage: often beyond the freezing."""
    oss = cast("OssPort", Endless(FEW * BLOCK // WIDTH))
    gc.disable()
    tracemalloc.start()
    try:
        reading = Reading(importing(TABLE), oss, "cn-hangzhou", work_bucket="records")
        assert reading.step(lambda: False)
        del reading
        assert tracemalloc.get_traced_memory()[0] < BLOCK / 2
    finally:
        tracemalloc.stop()
        gc.enable()


@pytest.mark.parametrize(("region", "refused"), [("cn-hangzhou", False), ("cn-shanghai", True)])
def test_a_bucket_that_says_where_it_is_is_taken_at_its_word(region: str, *, refused: bool) -> None:
    """Where OSS does not refuse to tell."""
    endless = Endless(1)
    buckets = Buckets(cast("OssPort", endless), region, "records")
    assert refused == ("is in cn-hangzhou, the account in cn-shanghai" in buckets.refusal("photos"))


def test_a_place_takes_less_than_twenty_bytes() -> None:
    """A set of as many numbers takes sixty and more."""
    tracemalloc.start()
    try:
        places = Places()
        assert [None] * 100_000 == [places.add(f"oss://photos/{number}", number) for number in range(100_000)]
        assert tracemalloc.get_traced_memory()[0] < 100_000 * 20 + 1_000_000
    finally:
        tracemalloc.stop()
    assert 99_999 == places.add("oss://photos/99999", 5)
    assert places.add("oss://photos/100000", 6) is None
