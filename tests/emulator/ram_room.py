"""Who calls the local cloud in tests of RAM: users and roles made through the official SDK, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import oss2
import pytest
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_tea_openapi.exceptions import ClientException
from defusedxml.ElementTree import fromstring

from emulator.testing import LocalCloud

Statement = dict[str, Any]
BucketOf = Callable[..., oss2.Bucket]


def document(*statements: Statement) -> str:
    """A policy; a statement without an effect allows."""
    return json.dumps({"Version": "1", "Statement": [{"Effect": "Allow", **statement} for statement in statements]})


@dataclass
class People:
    """Makes the identities of the account."""

    cloud: LocalCloud
    ram: Any

    def allow(self, name: str, *statements: Statement) -> None:
        """Put a policy, or its next version in force."""
        given = {"policy_name": name, "policy_document": document(*statements)}
        try:
            self.ram.create_policy(ram_models.CreatePolicyRequest(**given))
        except ClientException:
            rotate = "DeleteOldestNonDefaultVersionWhenLimitExceeded"
            newer = ram_models.CreatePolicyVersionRequest(**given, set_as_default=True, rotate_strategy=rotate)
            self.ram.create_policy_version(newer)

    def user(self, name: str, *statements: Statement) -> LocalCloud:
        """A user with a policy of its own name, if there are statements; the cloud as that user sees it."""
        self.ram.create_user(ram_models.CreateUserRequest(user_name=name))
        if statements:
            self.allow(name, *statements)
            where = {"policy_type": "Custom", "policy_name": name, "user_name": name}
            self.ram.attach_policy_to_user(ram_models.AttachPolicyToUserRequest(**where))
        key = self.ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name=name)).body.access_key
        return replace(self.cloud, access_key_id=key.access_key_id, access_key_secret=key.access_key_secret)

    def role(self, name: str, principal: dict[str, list[str]], *statements: Statement) -> str:
        """A role with a policy of its own name; its resource name."""
        trust = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]}
        wanted = ram_models.CreateRoleRequest(role_name=name, assume_role_policy_document=json.dumps(trust))
        made = self.ram.create_role(wanted).body.role
        if statements:
            self.allow(name, *statements)
            where = {"policy_type": "Custom", "policy_name": name, "role_name": name}
            self.ram.attach_policy_to_role(ram_models.AttachPolicyToRoleRequest(**where))
        return str(made.arn)


def refusal(call: Callable[[], object]) -> tuple[int, str, str]:
    """Status, code and message that an RPC call is refused with."""
    with pytest.raises(ClientException) as caught:
        call()
    error = caught.value
    return error.status_code, error.code, error.message


def denied(call: Callable[[], object]) -> dict[str, str]:
    """What an OSS call's refusal tells of the missing right."""
    with pytest.raises(oss2.exceptions.AccessDenied) as caught:
        call()
    assert 403 == caught.value.status
    root = fromstring(caught.value.body)
    return {node.tag: node.text or "" for node in root.iter()}


def arn(cloud: LocalCloud, bucket: str, key: str = "") -> str:
    """A bucket's or an object's name in policies."""
    return f"acs:oss:*:{cloud.account_id}:{bucket}{'/' if key else ''}{key}"
