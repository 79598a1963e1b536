"""Index calls with their parameters in a form body instead of the address, sent by the official SDK's `call_api`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions

from tests.emulator.conftest import rpc_config

if TYPE_CHECKING:
    from collections.abc import Mapping

    import oss2

    from emulator.testing import LocalCloud

PLACE = {"ProjectName": "media", "DatasetName": "photos"}
KEYS = [f"shelf/{number:03}.txt" for number in range(100)]
URIS = [f"oss://pictures/{key}" for key in KEYS]


def client_of(cloud: LocalCloud, *, old: bool = False) -> Any:
    """IMM's client, with a project and a dataset."""
    client = Client(rpc_config(cloud, old=old))
    client.create_project(models.CreateProjectRequest(project_name="media"))
    client.create_dataset(models.CreateDatasetRequest(project_name="media", dataset_name="photos"))
    return client


def texts(given: Mapping[str, object]) -> dict[str, str]:
    """Parameters as the SDK writes them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}


def send(client: Any, action: str, form: Mapping[str, object], query: Mapping[str, object] = {}) -> dict[str, Any]:
    """Call an operation with `form` in the body and `query` in the address."""
    params = Params(
        action=action,
        version="2020-09-30",
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    answer = client.call_api(params, OpenApiRequest(query=texts(query), body=texts(form)), RuntimeOptions())
    found: dict[str, Any] = answer["body"]
    return found


@pytest.mark.parametrize("old", [False, True], ids=["ACS3", "v1"])
def test_every_call_for_many_files_takes_a_form(cloud: LocalCloud, bucket: oss2.Bucket, *, old: bool) -> None:
    """Index, get, update and delete a hundred files, under the shortest address that the gateway can be set to."""
    client = client_of(cloud, old=old)
    cloud.put_objects("pictures", ((key, b"x") for key in KEYS))
    cloud.switch("request_target_max", 1024)
    files = [{"URI": uri, "CustomLabels": {"text": "a b+c&d=e%2Fé"}} for uri in URIS]
    assert send(client, "BatchIndexFileMeta", {**PLACE, "Files": files})["EventId"]
    cloud.advance(1)
    found = send(client, "BatchGetFileMeta", {**PLACE, "URIs": URIS, "WithFields": ["URI", "CustomLabels"]})["Files"]
    assert files == found
    changed = [{"URI": uri, "CustomId": f"id {uri}"} for uri in URIS]
    answers = send(client, "BatchUpdateFileMeta", {**PLACE, "Files": changed})["Files"]
    assert [{"URI": uri, "Success": True, "Message": ""} for uri in URIS] == answers
    send(client, "BatchDeleteFileMeta", {**PLACE, "URIs": URIS})
    assert [] == send(client, "BatchGetFileMeta", {**PLACE, "URIs": URIS})["Files"]
    assert {"BatchIndexFileMeta", "BatchGetFileMeta", "BatchUpdateFileMeta", "BatchDeleteFileMeta"} <= set(
        cloud.counts()["imm"]
    )


def test_the_limit_of_the_address_counts_the_address_alone(cloud: LocalCloud) -> None:
    """The same parameters: refused in the query, taken in the body, and in part in both."""
    client = client_of(cloud)
    cloud.switch("request_target_max", 4096)
    files = json.dumps([{"URI": uri} for uri in URIS])
    with pytest.raises(UnretryableException):
        send(client, "BatchIndexFileMeta", {}, {**PLACE, "Files": files})
    assert 414 == cloud.requests("imm")[-1]["status"]
    cloud.switch("request_target_refusal", "400-json")
    with pytest.raises(ClientException) as refused:
        send(client, "BatchIndexFileMeta", {}, {**PLACE, "Files": files})
    assert (400, "InvalidURI.TooLong") == (refused.value.status_code, refused.value.code)
    assert send(client, "BatchIndexFileMeta", {"Files": files}, PLACE)["EventId"]
    assert send(client, "BatchIndexFileMeta", {**PLACE, "Files": files})["EventId"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Colour": "red"}, "NotImplemented.Emulator"),
        ({"Files": "["}, "InvalidJSON"),
        ({"Files": []}, "MissingFiles"),
        ({"Files": [{"URI": URIS[0]}] * 101}, "LimitExceededError"),
        ({"Files": [{"URI": URIS[0], "Colour": "red"}]}, "InvalidArgument"),
        ({"UserData": "x" * 2049}, "InvalidUserData"),
        ({"DatasetName": "absent"}, "ResourceNotFound"),
        ({"Notification": {"RocketMQ": {"InstanceId": "i"}}}, "NotImplemented.Emulator"),
    ],
)
def test_a_form_is_checked_like_a_query(cloud: LocalCloud, form: dict[str, object], code: str) -> None:
    """The refusal of a wrong parameter is the same in either place."""
    client = client_of(cloud)
    given = {**PLACE, "Files": [{"URI": URIS[0]}], **form}
    with pytest.raises(ClientException) as in_query:
        send(client, "BatchIndexFileMeta", {}, given)
    with pytest.raises(ClientException) as in_body:
        send(client, "BatchIndexFileMeta", given)
    assert (code, code) == (in_query.value.code, in_body.value.code)
