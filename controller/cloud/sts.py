"""STS through the official SDK: `controller.cloud.ports.StsPort`."""

from __future__ import annotations

from alibabacloud_sts20150401.client import Client

from controller.cloud import openapi
from controller.cloud.answers import understood
from controller.cloud.credentials import Credentials
from controller.cloud.limiter import Lane, Limiter
from controller.core.facts import Caller


@understood
class Sts:
    """STS as one set of credentials. `endpoint` is an operator setting only, never a tenant's."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        region: str,
        endpoint: str | None,
        limiter: Limiter,
        lane: Lane = Lane.EDIT,
        ca_file: str | None = None,
    ) -> None:
        self._client = Client(openapi.client_config(credentials, region=region, endpoint=endpoint, ca_file=ca_file))
        self._limiter = limiter
        self._lane = lane
        self._credentials = credentials
        self._region = region

    def get_caller(self) -> Caller:
        body = openapi.call(
            "sts:GetCallerIdentity",
            lambda _request, runtime: self._client.get_caller_identity_with_options(runtime),
            None,
            limiter=self._limiter,
            lane=self._lane,
            credentials=self._credentials,
            region=self._region,
        )
        return Caller(account_id=body["AccountId"], arn=body["Arn"], is_root=body.get("IdentityType") == "Account")
