"""The RAM user the operator works as in the tests, with the stack's own policy: what it calls and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_ram20150501.client import Client

from controller.cloud.credentials import Credentials
from controller.cloud.openapi import client_config
from emulator.testing import LocalCloud
from infra import rights

NAME = "imm-operator"
ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


@dataclass
class OperatorUser:
    """Made at first use. A stack knows its projects and buckets beforehand; here each is added when a test names it."""

    cloud: LocalCloud
    name: str = NAME
    scope: rights.Scope = field(init=False)
    _key: Credentials | None = None

    def __post_init__(self) -> None:
        self.scope = rights.Scope(self.cloud.region, self.cloud.account_id)

    @property
    def key(self) -> Credentials:
        """Its AccessKey."""
        if self._key is None:
            ram = self._ram()
            ram.create_user(ram_models.CreateUserRequest(user_name=self.name))
            ram.create_policy(ram_models.CreatePolicyRequest(policy_name=self.name, policy_document=self._document()))
            where = {"policy_type": "Custom", "policy_name": self.name, "user_name": self.name}
            ram.attach_policy_to_user(ram_models.AttachPolicyToUserRequest(**where))
            made = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name=self.name)).body.access_key
            self._key = Credentials(made.access_key_id, made.access_key_secret)
        return self._key

    def grant(self, spec: dict[str, Any]) -> None:
        """Add what an object's spec names to the scope that the policy is made for."""
        dataset, target = spec.get("dataset", {}), spec.get("target", {}).get("dataset", {})
        source, events = spec.get("source", {}), spec.get("events", {})
        pictures = spec.get("target", {}).get("imageSearch", {})
        listed = (source.get(kind, {}).get("bucket") for kind in ("table", "prefix"))
        wider = replace(
            self.scope,
            projects=_with(self.scope.projects, spec.get("project"), dataset.get("project"), target.get("project")),
            buckets=_with(self.scope.buckets, spec.get("bucket"), pictures.get("bucket"), *listed),
            work=_with(self.scope.work, spec.get("workBucket")),
            queues=_with(self.scope.queues, events.get("queue")),
            dead_letter_queues=_with(self.scope.dead_letter_queues, events.get("deadLetterQueue")),
            instances=_with(self.scope.instances, pictures.get("instanceName")),
        )
        if wider != self.scope:
            self.scope = wider
            if self._key is not None:
                newer = {"policy_name": self.name, "policy_document": self._document(), "set_as_default": True}
                self._ram().create_policy_version(
                    ram_models.CreatePolicyVersionRequest(**newer, rotate_strategy=ROTATE)
                )

    def forget_buckets(self) -> None:
        """Leave the buckets so far out of the next policy: its length is limited, and nobody asks for them again."""
        self.scope = replace(self.scope, buckets=())

    def _document(self) -> str:
        (document,) = rights.policies(rights.OPERATOR, self.scope)
        return json.dumps(document)

    def _ram(self) -> Any:
        root = Credentials(self.cloud.access_key_id, self.cloud.access_key_secret)
        return Client(client_config(root, region=self.cloud.region, endpoint=self.cloud.url))


def _with(names: tuple[str, ...], *more: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*names, *(name for name in more if isinstance(name, str))]))
