"""Which service a request is for, decided from the request alone, because all services share one port.

Order matters: an MNS request is known by its own headers, an RPC call by its version, and what is left is OSS. For OSS
a host that is an address, one bare word or a known endpoint name is path style (`/bucket/key`); any other host carries
the bucket as its first label, as real SDKs send it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.wire.http import decode
from emulator.wire.rpc import version_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from emulator.wire.http import HttpRequest

ADMIN_PREFIX = "/_emulator/"
RPC_SERVICES = {
    "2020-09-30": "imm",
    "2017-09-06": "imm-2017",
    "2022-01-19": "mns-open",
    "2015-05-01": "ram",
    "2015-04-01": "sts",
}
_REGION = r"(?:cn|ap|us|eu|me|na|rus|sa)-[a-z]+(?:-[a-z0-9]+)*"
_REGION_LABEL = re.compile(rf"(?:oss-|imm-|mns-)?({_REGION}?)(?:-internal)?")
_ENDPOINT_LABEL = re.compile(rf"oss|imm|imm-vpc|mns|mns-open|ram|sts|oss-{_REGION}|{_REGION}")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes. `region` is None unless the host names one; `place` is the decoded OSS or MNS path."""

    service: str  # as in Call.service, or "admin" or "unknown"
    region: str | None
    place: tuple[str, ...] = ()
    owner: str | None = None  # the account id that an MNS host name carries


def route(request: HttpRequest, *, endpoint_hosts: Collection[str] = ()) -> Target:
    """The service, region and place of a request.

    Args:
        request: The request as it came.
        endpoint_hosts: Host names, without port, that are the emulator itself and never `bucket.something`.
    """
    host = _host_name(request.host)
    labels = host.split(".")
    headers = request.headers
    if request.raw_path.startswith(ADMIN_PREFIX):
        return Target("admin", None, tuple(request.raw_path.removeprefix(ADMIN_PREFIX).split("/")))
    if headers.get("authorization", "").startswith("MNS ") or "x-mns-version" in headers:
        segments = tuple(decode(part, plus_is_space=False) for part in request.raw_path.strip("/").split("/"))
        owner = labels[0] if len(labels) > 1 and labels[1] == "mns" else None
        return Target("mns", _region(labels), segments, owner)
    if "x-acs-version" in headers or (request.raw_path in {"", "/"} and version_of(request)):
        return Target(RPC_SERVICES.get(version_of(request), "unknown"), _region(labels))
    return _oss_target(request, host, labels, endpoint_hosts)


def _oss_target(request: HttpRequest, host: str, labels: list[str], endpoint_hosts: Collection[str]) -> Target:
    path = decode(request.raw_path.removeprefix("/"), plus_is_space=False)
    if _is_endpoint(host, labels, endpoint_hosts):
        bucket, _, key = path.partition("/")
        return Target("oss", _region(labels), (bucket, key))
    return Target("oss", _region(labels[1:]), (labels[0], path))


def _is_endpoint(host: str, labels: list[str], endpoint_hosts: Collection[str]) -> bool:
    if len(labels) == 1 or host in endpoint_hosts or _is_address(host):
        return True
    return bool(_ENDPOINT_LABEL.fullmatch(labels[0])) and not _ENDPOINT_LABEL.fullmatch(labels[1])


def _region(labels: list[str]) -> str | None:
    for label in labels:
        match = _REGION_LABEL.fullmatch(label)
        if match is not None:
            return match.group(1)
    return None


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1 : host.find("]")]
    return host.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
