"""The provider of a stack: Alibaba Cloud, or the local one; production differs from the sandbox by this value alone.

It is always explicit, so that no variable on somebody's machine moves a stack to another region or account. Keys are
not among its inputs: the provider reads them from the environment, and the state never sees them.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pulumi
import pulumi_alicloud as alicloud

from infra import environment as env

# Every service the program or the provider itself may ask. One that is missing would be looked up over the network.
SERVICES = ("bssopenapi", "imm", "location", "mns", "mns_open", "oss", "ram", "sts")


def provider(region: str, account_id: str, emulator: str | None, *, after: pulumi.Resource) -> pulumi.ProviderResource:
    """The provider for a region and account; `emulator` is the local cloud's address, None for Alibaba Cloud.

    Nothing is declared with it before `after` is.

    The provider asks for a bucket's ACL at `bucket.endpoint`, a name that nothing resolves where the endpoint is
    127.0.0.1. So its process, and no other, gets the local cloud as its HTTP proxy, which has nothing to resolve.
    """
    if emulator is None:
        return alicloud.Provider(
            "cloud", region=region, account_id=account_id, opts=pulumi.ResourceOptions(depends_on=[after])
        )
    address = urlsplit(emulator).netloc
    return alicloud.Provider(
        "cloud",
        region=region,
        account_id=account_id,
        account_type="Domestic",  # without it the provider asks the billing service which kind of account this is
        skip_region_validation=True,
        protocol="HTTP",
        endpoints=[alicloud.ProviderEndpointArgs(**dict.fromkeys(SERVICES, address))],
        opts=pulumi.ResourceOptions(env_var_mappings={env.EMULATOR_URL: "HTTP_PROXY"}, depends_on=[after]),
    )
