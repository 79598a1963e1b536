"""The emulator as an HTTP proxy in front of itself, for clients that insist on a host name per bucket.

Such a client asks for `bucket.endpoint`, a name that no resolver on this machine knows. With `HTTP_PROXY` set to the
emulator it resolves nothing and sends the whole address as request target. Nothing is ever forwarded: a name that is no
service here is refused, because an answer of ours in somebody else's name would be a lie.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from emulator.guard import is_own
from emulator.ids import new_request_id
from emulator.routing import host_name
from emulator.wire.http import HttpAnswer

if TYPE_CHECKING:
    from emulator.instance import Config

VENDOR = "aliyuncs.com"


class Address(NamedTuple):
    """A request target taken apart. `authority` is empty for the usual form, which leaves the host to its header."""

    authority: str
    target: str


def take_apart(target: str) -> Address:
    """The host that a whole address names, and the path and query that are left."""
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        return Address("", target)
    end = min((place for place in (rest.find("/"), rest.find("?")) if place >= 0), default=len(rest))
    path = rest[end:]
    return Address(rest[:end].rpartition("@")[2], path if path.startswith("/") else f"/{path}")


def refusal(config: Config, method: str, authority: str) -> HttpAnswer | None:
    """Why a request meant for a proxy is not served; None where the host is the emulator itself, or the vendor's."""
    if method == "CONNECT":
        return _refuse(501, "it makes no tunnels: for HTTPS give the client the emulator's own HTTPS endpoint")
    if not authority or _is_served(config, host_name(authority)):
        return None
    return _refuse(
        403,
        f"it forwards nothing, and {authority} is none of its services: it answers for aliyuncs.com, localhost, "
        "loopback addresses, what it listens on, names given with --endpoint-host, and names below these",
    )


def _is_served(config: Config, name: str) -> bool:
    labels = name.split(".")
    suffixes = {".".join(labels[start:]) for start in range(len(labels))}
    known = config.endpoint_hosts | config.page_hosts
    return VENDOR in suffixes or any(is_own(suffix, known) for suffix in suffixes)


def _refuse(status: int, why: str) -> HttpAnswer:
    """In the form of the RPC services."""
    body = {"Code": "NotProxied.Emulator", "Message": f"This proxy is the local Alibaba Cloud emulator: {why}."}
    request_id = {"x-acs-request-id": new_request_id("proxy")}
    headers = {"content-type": "application/json", "connection": "close", **request_id}
    return HttpAnswer(status, headers, json.dumps(body).encode())
