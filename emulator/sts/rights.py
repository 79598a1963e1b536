"""What each STS operation needs. A token of an identity provider is its own right, and everybody may ask who they are.

`sts:AssumeRole` on the role's name: www.alibabacloud.com/help/doc-detail/39744.htm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.rights import Need, Table

if TYPE_CHECKING:
    from emulator.call import Call


def _role(call: Call) -> tuple[str, ...]:
    """`acs:ram::1:role/r`, with the `*` in the region's place that resources of policies have."""
    return (call.params.get("RoleArn", "").replace("acs:ram::", "acs:ram:*:", 1),)


NEEDS: Table = {
    "AssumeRole": (Need("sts:AssumeRole", _role),),
    "AssumeRoleWithOIDC": (),
    "GetCallerIdentity": (),
}
