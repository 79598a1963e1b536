"""Indexing many files by hand, a hundred to a call, through the official SDKs: every file gets its own word."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client

from tests.emulator.conftest import rpc_config
from tests.emulator.message_line import line_of

if TYPE_CHECKING:
    import oss2

    from emulator.testing import LocalCloud

PLACE = {"project_name": "media", "dataset_name": "photos"}
FILES, A_CALL = 3_000, 100


@pytest.fixture
def imm(cloud: LocalCloud) -> Any:
    """IMM's client, with a project and a dataset."""
    client = Client(rpc_config(cloud))
    client.create_project(models.CreateProjectRequest(project_name="media"))
    client.create_dataset(models.CreateDatasetRequest(**PLACE))
    return client


def test_thousands_of_files_each_get_one_word(cloud: LocalCloud, bucket: oss2.Bucket, imm: Any) -> None:
    """Three of four are there; one message a call, and the dataset holds what succeeded, no more."""
    with line_of(cloud) as line:
        cloud.put_objects("pictures", ((f"{n:05}.txt", b"text") for n in range(FILES) if n % 4))
        for first in range(0, FILES, A_CALL):
            files = [models.InputFile(uri=f"oss://pictures/{n:05}.txt") for n in range(first, first + A_CALL)]
            imm.batch_index_file_meta(
                models.BatchIndexFileMetaRequest(
                    **PLACE,
                    files=files,
                    notification=models.Notification(mns=models.MNS(topic_name="results")),
                    user_data=str(first),
                )
            )
            cloud.advance(0.1)
        cloud.advance(1)
        told = [json.loads(body) for body in line.bodies()]
    words = {file["URI"]: file["Error"] for notice in told for file in notice["Files"]}
    assert [str(first) for first in range(0, FILES, A_CALL)] == [notice["UserData"] for notice in told]
    assert Counter({"": FILES * 3 // 4, "[InvalidArgument] File does not exist.": FILES // 4}) == Counter(
        words.values()
    )
    counted = imm.get_dataset(models.GetDatasetRequest(**PLACE, with_statistics=True)).body.dataset.file_count
    assert FILES * 3 // 4 == counted


def test_objects_put_in_bulk_are_objects_like_any_other(cloud: LocalCloud, bucket: oss2.Bucket, imm: Any) -> None:
    """Listed, read, and heard of by a binding that follows the bucket."""
    imm.create_binding(models.CreateBindingRequest(**PLACE, uri="oss://pictures"))
    cloud.advance(60)
    cloud.put_objects("pictures", ((f"{n:05}.txt", str(n).encode()) for n in range(6_000)))
    cloud.advance(60)
    assert b"4711" == bucket.get_object("04711.txt").read()
    assert "05999.txt" == bucket.list_objects_v2(start_after="05998.txt").object_list[0].key
    counted = imm.get_dataset(models.GetDatasetRequest(**PLACE, with_statistics=True)).body.dataset.file_count
    assert 6_000 == counted
    with pytest.raises(KeyError):
        cloud.put_objects("absent", [("a", b"")])
