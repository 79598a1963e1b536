"""What the tests of roles share: users, roles, and the clients that act as them, all through the official SDKs."""

from __future__ import annotations

import json
from typing import Any

from alibabacloud_ims20190815 import models as ims_models
from alibabacloud_ims20190815.client import Client as ImsClient
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
from alibabacloud_tea_openapi.models import Config

from emulator.testing import LocalCloud

Pair = tuple[str, str, str | None]  # id, secret and token


def config_as(cloud: LocalCloud, pair: Pair | None = None, *, old: bool = False) -> Config:
    """An RPC SDK's settings, as the account or as somebody else."""
    key_id, secret, token = pair or (cloud.access_key_id, cloud.access_key_secret, None)
    return Config(
        access_key_id=key_id,
        access_key_secret=secret,
        security_token=token,
        endpoint=cloud.host,
        protocol=cloud.protocol,
        ca=cloud.ca_file,
        signature_algorithm="v2" if old else None,
    )


def trust(**statement: Any) -> str:
    """A trust policy of one statement that allows."""
    return trust_of({"Effect": "Allow", "Action": "sts:AssumeRole", **statement})


def trust_of(*statements: dict[str, Any]) -> str:
    """A trust policy."""
    return json.dumps({"Version": "1", "Statement": list(statements)})


def new_user(cloud: LocalCloud, name: str, *policies: str) -> Pair:
    """A RAM user with system policies, and a key of it."""
    ram = RamClient(config_as(cloud))
    ram.create_user(ram_models.CreateUserRequest(user_name=name))
    for policy in policies:
        ram.attach_policy_to_user(
            ram_models.AttachPolicyToUserRequest(user_name=name, policy_name=policy, policy_type="System")
        )
    made = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name=name)).body.access_key
    return made.access_key_id, made.access_key_secret, None


def new_role(cloud: LocalCloud, name: str, trust_policy: str, *policies: str, longest: int | None = None) -> str:
    """A role with system policies; its ARN."""
    ram = RamClient(config_as(cloud))
    request = ram_models.CreateRoleRequest(
        role_name=name, assume_role_policy_document=trust_policy, max_session_duration=longest
    )
    role = ram.create_role(request).body.role
    for policy in policies:
        ram.attach_policy_to_role(
            ram_models.AttachPolicyToRoleRequest(role_name=name, policy_name=policy, policy_type="System")
        )
    return str(role.arn)


def new_provider(cloud: LocalCloud, issuer_url: str, *, name: str = "cluster", **details: Any) -> str:
    """An OpenID Connect provider; its ARN."""
    request = ims_models.CreateOIDCProviderRequest(oidcprovider_name=name, issuer_url=issuer_url, **details)
    return str(ImsClient(config_as(cloud)).create_oidcprovider(request).body.oidcprovider.arn)


def assume(sts: Any, role_arn: str, session: str = "tests", **details: Any) -> Any:
    """What AssumeRole answers."""
    request = sts_models.AssumeRoleRequest(role_arn=role_arn, role_session_name=session, **details)
    return sts.assume_role(request).body


def pair_of(answer: Any) -> Pair:
    """The key in an answer of AssumeRole or AssumeRoleWithOIDC."""
    made = answer.credentials
    return made.access_key_id, made.access_key_secret, made.security_token


def refused(call: Any, *arguments: Any, **details: Any) -> tuple[int, str]:
    """Status and code with which a call is refused."""
    try:
        call(*arguments, **details)
    except AlibabaCloudException as error:
        return int(error.status_code), str(error.code)
    raise AssertionError("it was not refused")
