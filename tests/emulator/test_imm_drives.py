"""Files of Drive and Photo Service in a dataset, through the official SDK: what can be read of them lies in OSS.

Struct InputFile: the address of such a file, OSSURI as the object that holds its content, FileHash beside it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from mns.account import Account

from emulator.instance import Config
from emulator.testing import running
from tests.emulator.conftest import rpc_config
from tests.emulator.pictures import picture
from tests.mns_sdk import make_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from emulator.testing import LocalCloud

DRIVE = "pds://domains/bj1/drives/1/files/9520943DC264/revisions/40CB7794C929"
OTHER = f"{DRIVE}-2"
OBJECT = "oss://pictures/a.jpg"
MISSING = "[InvalidArgument] File does not exist."
NO_FILE = {
    "scheme": "pds://",
    "drive": "pds://domains/d/drives/1",
    "file": "pds://domains/d/drives/1/files/f",
    "no name": "pds://domains//drives/1/files/f/revisions/r",
    "more": f"{DRIVE}/content",
    "open": "pds://domains/d/drives/1/files/f/revisions/",
    "capitals": "PDS://domains/d/drives/1/files/f/revisions/r",
}


def place(request: type, **members: object) -> Any:
    """A request about the dataset of these tests."""
    return request(project_name="project", dataset_name="dataset", **members)


def client_of(cloud: LocalCloud) -> Any:
    """The official client."""
    return Client(rpc_config(cloud))


def make_dataset(imm: Any, **quotas: int) -> None:
    """Project and dataset."""
    imm.create_project(models.CreateProjectRequest(project_name="project"))
    imm.create_dataset(place(models.CreateDatasetRequest, **quotas))


@pytest.fixture
def imm(cloud: LocalCloud, bucket: oss2.Bucket) -> Any:
    """A client with a dataset, beside a bucket with one picture."""
    bucket.put_object("a.jpg", picture())
    client = client_of(cloud)
    make_dataset(client)
    return client


@pytest.fixture
def told(cloud: LocalCloud) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the next message says of each file."""
    make_results(cloud, "results")
    account = Account(cloud.url, cloud.access_key_id, cloud.access_key_secret)
    queue = account.get_queue("results")
    queue.set_encoding(False)

    def next_files() -> list[dict[str, Any]]:
        received = queue.receive_message()
        queue.delete_message(received.receipt_handle)
        found: list[dict[str, Any]] = json.loads(received.message_body)["Files"]
        return found

    yield next_files
    account.mns_client.close_connection()


def kept_in(uri: str = DRIVE, object_uri: str | None = OBJECT, **members: object) -> models.InputFile:
    """A file of a drive and the object with its content."""
    return models.InputFile(uri=uri, ossuri=object_uri, **members)


def index(cloud: LocalCloud, imm: Any, *files: models.InputFile) -> None:
    """Index files, telling the topic, and let it be done."""
    notification = models.Notification(mns=models.MNS(topic_name="results"))
    imm.batch_index_file_meta(place(models.BatchIndexFileMetaRequest, files=list(files), notification=notification))
    cloud.advance(1)


def held(imm: Any, *uris: str) -> list[models.File]:
    """The metadata of those files that the dataset holds."""
    found: list[models.File] = imm.batch_get_file_meta(
        place(models.BatchGetFileMetaRequest, uris=list(uris))
    ).body.files
    return found


def found(imm: Any, field: str, operation: str, value: str) -> list[str]:
    """The files that a query of one condition finds."""
    condition = models.SimpleQuery(field=field, operation=operation, value=value)
    answer = imm.simple_query(place(models.SimpleQueryRequest, query=condition, sort="URI", order="asc"))
    return [file.uri for file in answer.body.files or []]


def test_a_file_with_its_object_is_indexed_under_its_own_address(
    cloud: LocalCloud, imm: Any, told: Callable[[], list[dict[str, Any]]]
) -> None:
    """From the object's content, with what the caller says of it."""
    labels = {"album": "spring"}
    index(cloud, imm, kept_in(file_hash="EA4942AA", custom_id="17", custom_labels=labels))
    assert [{"URI": DRIVE, "CustomId": "17", "CustomLabels": labels, "Error": ""}] == told()
    [file] = imm.get_file_meta(place(models.GetFileMetaRequest, uri=DRIVE)).body.files
    assert (DRIVE, OBJECT, "EA4942AA", "17", labels) == (
        file.uri, file.ossuri, file.file_hash, file.custom_id, file.custom_labels
    )  # fmt: skip
    assert ("image", "image/jpeg", 64, len(picture())) == (
        file.media_type, file.content_type, file.image_width, file.size
    )  # fmt: skip
    assert [] == held(imm, OBJECT)


def test_one_file_may_be_indexed_alone_and_again(
    cloud: LocalCloud, imm: Any, bucket: oss2.Bucket, told: Callable[[], list[dict[str, Any]]]
) -> None:
    """IndexFileMeta; the second time from what the object holds then."""
    notification = models.Notification(mns=models.MNS(topic_name="results"))
    for size in ((64, 48), (300, 200)):
        bucket.put_object("a.jpg", picture(size=size))
        imm.index_file_meta(place(models.IndexFileMetaRequest, file=kept_in(), notification=notification))
        cloud.advance(1)
        assert [{"URI": DRIVE, "Error": ""}] == told()
        [file] = held(imm, DRIVE)
        assert size[0] == file.image_width


def test_without_an_object_that_is_there_a_file_does_not_exist(
    cloud: LocalCloud, imm: Any, told: Callable[[], list[dict[str, Any]]]
) -> None:
    """This cloud holds no drives. The others of the call are indexed all the same."""
    files = {
        f"{DRIVE}-none": None,
        f"{DRIVE}-absent": "oss://pictures/absent.jpg",
        f"{DRIVE}-nobodys": "oss://nobodys-bucket/a.jpg",
        DRIVE: OBJECT,
    }
    index(cloud, imm, *(kept_in(uri, object_uri) for uri, object_uri in files.items()), models.InputFile(uri=OBJECT))
    assert [*[MISSING] * 3, "", ""] == [file["Error"] for file in told()]
    assert [DRIVE, OBJECT] == [file.uri for file in held(imm, *files, OBJECT)]


def test_an_object_of_somebody_else_is_not_read(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """As for a file in OSS: the account's own buckets only."""
    stranger = cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret")
    theirs = client_of(stranger)
    make_dataset(theirs)
    theirs.batch_index_file_meta(place(models.BatchIndexFileMetaRequest, files=[kept_in()]))
    cloud.advance(1)
    assert [] == held(theirs, DRIVE)


def test_labels_and_id_are_updated_and_the_rest_stays(cloud: LocalCloud, imm: Any) -> None:
    """UpdateFileMeta and BatchUpdateFileMeta; one that is not indexed fails alone."""
    index(cloud, imm, kept_in(file_hash="EA49", custom_labels={"a": "1"}))
    imm.update_file_meta(place(models.UpdateFileMetaRequest, file=models.InputFile(uri=DRIVE, custom_id="18")))
    changes = [
        models.InputFile(uri=DRIVE, custom_labels={"b": "2"}, file_hash="other", ossuri="oss://pictures/other.jpg"),
        models.InputFile(uri=OTHER, custom_labels={"b": "2"}),
    ]
    answer = imm.batch_update_file_meta(place(models.BatchUpdateFileMetaRequest, files=changes)).body.files
    assert [(DRIVE, True), (OTHER, False)] == [(file.uri, file.success) for file in answer]
    [file] = held(imm, DRIVE)
    assert ("18", {"b": "2"}, "EA49", OBJECT) == (file.custom_id, file.custom_labels, file.file_hash, file.ossuri)


def test_files_are_removed_and_their_objects_stay(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """DeleteFileMeta and BatchDeleteFileMeta; what is not there is no error, and an object's own entry is another."""
    index(cloud, imm, kept_in(), kept_in(OTHER), models.InputFile(uri=OBJECT))
    for _ in range(2):
        imm.delete_file_meta(place(models.DeleteFileMetaRequest, uri=DRIVE))
        imm.batch_delete_file_meta(place(models.BatchDeleteFileMetaRequest, uris=[OTHER, DRIVE]))
    assert [OBJECT] == [file.uri for file in held(imm, DRIVE, OTHER, OBJECT)]
    assert bucket.object_exists("a.jpg")


CALLS: dict[str, Callable[[Any, str], object]] = {
    "IndexFileMeta": lambda imm, uri: imm.index_file_meta(place(models.IndexFileMetaRequest, file=kept_in(uri))),
    "BatchIndexFileMeta": lambda imm, uri: imm.batch_index_file_meta(
        place(models.BatchIndexFileMetaRequest, files=[kept_in(), kept_in(uri)])
    ),
    "UpdateFileMeta": lambda imm, uri: imm.update_file_meta(place(models.UpdateFileMetaRequest, file=kept_in(uri))),
    "BatchUpdateFileMeta": lambda imm, uri: imm.batch_update_file_meta(
        place(models.BatchUpdateFileMetaRequest, files=[kept_in(), kept_in(uri)])
    ),
    "GetFileMeta": lambda imm, uri: imm.get_file_meta(place(models.GetFileMetaRequest, uri=uri)),
    "BatchGetFileMeta": lambda imm, uri: imm.batch_get_file_meta(
        place(models.BatchGetFileMetaRequest, uris=[DRIVE, uri])
    ),
    "DeleteFileMeta": lambda imm, uri: imm.delete_file_meta(place(models.DeleteFileMetaRequest, uri=uri)),
    "BatchDeleteFileMeta": lambda imm, uri: imm.batch_delete_file_meta(
        place(models.BatchDeleteFileMetaRequest, uris=[DRIVE, uri])
    ),
}


@pytest.mark.parametrize("operation", CALLS)
def test_an_address_of_another_form_is_a_wrong_argument_and_nothing_is_done(
    cloud: LocalCloud, imm: Any, operation: str
) -> None:
    """For every call that names files, and for the whole of it."""
    index(cloud, imm, kept_in(custom_id="17"))
    for uri in NO_FILE.values():
        with pytest.raises(ClientException) as caught:
            CALLS[operation](imm, uri)
        assert (400, "InvalidArgument") == (caught.value.status_code, caught.value.code)
        form = "pds://domains/" if uri.startswith("pds://") else "oss://bucket/object"
        assert f"The URI {uri} is not valid: it must be {form}" in str(caught.value.message)
    cloud.advance(1)
    [file] = held(imm, DRIVE)
    assert ("17", file.create_time) == (file.custom_id, file.update_time)


@pytest.mark.parametrize("object_uri", ["pictures/a.jpg", "oss://pictures", DRIVE, "https://pictures/a.jpg"])
def test_what_is_no_object_cannot_hold_a_file(imm: Any, object_uri: str) -> None:
    """OSSURI is oss://bucket/key."""
    with pytest.raises(ClientException) as caught:
        imm.index_file_meta(place(models.IndexFileMetaRequest, file=kept_in(object_uri=object_uri)))
    assert (400, "InvalidArgument") == (caught.value.status_code, caught.value.code)


def test_a_file_in_oss_shows_no_second_address(cloud: LocalCloud, imm: Any) -> None:
    """Struct File: OSSURI is there only where the URI is one of Drive and Photo Service."""
    index(cloud, imm, kept_in(OBJECT, "oss://pictures/absent.jpg"))
    [file] = held(imm, OBJECT)
    assert (OBJECT, None) == (file.uri, file.ossuri)


def test_queries_find_them_and_statistics_count_them(cloud: LocalCloud, imm: Any) -> None:
    """By their address, by their object, by what is said of them and by what is in them."""
    index(cloud, imm, kept_in(custom_labels={"album": "spring"}), kept_in(OTHER), models.InputFile(uri=OBJECT))
    assert [OBJECT, DRIVE, OTHER] == found(imm, "ImageWidth", "eq", "64")
    assert [DRIVE, OTHER] == found(imm, "URI", "prefix", "pds://domains/bj1/")
    assert [DRIVE, OTHER] == found(imm, "OSSURI", "eq", OBJECT)
    assert [DRIVE] == found(imm, "CustomLabels.album", "eq", "spring")
    asked = models.GetDatasetRequest(project_name="project", dataset_name="dataset", with_statistics=True)
    assert 3 == imm.get_dataset(asked).body.dataset.file_count


def test_quotas_hold_for_them(cloud: LocalCloud, bucket: oss2.Bucket, told: Callable[[], list[dict[str, Any]]]) -> None:
    """A dataset of one file takes one, whatever its address is; indexing it again adds none."""
    bucket.put_object("a.jpg", picture())
    imm = client_of(cloud)
    make_dataset(imm, dataset_max_file_count=1)
    index(cloud, imm, kept_in(), kept_in(OTHER))
    index(cloud, imm, kept_in())
    assert ["", "[LimitExceededError] The number of files exceeds the limit 1."] == [file["Error"] for file in told()]
    assert [""] == [file["Error"] for file in told()]


def test_bindings_never_touch_them(cloud: LocalCloud, imm: Any, bucket: oss2.Bucket) -> None:
    """A bucket's scan and its changes are about oss:// addresses; the binding's end leaves both kinds."""
    index(cloud, imm, kept_in(custom_id="17"))
    [before] = held(imm, DRIVE)
    imm.create_binding(place(models.CreateBindingRequest, uri="oss://pictures"))
    cloud.advance(60)
    assert [OBJECT, DRIVE] == found(imm, "ImageWidth", "eq", "64")
    bucket.put_object("a.jpg", picture(size=(300, 200)))
    cloud.advance(60)
    assert [DRIVE] == found(imm, "ImageWidth", "eq", "64")
    bucket.delete_object("a.jpg")
    cloud.advance(60)
    assert [DRIVE] == [file.uri for file in held(imm, OBJECT, DRIVE)]
    imm.delete_binding(place(models.DeleteBindingRequest, uri="oss://pictures"))
    [after] = held(imm, DRIVE)
    assert before.to_map() == after.to_map()


def test_they_are_there_after_a_restart(tmp_path: Path, bucket_of: Callable[..., oss2.Bucket]) -> None:
    """An entry, and an accepted call that was not done yet."""
    config = Config(virtual_clock=True)
    with running(config, data=tmp_path / "data") as cloud:
        bucket = bucket_of(cloud)
        bucket.create_bucket()
        bucket.put_object("a.jpg", picture())
        imm = client_of(cloud)
        make_dataset(imm)
        index(cloud, imm, kept_in(file_hash="EA49"))
        [before] = held(imm, DRIVE)
        imm.index_file_meta(place(models.IndexFileMetaRequest, file=kept_in(OTHER)))
    with running(config, data=tmp_path / "data") as cloud:
        imm = client_of(cloud)
        [after] = held(imm, DRIVE, OTHER)
        assert before.to_map() == after.to_map()
        cloud.advance(1)
        assert [OBJECT, OBJECT] == [file.ossuri for file in held(imm, DRIVE, OTHER)]
