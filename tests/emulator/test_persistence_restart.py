"""A restart goes on where the last run stopped: every service's state, work under way, the clock, faults, switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client as ImmClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from mns.account import Account
from mns.queue import Message, QueueMeta
from mns.topic import TopicMeta

from emulator.instance import Config
from emulator.lifecycle import step
from emulator.testing import running
from tests.emulator.conftest import rpc_config
from tests.emulator.disk_room import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from emulator.testing import LocalCloud

CONFIG = Config(virtual_clock=True)
PLACE = {"project_name": "project", "dataset_name": "dataset"}


@pytest.fixture
def life(tmp_path: Path) -> Callable[[], Any]:
    """Each call is one run over the directory of this test."""
    return lambda: running(CONFIG, data=tmp_path / "data")


@pytest.fixture
def queue_of() -> Iterator[Callable[[LocalCloud], Any]]:
    """Makes clients of the queue named q."""
    accounts: list[Any] = []

    def make(cloud: LocalCloud) -> Any:
        accounts.append(Account(cloud.url, cloud.access_key_id, cloud.access_key_secret))
        queue = accounts[-1].get_queue("q")
        queue.set_encoding(False)
        return queue

    yield make
    for account in accounts:
        account.mns_client.close_connection()


def test_objects_uploads_and_versions_are_there_again(
    life: Callable[[], Any], bucket_of: Callable[..., oss2.Bucket]
) -> None:
    """Long and short contents, metadata, tags, a symlink, versions, and an upload that goes on after the restart."""
    long, part = bytes(range(256)) * 1000, b"p" * 102_400
    with life() as cloud:
        bucket = bucket_of(cloud)
        bucket.create_bucket()
        bucket.put_object("long", long, headers={"x-oss-meta-who": "me", "x-oss-tagging": "a=1"})
        bucket.put_bucket_versioning(oss2.models.BucketVersioningConfig("Enabled"))
        bucket.put_object("short", b"1")
        bucket.put_object("short", b"2")
        bucket.delete_object("long")
        bucket.put_symlink("short", "link")
        upload = bucket.init_multipart_upload("parts").upload_id
        tag = bucket.upload_part("parts", upload, 1, part).etag
    with life() as cloud:
        bucket = bucket_of(cloud)
        assert b"2" == bucket.get_object("link").read()
        versions = bucket.list_object_versions()
        assert 5 == len(versions.versions) + len(versions.delete_marker)
        bucket.delete_object("long", params={"versionId": versions.delete_marker[0].versionid})
        answer = bucket.get_object("long")
        assert (long, "me") == (answer.read(), answer.headers["x-oss-meta-who"])
        assert {"a": "1"} == bucket.get_object_tagging("long").tag_set.tagging_rule
        bucket.complete_multipart_upload("parts", upload, [oss2.models.PartInfo(1, tag)])
        assert part == bucket.get_object("parts").read()


def test_messages_in_flight_stay_in_flight(life: Callable[[], Any], queue_of: Callable[[LocalCloud], Any]) -> None:
    """A receipt handle taken before the restart deletes after it; what was not deleted comes back in its time."""
    with life() as cloud:
        queue = queue_of(cloud)
        queue.create(QueueMeta(30))
        for body in ("first", "second", "third"):
            queue.send_message(Message(body))
        handle = queue.receive_message().receipt_handle
        queue.receive_message()
    with life() as cloud:
        queue = queue_of(cloud)
        queue.delete_message(handle)
        assert "third" == queue.receive_message().message_body
        cloud.advance(31)
        again = queue.batch_receive_message(16)
        assert [("second", 2), ("third", 2)] == [(one.message_body, one.dequeue_count) for one in again]


def test_a_scan_and_an_index_job_go_on(
    life: Callable[[], Any], bucket_of: Callable[..., oss2.Bucket], queue_of: Callable[[LocalCloud], Any]
) -> None:
    """Half a full scan before the restart, the other half after it; then the binding follows its bucket."""
    with life() as cloud:
        imm, bucket = ImmClient(rpc_config(cloud)), bucket_of(cloud)
        bucket.create_bucket()
        for number in range(100):
            bucket.put_object(f"{number:03}.txt", b"text")
        imm.create_project(models.CreateProjectRequest(project_name="project"))
        imm.create_dataset(models.CreateDatasetRequest(**PLACE))
        imm.create_binding(models.CreateBindingRequest(**PLACE, uri="oss://pictures"))
        cloud.advance(2)
        assert 0 < file_count(imm) < 100
        imm.index_file_meta(models.IndexFileMetaRequest(**PLACE, file=models.InputFile(uri="oss://pictures/099.txt")))
        bucket.put_object("a/new.txt", b"new")
    with life() as cloud:
        imm, bucket = ImmClient(rpc_config(cloud)), bucket_of(cloud)
        assert 0 < file_count(imm) < 100
        cloud.advance(60)
        assert 101 == file_count(imm)
        bucket.delete_object("000.txt")
        cloud.advance(1)
        assert 100 == file_count(imm)
        binding = imm.list_bindings(models.ListBindingsRequest(**PLACE)).body.bindings[0]
        assert ("Running", "IncrementalScanning") == (binding.state, binding.phase)


def file_count(imm: Any) -> int:
    """Files in the dataset."""
    answer = imm.get_dataset(models.GetDatasetRequest(**PLACE, with_statistics=True))
    return int(answer.body.dataset.file_count)


def test_users_keys_and_topics_are_there_again(
    life: Callable[[], Any], queue_of: Callable[[LocalCloud], Any], bucket_of: Callable[..., oss2.Bucket]
) -> None:
    """A key made before the restart signs after it, and a subscription still delivers."""
    with life() as cloud:
        ram = RamClient(rpc_config(cloud))
        ram.create_user(ram_models.CreateUserRequest(user_name="ann"))
        where = {"policy_type": "System", "policy_name": "AliyunRAMReadOnlyAccess", "user_name": "ann"}
        ram.attach_policy_to_user(ram_models.AttachPolicyToUserRequest(**where))
        key = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name="ann")).body.access_key
        other = cloud.add_account("42", "LTAIother", "other-secret")
        bucket_of(other, "theirs").create_bucket()
        account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
        account.get_topic("t").create(TopicMeta())
        account.mns_client.close_connection()
    with life() as cloud:
        ram = RamClient(rpc_config(cloud))
        assert ["ann"] == [user.user_name for user in ram.list_users(ram_models.ListUsersRequest()).body.users.user]
        config = rpc_config(cloud)
        config.access_key_id, config.access_key_secret = key.access_key_id, key.access_key_secret
        assert 200 == RamClient(config).list_users(ram_models.ListUsersRequest()).status_code
        assert {"42", cloud.account_id} == set(cloud.run(lambda instance: instance.cloud.accounts))
        account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
        assert "t" == account.get_topic("t").get_attributes().topic_name
        account.mns_client.close_connection()


def test_the_clock_faults_and_switches_are_as_they_were(life: Callable[[], Any]) -> None:
    """Also what is left of a rule's times."""
    with life() as cloud:
        cloud.advance(12_345)
        cloud.fault({"service": "oss", "times": 3, "drop": True})
        cloud.switch("notification_base64", True)  # noqa: FBT003 - a switch's value
        now, before = cloud.now(), cloud.run(documents)
    with life() as cloud:
        assert now == cloud.now()
        assert before == cloud.run(documents)
        assert [3] == [rule["left"] for rule in cloud.run(lambda instance: instance.faults.describe())]
        assert cloud.run(lambda instance: instance.cloud.switches.notification_base64)


def test_a_reset_is_kept_too(life: Callable[[], Any], bucket_of: Callable[..., oss2.Bucket]) -> None:
    """Nothing of before comes back, and what is made after it does."""
    with life() as cloud:
        bucket_of(cloud, "before").create_bucket()
        cloud.reset()
        bucket_of(cloud, "after").create_bucket()
    with life() as cloud:
        assert ["after"] == list(cloud.run(lambda instance: list(instance.cloud.oss.buckets)))


def test_reading_writes_nothing(life: Callable[[], Any], bucket_of: Callable[..., oss2.Bucket], tmp_path: Path) -> None:
    """Listing and getting leave the file of changes as it is."""
    with life() as cloud:
        bucket = bucket_of(cloud)
        bucket.create_bucket()
        bucket.put_object("a", b"1")
        size = (tmp_path / "data" / "changes.jsonl").stat().st_size
        for _ in range(10):
            bucket.get_object("a").read()
            list(oss2.ObjectIteratorV2(bucket))
        assert size == (tmp_path / "data" / "changes.jsonl").stat().st_size


def test_a_real_clock_does_one_bounded_turn_at_a_time(bucket_of: Callable[..., oss2.Bucket]) -> None:
    """A long scan never keeps requests waiting: one look indexes `files_per_turn` files at most."""
    with running(Config(virtual_clock=False)) as cloud:

        def scan_fast(instance: Any) -> None:
            instance.cloud.imm_settings.binding_ready_seconds = 0.0
            instance.cloud.imm_settings.scan_files_per_second = 1e9
            instance.cloud.imm_settings.files_per_turn = 5

        cloud.run(scan_fast)
        imm, bucket = ImmClient(rpc_config(cloud)), bucket_of(cloud)
        bucket.create_bucket()
        for number in range(60):
            bucket.put_object(f"{number:03}.txt", b"text")
        imm.create_project(models.CreateProjectRequest(project_name="project"))
        imm.create_dataset(models.CreateDatasetRequest(**PLACE))
        imm.create_binding(models.CreateBindingRequest(**PLACE, uri="oss://pictures"))

        def turn(instance: Any) -> int:
            files = instance.cloud.imm(cloud.account_id, cloud.region).projects["project"].datasets["dataset"].files
            before = len(files)
            step(instance.cloud)
            return len(files) - before

        grown = [cloud.run(turn) for _ in range(6)]
        assert 0 < sum(grown)
        assert max(grown) <= 5
