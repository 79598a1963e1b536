"""`controller.cloud.oss.Oss` against the emulator, through oss2."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import oss2
import pytest

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import BucketNotFound, Conflict, Denied, Invalid, NotLeading, TimedOut
from controller.cloud.limiter import Lane, Limiters
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
            lambda: oss.delete_object("photos", "a"),
        ]
        for write in writes:
            with pytest.raises(NotLeading):
                write()
        assert oss.get_object("photos", "a") is None
        assert {"GetObject"} == set(cloud.counts()["oss"]) - {"PutBucket"}
