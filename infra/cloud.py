"""The provider of a stack: Alibaba Cloud, or the local one; production differs from the sandbox by this value alone.

It is always explicit, so that no variable on somebody's machine moves a stack to another region or account. Keys are
not among its inputs: the provider reads them from the environment, and the state never sees them.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pulumi
import pulumi_alicloud as alicloud

# Every service the program or the provider itself may ask. One that is missing would be looked up over the network.
SERVICES = ("bssopenapi", "imm", "location", "mns", "mns_open", "oss", "ram", "sts")


def provider(region: str, account_id: str, emulator: str | None) -> pulumi.ProviderResource:
    """The provider for a region and account; `emulator` is the local cloud's address, None for Alibaba Cloud."""
    if emulator is None:
        return alicloud.Provider("cloud", region=region, account_id=account_id)
    address = urlsplit(emulator)
    return alicloud.Provider(
        "cloud",
        region=region,
        account_id=account_id,
        account_type="Domestic",  # without it the provider asks the billing service which kind of account this is
        skip_region_validation=True,
        protocol=address.scheme.upper(),
        endpoints=[alicloud.ProviderEndpointArgs(**dict.fromkeys(SERVICES, address.netloc))],
    )
