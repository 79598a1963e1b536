"""Where a product is reached: here, by the address under which this very request came.

Shapes and the misspelt `SerivceCode`: the official SDKs, which read it by that name. That an unknown product is an
empty list and no error is what the Terraform provider counts on ("no any available endpoint").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Call, Operations, Reply
from emulator.ram.parameters import required

if TYPE_CHECKING:
    from emulator.state import Cloud

OPERATIONS = Operations("location")
# By the codes that clients ask for: the Terraform provider's table, and the product's own name.
SERVED = frozenset({"bssopenapi", "imm", "ims", "location", "mns", "mns-open", "mns_open", "oss", "ram", "sts"})


@OPERATIONS.serves("DescribeEndpoints", "Id", "ServiceCode", "Type", provenance="sdk")
def describe_endpoints(_: Cloud, call: Call) -> Reply:
    """The endpoints of a product in a region: one that is served has one, any other has none."""
    code, region = required(call, "ServiceCode"), required(call, "Id")
    kind = call.params.get("Type", "") or "openAPI"
    scheme, host = call.base_url.split("://", 1)
    endpoint = {
        "Endpoint": host,
        "Id": region,
        "Namespace": "",
        "Protocols": {"Protocols": [scheme.upper()]},
        "SerivceCode": code,
        "Type": kind,
    }
    served = code.lower() in SERVED and kind == "openAPI"
    return Reply({"Success": True, "Endpoints": {"Endpoint": [endpoint] if served else []}})
