"""The fence stands before every call that changes something in the cloud, behind the limiter, and before no other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import oss2
import pytest

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import Invalid, NotLeading
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import (
    FilesPort,
    ImageSearchPort,
    ImmPort,
    IndexedFile,
    OssPort,
    ProjectSpec,
    QueuePort,
    QuotaFacts,
    UploadedPart,
)
from emulator.testing import LocalCloud

PROJECT = ProjectSpec(name="media", service_role="AliyunIMMDefaultRole")
NO_QUOTAS = QuotaFacts()
PART = UploadedPart(1, "E", 1, 1)
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
    "put_new": lambda oss: oss.put_new("photos", "record", b"mine"),
    "put_object": lambda oss: oss.put_object("photos", "report", b"mine"),
    "delete_object": lambda oss: oss.delete_object("photos", "record"),
    "copy_object": lambda oss: oss.copy_object("photos", "a", "photos", "kept", etag="E"),
    "begin_upload": lambda oss: oss.begin_upload("photos", "increment.meta", {}, replace=True),
    "upload_part": lambda oss: oss.upload_part("photos", "increment.meta", "U", 1, b""),
    "complete_upload": lambda oss: oss.complete_upload("photos", "increment.meta", "U", [PART], replace=True),
    "abort_upload": lambda oss: oss.abort_upload("photos", "increment.meta", "U"),
}
OSS_OPERATIONS = {
    "put_new": "oss:PutObject",
    "put_object": "oss:PutObject",
    "delete_object": "oss:DeleteObject",
    "copy_object": "oss:CopyObject",
    "begin_upload": "oss:InitiateMultipartUpload",
    "upload_part": "oss:UploadPart",
    "complete_upload": "oss:CompleteMultipartUpload",
    "abort_upload": "oss:AbortMultipartUpload",
}
FILE = IndexedFile("oss://photos/a.jpg", labels={"a": "b"})
FILES_WRITES: dict[str, Callable[[FilesPort], object]] = {
    "imm:BatchIndexFileMeta": lambda files: files.index("media", "d", [FILE], topic="results", user_data="u"),
    "imm:BatchUpdateFileMeta": lambda files: files.update("media", "d", [FILE]),
    "imm:BatchDeleteFileMeta": lambda files: files.delete("media", "d", [FILE.uri]),
}
QUEUE_WRITES: dict[str, Callable[[QueuePort], object]] = {
    "mns:SendMessage": lambda queue: queue.send("x"),
    "mns:BatchDeleteMessage": lambda queue: queue.delete(["1-A"]),
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


@dataclass(frozen=True, slots=True)
class Fenced:
    """The operator's own ports behind a fence."""

    imm: ImmPort
    files: FilesPort
    oss: OssPort
    queue: QueuePort


def ports(cloud: LocalCloud, fence: Shut, limiters: Limiters | None = None, rate: float = 1000) -> Fenced:
    """As the engine has them made."""
    clouds = AlibabaClouds(limiters or Limiters(), Rates(imm_per_project=rate), sts_endpoint=cloud.url, fence=fence)
    keys = Credentials(cloud.access_key_id, cloud.access_key_secret)
    place = Place(cloud.account_id, cloud.region, imm=cloud.url, oss=cloud.url, mns=cloud.url)
    return Fenced(
        clouds.imm(place, keys, Lane.EDIT),
        clouds.files(place, keys, Lane.EDIT),
        clouds.oss(place, keys, Lane.EDIT),
        clouds.queue(place, keys, "results"),
    )


@pytest.mark.parametrize("operation", IMM_WRITES)
def test_no_write_to_imm_passes_a_shut_fence(cloud: LocalCloud, operation: str) -> None:
    """Nothing reaches the cloud."""
    fence = Shut()
    imm = ports(cloud, fence).imm
    with pytest.raises(NotLeading):
        IMM_WRITES[operation](imm)
    assert [operation] == [asked for asked, _ in fence.asked]
    assert {} == cloud.counts()


def test_every_write_of_the_port_is_in_the_table() -> None:
    """A new method of the port needs a row, or a name that reads."""
    methods = {name for name in vars(ImmPort) if not name.startswith(("_", "get_", "list_", "simple_query"))}
    assert methods == {_snake(operation) for operation in IMM_WRITES}
    assert {name for name in vars(OssPort) if not name.startswith(("_", "get_", "list_", "head_"))} == set(OSS_WRITES)
    reads = ("_", "tasks", "detail", "exists")
    assert {name for name in vars(ImageSearchPort) if not name.startswith(reads)} == {"increase"}
    assert {name for name in vars(FilesPort) if not name.startswith(("_", "get"))} == {"index", "update", "delete"}
    assert {name for name in vars(QueuePort) if not name.startswith(("_", "look", "receive"))} == {"send", "delete"}


@pytest.mark.parametrize("operation", FILES_WRITES)
def test_no_import_passes_a_shut_fence(cloud: LocalCloud, operation: str) -> None:
    """A chunk that waited in the limiter while another process took over is that process's."""
    fence = Shut()
    with pytest.raises(NotLeading):
        FILES_WRITES[operation](ports(cloud, fence).files)
    assert [operation] == [asked for asked, _ in fence.asked]
    assert {} == cloud.counts()


@pytest.mark.parametrize("operation", QUEUE_WRITES)
def test_no_message_goes_past_a_shut_fence(cloud: LocalCloud, operation: str) -> None:
    """Whoever leads now has not read it into the journal."""
    fence = Shut()
    with pytest.raises(NotLeading):
        QUEUE_WRITES[operation](ports(cloud, fence).queue)
    assert [operation] == [asked for asked, _ in fence.asked]
    assert {} == cloud.counts()


@pytest.mark.parametrize("method", OSS_WRITES)
def test_no_write_to_oss_passes_a_shut_fence(cloud: LocalCloud, bucket: oss2.Bucket, method: str) -> None:
    """Owner records and journals are written by the leader alone, too."""
    fence = Shut()
    oss = ports(cloud, fence).oss
    before = cloud.counts()
    with pytest.raises(NotLeading):
        OSS_WRITES[method](oss)
    assert [OSS_OPERATIONS[method]] == [asked for asked, _ in fence.asked]
    assert before == cloud.counts()
    assert "photos" == bucket.bucket_name


def test_reading_asks_no_fence(cloud: LocalCloud) -> None:
    """A new leader looks at once."""
    fence = Shut()
    made = ports(cloud, fence)
    assert made.imm.get_project("media") is None
    assert made.oss.get_bucket("photos") is None
    reads: list[Callable[[], object]] = [
        lambda: made.oss.get_range("photos", "a", 0, 1),
        lambda: made.oss.list_objects("photos", "a"),
        lambda: made.oss.head_object("photos", "a"),
        lambda: made.files.get("media", "d", [FILE.uri]),
        lambda: made.queue.receive(0),
    ]
    for read in reads:
        with pytest.raises(Invalid):  # it asked, and was told that nothing is there
            read()
    assert made.queue.look() is None
    assert [] == fence.asked


def test_the_fence_is_asked_when_the_wait_for_the_limiter_is_over(cloud: LocalCloud) -> None:
    """Time that passes in the limiter counts."""
    limiters = Limiters()
    fence = Shut(lambda: max(limiter.waited for limiter in limiters.all()))
    imm = ports(cloud, fence, limiters, rate=0.5).imm
    imm.get_project("media")
    with pytest.raises(NotLeading):
        imm.create_project(PROJECT)
    assert fence.asked[0][1] > 0


def _snake(operation: str) -> str:
    name = operation.partition(":")[2]
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
