"""RRSA: a service account's token is exchanged for temporary keys of a RAM role (STS AssumeRoleWithOIDC).

The SDK's own method puts the token into the address, where it would stand in every HTTP library's error text and debug
line. STS takes the parameters of a POST in its body as well (the vendor's Go SDK sends them there), so that is where
the token goes, and only over HTTPS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alibabacloud_sts20150401.client import Client
from alibabacloud_sts20150401.models import AssumeRoleWithOIDCResponse
from alibabacloud_tea_openapi.utils_models import OpenApiRequest

from controller.cloud import openapi
from controller.cloud.answers import understood
from controller.cloud.credentials import Credentials, CredentialsUnavailable
from controller.cloud.errors import BadCredentials, CloudError, Invalid, TimedOut
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.ports import Role

AUDIENCE = "sts.aliyuncs.com"  # whom the vendor's guide to RRSA lets tokens be for
LIFETIME = 3600  # seconds; every role allows an hour
OPERATION = "sts:AssumeRoleWithOIDC"


@dataclass(frozen=True, slots=True)
class Address:
    """Where STS is; an operator setting only, never a tenant's. `ca_file` is None for the public authorities."""

    endpoint: str | None
    ca_file: str | None = None

    @property
    def encrypted(self) -> bool:
        """Whether a token may be sent there."""
        return self.endpoint is None or self.endpoint.startswith("https://")


@understood
class RoleSts:
    """`controller.cloud.ports.RolePort`: signs in to nothing itself."""

    def __init__(self, address: Address, *, region: str, limiter: Limiter, lane: Lane = Lane.EDIT) -> None:
        self._address = address
        self._client = Client(
            openapi.client_config(None, region=region, endpoint=address.endpoint, ca_file=address.ca_file)
        )
        self._limiter = limiter
        self._lane = lane

    def assume(self, role: Role, token: str) -> Credentials:
        if not self._address.encrypted:
            raise CredentialsUnavailable(
                f"IMM_OPERATOR_STS_ENDPOINT is {self._address.endpoint}, and a service account's token is sent over "
                "https only: have the operator's administrator set an https address, or use spec.credentials.secretRef"
            )
        parameters = {
            "RoleArn": role.arn,
            "OIDCProviderArn": role.oidc_provider_arn,
            "RoleSessionName": role.session_name,
            "DurationSeconds": LIFETIME,
            "OIDCToken": token,
        }
        try:
            body = openapi.call(OPERATION, self._exchange, parameters, limiter=self._limiter, lane=self._lane)
        except CloudError as error:
            raise _refused(error, token) from None
        return _credentials(body)

    def _exchange(self, parameters: dict[str, Any], runtime: Any) -> AssumeRoleWithOIDCResponse:
        answer = self._client.do_rpcrequest(
            "AssumeRoleWithOIDC",
            "2015-04-01",
            "HTTPS",
            "POST",
            "Anonymous",
            "json",
            OpenApiRequest(body=parameters),
            runtime,
        )
        return AssumeRoleWithOIDCResponse().from_map(answer)


def _refused(error: CloudError, token: str) -> CloudError:
    """Whatever is wrong with role, provider or token: there are no credentials. The token is in no text of ours."""
    message = error.message.replace(token, "***")
    kind = BadCredentials if isinstance(error, Invalid) else type(error)
    return kind(error.operation, message, code=error.code, request_id=error.request_id)


def _credentials(body: dict[str, Any]) -> Credentials:
    made = body.get("Credentials") or {}
    try:
        return replace(
            Credentials(made["AccessKeyId"], made["AccessKeySecret"], made["SecurityToken"], renewable=True),
            expires_at=datetime.fromisoformat(made["Expiration"]),
        )
    except (KeyError, ValueError):
        raise TimedOut(OPERATION, "the answer holds no complete key", request_id=body.get("RequestId", "")) from None
