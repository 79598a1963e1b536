"""Which service a request is for, decided from the request alone, because all services share one port.

Order matters: an MNS request is known by its own headers, an RPC call by its version, and what is left is OSS. For OSS
a host that is an address, one bare word or a known endpoint name is path style (`/bucket/key`); any other host carries
the bucket as its first label, as real SDKs send it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

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
    "2019-08-15": "ims",
    "2015-04-01": "sts",
    "2015-06-12": "location",
    "2017-12-14": "bssopenapi",
    "2020-12-14": "imagesearch",
}
_REGION = r"(?:cn|ap|us|eu|me|na|rus|sa)-[a-z]+(?:-[a-z0-9]+)*"
_REGION_LABEL = re.compile(rf"(?:oss-|imm-|mns-)?({_REGION}?)(?:-internal)?")
_ENDPOINT_LABEL = re.compile(rf"oss|imm|imm-vpc|mns|mns-open|ram|ims|sts|sts-vpc|oss-{_REGION}|{_REGION}")


class Target(NamedTuple):
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
    host = _host(request.host)
    headers = request.headers
    if request.raw_path.startswith(ADMIN_PREFIX):
        return Target("admin", None, tuple(request.raw_path.removeprefix(ADMIN_PREFIX).split("/")))
    if headers.get("authorization", "").startswith("MNS ") or "x-mns-version" in headers:
        segments = tuple(decode(part, plus_is_space=False) for part in request.raw_path.strip("/").split("/"))
        owner = host.labels[0] if len(host.labels) > 1 and host.labels[1] == "mns" else None
        return Target("mns", host.region, segments, owner)
    if "x-acs-version" in headers or (request.raw_path in {"", "/"} and version_of(request)):
        return Target(RPC_SERVICES.get(version_of(request), "unknown"), host.region)
    return _oss_target(request, host, endpoint_hosts)


def host_name(host: str) -> str:
    """The name or address in a Host header, in lower case, without port and brackets."""
    if host.startswith("["):
        return host[1 : host.find("]")].lower()
    return host.partition(":")[0].lower()


@dataclass(frozen=True, slots=True)
class _Host:
    """What a Host header says. `region` is looked for in every label, `bucket_region` in all but the first."""

    name: str
    labels: list[str]
    region: str | None
    bucket_region: str | None
    is_endpoint: bool


@lru_cache(maxsize=1024)
def _host(header: str) -> _Host:
    """A header's meaning depends on nothing else, and a client sends the same one every time."""
    name = host_name(header)
    labels = name.split(".")
    return _Host(name, labels, _region(labels), _region(labels[1:]), _is_endpoint(name, labels))


def _oss_target(request: HttpRequest, host: _Host, endpoint_hosts: Collection[str]) -> Target:
    path = decode(request.raw_path.removeprefix("/"), plus_is_space=False)
    if host.is_endpoint or host.name in endpoint_hosts:
        bucket, _, key = path.partition("/")
        return Target("oss", host.region, (bucket, key))
    return Target("oss", host.bucket_region, (host.labels[0], path))


def _is_endpoint(host: str, labels: list[str]) -> bool:
    if len(labels) == 1 or _is_address(host):
        return True
    return bool(_ENDPOINT_LABEL.fullmatch(labels[0])) and not _ENDPOINT_LABEL.fullmatch(labels[1])


def _region(labels: list[str]) -> str | None:
    for label in labels:
        match = _REGION_LABEL.fullmatch(label)
        if match is not None:
            return match.group(1)
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
