"""The gateway's unverified readings, over a socket: each value, as the official SDK meets it."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from alibabacloud_imm20200930 import models
from alibabacloud_imm20200930.client import Client
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from Tea.exceptions import UnretryableException

from emulator.testing import LocalCloud
from emulator.unverified import switches
from tests.emulator.conftest import rpc_config

LONG = "x" * 2000
PROJECT = models.GetProjectRequest(project_name="p")


@pytest.fixture
def imm(cloud: LocalCloud) -> Any:
    """The official client and a project."""
    client = Client(rpc_config(cloud))
    client.create_project(models.CreateProjectRequest(project_name="p"))
    return client


def refusal(call: Any, request: Any) -> AlibabaCloudException:
    """What the SDK raises for a JSON refusal."""
    with pytest.raises(AlibabaCloudException) as caught:
        call(request)
    return caught.value


def long_call(imm: Any) -> Any:
    """A request with a long address, refused or answered."""
    return imm.fuzzy_query(models.FuzzyQueryRequest(project_name="p", dataset_name="absent", query=LONG))


def test_a_long_address_passes_unless_the_limit_is_lower(cloud: LocalCloud, imm: Any) -> None:
    """By default a hundred files fit; the refusal then is IMM's own."""
    assert "ResourceNotFound" == refusal(lambda _: long_call(imm), None).code
    cloud.switch("request_target_max", 1024)
    with pytest.raises(UnretryableException):
        long_call(imm)
    imm.get_project(PROJECT)


@pytest.mark.parametrize("value", switches()["request_target_refusal"].values)
def test_an_address_too_long_is_refused_in_each_way(cloud: LocalCloud, imm: Any, value: str) -> None:
    """A page the SDK cannot parse, or JSON with either status."""
    cloud.switch("request_target_max", 1024)
    cloud.switch("request_target_refusal", value)
    if value == "414-html":
        with pytest.raises(UnretryableException):
            long_call(imm)
        assert 414 == cloud.requests("imm")[-1]["status"]
    else:
        error = refusal(lambda _: long_call(imm), None)
        assert (int(value[:3]), "InvalidURI.TooLong") == (error.status_code, error.code)


@pytest.mark.parametrize("status", switches()["throttling_status"].values)
@pytest.mark.parametrize("after", [0, 1500])
def test_throttling_says_when_to_come_back(cloud: LocalCloud, imm: Any, status: int, after: int) -> None:
    """With the header the SDK raises its throttling exception, without it the plain one of the status."""
    cloud.switch("throttling_retry_after_ms", after)
    cloud.switch("throttling_status", status)
    cloud.run(lambda instance: setattr(instance.cloud.imm_settings, "queries_per_second", 1.0))
    cloud.advance(1)
    imm.get_project(PROJECT)
    error = refusal(imm.get_project, PROJECT)
    name = "ThrottlingException" if after else "ServerException" if status >= 500 else "ClientException"
    assert (status, "Throttling.User", name) == (error.status_code, error.code, type(error).__name__)
    assert (after or None) == getattr(error, "retry_after", None)


@pytest.mark.parametrize("value", switches()["server_error_body"].values)
def test_a_server_error_has_each_body(cloud: LocalCloud, imm: Any, value: str) -> None:
    """JSON the SDK reads; a page or nothing it does not."""
    cloud.switch("server_error_body", value)
    cloud.fault({"service": "imm", "error": {"status": 503, "code": "ServiceUnavailable"}})
    if value == "json":
        assert "ServiceUnavailable" == refusal(imm.get_project, PROJECT).code
        return
    with pytest.raises(UnretryableException):
        imm.get_project(PROJECT)
    connection = http.client.HTTPConnection(cloud.host)
    headers = {"x-acs-version": "2020-09-30", "x-acs-action": "GetProject"}
    connection.request("POST", "/?ProjectName=p", headers=headers)  # unsigned: refused, and not with a 5xx
    assert "Code" in json.loads(connection.getresponse().read())
    connection.close()


@pytest.mark.parametrize("status", switches()["unknown_key_status"].values)
def test_an_unknown_key_is_refused_with_each_status(cloud: LocalCloud, status: int) -> None:
    """The code is the same."""
    cloud.switch("unknown_key_status", status)
    config = rpc_config(cloud)
    config.access_key_id = "LTAI5tNobodysKey0000000"
    error = refusal(Client(config).get_project, PROJECT)
    assert (status, "InvalidAccessKeyId.NotFound") == (error.status_code, error.code)


@pytest.mark.parametrize("status", switches()["bad_signature_status"].values)
def test_a_bad_signature_is_refused_with_each_status(cloud: LocalCloud, status: int) -> None:
    """The code is the same."""
    cloud.switch("bad_signature_status", status)
    config = rpc_config(cloud)
    config.access_key_secret = "not-the-secret"
    error = refusal(Client(config).get_project, PROJECT)
    assert (status, "SignatureDoesNotMatch") == (error.status_code, error.code)


def users_client(cloud: LocalCloud, ram: Any, *actions: str) -> Any:
    """IMM's client of a user who may do these things."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "1", "Statement": [statement]})
    ram.create_user(ram_models.CreateUserRequest(user_name="u"))
    ram.create_policy(ram_models.CreatePolicyRequest(policy_name="p", policy_document=document))
    where = {"policy_type": "Custom", "policy_name": "p", "user_name": "u"}
    ram.attach_policy_to_user(ram_models.AttachPolicyToUserRequest(**where))
    key = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name="u")).body.access_key
    config = rpc_config(cloud)
    config.access_key_id, config.access_key_secret = key.access_key_id, key.access_key_secret
    return Client(config)


@pytest.mark.parametrize("code", switches()["no_permission_code"].values)
def test_a_missing_right_is_refused_with_each_code(cloud: LocalCloud, ram: Any, code: str) -> None:
    """403, whatever it is called."""
    cloud.switch("no_permission_code", code)
    error = refusal(users_client(cloud, ram, "imm:ListProjects").get_project, PROJECT)
    assert (403, code) == (error.status_code, error.code)


@pytest.mark.parametrize("needed", [True, False])
def test_giving_a_role_takes_pass_role_or_not(cloud: LocalCloud, ram: Any, *, needed: bool) -> None:
    """The default role's name, given by who may make projects and nothing else."""
    cloud.switch("pass_role_needed", needed)
    client = users_client(cloud, ram, "imm:CreateProject")
    wanted = models.CreateProjectRequest(project_name="p", service_role="AliyunIMMDefaultRole")
    if needed:
        assert "ram:PassRole" in refusal(client.create_project, wanted).message
    else:
        client.create_project(wanted)
