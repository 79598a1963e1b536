"""The server as its users meet it: ready lines, admin pages, strictness, faults, the journal, the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import oss2
import pytest
import requests
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from darabonba.exceptions import UnretryableException

from emulator.testing import running

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud


def admin(cloud: LocalCloud, method: str, page: str, body: object = None) -> Any:
    """The answer of a page under `/_emulator/`."""
    status, document = ask(cloud, method, page, body)
    assert 200 == status, document
    return document


def ask(cloud: LocalCloud, method: str, page: str, body: object = None, **headers: str) -> tuple[int, Any]:
    """Status and document of a page under `/_emulator/`."""
    data = None if body is None else json.dumps(body)
    answer = requests.request(method, f"{cloud.url}/_emulator/{page}", data=data, headers=headers, timeout=10)
    return answer.status_code, answer.json()


def test_health_names_the_account_and_the_clock(cloud: LocalCloud) -> None:
    """A waiting script can tell which cloud it reached."""
    health = admin(cloud, "GET", "health")
    assert ("ok", cloud.account_id, "virtual") == (health["status"], health["account"], health["clock"])


def test_an_unknown_admin_page_lists_the_known_ones(cloud: LocalCloud) -> None:
    """A typo is answered with what there is."""
    status, document = ask(cloud, "GET", "helth")
    assert 404 == status
    assert "/_emulator/health" in document["error"]


def test_a_web_page_cannot_pull_the_levers(cloud: LocalCloud) -> None:
    """A browser sends an Origin with a cross-site POST, and that is refused."""
    assert 403 == ask(cloud, "POST", "reset", Origin="http://evil.example")[0]


def test_the_journal_counts_calls_and_hides_secrets(cloud: LocalCloud, sts_of: Callable[..., Any]) -> None:
    """Requests are listed with account and request id; signatures never appear."""
    answer = sts_of(cloud, old=True).get_caller_identity()
    entries = cloud.requests("sts", "GetCallerIdentity")
    assert [answer.body.request_id] == [entry["request_id"] for entry in entries]
    assert [cloud.account_id] == [entry["account"] for entry in entries]
    assert {"sts": {"GetCallerIdentity": 1}} == cloud.counts()
    assert json.loads(json.dumps(entries)) == admin(cloud, "GET", "requests?service=sts&since=0")["requests"]
    assert cloud.access_key_secret not in json.dumps(admin(cloud, "GET", "state"))


def test_reset_forgets_buckets_and_keeps_the_key(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """After a reset the same client starts from nothing."""
    admin(cloud, "POST", "reset")
    with pytest.raises(oss2.exceptions.NoSuchBucket):
        bucket.get_bucket_info()
    bucket.create_bucket()


def test_the_virtual_clock_moves_only_when_told(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Objects written before and after `advance` are exactly that far apart."""
    bucket.put_object("a", b"")
    cloud.advance(3600)
    bucket.put_object("b", b"")
    times = {item.key: item.last_modified for item in oss2.ObjectIteratorV2(bucket)}
    assert 3600 == times["b"] - times["a"]


def test_a_real_clock_refuses_to_be_moved() -> None:
    """Moving real time is a mistake, and says so."""
    from emulator.instance import Config  # noqa: PLC0415

    with running(Config()) as real:
        status, document = ask(real, "POST", "clock", {"advance": 1})
        assert 400 == status
        assert "clock is real" in document["error"]


def test_switches_are_checked(cloud: LocalCloud) -> None:
    """A known switch changes, an unknown name or a wrong type is refused."""
    assert admin(cloud, "PATCH", "switches", {"notification_base64": True})["notification_base64"] is True
    for wrong in ({"notification_base64": "yes"}, {"no_such_switch": True}):
        assert 400 == ask(cloud, "PATCH", "switches", wrong)[0]


def test_an_unknown_parameter_is_refused_by_name(cloud: LocalCloud, bucket: oss2.Bucket) -> None:
    """Strictness: nothing is accepted that has no effect."""
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.get_object("a", params={"x-oss-process": "image/info"})
    assert "NotImplemented.Emulator" == caught.value.code
    assert "x-oss-process" in caught.value.message
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        bucket.put_object("a", b"", headers={"x-oss-callback": "e30="})
    assert "x-oss-callback" in caught.value.message


def test_loose_mode_ignores_what_it_does_not_know(bucket_of: Callable[..., oss2.Bucket]) -> None:
    """`--loose` accepts an unknown header."""
    from emulator.instance import Config  # noqa: PLC0415

    with running(Config(virtual_clock=True, loose=True)) as cloud:
        bucket = bucket_of(cloud)
        bucket.create_bucket()
        assert 200 == bucket.put_object("a", b"", headers={"x-oss-callback": "e30="}).status


def test_an_unknown_action_is_refused_in_the_gateways_shape(cloud: LocalCloud, ram: Any) -> None:
    """An operation that is not served names itself in the error."""
    from alibabacloud_ram20150501 import models  # noqa: PLC0415

    with pytest.raises(ClientException) as caught:
        ram.create_group(models.CreateGroupRequest(group_name="g"))
    assert "NotImplemented.Emulator" == caught.value.code
    assert "CreateGroup" in caught.value.message


class TestFaults:
    """Rules: first match wins, `times` is counted down, `after` loses only the answer."""

    def test_before_prevents_the_effect_and_after_does_not(self, cloud: LocalCloud, bucket: oss2.Bucket) -> None:
        """The same error, with and without the object being there afterwards."""
        error = {"status": 503, "code": "ServiceUnavailable"}
        for when, there in (("before", False), ("after", True)):
            cloud.fault({"service": "oss", "operation": "PutObject", "when": when, "times": 1, "error": error})
            with pytest.raises(oss2.exceptions.ServerError) as caught:
                bucket.put_object(when, b"")
            assert (503, "ServiceUnavailable") == (caught.value.status, caught.value.code)
            assert there == bucket.object_exists(when)

    def test_times_are_counted_down_and_the_first_match_wins(
        self, cloud: LocalCloud, sts_of: Callable[..., Any]
    ) -> None:
        """Two throttles with a delay, then a server error, then nothing."""
        throttle = {"status": 400, "code": "Throttling.User", "retryAfterMs": 1500}
        cloud.fault(
            {"service": "sts", "times": 2, "error": throttle},
            {"times": 1, "error": {"status": 500, "code": "InternalError"}},
        )
        client = sts_of(cloud)
        for _ in range(2):
            with pytest.raises(ThrottlingException) as caught:
                client.get_caller_identity()
            assert (1500, "Throttling.User") == (caught.value.retry_after, caught.value.code)
        with pytest.raises(ServerException):
            client.get_caller_identity()
        assert cloud.account_id == client.get_caller_identity().body.account_id

    @pytest.mark.parametrize("effect", [{"drop": True}, {"html": 502}, {"malformed": True}])
    def test_broken_answers_are_what_an_sdk_cannot_parse(
        self, cloud: LocalCloud, sts_of: Callable[..., Any], effect: dict[str, object]
    ) -> None:
        """A lost connection, a proxy's page and half a document all leave the client without a code."""
        cloud.fault({"service": "sts", "times": 1, **effect})
        client = sts_of(cloud)
        with pytest.raises(UnretryableException):
            client.get_caller_identity()
        assert cloud.account_id == client.get_caller_identity().body.account_id

    def test_a_rule_without_an_effect_is_refused(self, cloud: LocalCloud) -> None:
        """A rule that would do nothing is a mistake."""
        assert "exactly one of" in ask(cloud, "PUT", "faults", [{"service": "oss"}])[1]["error"]
        with pytest.raises(ValueError, match="exactly one of"):
            cloud.fault({"latency": 1, "drop": True})
