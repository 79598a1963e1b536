"""What each IMS operation needs: RAM's action of its own name on the provider.

Source: "RAM authorization" of help.aliyun.com/zh/ram/api-getoidcprovider and its neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.ims.operations import OPERATIONS
from emulator.rights import Need, Table

if TYPE_CHECKING:
    from emulator.call import Call

_ON_ALL = frozenset({"CreateOIDCProvider", "ListOIDCProviders"})


def _provider(call: Call) -> tuple[str, ...]:
    return (f"acs:ram:*:{call.account}:oidc-provider/{call.params.get('OIDCProviderName') or '*'}",)


def _everything(_: Call) -> tuple[str, ...]:
    return ("*",)


NEEDS: Table = {
    name: (Need(f"ram:{name}", _everything if name in _ON_ALL else _provider),) for name in OPERATIONS.by_name
}
