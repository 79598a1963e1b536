"""Field by field: which members of the vendor's answers the local cloud never fills, and why.

`Room` already refuses an answer with a member that the vendor's model does not know. This is the other direction: one
long journey fills as much as it can, and what stays empty must be in the list below with its reason; a member that
gets filled must leave the list.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import alibabacloud_imm20200930.models as imm_models
import pytest

from emulator.imm.operations import OPERATIONS
from emulator.oss.state import Bucket
from emulator.oss.store import make_object, put_object
from tests.emulator.imm_room import ACCOUNT, PLACE, REGION, URI
from tests.emulator.model_members import Members
from tests.emulator.pictures import camera_exif, picture

if TYPE_CHECKING:
    from tests.emulator.imm_room import Room

pytest_plugins = ["tests.emulator.imm_fixtures"]

PROJECT = {"ProjectName": "test-project"}
MODEL = "needs a model that looks at content (faces, scenes, text, sound); the local cloud has none"
OF_OSS = "a fact of the object that the local OSS does not keep"
OF_MEDIA = "shows with a kind of medium this journey does not hold; tested with the extraction of that kind"
ROCKETMQ = "RocketMQ is refused, so no batch has it"
NOT_REFERENCED = "no page says what it is or when it is there"

TOLD = frozenset({"Address", "Figure", "Label"})  # given by the caller and kept as given: not the local cloud's to fill
# Model → members never filled → why.
NEVER: dict[str, dict[str, str]] = {
    "Binding": {"Reason": "only with a failed or stopped binding: test_imm_bindings"},
    "DataIngestion": {"Error": "only with a failed batch: test_imm_batches"},
    "DataIngestionNotification": {
        "Endpoint": "superseded by MNS; CreateBatch does not take it",
        "RocketMQ": ROCKETMQ,
        "Topic": "superseded by MNS; CreateBatch does not take it",
    },
    "InputOSS": {"MatchExpressions": "their grammar is not published, so they are refused"},
    "GetTaskResponseBody": {
        "Progress": "the model's comment: GetTask does not support it",
        "TaskRequestDefinition": "takes effect for types of task only that are not served",
    },
    "TaskInfo": {"TaskRequestDefinition": "takes effect for types of task only that are not served"},
    "File": {
        **dict.fromkeys(
            [
                "CroppingSuggestions", "Elements", "FigureCount", "ImageScore", "Insights",
                "OCRContents", "OCRTexts", "SceneElements", "SemanticTypes", "TravelClusterId",
            ],
            MODEL,
        ),
        **dict.fromkeys(
            [
                "AccessControlAllowOrigin", "AccessControlRequestMethod", "ContentMd5", "OSSDeleteMarker",
                "ServerSideEncryptionCustomerAlgorithm",
            ],
            OF_OSS,
        ),
        **dict.fromkeys(
            [
                "AudioCovers", "AudioStreams", "Bitrate", "Duration", "FormatLongName", "FormatName", "Language",
                "PageCount", "ProgramCount", "StartTime", "StreamCount", "Subtitles", "VideoHeight", "VideoStreams",
                "VideoWidth",
            ],
            OF_MEDIA,
        ),
        "Reason": "only with a file that cannot be read: test_imm_files",
        **dict.fromkeys(["FileAccessTime", "FileCreateTime", "Timezone"], NOT_REFERENCED),
    },
}  # fmt: skip


def batch(room: Room) -> str:
    """A batch over one folder, with all that it can have."""
    answer = room.do(
        "CreateBatch",
        ProjectName="test-project",
        ServiceRole="AliyunIMMBatchTriggerRole",
        Input={"OSS": {"Bucket": "test-bucket", "Prefix": "in/"}},
        Actions=[
            {
                "Name": "emulator/index",
                "Parameters": ["dataset=test-dataset"],
                "FastFailPolicy": {"Action": "ignore"},
            }
        ],
        Notification={"MNS": {"TopicName": "results"}},
        Tags={"team": "a"},
    )
    return str(answer["Id"])


@dataclass
class Journey:
    """Calls, and what each operation answered."""

    room: Room
    said: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def do(self, operation: str, **params: object) -> dict[str, Any]:
        """Call, and keep the answer."""
        answer = self.room.do(operation, **params)
        self.said.setdefault(operation, []).append(answer)
        return answer


def projects_and_datasets(journey: Journey) -> None:
    """Projects and datasets, made, changed, read and listed."""
    tags, texts = [{"Key": "team", "Value": "a"}], {"TemplateId": "Official:ImageManagement", "Description": "d"}
    for name in ("p1", "p2"):
        journey.do("CreateProject", ProjectName=name, Tag=tags, **texts)
    journey.do("UpdateProject", ProjectName="p1", Tag=tags, **texts)
    journey.do("GetProject", ProjectName="p1", WithStatistics=True)
    journey.do("ListProjects", MaxResults=2)
    parameters = [{"Name": "n", "Value": "v"}]
    for name in ("d1", "d2"):
        journey.do("CreateDataset", ProjectName="p1", DatasetName=name, WorkflowParameters=parameters, **texts)
    journey.do("UpdateDataset", ProjectName="p1", DatasetName="d1", **texts)
    journey.do("GetDataset", ProjectName="p1", DatasetName="d1", WithStatistics=True)
    journey.do("ListDatasets", ProjectName="p1", MaxResults=1)


def bindings(journey: Journey) -> None:
    """A bucket with a picture and a text, bound and scanned."""
    headers = {
        "cache-control": "no-cache", "content-disposition": "inline", "content-encoding": "identity",
        "content-language": "en", "expires": "2030-01-01T00:00:00Z", "x-oss-server-side-encryption": "KMS",
        "x-oss-server-side-encryption-key-id": "k", "x-oss-server-side-data-encryption": "SM4",
    }  # fmt: skip
    facts: dict[str, Any] = {"metadata": {"camera": "Z"}, "tags": {"owner": "a"}}
    item = make_object("in/a.jpg", picture(exif=camera_exif()), journey.room.cloud.clock.now(), **facts)
    journey.room.cloud.oss.buckets["test-bucket"].versioning = "Enabled"
    put_object(journey.room.cloud, "test-bucket", replace(item, headers=headers))
    journey.room.put("in/b.txt")
    journey.do("CreateBinding", **PLACE, URI=URI)
    for name in ("bucket-b", "bucket-c"):
        journey.room.cloud.oss.buckets[name] = Bucket(name, ACCOUNT, REGION, 0)
        journey.do("CreateBinding", **PLACE, URI=f"oss://{name}")
    journey.room.advance(60)
    journey.do("GetBinding", **PLACE, URI=URI)
    journey.do("ListBindings", **PROJECT, MaxResults=1)
    journey.do("DeleteBinding", **PLACE, URI="oss://bucket-b")


def files(journey: Journey) -> None:
    """Files indexed by hand, changed, read, queried, deleted."""
    stated = {
        "URI": f"{URI}/in/a.jpg", "CustomId": "i", "CustomLabels": {"k": "v"}, "FileHash": "h",
        "Title": "t", "Album": "a", "AlbumArtist": "a", "Artist": "a", "Composer": "c", "Performer": "p",
        "LatLong": "1,2", "Labels": [{"LabelName": "Cat"}], "Addresses": [{"City": "Rio"}],
    }  # fmt: skip
    drive = {"URI": "pds://domains/d/drives/1/files/f/revisions/r", "OSSURI": f"{URI}/in/a.jpg"}
    journey.do("IndexFileMeta", **PLACE, File=stated)
    journey.do("IndexFileMeta", **PLACE, File=drive)
    journey.do("BatchIndexFileMeta", **PLACE, Files=[stated])
    journey.room.advance(1)
    journey.do("UpdateFileMeta", **PLACE, File={"URI": f"{URI}/in/a.jpg", "Figures": [{"FigureId": "f"}]})
    journey.do("BatchUpdateFileMeta", **PLACE, Files=[stated, {"URI": f"{URI}/absent"}])
    journey.do("GetFileMeta", **PLACE, URI=f"{URI}/in/a.jpg")
    journey.do("GetFileMeta", **PLACE, URI=drive["URI"])
    journey.do("BatchGetFileMeta", **PLACE, URIs=[f"{URI}/in/a.jpg", drive["URI"]])
    journey.do("SimpleQuery", **PLACE, MaxResults=1, Sort="URI", Order="asc")
    journey.do(
        "SimpleQuery",
        **PLACE,
        Aggregations=[{"Field": "MediaType", "Operation": "group"}, {"Field": "Size", "Operation": "sum"}],
    )
    journey.do("FuzzyQuery", **PLACE, Query="in", MaxResults=1, Sort="URI", Order="asc")
    journey.do("SemanticQuery", **PLACE, Query="cat")
    journey.do("DeleteFileMeta", **PLACE, URI=f"{URI}/in/a.jpg")
    journey.do("BatchDeleteFileMeta", **PLACE, URIs=[f"{URI}/in/a.jpg"])


def batches_and_tasks(journey: Journey) -> None:
    """A batch at its end, its tasks, and attached buckets."""
    journey.room.mns("CreateTopic", TopicName="results")
    made = [batch(journey.room) for _ in range(2)]
    journey.said["CreateBatch"] = [{"Id": made[0], "RequestId": "R"}]
    journey.room.put("in/bad.jpg", b"no picture")
    journey.room.advance(60)
    journey.do("GetBatch", **PROJECT, Id=made[0])
    journey.do("ListBatches", **PROJECT, MaxResults=1)
    journey.room.cloud.switches.event_id_is_task = True
    journey.room.in_dataset("IndexFileMeta", File={"URI": f"{URI}/in/bad.jpg"}, UserData="mine")
    journey.room.advance(60)
    for task in journey.do("ListTasks", **PROJECT)["Tasks"]:
        journey.do("GetTask", **PROJECT, TaskType=task["TaskType"], TaskId=task["TaskId"])
    journey.do("ListTasks", **PROJECT, MaxResults=1)
    for name in ("test-bucket", "bucket-c"):
        journey.do("AttachOSSBucket", **PROJECT, OSSBucket=name, Description="d")
    journey.do("GetOSSBucketAttachment", OSSBucket="bucket-c")
    journey.do("ListAttachedOSSBuckets", **PROJECT, MaxResults=1)
    journey.do("DetachOSSBucket", OSSBucket="bucket-c")


def states_of_batches(journey: Journey) -> None:
    """Every change of a batch, and the deletes that are left."""
    spare = batch(journey.room)
    journey.do("UpdateBatch", **PROJECT, Id=spare, Tags={"k": "v"})
    journey.room.advance(1.01)
    journey.do("SuspendBatch", **PROJECT, Id=spare)
    journey.do("ResumeBatch", **PROJECT, Id=spare)
    journey.do("DeleteBatch", **PROJECT, Id=journey.said["CreateBatch"][0]["Id"])
    journey.do("DeleteDataset", ProjectName="p1", DatasetName="d1")
    journey.do("DeleteProject", ProjectName="p2")


@pytest.fixture
def answers(room: Room) -> dict[str, list[dict[str, Any]]]:
    """Every operation's answers in one long journey."""
    journey = Journey(room)
    projects_and_datasets(journey)
    bindings(journey)
    files(journey)
    batches_and_tasks(journey)
    states_of_batches(journey)
    return journey.said


def test_every_member_of_an_answer_is_filled_or_accounted_for(answers: dict[str, list[dict[str, Any]]]) -> None:
    """For every operation that is served."""
    assert set(answers) == OPERATIONS.by_name.keys() - {"StopBinding", "ResumeBinding"}
    seen = Members(imm_models, TOLD)
    for operation, said in answers.items():
        for answer in said:
            seen.note(answer, getattr(imm_models, f"{operation}ResponseBody"))
    assert {model: set(why) for model, why in NEVER.items()} == seen.missing()
