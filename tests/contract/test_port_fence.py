"""The fence stands before every call that changes something in the cloud, behind the limiter, and before no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import oss2
import pytest

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import NotLeading
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import ImmPort, OssPort, ProjectSpec, QuotaFacts
from emulator.testing import LocalCloud

PROJECT = ProjectSpec(name="media", service_role="AliyunIMMDefaultRole")
NO_QUOTAS = QuotaFacts()
IMM_WRITES: dict[str, Callable[[ImmPort], object]] = {
    "imm:CreateProject": lambda imm: imm.create_project(PROJECT),
    "imm:UpdateProject": lambda imm: imm.update_project(PROJECT),
    "imm:DeleteProject": lambda imm: imm.delete_project("media"),
    "imm:CreateDataset": lambda imm: imm.create_dataset(
        "media", "pictures", template_id=None, description=None, quotas=NO_QUOTAS
    ),
    "imm:UpdateDataset": lambda imm: imm.update_dataset(
        "media", "pictures", template_id=None, description=None, quotas=NO_QUOTAS
    ),
    "imm:DeleteDataset": lambda imm: imm.delete_dataset("media", "pictures"),
    "imm:CreateBinding": lambda imm: imm.create_binding("media", "pictures", "photos"),
    "imm:DeleteBinding": lambda imm: imm.delete_binding("media", "pictures", "photos"),
}
OSS_WRITES: dict[str, Callable[[OssPort], object]] = {
    "oss:PutObject": lambda oss: oss.put_new("photos", "record", b"mine"),
    "oss:DeleteObject": lambda oss: oss.delete_object("photos", "record"),
}


class Shut:
    """A fence that lets nothing through."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.asked: list[tuple[str, float]] = []
        self.clock = clock

    @contextmanager
    def __call__(self, operation: str) -> Iterator[None]:
        """`controller.cloud.fence.Fence`."""
        self.asked.append((operation, self.clock()))
        raise NotLeading(operation, "another process leads")
        yield


def ports(
    cloud: LocalCloud, fence: Shut, limiters: Limiters | None = None, rate: float = 1000
) -> tuple[ImmPort, OssPort]:
    """The operator's own ports behind a fence."""
    clouds = AlibabaClouds(limiters or Limiters(), Rates(imm_per_project=rate), sts_endpoint=cloud.url, fence=fence)
    keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
    place = Place(cloud.account_id, cloud.region, imm=cloud.url, oss=cloud.url)
    return clouds.imm(place, keys, Lane.EDIT), clouds.oss(place, keys, Lane.EDIT)


@pytest.mark.parametrize("operation", IMM_WRITES)
def test_no_write_to_imm_passes_a_shut_fence(cloud: LocalCloud, operation: str) -> None:
    """Nothing reaches the cloud."""
    fence = Shut()
    imm, _ = ports(cloud, fence)
    with pytest.raises(NotLeading):
        IMM_WRITES[operation](imm)
    assert [operation] == [asked for asked, _ in fence.asked]
    assert {} == cloud.counts()


def test_every_write_of_the_port_is_in_the_table() -> None:
    """A new method of the port needs a row, or a name that reads."""
    methods = {name for name in vars(ImmPort) if not name.startswith(("_", "get_", "list_", "simple_query"))}
    assert methods == {_snake(operation) for operation in IMM_WRITES}


@pytest.mark.parametrize("operation", OSS_WRITES)
def test_no_write_to_oss_passes_a_shut_fence(cloud: LocalCloud, bucket: oss2.Bucket, operation: str) -> None:
    """Owner records are written by the leader alone, too."""
    fence = Shut()
    _, oss = ports(cloud, fence)
    before = cloud.counts()
    with pytest.raises(NotLeading):
        OSS_WRITES[operation](oss)
    assert [operation] == [asked for asked, _ in fence.asked]
    assert before == cloud.counts()
    assert "photos" == bucket.bucket_name


def test_reading_asks_no_fence(cloud: LocalCloud) -> None:
    """A new leader looks at once."""
    fence = Shut()
    imm, oss = ports(cloud, fence)
    assert imm.get_project("media") is None
    assert oss.get_bucket("photos") is None
    assert [] == fence.asked


def test_the_fence_is_asked_when_the_wait_for_the_limiter_is_over(cloud: LocalCloud) -> None:
    """Time that passes in the limiter counts."""
    limiters = Limiters()
    fence = Shut(lambda: max(limiter.waited for limiter in limiters.all()))
    imm, _ = ports(cloud, fence, limiters, rate=0.5)
    imm.get_project("media")
    with pytest.raises(NotLeading):
        imm.create_project(PROJECT)
    assert fence.asked[0][1] > 0


def _snake(operation: str) -> str:
    name = operation.partition(":")[2]
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
