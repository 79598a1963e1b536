"""Seeds: a folder of buckets, a YAML file of everything; at the start, to a running emulator, twice, and wrong ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import oss2
import pytest
import yaml
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client as ImmClient
from click.testing import CliRunner
from mns.account import Account
from mns.topic import TopicMessage

from emulator.cli import main
from tests.emulator.conftest import rpc_config
from tests.emulator.processes import emulator

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from emulator.mns.state import Queue
    from emulator.testing import LocalCloud

WHOLE = """
accounts:
  - id: "42"
    keys: {LTAIother: other-secret}
buckets:
  - name: pictures
    folder: files
  - {name: theirs, account: 42, region: cn-beijing, acl: public-read}
queues:
  - name: q
    attributes: {VisibilityTimeout: 77, DelaySeconds: 0}
topics:
  - {name: t}
subscriptions:
  - {topic: t, queue: q}
projects:
  - {name: project, description: seeded}
datasets:
  - {project: project, name: dataset}
bindings:
  - {project: project, dataset: dataset, bucket: pictures}
"""


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A YAML file with everything, and the folder it names beside it."""
    folder = tmp_path / "files" / "sub"
    folder.mkdir(parents=True)
    (folder / "ü &.txt").write_bytes(b"text")
    (tmp_path / "files" / "empty").write_bytes(b"")
    path = tmp_path / "seed.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    return path


def sown(cloud: LocalCloud, path: Path) -> str:
    """Seed a running emulator by the command; what it prints."""
    result = CliRunner().invoke(main, ["seed", str(path), "--url", cloud.url])
    assert 0 == result.exit_code, result.output
    return result.output


def queue_state(cloud: LocalCloud) -> Queue:
    """The queue as it is: the SDK's reading of attributes warns."""
    return cloud.run(lambda instance: instance.cloud.mns(cloud.account_id, cloud.region).queues["q"])


def refused(cloud: LocalCloud, path: Path) -> str:
    """The same for a seed that does not fit."""
    result = CliRunner().invoke(main, ["seed", str(path), "--url", cloud.url])
    assert 1 == result.exit_code, result.output
    return result.output


def test_a_yaml_file_brings_everything_about(
    cloud: LocalCloud, whole: Path, bucket_of: Callable[..., oss2.Bucket]
) -> None:
    """Each service answers its SDK as if a client had made what is there."""
    assert "in 10 steps\n" in sown(cloud, whole)
    bucket = bucket_of(cloud)
    assert ["empty", "sub/ü &.txt"] == [item.key for item in oss2.ObjectIteratorV2(bucket)]
    assert "text/plain" == bucket.head_object("sub/ü &.txt").content_type
    other = bucket_of(cloud.add_account("42", "LTAIother", "other-secret"), "theirs")
    other.region = "cn-beijing"
    assert "public-read" == other.get_bucket_acl().acl
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    queue = account.get_queue("q")
    queue.set_encoding(False)
    assert 77 == queue_state(cloud).visibility_timeout
    account.get_topic("t").publish_message(TopicMessage("hello"))
    assert "hello" == queue.receive_message().message_body
    account.mns_client.close_connection()
    cloud.advance(60)
    imm = ImmClient(rpc_config(cloud))
    answer = imm.get_dataset(
        models.GetDatasetRequest(project_name="project", dataset_name="dataset", with_statistics=True)
    )
    assert (1, 2) == (answer.body.dataset.bind_count, answer.body.dataset.file_count)


def test_seeding_twice_changes_nothing_and_a_changed_seed_what_it_says(cloud: LocalCloud, whole: Path) -> None:
    """Files with the same content are left alone, so nothing is indexed again."""
    sown(cloud, whole)
    before = cloud.run(lambda instance: instance.cloud.oss.buckets["pictures"].objects["empty"].last_modified)
    cloud.advance(60)
    sown(cloud, whole)
    assert before == cloud.run(lambda instance: instance.cloud.oss.buckets["pictures"].objects["empty"].last_modified)
    (whole.parent / "files" / "empty").write_bytes(b"no more")
    whole.write_text(WHOLE.replace("77", "99").replace("description: seeded", "description: again"), encoding="utf-8")
    sown(cloud, whole)
    assert b"no more" == cloud.run(lambda instance: instance.cloud.oss.buckets["pictures"].objects["empty"].data)
    assert 99 == queue_state(cloud).visibility_timeout
    mine = cloud.run(lambda instance: instance.cloud.accounts[cloud.account_id])
    assert "again" == mine.imm["cn-hangzhou"].projects["project"].description


def test_a_folder_is_buckets(cloud: LocalCloud, tmp_path: Path, bucket_of: Callable[..., oss2.Bucket]) -> None:
    """Its first level are their names; an empty folder is an empty bucket."""
    tree = tmp_path / "tree"
    (tree / "pictures" / "a" / "b").mkdir(parents=True)
    (tree / "pictures" / "a" / "b" / "c.txt").write_bytes(b"c")
    (tree / "empty").mkdir()
    assert "in 3 steps\n" in sown(cloud, tree)
    assert b"c" == bucket_of(cloud).get_object("a/b/c.txt").read()
    assert [] == list(oss2.ObjectIteratorV2(bucket_of(cloud, "empty")))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"bucket": []}, "bucket: there is no such key"),
        ({"buckets": [{"name": "b1b", "acls": "private"}]}, "buckets.0.acls: there is no such key"),
        ({"queues": [{}]}, "queues.0.name: Field required"),
        ({"buckets": [{"name": "UPPER"}]}, "oss PutBucket UPPER/: InvalidBucketName"),
        ({"buckets": [{"name": "b1b", "folder": "nowhere"}]}, "nowhere is not a folder"),
        ({"buckets": [{"name": "b1b", "account": "7"}]}, "names the account 7, which the seed does not have"),
        (
            {"queues": [{"name": "q", "attributes": {"Colour": "red"}}]},
            "CreateQueue does not know the parameter Colour",
        ),
        ({"datasets": [{"project": "none", "name": "d"}]}, "imm CreateDataset none d: ResourceNotFound"),
    ],
)
def test_what_does_not_fit_is_named(
    cloud: LocalCloud, tmp_path: Path, document: dict[str, object], message: str
) -> None:
    """By the seed's own check, or by the service."""
    path = tmp_path / "seed.yaml"
    path.write_text(yaml.safe_dump(document))
    assert message in refused(cloud, path)


def test_what_is_no_seed_is_named(cloud: LocalCloud, tmp_path: Path) -> None:
    """Text that is no YAML, a list, a file that lies in no bucket, and nobody there to be seeded."""
    path = tmp_path / "seed.yaml"
    path.write_text("buckets: [")
    assert "cannot be read" in refused(cloud, path)
    path.write_text("- 1")
    assert "the file: Input should be" in refused(cloud, path)
    assert "seed.yaml lies in no bucket" in refused(cloud, tmp_path)
    path.write_text("buckets: [{name: b1b}]")
    result = CliRunner().invoke(main, ["seed", str(path), "--url", "http://127.0.0.1:1"])
    assert (1, True) == (result.exit_code, "Is it running?" in result.output)


def test_run_takes_seeds_and_keeps_them(whole: Path, tmp_path: Path) -> None:
    """They are there with the ready line; a restart over the same directory with the same seed is no conflict."""
    for _ in range(2):
        options = ("--seed", str(whole), "--data", str(tmp_path / "data"))
        with emulator(*options) as running, running.bucket("pictures") as bucket:
            assert b"text" == bucket.get_object("sub/ü &.txt").read()


def test_run_refuses_a_wrong_seed(tmp_path: Path) -> None:
    """Before it listens, in a sentence."""
    path = tmp_path / "seed.yaml"
    path.write_text("queue: []")
    result = CliRunner().invoke(main, ["run", "--port", "0", "--seed", str(path)])
    assert (1, True) == (result.exit_code, "queue: there is no such key" in result.output)
