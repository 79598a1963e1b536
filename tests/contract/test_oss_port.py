"""`controller.cloud.oss.Oss` against the emulator, through oss2."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import oss2
import pytest

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import BucketNotFound, Conflict, Denied, Invalid, NotLeading, TimedOut
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import ObjectPage, ObjectRange
from controller.core.facts import BucketFacts
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports


def test_a_bucket_is_reported_with_region_objects_and_bytes(ports: Ports, bucket: oss2.Bucket) -> None:
    """The region as IMM writes it, without OSS's prefix."""
    bucket.put_object("a", b"123")
    bucket.put_object("b/c", b"4567")
    assert BucketFacts("photos", "cn-hangzhou", objects=2, size=7) == ports.oss.get_bucket("photos")


def test_a_bucket_that_nobody_has_is_absent(ports: Ports) -> None:
    """None, not an error."""
    assert ports.oss.get_bucket("nobody-has-this") is None


def test_somebody_elses_bucket_is_denied_not_absent(
    cloud: LocalCloud, ports_of: Callable[..., Ports], bucket: oss2.Bucket
) -> None:
    """Bucket names are global: creating it would not help."""
    stranger = cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret")
    with pytest.raises(Denied) as caught:
        ports_of(stranger).oss.get_bucket("photos")
    assert "AccessDenied" == caught.value.code
    assert caught.value.request_id


@pytest.mark.usefixtures("bucket")
class TestRecords:
    """Small objects that are written once."""

    def test_a_new_object_is_written_and_read_back(self, ports: Ports) -> None:
        """Absent before, absent after its removal, which may be repeated."""
        assert ports.oss.get_object("photos", "owners/a.json") is None
        ports.oss.put_new("photos", "owners/a.json", b'{"version": 1}')
        assert b'{"version": 1}' == ports.oss.get_object("photos", "owners/a.json")
        for _ in range(2):
            ports.oss.delete_object("photos", "owners/a.json")
        assert ports.oss.get_object("photos", "owners/a.json") is None

    def test_a_second_writer_is_refused_and_overwrites_nothing(self, ports: Ports) -> None:
        """What makes a record an owner's."""
        ports.oss.put_new("photos", "a", b"first")
        with pytest.raises(Conflict) as caught:
            ports.oss.put_new("photos", "a", b"second")
        assert "FileAlreadyExists" == caught.value.code
        assert b"first" == ports.oss.get_object("photos", "a")

    def test_of_many_writers_at_once_one_wins(self, ports: Ports) -> None:
        """Each of them knows whether it did."""

        def write(number: int) -> bytes | None:
            data = str(number).encode()
            try:
                ports.oss.put_new("photos", "a", data)
            except Conflict:
                return None
            return data

        with ThreadPoolExecutor(8) as pool:
            won = [data for data in pool.map(write, range(16)) if data is not None]
        assert won == [ports.oss.get_object("photos", "a")]

    @pytest.mark.parametrize("versioning", ["Enabled", "Suspended"])
    def test_a_bucket_that_keeps_versions_is_refused(self, ports: Ports, bucket: oss2.Bucket, versioning: str) -> None:
        """There OSS overwrites in spite of the header, so a record in it belongs to nobody for sure."""
        bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
        bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig(versioning))
        calls: list[Callable[[], object]] = [
            lambda: ports.oss.put_new("photos", "a", b"first"),
            lambda: ports.oss.get_object("photos", "a"),
        ]
        for call in calls:
            with pytest.raises(Invalid) as caught:
                call()
            assert ("VersionedBucket", True) == (caught.value.code, "photos keeps versions" in caught.value.message)

    def test_without_the_bucket_absence_means_nothing(self, ports: Ports) -> None:
        """An error, which names the object."""
        calls: list[Callable[[], object]] = [
            lambda: ports.oss.put_new("nobody-has-this", "a", b""),
            lambda: ports.oss.get_object("nobody-has-this", "a"),
            lambda: ports.oss.delete_object("nobody-has-this", "a"),
        ]
        for call in calls:
            with pytest.raises(BucketNotFound) as caught:
                call()
            assert "oss://nobody-has-this/a" in caught.value.message

    def test_somebody_elses_bucket_is_denied_by_name(self, cloud: LocalCloud, ports_of: Callable[..., Ports]) -> None:
        """The call and the object are in the words."""
        stranger = ports_of(cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret"))
        with pytest.raises(Denied) as caught:
            stranger.oss.put_new("photos", "owners/a.json", b"mine")
        assert ("oss:PutObject", True) == (caught.value.operation, "oss://photos/owners/a.json" in caught.value.message)

    def test_a_lost_answer_is_told_from_a_refusal(self, cloud: LocalCloud, ports: Ports) -> None:
        """It may have been written all the same, and a second try says so."""
        cloud.fault({"service": "oss", "operation": "PutObject", "when": "after", "drop": True, "times": 1})
        with pytest.raises(TimedOut):
            ports.oss.put_new("photos", "a", b"first")
        with pytest.raises(Conflict):
            ports.oss.put_new("photos", "a", b"second")
        assert b"first" == ports.oss.get_object("photos", "a")

    def test_the_fence_is_asked_before_a_record_is_written_or_removed(self, cloud: LocalCloud) -> None:
        """A process that lost the lease changes no owner; it may still look."""

        def closed(operation: str) -> AbstractContextManager[None]:
            raise NotLeading(operation, "another process leads")

        key = Credentials(cloud.access_key_id, cloud.access_key_secret)
        place = Place(cloud.account_id, cloud.region, imm=cloud.url, oss=cloud.url)
        oss = AlibabaClouds(Limiters(), Rates(), sts_endpoint=None, fence=closed).oss(place, key, Lane.EDIT)
        writes: list[Callable[[], object]] = [
            lambda: oss.put_new("photos", "a", b""),
            lambda: oss.put_object("photos", "a", b""),
            lambda: oss.delete_object("photos", "a"),
        ]
        for write in writes:
            with pytest.raises(NotLeading):
                write()
        assert oss.get_object("photos", "a") is None
        assert {"GetObject"} == set(cloud.counts()["oss"]) - {"PutBucket"}


HARD_KEYS = ['a "b" it\'s.jpg', "a+b c%20d&e.jpg", "日本 語/😀.jpg", "plain.jpg"]


class TestRanges:
    """Parts of objects, which are as large as they like."""

    @pytest.mark.parametrize(
        ("first", "count", "data"),
        [(0, 4, b"0123"), (6, 4, b"6789"), (8, 4, b"89"), (0, 100, b"0123456789"), (10, 4, b""), (1000, 4, b"")],
    )
    def test_a_part_has_the_size_and_version_of_the_whole(
        self, ports: Ports, bucket: oss2.Bucket, first: int, count: int, data: bytes
    ) -> None:
        """Fewer bytes at the end, none beyond it, and never the whole instead."""
        etag = bucket.put_object("a", b"0123456789").etag
        assert ObjectRange(data, 10, etag) == ports.oss.get_range("photos", "a", first, count)
        assert ObjectRange(data, 10, etag) == ports.oss.get_range("photos", "a", first, count, etag=etag)

    def test_an_empty_object_has_a_size_too(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """OSS serves no range of it at all."""
        etag = bucket.put_object("a", b"").etag
        assert ObjectRange(b"", 0, etag) == ports.oss.get_range("photos", "a", 0, 100)

    def test_bytes_are_those_that_are_stored(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Whatever somebody wrote into Content-Encoding: half a gzip file cannot be unpacked."""
        packed = gzip.compress(b"0123456789" * 100)
        etag = bucket.put_object("a", packed, headers={"Content-Encoding": "gzip"}).etag
        assert ObjectRange(packed[3:13], len(packed), etag) == ports.oss.get_range("photos", "a", 3, 10)
        assert packed == ports.oss.get_object("photos", "a")

    def test_absence_is_none_only_in_a_bucket_that_is_there(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """With or without a version."""
        assert bucket.bucket_name == "photos"
        for etag in (None, "ABC"):
            assert ports.oss.get_range("photos", "a", 0, 4, etag=etag) is None
            with pytest.raises(BucketNotFound):
                ports.oss.get_range("nobody-has-this", "a", 0, 4, etag=etag)

    @pytest.mark.parametrize("first", [0, 4, 100])
    def test_another_version_is_a_conflict(self, ports: Ports, bucket: oss2.Bucket, first: int) -> None:
        """Between two parts of a table somebody wrote another."""
        etag = bucket.put_object("a", b"0123456789").etag
        bucket.put_object("a", b"9876543210")
        with pytest.raises(Conflict) as caught:
            ports.oss.get_range("photos", "a", first, 4, etag=etag)
        assert ("PreconditionFailed", True) == (caught.value.code, "oss://photos/a" in caught.value.message)

    def test_one_connection_does(
        self, ports: Ports, bucket: oss2.Bucket, cloud: LocalCloud, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A body that is not read to its end would keep its connection, or cost it."""
        bucket.put_object("a", b"0123456789" * 100_000)
        with caplog.at_level(logging.DEBUG, "urllib3.connectionpool"):
            for first in range(0, 2_000_000, 100_000):
                assert ports.oss.get_range("photos", "a", first, 4) is not None
        assert 1 == len([record for record in caplog.records if "Starting new HTTP connection" in record.message])
        assert 30 == cloud.counts()["oss"]["GetObject"]  # ten of the twenty lie beyond the end


class TestListings:
    """Pages of keys."""

    def test_pages_follow_each_other_in_the_order_of_the_keys(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Under a prefix, with size and version; the last page says that it is the last."""
        for number in range(7):
            bucket.put_object(f"in/{number}", b"x" * number)
        bucket.put_object("out", b"")
        after, pages = None, []
        while True:
            page = ports.oss.list_objects("photos", "in/", after=after, most=3)
            pages.append(page.objects)
            after = page.next_after
            if after is None:
                break
        assert [3, 3, 1] == [len(page) for page in pages]
        found = [item for page in pages for item in page]
        assert [(f"in/{number}", number) for number in range(7)] == [(item.key, item.size) for item in found]
        assert [bucket.get_object_meta(item.key).etag for item in found] == [item.etag for item in found]
        assert ObjectPage((), None) == ports.oss.list_objects("photos", "nothing/")

    def test_names_come_back_as_they_were_given(self, ports: Ports, bucket: oss2.Bucket) -> None:
        """Quotes, plus signs, blanks, CJK, emoji, as a key, as a prefix and as the place to go on from."""
        for key in HARD_KEYS:
            bucket.put_object(key, b"")
        in_order = sorted(HARD_KEYS)
        assert in_order == [item.key for item in ports.oss.list_objects("photos", "").objects]
        for number, key in enumerate(in_order):
            assert [key] == [item.key for item in ports.oss.list_objects("photos", key).objects]
            rest = ports.oss.list_objects("photos", "", after=key).objects
            assert in_order[number + 1 :] == [item.key for item in rest]
            page = ports.oss.list_objects("photos", "", most=number + 1)
            assert key == page.objects[-1].key
            assert page.next_after == (key if number + 1 < len(in_order) else None)

    def test_without_the_bucket_an_empty_list_would_be_a_lie(self, ports: Ports) -> None:
        """An error, which names bucket and prefix."""
        with pytest.raises(BucketNotFound) as caught:
            ports.oss.list_objects("nobody-has-this", "in/")
        assert "oss://nobody-has-this/in/" in caught.value.message


@pytest.mark.usefixtures("bucket")
class TestReports:
    """Objects that are written again, and larger ones."""

    def test_a_report_is_overwritten(self, ports: Ports) -> None:
        """It is no record."""
        for data in (b"first", b"second"):
            ports.oss.put_object("photos", "runs/1/report.jsonl", data)
        assert b"second" == ports.oss.get_object("photos", "runs/1/report.jsonl")
        with pytest.raises(BucketNotFound):
            ports.oss.put_object("nobody-has-this", "a", b"")

    def test_an_object_is_read_whole_or_not_at_all(self, ports: Ports) -> None:
        """Half a record may look like a record."""
        ports.oss.put_object("photos", "a", b"x" * 70_000)
        assert 70_000 == len(ports.oss.get_object("photos", "a", largest=70_000) or b"")
        for largest in ({}, {"largest": 69_999}):
            with pytest.raises(Invalid, match="oss://photos/a has 70000 bytes"):
                ports.oss.get_object("photos", "a", **largest)

    def test_a_segment_of_megabytes_is_read_in_one_piece(self, ports: Ports) -> None:
        """Over many packets."""
        data = bytes(range(256)) * 40_000
        ports.oss.put_new("photos", "a", data)
        assert data == ports.oss.get_object("photos", "a", largest=20_000_000)


def test_a_body_that_breaks_off_is_no_body() -> None:
    """A connection that ends in the middle: some bytes came, and nobody says how many were meant."""
    head = b'HTTP/1.1 200 OK\r\nx-oss-request-id: R\r\nETag: "E"\r\nContent-Length: 100\r\n\r\n'
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(2):
                connection, _address = listener.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(head + b"x" * 10)

        thread = threading.Thread(target=serve)
        thread.start()
        place = Place("1", "cn-hangzhou", oss=f"http://127.0.0.1:{listener.getsockname()[1]}")
        oss = AlibabaClouds(Limiters(), Rates(), sts_endpoint=None).oss(place, Credentials("id", "s"), Lane.EDIT)
        with pytest.raises(TimedOut, match="cannot be read"):
            oss.get_object("photos", "a")
        with pytest.raises(TimedOut, match="cannot be read"):
            oss.get_range("photos", "a", 0, 50)
        thread.join(20)
