"""Where a resource is made: the addresses of its `alicloud` provider, and the key of the environment.

A provider without an address of its own for a service means Alibaba Cloud, and a rehearsal never goes there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import oss2
from alibabacloud_mns_open20220119.client import Client as MnsOpen
from alibabacloud_ram20150501.client import Client as Ram
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions
from oss2.exceptions import NoSuchBucket
from Tea.exceptions import TeaException, UnretryableException

from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError
from controller.cloud.openapi import client_config, translate
from infra import environment as env

TIMEOUT_MS = 10_000


class NotLocal(Exception):
    """The provider would call Alibaba Cloud; the message names the service."""


@dataclass(frozen=True, slots=True)
class Place:
    """One provider: its region, its protocol and the addresses it overrides."""

    region: str
    protocol: str
    endpoints: Mapping[str, str]
    credentials: Credentials

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Place:
        """Read the inputs of a `pulumi:providers:alicloud` resource; structured ones are JSON text there."""
        listed = json.loads(inputs.get("endpoints") or "[]")
        key, secret = inputs.get("accessKey"), inputs.get("secretKey")
        return cls(
            region=inputs.get("region", ""),
            protocol=str(inputs.get("protocol") or "HTTPS").lower(),
            endpoints=listed[0] if listed else {},
            credentials=Credentials(key, secret) if key and secret else env.credentials(os.environ),
        )

    def bucket(self, name: str) -> oss2.Bucket:
        """OSS, at one bucket."""
        auth = oss2.AuthV4(self.credentials.access_key_id, self.credentials.access_key_secret)
        address = f"{self.protocol}://{self._address('oss')}"
        return oss2.Bucket(auth, address, name, region=self.region, connect_timeout=TIMEOUT_MS // 1000)

    def mns(self, operation: str, request: Any) -> dict[str, Any]:
        """One call of Mns-open 2022-01-19; the body as the vendor names it."""
        return _call(MnsOpen(self._config("mnsOpen")), operation, request)

    def ram(self, operation: str, request: Any) -> dict[str, Any]:
        """One call of RAM 2015-05-01; the body as the vendor names it."""
        return _call(Ram(self._config("ram")), operation, request)

    def _config(self, service: str) -> Config:
        address = f"{self.protocol}://{self._address(service)}"
        return client_config(self.credentials, region=self.region, endpoint=address)

    def _address(self, service: str) -> str:
        address = self.endpoints.get(service)
        if not address:
            raise NotLocal(
                f"the provider has no endpoint for {service}, so this would go to Alibaba Cloud: a rehearsal works on "
                "a local cloud only (`emulator: true` in the stack's file); for a real account use the pulumi CLI"
            )
        return address


def _call(client: Any, operation: str, request: Any) -> dict[str, Any]:
    runtime = RuntimeOptions(connect_timeout=TIMEOUT_MS, read_timeout=TIMEOUT_MS)
    try:
        body: dict[str, Any] = getattr(client, f"{operation}_with_options")(request, runtime).body.to_map()
    except (TeaException, UnretryableException) as error:
        raise translate(operation, error) from error
    return body


def absent_is_success(codes: tuple[str, ...], delete: Callable[[], Any]) -> None:
    """Run a deletion, and let an error with one of the codes pass."""
    exists(codes, delete)


def exists(codes: tuple[str, ...], look: Callable[[], Any]) -> bool:
    """Run a look-up; False when it fails with one of the codes (by their beginning), any other failure is raised."""
    try:
        look()
    except NoSuchBucket:
        return False
    except CloudError as error:
        if error.code.startswith(codes):
            return False
        raise
    return True
