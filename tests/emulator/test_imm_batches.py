"""Batches and tasks through the official SDK: a prefix really indexed, states, pages, messages, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from mns.account import Account
from mns.mns_exception import MNSServerException
from mns.queue import QueueMeta
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMeta

from emulator.testing import LocalCloud
from tests.emulator.conftest import rpc_config
from tests.emulator.pictures import picture

PROJECT = "test-project"
ROLE = "AliyunIMMBatchTriggerRole"


@pytest.fixture
def imm(cloud: LocalCloud, bucket: oss2.Bucket) -> Any:
    """A project, a dataset, and four objects of which three lie under in/."""
    client = Client(rpc_config(cloud))
    client.create_project(models.CreateProjectRequest(project_name=PROJECT))
    client.create_dataset(models.CreateDatasetRequest(project_name=PROJECT, dataset_name="d"))
    bucket.put_object("in/", b"")
    bucket.put_object("in/good.jpg", picture())
    bucket.put_object("in/broken.jpg", b"no picture")
    bucket.put_object("in/note.txt", b"note")
    bucket.put_object("out/other.txt", b"other")
    return client


@pytest.fixture
def messages(cloud: LocalCloud) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What has been published on the topic `results`."""
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    queue = account.get_queue("q")
    queue.set_encoding(False)
    queue.create(QueueMeta())
    topic = account.get_topic("results")
    topic.create(TopicMeta())
    endpoint = f"acs:mns:{cloud.region}:{cloud.account_id}:queues/q"
    topic.get_subscription("s").subscribe(SubscriptionMeta(endpoint, notify_content_format="SIMPLIFIED"))

    def received() -> list[dict[str, Any]]:
        try:
            return [json.loads(message.message_body) for message in queue.batch_receive_message(16)]
        except MNSServerException as error:
            if error.type != "MessageNotExist":
                raise
            return []

    yield received
    account.mns_client.close_connection()


def action(name: str = "emulator/index", parameters: tuple[str, ...] = ("dataset=d",), on_error: str = "") -> Any:
    """What a batch does with each file."""
    policy = models.FastFailPolicy(action=on_error) if on_error else None
    return models.CreateBatchRequestActions(name=name, parameters=list(parameters), fast_fail_policy=policy)


def source(prefix: str = "in/", bucket: str = "pictures", **members: Any) -> models.Input:
    """Where a batch looks."""
    return models.Input(oss=models.InputOSS(bucket=bucket, prefix=prefix, **members))


def create(imm: Any, **members: Any) -> str:
    """A batch over in/."""
    own = {"input": source(), "actions": [action()], "service_role": ROLE}
    made: str = imm.create_batch(models.CreateBatchRequest(project_name=PROJECT, **{**own, **members})).body.id
    return made


def batch_of(imm: Any, batch_id: str) -> models.DataIngestion:
    """A batch as it is now."""
    found: models.DataIngestion = imm.get_batch(models.GetBatchRequest(project_name=PROJECT, id=batch_id)).body.batch
    return found


def tasks_of(imm: Any, **members: Any) -> list[models.TaskInfo]:
    """The project's tasks."""
    found: list[models.TaskInfo] = imm.list_tasks(models.ListTasksRequest(project_name=PROJECT, **members)).body.tasks
    return found


def call(imm: Any, name: str, batch_id: str, **members: Any) -> None:
    """One of Suspend, Resume, Update, Delete."""
    request = getattr(models, f"{name}BatchRequest")(project_name=PROJECT, id=batch_id, **members)
    getattr(imm, f"{name.lower()}_batch")(request)


def refusal(function: Callable[..., Any], *arguments: Any, **members: Any) -> str:
    """Code of the refusal that a call meets, which is always 400."""
    with pytest.raises(ClientException) as caught:
        function(*arguments, **members)
    assert 400 == caught.value.status_code
    return str(caught.value.code)


def test_a_batch_indexes_every_file_of_its_prefix(cloud: LocalCloud, imm: Any) -> None:
    """Ready, Running, Succeeded; folders are skipped, a file that cannot be read fails alone."""
    batch_id = create(imm, tags={"team": "a"})
    assert batch_id.startswith("batch-")
    assert ("Ready", "") == (batch_of(imm, batch_id).state, batch_of(imm, batch_id).phase)
    cloud.advance(1.05)
    assert ("Running", "FullScanning") == (batch_of(imm, batch_id).state, batch_of(imm, batch_id).phase)
    cloud.advance(10)
    batch = batch_of(imm, batch_id)
    assert ("Succeeded", "in/note.txt") == (batch.state, batch.marker)
    assert {"SubmitSuccess": 3, "SubmitFailure": 0, "SkipFiles": 1} == batch.statistic.to_map()
    assert {"team": "a"} == batch.tags
    query = models.SimpleQueryRequest(project_name=PROJECT, dataset_name="d", sort="URI", order="asc")
    files = imm.simple_query(query).body.files
    assert ["in/broken.jpg", "in/good.jpg", "in/note.txt"] == [file.filename for file in files]
    assert ["Failed", "Succeeded", "Succeeded"] == sorted(task.status for task in tasks_of(imm))


def test_a_batch_tells_its_topic_once_at_its_end(
    cloud: LocalCloud, imm: Any, messages: Callable[[], list[dict[str, Any]]]
) -> None:
    """The default reading; the other is tested with the switches."""
    notification = models.CreateBatchRequestNotification(mns=models.MNS(topic_name="results"))
    batch_id = create(imm, notification=notification)
    assert "results" == batch_of(imm, batch_id).notification.mns.topic_name
    cloud.advance(10)
    [message] = messages()
    assert (batch_id, "Succeeded", 3) == (message["Id"], message["State"], message["Statistic"]["SubmitSuccess"])


def test_suspend_stops_new_tasks_and_resume_goes_on(cloud: LocalCloud, imm: Any) -> None:
    """From the marker, and without a file twice."""
    cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "scan_files_per_second", 1.0))
    batch_id = create(imm)
    cloud.advance(3.5)
    call(imm, "Suspend", batch_id)
    cloud.advance(100)
    batch = batch_of(imm, batch_id)
    assert ("Suspended", "in/broken.jpg", 1) == (batch.state, batch.marker, batch.statistic.submit_success)
    assert 1 == len(tasks_of(imm))
    call(imm, "Resume", batch_id)
    cloud.advance(100)
    batch = batch_of(imm, batch_id)
    assert ("Succeeded", 3) == (batch.state, batch.statistic.submit_success)
    assert 3 == len(tasks_of(imm))


def test_a_failure_aborts_only_where_the_action_says_so(cloud: LocalCloud, imm: Any) -> None:
    """FastFailPolicy; a failed batch can be updated and resumed."""
    batch_id = create(imm, actions=[action(on_error="abort")])
    cloud.advance(10)
    batch = batch_of(imm, batch_id)
    assert "Failed" == batch.state
    assert batch.error.startswith("[InvalidImage] ")
    assert "abort" == batch.actions[0].fast_fail_policy.action
    lenient = models.UpdateBatchRequestActions(name="emulator/index", parameters=["dataset=d"])
    call(imm, "Update", batch_id, actions=[lenient], input=source("out/"), tags={"k": "v"})
    assert "Failed" == batch_of(imm, batch_id).state
    call(imm, "Resume", batch_id)
    cloud.advance(10)
    batch = batch_of(imm, batch_id)
    assert ("Succeeded", "out/other.txt", None, {"k": "v"}) == (batch.state, batch.marker, batch.error, batch.tags)


def test_a_batch_whose_bucket_vanishes_fails(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """And says why."""
    for key in [item.key for item in oss2.ObjectIterator(bucket)]:
        bucket.delete_object(key)
    batch_id = create(imm)
    bucket.delete_bucket()
    cloud.advance(5)
    batch = batch_of(imm, batch_id)
    assert ("Failed", "The bucket pictures does not exist.") == (batch.state, batch.error)


ALLOWED = {
    "Ready": {"Update", "Delete"},
    "Running": {"Suspend"},
    "Suspended": {"Resume", "Delete"},
    "Failed": {"Resume", "Update", "Delete"},
    "Succeeded": {"Delete"},
}


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("name", ["Suspend", "Resume", "Update", "Delete"])
def test_each_state_allows_what_its_page_says(cloud: LocalCloud, imm: Any, state: str, name: str) -> None:
    """Every operation in every state."""
    batch_id = create(imm)

    def force(instance: Any) -> None:
        account = instance.cloud.accounts[instance.config.account_id]
        account.imm[instance.config.region].projects[PROJECT].batches[batch_id].state = state

    cloud.run(force)
    if name in ALLOWED[state]:
        call(imm, name, batch_id)
    else:
        assert "InvalidArgument" == refusal(call, imm, name, batch_id)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"input": None}, "MissingInput"),
        ({"actions": None}, "MissingActions"),
        ({"service_role": None}, "MissingServiceRole"),
        ({"service_role": "no-such-role"}, "InvalidArgument"),
        ({"input": models.Input()}, "MissingInput"),
        ({"input": source(bucket="absent")}, "InvalidArgument"),
        ({"input": source(match_expressions=["*.jpg"])}, "NotImplemented.Emulator"),
        ({"actions": [action("doc/convert", ("pages=3",))]}, "NotImplemented.Emulator"),
        ({"actions": [action(parameters=("dataset=absent",))]}, "ResourceNotFound"),
        ({"actions": [action(parameters=())]}, "InvalidArgument"),
        ({"actions": [action(on_error="panic")]}, "InvalidActions"),
    ],
)
def test_what_cannot_be_run_is_refused(imm: Any, members: dict[str, Any], code: str) -> None:
    """Before anything is made."""
    assert code == refusal(create, imm, **members)
    assert [] == imm.list_batches(models.ListBatchesRequest(project_name=PROJECT)).body.batches


def test_batches_are_listed_in_pages_by_state_and_tag(cloud: LocalCloud, imm: Any) -> None:
    """In both orders, with a token while more remain."""
    made = []
    for number in range(3):
        made.append(create(imm, tags={"parity": "odd" if number % 2 else "even"}))
        cloud.advance(10)

    def listed(**members: Any) -> tuple[list[str], str]:
        body = imm.list_batches(models.ListBatchesRequest(project_name=PROJECT, **members)).body
        return [batch.id for batch in body.batches], body.next_token

    assert (made, "") == listed()
    first, token = listed(max_results=2)
    assert (made[:2], (made[2:], "")) == (first, listed(max_results=2, next_token=token))
    first, token = listed(max_results=2, sort="UpdateTime", order="DES")
    assert (made[:0:-1], (made[:1], "")) == (
        first,
        listed(max_results=2, sort="UpdateTime", order="DES", next_token=token),
    )
    assert ([made[1]], "") == listed(tag_selector="parity=odd")
    assert ([], "") == listed(state="Running")
    for wrong in ({"state": "Lazy"}, {"order": "up"}, {"sort": "Colour"}, {"max_results": 101}, {"tag_selector": "a"}):
        request = models.ListBatchesRequest(project_name=PROJECT, **wrong)
        assert refusal(imm.list_batches, request).startswith("Invalid")


def test_a_deleted_batch_is_gone_and_a_project_goes_only_without_batches(cloud: LocalCloud, imm: Any) -> None:
    """DeleteProject: batches must be gone first."""
    batch_id = create(imm)
    cloud.advance(10)
    imm.batch_delete_file_meta(
        models.BatchDeleteFileMetaRequest(
            project_name=PROJECT,
            dataset_name="d",
            uris=[f"oss://pictures/in/{name}" for name in ("good.jpg", "broken.jpg", "note.txt")],
        )
    )
    imm.delete_dataset(models.DeleteDatasetRequest(project_name=PROJECT, dataset_name="d"))
    gone = models.DeleteProjectRequest(project_name=PROJECT)
    assert "InvalidArgument" == refusal(imm.delete_project, gone)
    call(imm, "Delete", batch_id)
    assert "ResourceNotFound" == refusal(batch_of, imm, batch_id)
    imm.delete_project(gone)


def test_tasks_are_read_listed_and_forgotten_after_a_week(cloud: LocalCloud, imm: Any) -> None:
    """Filters by type, status, tag and time; pages; the information is kept for seven days."""
    create(imm, tags={"team": "a"})
    cloud.advance(10)
    everything = tasks_of(imm)
    assert [task.task_id for task in everything] == sorted(task.task_id for task in everything)
    [failed] = tasks_of(imm, status="Failed", task_types=["FileMetaIndex"], tag_selector="team=a")
    assert "InvalidImage" == failed.code
    got = imm.get_task(
        models.GetTaskRequest(project_name=PROJECT, task_type="FileMetaIndex", task_id=failed.task_id)
    ).body
    assert ("Failed", PROJECT, failed.message) == (got.status, got.project_name, got.message)
    assert 26 == len(got.event_id)
    before = models.TimeRange(end=failed.start_time)
    assert failed.task_id in {task.task_id for task in tasks_of(imm, start_time_range=before)}
    assert [] == tasks_of(imm, end_time_range=models.TimeRange(end="2001-01-01T00:00:00Z"))
    page = imm.list_tasks(models.ListTasksRequest(project_name=PROJECT, max_results=2, sort="StartTime", order="desc"))
    assert ("2", 2) == (page.body.max_results, len(page.body.tasks))
    assert page.body.next_token
    cloud.advance(8 * 24 * 3600)
    assert [] == tasks_of(imm)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "MissingTaskType"),
        ({"task_type": "MediaConvert"}, "MissingTaskId"),
        ({"task_type": "MediaConvert", "task_id": "MediaConvert-1"}, "ResourceNotFound"),
    ],
)
def test_a_task_that_is_not_there_is_not_found(imm: Any, members: dict[str, str], code: str) -> None:
    """As every other resource."""
    assert code == refusal(imm.get_task, models.GetTaskRequest(project_name=PROJECT, **members))


def test_bad_filters_of_tasks_are_refused(imm: Any) -> None:
    """Each by its name."""
    wrong: dict[str, dict[str, Any]] = {
        "InvalidStatus": {"status": "Lazy"},
        "InvalidSort": {"sort": "Colour"},
        "InvalidStartTimeRange": {"start_time_range": models.TimeRange(start="yesterday")},
        "InvalidMaxResults": {"max_results": 101},
        "InvalidTagSelector": {"tag_selector": "=v"},
    }
    for code, members in wrong.items():
        assert code == refusal(tasks_of, imm, **members)


def test_a_bucket_is_attached_to_one_project(cloud: LocalCloud, imm: Any) -> None:
    """Attach, read, list, detach, and the refusals on the way."""
    request = models.AttachOSSBucketRequest(project_name=PROJECT, ossbucket="pictures", description="for OSS")
    imm.attach_ossbucket(request)
    assert "ResourceAlreadyExists" == refusal(imm.attach_ossbucket, request)
    named = models.GetOSSBucketAttachmentRequest(ossbucket="pictures")
    held = imm.get_ossbucket_attachment(named).body
    assert (PROJECT, "for OSS") == (held.project_name, held.description)
    [listed] = imm.list_attached_ossbuckets(
        models.ListAttachedOSSBucketsRequest(project_name=PROJECT)
    ).body.attached_ossbuckets
    assert ("pictures", cloud.account_id) == (listed.ossbucket, listed.owner_id)
    imm.detach_ossbucket(models.DetachOSSBucketRequest(ossbucket="pictures"))
    assert "ResourceNotFound" == refusal(imm.get_ossbucket_attachment, named)
    assert "ResourceNotFound" == refusal(imm.detach_ossbucket, models.DetachOSSBucketRequest(ossbucket="pictures"))
    absent = models.AttachOSSBucketRequest(project_name=PROJECT, ossbucket="absent")
    assert "InvalidArgument" == refusal(imm.attach_ossbucket, absent)
    long = models.AttachOSSBucketRequest(project_name=PROJECT, ossbucket="pictures", description="d" * 129)
    assert "InvalidDescription" == refusal(imm.attach_ossbucket, long)
