"""The HTTP connection under `controller.cloud.reports`: it leads to no address that only this machine should ask.

A name is resolved once, what it leads to is judged, and that very address is connected to: a name that leads elsewhere
a moment later leads nowhere here. Behind a proxy of the environment it is the proxy that resolves names, and only an
address that is written as one is judged.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address, ip_network

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError

# Link-local, and where the vendor's machines tell who they are, with keys: 100.100.100.200 (www.alibabacloud.com/help/
# en/ecs/user-guide/view-instance-metadata). Private addresses stay: an account's endpoint may be in its own network.
MACHINES_OWN = tuple(ip_network(one) for one in ("169.254.0.0/16", "100.100.100.200/32", "fe80::/10"))
TRIED = 4  # addresses of one name, as each may take a connection's whole time


class MachinesOwnError(Exception):
    """The host is, or its name leads to, an address that only this machine should ask."""


def require_foreign(address: str) -> None:
    """Raise `MachinesOwnError` for such an address; a name is none."""
    try:
        found = ip_address(address)
    except ValueError:
        return
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(found in network for network in MACHINES_OWN):
        raise MachinesOwnError(address)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        name = self.host
        failure: HTTPError | None = None
        try:
            for address in _addresses(self):
                self.host = address
                try:
                    return super()._new_conn()
                except HTTPError as error:  # the next address of the name may answer
                    failure = error
        finally:
            self.host = name  # a certificate is for the name
        raise failure or NameResolutionError(name, self, socket.gaierror("no address"))


class _Secure(HTTPSConnection, _Plain):
    """The same over TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class ForeignOnly(HTTPAdapter):
    """For a session that must not reach what `require_foreign` refuses: `MachinesOwnError` comes out of its calls."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **more: object) -> None:  # noqa: FBT001, FBT002 - the library's
        super().init_poolmanager(connections, maxsize, block, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


def _addresses(connection: HTTPConnection) -> list[str]:
    """All that the name leads to, none of them this machine's own."""
    try:
        found = socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    addresses = [str(place[0]) for *_, place in found]
    for address in addresses:
        require_foreign(address)
    return addresses[:TRIED]
