"""SemanticQuery through the official SDK: an honest match of words, its limits and its refusals."""

from __future__ import annotations

from typing import Any

import oss2
import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException

from emulator.services import SERVICES
from emulator.testing import LocalCloud
from tests.emulator.conftest import rpc_config
from tests.emulator.pictures import picture

PLACE = {"project_name": "test-project", "dataset_name": "test-dataset"}


@pytest.fixture
def imm(cloud: LocalCloud, bucket: oss2.Bucket) -> Any:
    """Three labelled files, indexed."""
    client = Client(rpc_config(cloud))
    client.create_project(models.CreateProjectRequest(project_name="test-project"))
    client.create_dataset(models.CreateDatasetRequest(**PLACE))
    bucket.put_object("a.jpg", picture())
    bucket.put_object("b.jpg", picture())
    bucket.put_object("notes.txt", b"text")
    files = [
        models.InputFile(uri="oss://pictures/a.jpg", custom_labels={"scene": "a dog on a beach"}),
        models.InputFile(uri="oss://pictures/b.jpg", title="Dog and cat", custom_labels={"place": "海边的小狗"}),
        models.InputFile(uri="oss://pictures/notes.txt", title="Dog"),
    ]
    client.batch_index_file_meta(models.BatchIndexFileMetaRequest(**PLACE, files=files))
    cloud.advance(1)
    return client


def found(imm: Any, **members: object) -> list[str]:
    """Names of the files a query finds."""
    body = imm.semantic_query(models.SemanticQueryRequest(**PLACE, **members)).body
    return [file.filename or file.uri for file in body.files]


def test_more_shared_words_come_first(imm: Any) -> None:
    """Ranked by how many words of the query a file's labels and texts hold."""
    assert ["a.jpg", "b.jpg", "notes.txt"] == found(imm, query="dog at the beach")


def test_chinese_is_matched_by_pairs_of_characters(imm: Any) -> None:
    """A run of Chinese parts no words."""
    assert ["b.jpg"] == found(imm, query="小狗在玩")


def test_it_does_not_pretend_to_understand(imm: Any) -> None:
    """A word of the same meaning finds nothing, and the coverage table says where the behaviour comes from."""
    assert [] == found(imm, query="puppy")
    assert "assumed" == SERVICES["imm"].by_name["SemanticQuery"].provenance


def test_media_types_results_and_fields_narrow_the_answer(imm: Any) -> None:
    """MediaTypes filters, MaxResults cuts, WithFields chooses; NextToken is ignored."""
    assert ["notes.txt"] == found(imm, query="dog", media_types=["document"])
    assert ["a.jpg"] == found(imm, query="dog beach", max_results=1, next_token="ignored")
    request = models.SemanticQueryRequest(**PLACE, query="beach", with_fields=["URI"])
    [file] = imm.semantic_query(request).body.files
    assert ("oss://pictures/a.jpg", None) == (file.uri, file.size)


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, "InvalidArgument"),
        ({"source_uri": "oss://pictures/a.jpg"}, "NotImplemented.Emulator"),
        ({"source_uri": "http://pictures/a.jpg"}, "InvalidArgument"),
        ({"query": "x", "media_types": ["smell"]}, "InvalidMediaTypes"),
        ({"query": "x", "max_results": 101}, "InvalidMaxResults"),
        ({"query": "x", "with_fields": ["Colour"]}, "InvalidArgument"),
    ],
)
def test_bad_calls_are_refused(imm: Any, members: dict[str, object], code: str) -> None:
    """What cannot be done is said, not skipped."""
    with pytest.raises(ClientException) as caught:
        found(imm, **members)
    assert (400, code) == (caught.value.status_code, caught.value.code)
