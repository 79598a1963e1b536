"""Every RAM answer read by the vendor's own model and given back unchanged: no field is unknown or of another type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_ram20150501 import models

from emulator.auth.identity import root_identity
from emulator.call import Call, Reply
from emulator.instance import DEFAULT_ACCESS_KEY_ID, DEFAULT_ACCOUNT, Config, start
from emulator.ram.operations import OPERATIONS

TRUST = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":["x"]}}]}'
POLICY = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}'
P = {"PolicyName": "p", "PolicyType": "Custom"}
SCRIPT: list[tuple[str, dict[str, str]]] = [
    ("CreateRole", {"RoleName": "r", "AssumeRolePolicyDocument": TRUST, "Tag.1.Key": "k", "Tag.1.Value": "v"}),
    ("GetRole", {"RoleName": "r"}),
    ("UpdateRole", {"RoleName": "r", "NewMaxSessionDuration": "7200"}),
    ("ListRoles", {"MaxItems": "1"}),
    ("CreatePolicy", {"PolicyName": "p", "PolicyDocument": POLICY}),
    ("CreatePolicyVersion", {"PolicyName": "p", "PolicyDocument": POLICY}),
    ("GetPolicy", P),
    ("ListPolicies", {"MaxItems": "2"}),
    ("ListPolicyVersions", P),
    ("GetPolicyVersion", {**P, "VersionId": "v2"}),
    ("SetDefaultPolicyVersion", {"PolicyName": "p", "VersionId": "v2"}),
    ("CreateUser", {"UserName": "u", "Email": "u@example.com"}),
    ("GetUser", {"UserName": "u"}),
    ("UpdateUser", {"UserName": "u", "NewComments": "c"}),
    ("ListUsers", {}),
    ("AttachPolicyToRole", {**P, "RoleName": "r"}),
    ("AttachPolicyToUser", {**P, "UserName": "u"}),
    ("ListPoliciesForRole", {"RoleName": "r"}),
    ("ListPoliciesForUser", {"UserName": "u"}),
    ("ListEntitiesForPolicy", P),
    ("CreateAccessKey", {"UserName": "u"}),
    ("ListAccessKeys", {"UserName": "u"}),
    ("TagResources", {"ResourceType": "role", "ResourceNames": '["r"]', "Tag": '[{"Key":"a","Value":"b"}]'}),
    ("ListTagResources", {"ResourceType": "role", "ResourceNames": '["r"]'}),
    ("UntagResources", {"ResourceType": "role", "ResourceNames": '["r"]', "TagKeys": '["a"]'}),
    ("DetachPolicyFromRole", {**P, "RoleName": "r"}),
    ("DetachPolicyFromUser", {**P, "UserName": "u"}),
    ("DeletePolicyVersion", {"PolicyName": "p", "VersionId": "v1"}),
    ("DeletePolicy", {"PolicyName": "p", "CascadingDelete": "true"}),
    ("DeleteRole", {"RoleName": "r"}),
]


def test_every_answer_survives_the_vendors_model() -> None:
    """A whole life of a role, a policy and a user; compared field by field."""
    instance = start(Config(virtual_clock=True))
    for name, params in SCRIPT:
        call = Call(
            service="ram",
            operation=name,
            account=DEFAULT_ACCOUNT,
            region="cn-hangzhou",
            request_id="r",
            params=params,
            identity=root_identity(DEFAULT_ACCOUNT, DEFAULT_ACCESS_KEY_ID),
        )
        reply = OPERATIONS.by_name[name].handler(instance.cloud, call)
        assert isinstance(reply, Reply)
        assert isinstance(reply.body, dict)
        ours: dict[str, Any] = json.loads(json.dumps(reply.body))
        theirs = getattr(models, f"{name}ResponseBody")().from_map(ours).to_map()
        assert ours == theirs, name


@pytest.mark.parametrize("name", sorted(OPERATIONS.by_name))
def test_every_parameter_is_one_the_vendors_request_knows(name: str) -> None:
    """No operation takes a parameter that the SDK could not send."""
    request = getattr(models, f"{name}Request")
    known = set(vars(request()))
    ours = {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in p).lstrip("_") for p in OPERATIONS.by_name[name].params
    }
    assert ours <= known
