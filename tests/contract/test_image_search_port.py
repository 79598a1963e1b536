"""`controller.cloud.imagesearch.ImageSearch` against the emulator, through the official SDK."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import oss2
import pytest

from controller.cloud.clouds import AlibabaClouds, Place, Rates
from controller.cloud.credentials import Credentials
from controller.cloud.errors import (
    CloudError,
    Denied,
    InstanceBusy,
    InstanceNotFound,
    Invalid,
    NotAuthorized,
    NotLeading,
    ReportExpired,
    Retryable,
    Throttled,
    TimedOut,
    Unavailable,
)
from controller.cloud.imagesearch import our_path, vendor_path
from controller.cloud.imagesearch_errors import STEPS
from controller.cloud.limiter import Lane, Limiters
from controller.cloud.ports import ImageSearchPort
from controller.core.facts import InstanceFacts
from emulator.instance import Config
from emulator.testing import LocalCloud, running
from emulator.unverified import switches
from tests.contract.conftest import Ports
from tests.emulator.pictures import picture

CALLBACK = "https://operator.example.com/callbacks/0123456789abcdef?a=b+c&d=%2F"
CALLS: dict[str, Callable[[ImageSearchPort], object]] = {
    "IncreaseInstance": lambda port: port.increase("shop", "photos", "spring/", CALLBACK),
    "IncreaseList": lambda port: port.tasks("shop"),
    "Detail": lambda port: port.detail("shop"),
    "CheckImageExists": lambda port: port.exists("shop", "1000", "a.jpg"),
}
operations = pytest.mark.parametrize("operation", CALLS)


def line(**fields: object) -> bytes:
    """One line of a manifest."""
    return json.dumps(fields).encode() + b"\n"


@pytest.fixture
def shop(cloud: LocalCloud, ports: Ports, bucket: oss2.Bucket) -> ImageSearchPort:
    """The adapter, with instance `shop`, and a manifest of one line in three places."""
    cloud.image_search_instance("shop")
    cloud.image_batches(begin_seconds=5.0)
    for path in ("", "spring/", "a/日本 +/"):
        bucket.put_object(f"{path}increment.meta", line(OperationType="DELETE", ProductId="1", PicName="a.jpg"))
    return ports.image_search


def in_turn(cloud: LocalCloud, call: Callable[[], Any]) -> Any:
    """A call with the second that the service allows it; the cloud's clock is a test's."""
    cloud.advance(1)
    return call()


def refusal(cloud: LocalCloud, call: Callable[[], Any]) -> CloudError:
    """How a call fails."""
    with pytest.raises(CloudError) as caught:
        in_turn(cloud, call)
    return caught.value


def task_count(cloud: LocalCloud) -> int:
    """The truth: how many tasks there are."""

    def read(instance: Any) -> int:
        return len(instance.cloud.imagesearch(cloud.account_id, cloud.region).instances["shop"].tasks)

    return cloud.run(read)


class TestTasks:
    """Batches."""

    @pytest.mark.parametrize("path", ["", "spring/", "a/日本 +/"])
    @pytest.mark.parametrize("callback", [None, CALLBACK])
    def test_a_task_is_made_and_told_of(
        self, cloud: LocalCloud, shop: ImageSearchPort, path: str, callback: str | None
    ) -> None:
        """The root and any directory come back as they were given, the callback too, and both times are times."""
        number = shop.increase("shop", "photos", path, callback)
        made = datetime.fromtimestamp(round(cloud.now(), 3), UTC)
        page = shop.tasks("shop")
        assert 1 == page.total
        (task,) = page.tasks
        assert (number, "photos", path, callback or "") == (task.id, task.bucket, task.path, task.callback)
        assert ("PROCESSING", "0", "", "") == (task.status, task.code, task.message, task.error_url)
        assert (made, made) == (task.created_at, task.modified_at)
        cloud.advance(60)
        (task,) = shop.tasks("shop").tasks
        assert "SUCCESS" == task.status
        assert task.modified_at is not None
        assert task.modified_at > made

    def test_paths_are_written_as_the_vendor_wants_them(self, cloud: LocalCloud, shop: ImageSearchPort) -> None:
        """A slash at the beginning, none at the end, one alone for the root."""
        shop.increase("shop", "photos", "spring/", None)
        shop.tasks("shop", path="")
        sent: list[Any] = [entry["params"] for entry in cloud.requests("imagesearch")]
        assert ["/spring", "/"] == [params["Path"] for params in sent]
        assert ["", "", "a/b/"] == [our_path(path) for path in ("", "/", "/a/b")]
        assert ["/", "/a/b"] == [vendor_path(path) for path in ("", "a/b/")]

    def test_tasks_are_filtered_and_paged(self, cloud: LocalCloud, shop: ImageSearchPort) -> None:
        """By bucket, path and id; the total is of what was asked for."""
        made = []
        for path in ("", "spring/", "spring/"):
            made.append(in_turn(cloud, partial(shop.increase, "shop", "photos", path, None)))
            cloud.advance(60)
        asked: list[tuple[dict[str, Any], set[int]]] = [
            ({"path": "spring/"}, set(made[1:])),
            ({"path": ""}, {made[0]}),
            ({"bucket": "photos"}, set(made)),
            ({"bucket": "elsewhere"}, set()),
            ({"task": made[1]}, {made[1]}),
        ]
        for filters, expected in asked:
            page = in_turn(cloud, partial(shop.tasks, "shop", **filters))
            assert (expected, len(expected)) == ({task.id for task in page.tasks}, page.total)
        pages = [in_turn(cloud, partial(shop.tasks, "shop", page=page, size=2)) for page in (1, 2, 3)]
        assert [(2, 3), (1, 3), (0, 3)] == [(len(page.tasks), page.total) for page in pages]
        assert set(made) == {task.id for page in pages for task in page.tasks}

    @pytest.mark.parametrize("status", switches()["increment_cancelled_status"].values)
    def test_a_status_that_no_page_lists_passes_through(
        self, cloud: LocalCloud, shop: ImageSearchPort, status: str
    ) -> None:
        """Somebody cancelled it in the console."""
        cloud.switch("increment_cancelled_status", status)
        number = shop.increase("shop", "photos", "spring/", None)
        cloud.cancel_image_task("shop", number)
        assert [status] == [task.status for task in shop.tasks("shop").tasks]

    @pytest.mark.parametrize("code", switches()["increment_busy_code"].values)
    def test_a_second_batch_is_refused_and_may_come_later(
        self, cloud: LocalCloud, shop: ImageSearchPort, code: str
    ) -> None:
        """Under whichever code: nothing took effect, and it is worth trying again."""
        cloud.switch("increment_busy_code", code)
        shop.increase("shop", "photos", "spring/", None)
        error = refusal(cloud, lambda: shop.increase("shop", "photos", "", None))
        assert (Throttled if code == "DeniedRequest" else InstanceBusy, code) == (type(error), error.code)
        assert isinstance(error, Retryable)
        assert (False, 1) == (error.may_have_taken_effect, task_count(cloud))
        cloud.advance(60)
        assert 2 == in_turn(cloud, lambda: shop.increase("shop", "photos", "", None))

    @pytest.mark.parametrize("code", switches()["increment_unauthorized_code"].values)
    def test_before_the_consoles_authorization_people_are_told_what_to_click(
        self, cloud: LocalCloud, shop: ImageSearchPort, code: str
    ) -> None:
        """The vendor's step 2, in words; under whichever code."""
        cloud.switch("increment_unauthorized_code", code)
        cloud.image_search_instance("closed", authorized=False)
        error = refusal(cloud, lambda: shop.increase("closed", "photos", "spring/", None))
        assert (NotAuthorized, code) == (type(error), error.code)
        assert STEPS in error.message
        for words in ("tab Batch Operation", "Create Batch Task", "Confirm the authorization", "Authorization Policy"):
            assert words in error.message
        assert 0 == task_count(cloud)

    @pytest.mark.parametrize(
        ("bucket_name", "path"), [("nobody-has-this", "spring/"), ("photos", "nothing/")], ids=["bucket", "manifest"]
    )
    def test_what_is_wrong_with_the_request_is_invalid(
        self, cloud: LocalCloud, shop: ImageSearchPort, bucket_name: str, path: str
    ) -> None:
        """No such bucket, no manifest: neither busy nor a missing right."""
        error = refusal(cloud, lambda: shop.increase("shop", bucket_name, path, None))
        assert (Invalid, "BadRequest") == (type(error), error.code)


class TestInstances:
    """What an instance is."""

    def test_an_instance_says_what_it_is(self, cloud: LocalCloud, ports: Ports) -> None:
        """Capacity in the vendor's own unit."""
        cloud.image_search_instance("shop", service_type=1, capacity=100_000, qps=3)
        expected = InstanceFacts("shop", cloud.region, service_type=1, capacity=10, total=0, qps=3)
        assert expected == ports.image_search.detail("shop")

    def test_an_instance_that_nobody_bought_is_absent(self, cloud: LocalCloud, shop: ImageSearchPort) -> None:
        """None when asked for itself; else an error that names it, and says that it is called by name."""
        assert shop.detail("nobody") is None
        others: list[Callable[[], object]] = [
            lambda: shop.increase("nobody", "photos", "spring/", None),
            lambda: shop.tasks("nobody"),
            lambda: shop.exists("nobody", "1", "a.jpg"),
        ]
        for other in others:
            error = refusal(cloud, other)
            assert (InstanceNotFound, "InvalidInstance") == (type(error), error.code)
            assert "no Image Search instance nobody" in error.message

    def test_a_picture_is_there_or_not(self, cloud: LocalCloud, shop: ImageSearchPort, bucket: oss2.Bucket) -> None:
        """By product and name."""
        bucket.put_object("in/a.jpg", picture(size=(200, 200)))
        entry = line(OperationType="ADD", ProductId="1000", PicName="a.jpg", CustomContent="x", CategoryId=0)
        bucket.put_object("in/increment.meta", entry)
        assert not shop.exists("shop", "1000", "a.jpg")
        shop.increase("shop", "photos", "in/", None)
        cloud.advance(60)
        assert ["SUCCESS"] == [task.status for task in shop.tasks("shop").tasks]
        assert shop.exists("shop", "1000", "a.jpg")
        assert not in_turn(cloud, lambda: shop.exists("shop", "1000", "b.jpg"))


class TestFailures:
    """What can go wrong with any of the calls."""

    @operations
    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (403, "DeniedRequest", Throttled),
            (400, "Throttling.User", Throttled),
            (503, "ServiceUnavailable", Unavailable),
            (500, "InternalError", TimedOut),
            (403, "NoPermission", Denied),
            (409, "InstanceStatusError", InstanceBusy),
            (400, "InvalidInstance", InstanceNotFound),
            (400, "BadRequest", Invalid),
            (400, "SomethingNew", Invalid),
        ],
    )
    def test_each_code_has_its_place_in_the_tree(
        self,
        cloud: LocalCloud,
        shop: ImageSearchPort,
        operation: str,
        status: int,
        code: str,
        kind: type[CloudError],
    ) -> None:
        """Exactly that class, with the cloud's code, words and request id; nothing took effect."""
        cloud.fault({"service": "imagesearch", "error": {"status": status, "code": code}})
        if (operation, code) == ("Detail", "InvalidInstance"):
            assert shop.detail("shop") is None
            return
        error = refusal(cloud, lambda: CALLS[operation](shop))
        assert (kind, code, f"imagesearch:{operation}") == (type(error), error.code, error.operation)
        assert [entry["request_id"] for entry in cloud.requests("imagesearch")] == [error.request_id]
        assert "fault rule" in error.message
        assert 0 == task_count(cloud)

    def test_a_refusal_without_a_reason_names_both_that_it_may_be(
        self, cloud: LocalCloud, shop: ImageSearchPort
    ) -> None:
        """The vendor's own sentence for NoPermission; of the other calls only the key's rights are in question."""
        said = {"code": "NoPermission", "message": "You are not authorized to perform this operation."}
        cloud.fault({"service": "imagesearch", "error": {"status": 403, **said}})
        error = refusal(cloud, lambda: CALLS["IncreaseInstance"](shop))
        assert Denied is type(error)
        assert "lacks imagesearch:IncreaseInstance" in error.message
        assert STEPS in error.message
        assert STEPS not in refusal(cloud, lambda: CALLS["IncreaseList"](shop)).message

    @operations
    @pytest.mark.parametrize("when", ["before", "after"])
    @pytest.mark.parametrize("effect", [{"drop": True}, {"html": 502}, {"html": 503}, {"malformed": True}])
    def test_a_lost_answer_leaves_the_effect_open(
        self, cloud: LocalCloud, shop: ImageSearchPort, operation: str, when: str, effect: dict[str, object]
    ) -> None:
        """The same error either way; the list tells, and nobody has asked again by themselves."""
        cloud.fault({"service": "imagesearch", "operation": operation, "when": when, "times": 1, **effect})
        error = refusal(cloud, lambda: CALLS[operation](shop))
        assert (True, True) == (error.may_have_taken_effect, isinstance(error, Retryable))
        assert 1 == cloud.counts()["imagesearch"][operation]
        made = operation == "IncreaseInstance" and when == "after"
        found = in_turn(cloud, lambda: shop.tasks("shop", bucket="photos", path="spring/"))
        assert (made, made) == (bool(found.total), CALLBACK in {task.callback for task in found.tasks})

    @operations
    def test_no_instance_is_used_by_who_may_not(
        self, cloud: LocalCloud, shop: ImageSearchPort, ports_of: Callable[..., Ports], operation: str
    ) -> None:
        """Another account has no instance of that name."""
        stranger = ports_of(cloud.add_account("9999999999999999", "LTAIstranger", "stranger-secret")).image_search
        if operation == "Detail":
            assert stranger.detail("shop") is None
            return
        assert isinstance(refusal(cloud, lambda: CALLS[operation](stranger)), InstanceNotFound)
        assert shop is not None


class TestFenceAndPace:
    """Who may write, and how often."""

    def test_only_a_batch_asks_the_fence(self, cloud: LocalCloud, shop: ImageSearchPort) -> None:
        """A process that lost the lease makes no task; it may look."""
        asked: list[str] = []

        @contextmanager
        def shut(operation: str) -> Iterator[None]:
            asked.append(operation)
            raise NotLeading(operation, "another process leads")
            yield

        clouds = AlibabaClouds(Limiters(), Rates(), sts_endpoint=None, fence=shut)
        port = clouds.image_search(place(cloud), key(cloud), Lane.EDIT)
        with pytest.raises(NotLeading):
            CALLS["IncreaseInstance"](port)
        assert {} == cloud.counts().get("imagesearch", {})
        for operation in ("IncreaseList", "Detail", "CheckImageExists"):
            CALLS[operation](port)
        assert ["imagesearch:IncreaseInstance"] == asked
        assert shop is not None

    def test_each_operation_of_an_instance_has_a_second_of_its_own(self) -> None:
        """Measured on a real clock: every port of the process shares it, another instance does not wait."""
        stood = began = time.monotonic()  # the operator's clock stands still at first, and then goes on from there
        goes = False
        limiters = Limiters(clock=lambda: stood + (time.monotonic() - began if goes else 0.0))
        with running(Config(virtual_clock=False)) as cloud:
            for name in ("shop", "other"):
                cloud.image_search_instance(name)
            ports = [
                AlibabaClouds(limiters, Rates(), sts_endpoint=None).image_search(place(cloud), key(cloud), lane)
                for lane in (Lane.EDIT, Lane.RESYNC)
            ]
            for call in (ports[0].tasks, ports[0].detail):
                call("shop")
                call("other")
            assert 0 == sum(limiter.waited for limiter in limiters.all())
            began, goes = time.monotonic(), True
            for number in range(3):
                ports[number % 2].tasks("shop")
            assert 2.9 < time.monotonic() - began < 30
            assert 5 == cloud.counts()["imagesearch"]["IncreaseList"]
        scopes = {limiter.scope: limiter for limiter in limiters.all()}
        account = f"imagesearch/{cloud.account_id}/{cloud.region}"
        assert {
            f"{account}/{name}/{operation}" for name in ("shop", "other") for operation in ("IncreaseList", "Detail")
        } == set(scopes)
        assert 0 == sum(limiter.throttles for limiter in limiters.all())

    def test_looking_for_pictures_has_a_rate_that_is_set(self, cloud: LocalCloud) -> None:
        """It uses up what was bought for searching."""
        limiters = Limiters()
        cloud.image_search_instance("shop", qps=100)
        clouds = AlibabaClouds(limiters, Rates(image_checks_per_instance=50), sts_endpoint=None)
        port = clouds.image_search(place(cloud), key(cloud), Lane.EDIT)
        began = time.monotonic()
        for _ in range(20):
            port.exists("shop", "1", "a.jpg")
        assert 0.35 < time.monotonic() - began < 30
        assert [50.0] == [limiter.rate for limiter in limiters.all()]


class TestReports:
    """What is behind ErrorUrl."""

    def reported(self, cloud: LocalCloud, shop: ImageSearchPort, bucket: oss2.Bucket) -> str:
        """The address of a report of one picture that is not there."""
        entry = line(OperationType="ADD", ProductId="1000", PicName="none.jpg", CustomContent="x")
        bucket.put_object("bad/increment.meta", entry)
        shop.increase("shop", "photos", "bad/", None)
        cloud.advance(60)
        (task,) = shop.tasks("shop").tasks
        assert task.error_url
        return task.error_url

    def test_a_report_is_fetched_and_expires(
        self, cloud: LocalCloud, shop: ImageSearchPort, bucket: oss2.Bucket
    ) -> None:
        """After two hours the list tells another address."""
        url = self.reported(cloud, shop, bucket)
        reports = AlibabaClouds(Limiters(), Rates(), sts_endpoint=None).reports(place(cloud), Lane.EDIT)
        first = reports.fetch(url, 1_000_000)
        assert b"none.jpg" in first
        cloud.advance(2 * 3600 + 1)
        with pytest.raises(ReportExpired) as caught:
            reports.fetch(url, 1_000_000)
        assert "Signature" not in str(caught.value)
        (task,) = shop.tasks("shop").tasks
        assert first == reports.fetch(task.error_url, 1_000_000)


def place(cloud: LocalCloud) -> Place:
    """The local cloud."""
    return Place(cloud.account_id, cloud.region, image_search=cloud.url)


def key(cloud: LocalCloud) -> Credentials:
    """Its account's key."""
    return Credentials(cloud.access_key_id, cloud.access_key_secret)
