"""Instances: finding the one a call names, with the allowance of its operation taken on the way in; making one; Detail.

Instances are bought in the console, so no operation makes them: the emulator's seeds and admin pages do. The limits per
second are those of the operations' own pages and of "Limits" (help.aliyun.com/document_detail/179177), for each
instance apart.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from emulator.call import Operations, Reply
from emulator.imagesearch import params
from emulator.imagesearch.refusals import refused
from emulator.imagesearch.state import Instance

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.state import Cloud

SERVED = Operations("imagesearch")
MAX_NAME = 20
CAPACITY_UNIT = 10_000  # pictures; Detail counts in it
SMALLEST_PLAN = 100_000
_YEAR = 365 * 24 * 3600.0
_CHANGES_PER_SECOND = 20
_QUERIES = frozenset(
    {"SearchImageByPic", "SearchImageByName", "SearchImageByFilter", "SearchImageByText", "CheckImageExists"}
)
_ROUNDING = 1e-4  # seconds since the epoch lose digits; a hundredth of a second later must count as one


@SERVED.serves("Detail", "InstanceName")
def detail(cloud: Cloud, call: Call) -> Reply:
    """What an instance is, and how many pictures it has. api-imagesearch-2020-12-14-detail."""
    instance = instance_of(cloud, call)
    shown = {
        "Name": instance.name,
        "Region": instance.region,
        "Capacity": instance.capacity // CAPACITY_UNIT,
        "Qps": instance.qps,
        "ServiceType": instance.service_type,
        "TotalCount": len(instance.pictures),
        "UtcCreate": str(round(instance.created * 1000)),
        "UtcExpireTime": str(round(instance.expires * 1000)),
    }
    return Reply({"Success": True, "Instance": shown})


def instance_of(cloud: Cloud, call: Call) -> Instance:
    """The instance that the call names, admitted by its allowance.

    Raises:
        Refusal: MissingInstanceName, InvalidInstance, InstanceStatusError, DeniedRequest.
    """
    name = params.text(call, "InstanceName")
    if len(name) > MAX_NAME:
        raise refused("InvalidInstance", f"InstanceName has {len(name)} characters; at most {MAX_NAME} are taken.")
    instance = cloud.imagesearch(call.account, call.region).instances.get(name)
    if instance is None:
        raise refused("InvalidInstance", f"There is no instance {name} in {call.region}.")
    if instance.status != "NORMAL" or instance.expires <= cloud.clock.now():
        raise refused("InstanceStatusError")
    _admit(cloud, instance, call.operation)
    return instance


def make_instance(
    cloud: Cloud,
    account: str,
    region: str,
    name: str,
    *,
    service_type: int,
    capacity: int,
    qps: int,
) -> Instance:
    """Have an instance of that name and plan: made, or its plan changed if it is there.

    Raises:
        ValueError: It cannot be named so, or is there with another service type.
    """
    if not 0 < len(name) <= MAX_NAME:
        raise ValueError(f"an instance's name has 1 to {MAX_NAME} characters, not {name!r}")
    held = cloud.imagesearch(account, region).instances
    if name not in held:
        now = cloud.clock.now()
        made = Instance(f"imagesearch-cn-{secrets.token_hex(5)}", name, region, now, now + _YEAR, service_type)
        held[name] = made
    instance = held[name]
    if instance.service_type != service_type:
        raise ValueError(f"the instance {name} is there with the service type {instance.service_type}")
    instance.capacity, instance.qps = capacity, qps
    return instance


def _admit(cloud: Cloud, instance: Instance, operation: str) -> None:
    """A token bucket of one second's requests; the operations that search share one."""
    if cloud.loose:
        return
    name = "query" if operation in _QUERIES else operation
    rate = float(_rate(instance, operation))
    left, at = instance.tokens.get(name, (rate, cloud.clock.now()))
    left = min(rate, left + (cloud.clock.now() - at) * rate)
    fits = left >= 1 - _ROUNDING
    instance.tokens[name] = (max(0.0, left - 1) if fits else left, cloud.clock.now())
    if not fits:
        raise refused("DeniedRequest", f"{operation} may be called {rate:g} times a second.")


def _rate(instance: Instance, operation: str) -> int:
    if operation in _QUERIES:
        return instance.qps
    match operation:
        case "AddImage":
            return 1 if instance.capacity <= SMALLEST_PLAN else 5
        case "DeleteImage" | "UpdateImage":
            return _CHANGES_PER_SECOND
        case _:
            return 1
