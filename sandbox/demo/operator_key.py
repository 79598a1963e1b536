"""An AccessKey of a RAM user for the operator: nobody should hand it the account's own key, not even in a demo."""

from __future__ import annotations

from alibabacloud_ram20150501 import models
from alibabacloud_ram20150501.client import Client

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config

USER = "imm-operator"
POLICY = "imm-operator"  # the stack's own: exactly what the operator calls (infra/rights.py)


def create_key(root: Credentials, *, region: str, url: str) -> Credentials:
    """Create the user with the stack's policy and a key of its own, with the root key of the local account."""
    ram = Client(client_config(root, region=region, endpoint=url))
    ram.create_user(models.CreateUserRequest(user_name=USER, comments="imm-operator of the demo"))
    ram.attach_policy_to_user(
        models.AttachPolicyToUserRequest(policy_type="Custom", policy_name=POLICY, user_name=USER)
    )
    made = ram.create_access_key(models.CreateAccessKeyRequest(user_name=USER)).body.access_key
    return Credentials(made.access_key_id, made.access_key_secret)
