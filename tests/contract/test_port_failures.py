"""What can go wrong on the wire, for every adapter: each failure becomes one of our tree, with its code and request id.

One call of each service stands for all of its calls: they go through the same two functions.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import oss2
import pytest

from controller.cloud.errors import (
    BadCredentials,
    ClockSkewed,
    CloudError,
    Conflict,
    Denied,
    Invalid,
    QueueNotFound,
    Quota,
    Retryable,
    Throttled,
    TimedOut,
    Unavailable,
)
from controller.cloud.ports import ProjectSpec
from controller.core.facts import QuotaFacts
from emulator.clock import Clock
from emulator.instance import Instance
from emulator.testing import LocalCloud
from tests.contract.conftest import Ports
from tests.mns_sdk import make_queue

CALLS: dict[str, Callable[[Ports], object]] = {
    "imm": lambda ports: ports.imm.get_project("media"),
    "oss": lambda ports: ports.oss.get_bucket("photos"),
    "mns": lambda ports: ports.queue.receive(0),
    "sts": lambda ports: ports.sts.get_caller(),
}
services = pytest.mark.parametrize("service", list(CALLS))


def failure(ports: Ports, service: str) -> CloudError:
    """The error that a call ends in; anything else fails the test."""
    with pytest.raises(CloudError) as caught:
        CALLS[service](ports)
    return caught.value


def answered(status: int, code: str, **more: object) -> dict[str, Any]:
    """A refusal in the service's own shape."""
    return {"error": {"status": status, "code": code, **more}}


POP = [
    (answered(400, "Throttling.User"), Throttled),
    (answered(503, "Throttling"), Throttled),
    (answered(503, "ServiceUnavailable"), Unavailable),
    (answered(500, "InternalError"), TimedOut),
    (answered(504, "GatewayTimeout"), TimedOut),
    (answered(403, "NoPermission"), Denied),
    (answered(403, "Forbidden.RAM"), Denied),
    (answered(403, "InvalidSecurityToken.Expired"), BadCredentials),
    (answered(403, "InactiveAccessKeyId"), BadCredentials),
    (answered(400, "InvalidTimeStamp.Expired"), ClockSkewed),
    (answered(400, "LimitExceededError"), Quota),
    (answered(400, "QuotaExceeded.Project"), Quota),
    (answered(400, "InvalidArgument"), Invalid),
    (answered(400, "SomethingNew"), Invalid),
    (answered(400, "ResourceAlreadyExists"), Conflict),
]
OSS = [
    (answered(503, "ServiceUnavailable"), Throttled),
    (answered(503, "DownloadTrafficRateLimitExceeded"), Throttled),
    (answered(500, "InternalError"), TimedOut),
    (answered(403, "AccessDenied"), Denied),
    (answered(403, "InvalidAccessKeyId"), BadCredentials),
    (answered(403, "SecurityTokenExpired"), BadCredentials),
    (answered(403, "RequestTimeTooSkewed"), ClockSkewed),
    (answered(400, "InvalidArgument"), Invalid),
]
MNS = [
    (answered(403, "QpsLimitExceeded"), Throttled),
    (answered(429, "SomethingNew"), Throttled),
    (answered(503, "ServiceUnavailable"), Unavailable),
    (answered(500, "InternalError"), TimedOut),
    (answered(403, "AccessDenied"), Denied),
    (answered(403, "InvalidAccessKeyId"), BadCredentials),
    (answered(403, "SecurityTokenExpired"), BadCredentials),
    (answered(403, "InvalidSecurityToken"), BadCredentials),
    (answered(408, "TimeExpired"), ClockSkewed),
    (answered(404, "QueueNotExist"), QueueNotFound),
    (answered(400, "InvalidArgument"), Invalid),
]
TABLE: list[tuple[str, dict[str, Any], type[CloudError]]] = [
    (service, rule, kind) for service in ("imm", "sts") for rule, kind in POP
] + [(service, *row) for service, rows in (("oss", OSS), ("mns", MNS)) for row in rows]


@pytest.mark.parametrize(
    ("service", "rule", "kind"), TABLE, ids=[f"{row[0]}-{row[1]['error']['code']}" for row in TABLE]
)
def test_each_code_has_its_place_in_the_tree(
    cloud: LocalCloud, ports: Ports, service: str, rule: dict[str, Any], kind: type[CloudError]
) -> None:
    """Exactly that class, with the cloud's code, words and request id."""
    cloud.fault({"service": service, **rule})
    error = failure(ports, service)
    assert (kind, rule["error"]["code"]) == (type(error), error.code)
    assert [entry["request_id"] for entry in cloud.requests(service)] == [error.request_id]
    assert "fault rule" in error.message
    assert error.request_id in str(error)


@pytest.mark.parametrize("service", ["imm", "sts"])
def test_throttling_says_how_long_to_wait(cloud: LocalCloud, ports: Ports, service: str) -> None:
    """Seconds from the gateway's milliseconds, None where it said nothing; the limiter has heard it."""
    cloud.fault({"service": service, "times": 1, **answered(429, "Throttling.User", retryAfterMs=150)})
    error = failure(ports, service)
    assert isinstance(error, Throttled)
    assert 0.15 == error.retry_after
    cloud.fault({"service": service, "times": 1, **answered(400, "Throttling.User")})
    error = failure(ports, service)
    assert isinstance(error, Throttled)
    assert error.retry_after is None
    assert (2, 2500) == (ports.limiter.throttles, ports.limiter.rate)


LOST: list[dict[str, object]] = [{"html": 502}, {"drop": True}, {"malformed": True}]


@services
@pytest.mark.parametrize("effect", LOST, ids=[next(iter(row)) for row in LOST])
def test_an_answer_that_is_no_answer_leaves_the_effect_open(
    cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, service: str, effect: dict[str, object]
) -> None:
    """A gateway's page, a closed connection, a cut body: only a look-up can tell. The next call works."""
    ports.imm.create_project(ProjectSpec("media"))
    make_queue(cloud, "results")
    cloud.fault({"service": service, "times": 1, **effect})
    error = failure(ports, service)
    assert isinstance(error, TimedOut)
    assert error.may_have_taken_effect
    assert CALLS[service](ports) is not None


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("effect", [*LOST, answered(500, "InternalError")], ids=["html", "drop", "malformed", "500"])
def test_a_lost_create_may_or_may_not_have_taken_effect(
    cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket, when: str, effect: dict[str, object]
) -> None:
    """The error is the same either way; the listing tells. The SDK has not tried again by itself."""
    ports.imm.create_project(ProjectSpec("media"))
    ports.imm.create_dataset("media", "pictures", template_id=None, description=None, quotas=QuotaFacts())
    cloud.fault({"service": "imm", "operation": "CreateBinding", "when": when, "times": 1, **effect})
    with pytest.raises(TimedOut):
        ports.imm.create_binding("media", "pictures", "photos")
    assert (when == "after") == bool(ports.imm.list_bindings("media"))
    assert 1 == cloud.counts()["imm"]["CreateBinding"]


@services
def test_a_refused_connection_has_certainly_no_effect(
    cloud: LocalCloud, ports_of: Callable[..., Ports], service: str
) -> None:
    """Nobody listens there; the words do not change from call to call."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ports = ports_of(cloud, url=f"http://127.0.0.1:{free.getsockname()[1]}")
        errors = [failure(ports, service) for _ in range(2)]
    assert {Unavailable} == {type(error) for error in errors}
    assert not errors[0].may_have_taken_effect
    assert errors[0].message == errors[1].message


@services
def test_a_wrong_secret_is_bad_credentials(cloud: LocalCloud, ports_of: Callable[..., Ports], service: str) -> None:
    """And neither the wrong nor the right one is in any text of the error."""
    error = failure(ports_of(cloud, secret="planted-wrong-secret"), service)
    assert (BadCredentials, "SignatureDoesNotMatch") == (type(error), error.code)
    assert error.request_id
    for text in (str(error), repr(error), repr(error.__cause__), str(vars(error.__cause__))):
        assert "planted-wrong-secret" not in text
        assert cloud.access_key_secret not in text


class _Behind(Clock):
    """A cloud whose wall clock is an hour behind ours."""

    def wall(self) -> float:
        return time.time() - 3600


@services
def test_a_clock_that_is_off_is_named(cloud: LocalCloud, ports: Ports, service: str) -> None:
    """Signed with a time the cloud does not accept."""

    def set_back(instance: Instance) -> None:
        instance.cloud.clock = _Behind(instance.cloud.clock.now())

    cloud.run(set_back)
    error = failure(ports, service)
    assert isinstance(error, ClockSkewed)
    assert not isinstance(error, Retryable)
