"""Image Search 2020-12-14 through the official SDK: `controller.cloud.ports.ImageSearchPort`.

Its limits are one call a second for each operation of an instance, so each of these has a limiter of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from alibabacloud_imagesearch20201214 import models
from alibabacloud_imagesearch20201214.client import Client

from controller.cloud import openapi
from controller.cloud.answers import understood
from controller.cloud.credentials import Credentials
from controller.cloud.errors import CloudError, InstanceNotFound, Invalid, TimedOut
from controller.cloud.fence import Fence, unfenced
from controller.cloud.imagesearch_errors import refined
from controller.cloud.limiter import Lane, Limiter
from controller.cloud.ports import TaskPage
from controller.core.facts import InstanceFacts, TaskFacts

Method = Callable[[Any, Any], Any]  # request and the SDK's runtime options to the SDK's response


@understood
class ImageSearch:
    """Image Search as one account in one region. Safe to share between threads.

    `limiter_of` gives the limiter of an instance's operation.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        region: str,
        endpoint: str | None,
        limiter_of: Callable[[str, str], Limiter],
        lane: Lane = Lane.EDIT,
        fence: Fence = unfenced,
    ) -> None:
        self._client = Client(openapi.client_config(credentials, region=region, endpoint=endpoint))
        self._region = region
        self._limiter_of = limiter_of
        self._lane = lane
        self._fence = fence
        self._credentials = credentials

    def increase(self, instance: str, bucket: str, path: str, callback: str | None) -> int:
        request = models.IncreaseInstanceRequest(
            instance_name=instance, bucket_name=bucket, path=vendor_path(path), callback_address=callback
        )
        method, operation = self._client.increase_instance_with_options, "IncreaseInstance"
        body = self._call(instance, operation, method, request, fence=self._fence)
        task = str((body.get("Data") or {}).get("Id", ""))
        if body.get("Success") is False or not _is_number(task):
            raise _unclear(operation, body, "a task's id; whether there is a task is unclear")
        return int(task)

    def tasks(
        self,
        instance: str,
        *,
        bucket: str | None = None,
        path: str | None = None,
        task: int | None = None,
        page: int = 1,
        size: int = 10,
    ) -> TaskPage:
        request = models.IncreaseListRequest(
            instance_name=instance,
            bucket_name=bucket,
            path=None if path is None else vendor_path(path),
            id=task,
            page_number=page,
            page_size=size,
        )
        body = self._call(instance, "IncreaseList", self._client.increase_list_with_options, request)
        data = body.get("Data") or {}
        listed = (data.get("Increments") or {}).get("Instance") or []
        if not _is_number(data.get("TotalCount")) or not all(_is_number(item.get("Id")) for item in listed):
            raise _unclear("IncreaseList", body, "a list of tasks")  # one left out might be the one that is looked for
        return TaskPage(tuple(_task(item) for item in listed), int(data["TotalCount"]))

    def detail(self, instance: str) -> InstanceFacts | None:
        request = models.DetailRequest(instance_name=instance)
        try:
            body = self._call(instance, "Detail", self._client.detail_with_options, request)
        except InstanceNotFound:
            return None
        facts = body.get("Instance")
        if not facts:
            raise _unclear("Detail", body, "an instance")
        return InstanceFacts(
            name=facts.get("Name") or instance,
            region=facts.get("Region") or "",
            service_type=facts.get("ServiceType"),
            capacity=facts.get("Capacity"),
            total=facts.get("TotalCount"),
            qps=facts.get("Qps"),
        )

    def exists(self, instance: str, product: str, picture: str) -> bool:
        request = models.CheckImageExistsRequest(instance_name=instance, product_id=product, pic_name=picture)
        method, operation = self._client.check_image_exists_with_options, "CheckImageExists"
        body = self._call(instance, operation, method, request)
        if body.get("Code") or body.get("Success") is False:  # this operation has a code of its own, 0 for success
            said = str(body.get("Msg") or "the service says that it failed")
            request_id = body.get("RequestId") or ""
            raise Invalid(f"imagesearch:{operation}", said, code=str(body.get("Code") or ""), request_id=request_id)
        if not isinstance(body.get("Exists"), bool):
            raise _unclear(operation, body, "whether the picture is there")
        return bool(body["Exists"])

    def _call(
        self, instance: str, operation: str, method: Method, request: Any, *, fence: Fence = unfenced
    ) -> dict[str, Any]:
        try:
            return openapi.call(
                f"imagesearch:{operation}",
                method,
                request,
                limiter=self._limiter_of(instance, operation),
                lane=self._lane,
                credentials=self._credentials,
                fence=fence,
                region=self._region,
            )
        except CloudError as error:
            failure = refined(error, instance)
            if failure is error:
                raise
            raise failure from error


def vendor_path(directory: str) -> str:
    """Our `spring/` as the vendor's `/spring`. How it has a bucket's root, no page says: the page's rule allows `/`."""
    return "/" + directory.strip("/")


def our_path(path: str) -> str:
    """The vendor's `/spring` as our `spring/`, the root as nothing, whichever way it is written."""
    stripped = path.strip("/")
    return f"{stripped}/" if stripped else ""


def _task(item: Mapping[str, Any]) -> TaskFacts:
    return TaskFacts(
        id=int(item["Id"]),
        bucket=item.get("BucketName") or "",
        path=our_path(item.get("Path") or ""),
        callback=item.get("CallbackAddress") or "",
        status=str(item.get("Status") or ""),
        code=str(item.get("Code") if item.get("Code") is not None else ""),
        message=item.get("Msg") or "",
        error_url=item.get("ErrorUrl") or "",
        created_at=_moment(item.get("UtcCreate")),
        modified_at=_moment(item.get("UtcModified")),
    )


def _moment(milliseconds: object) -> datetime | None:
    """Since 1970, as a number or, in the same answer, as text."""
    if not _is_number(milliseconds):
        return None
    try:
        return datetime.fromtimestamp(int(str(milliseconds)) / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | str) and str(value).isascii() and str(value).isdigit()


def _unclear(operation: str, body: Mapping[str, Any], what: str) -> TimedOut:
    request_id = body.get("RequestId") or ""
    return TimedOut(f"imagesearch:{operation}", f"the answer does not say {what}", request_id=request_id)
