"""What a Pulumi or Terraform provider asks before it works: where products are, and which site the account is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_bssopenapi20171214 import models as bss_models
from alibabacloud_bssopenapi20171214.client import Client as BssClient
from alibabacloud_location20150612 import models as location_models
from alibabacloud_location20150612.client import Client as LocationClient
from aliyunsdkcore.auth.credentials import AccessKeyCredential  # type: ignore[import-untyped]  # no types
from aliyunsdkcore.client import AcsClient  # type: ignore[import-untyped]  # no types
from aliyunsdkcore.endpoint.location_service_endpoint_resolver import DescribeEndpointsRequest  # type: ignore[import-untyped]  # no types

from tests.emulator.role_room import config_as, new_user, refused

if TYPE_CHECKING:
    from emulator.testing import LocalCloud


def endpoints(cloud: LocalCloud, code: str, kind: str | None = "openAPI", *, old: bool = False) -> list[Any]:
    """What DescribeEndpoints lists."""
    request = location_models.DescribeEndpointsRequest(id=cloud.region, service_code=code, type=kind)
    body = LocationClient(config_as(cloud, old=old)).describe_endpoints(request).body
    assert body.success
    return list(body.endpoints.endpoint)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("code", ["oss", "imm", "mns", "ram", "ims", "sts", "bssopenapi"])
def test_a_served_product_is_here(cloud: LocalCloud, code: str, old: bool) -> None:  # noqa: FBT001 - a parameter
    """By the codes of the Terraform provider's table, and by both RPC signatures."""
    (found,) = endpoints(cloud, code, old=old)
    assert (cloud.host, cloud.region, "openAPI", code) == (found.endpoint, found.id, found.type, found.serivce_code)
    assert ["HTTP"] == found.protocols.protocols


def test_another_product_is_nowhere(cloud: LocalCloud) -> None:
    """An empty list: the Terraform provider then falls back to its own table."""
    assert [] == endpoints(cloud, "ecs")
    assert [] == endpoints(cloud, "oss", "innerAPI")
    assert 1 == len(endpoints(cloud, "oss", None))


def test_the_older_sdk_finds_endpoints_too(cloud: LocalCloud) -> None:
    """aliyun-python-sdk-core resolves with the same operation; it reads the misspelt SerivceCode."""
    client = AcsClient(
        region_id=cloud.region, credential=AccessKeyCredential(cloud.access_key_id, cloud.access_key_secret)
    )
    request = DescribeEndpointsRequest()
    request.set_protocol_type("http")
    request.set_accept_format("json")
    request.set_Id(cloud.region)
    request.set_ServiceCode("oss")
    request.set_Type("openAPI")
    request.endpoint = cloud.host
    answer = client.do_action_with_exception(request).decode()
    assert f'"Endpoint":"{cloud.host}"' in answer
    assert '"SerivceCode":"oss"' in answer


@pytest.mark.parametrize("old", [False, True])
def test_the_account_is_of_the_chinese_site(cloud: LocalCloud, old: bool) -> None:  # noqa: FBT001 - a parameter
    """The two questions that the Terraform provider asks when `account_type` is empty, as it asks them."""
    bss = BssClient(config_as(cloud, old=old))
    ask = {"page_num": 1, "page_size": 50, "subscription_type": "Subscription"}
    domestic = bss_models.QueryAvailableInstancesRequest(product_code="vipcloudfw", product_type="vipcloudfw", **ask)
    body = bss.query_available_instances(domestic).body
    assert (True, "Success", 0, 50) == (body.success, body.code, body.data.total_count, body.data.page_size)
    assert [] == body.data.instance_list
    international = bss_models.QueryAvailableInstancesRequest(product_code="cfw", product_type="cfw_pre_intl", **ask)
    assert (400, "NotApplicable") == refused(bss.query_available_instances, international)


def test_a_user_asks_for_endpoints_without_a_right_and_for_bills_with_one(cloud: LocalCloud) -> None:
    """A provider goes on when it may not ask for the site."""
    config = config_as(cloud, new_user(cloud, "plain"))
    request = location_models.DescribeEndpointsRequest(id=cloud.region, service_code="oss", type="openAPI")
    assert 1 == len(LocationClient(config).describe_endpoints(request).body.endpoints.endpoint)
    ask = bss_models.QueryAvailableInstancesRequest(product_type="vipcloudfw")
    assert 403 == refused(BssClient(config).query_available_instances, ask)[0]
