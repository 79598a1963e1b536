"""The calls of one account to IMM in one region: what every IMM adapter goes through.

Not found is HTTP 400 with the code ResourceNotFound whatever it is that was not found, so each adapter says here what
it can mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alibabacloud_imm20200930.client import Client

from controller.cloud import openapi
from controller.cloud.credentials import Credentials
from controller.cloud.errors import Invalid, ParentNotFound
from controller.cloud.fence import Fence, unfenced
from controller.cloud.limiter import Lane, Limiter

READING = ("Get", "BatchGet", "List", "SimpleQuery")  # what is not known to read is behind the fence
Method = Callable[[Any, Any], Any]  # request and the SDK's runtime options to the SDK's response


class ImmCalls:
    """Safe to share between threads; `limiter_of` gives a project's limiter."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        region: str,
        endpoint: str | None,
        limiter_of: Callable[[str], Limiter],
        lane: Lane = Lane.EDIT,
        fence: Fence = unfenced,
    ) -> None:
        self.client = Client(openapi.client_config(credentials, region=region, endpoint=endpoint))
        self._limiter_of = limiter_of
        self._lane = lane
        self._fence = fence
        self._credentials = credentials
        self._region = region

    def call(self, project: str, operation: str, request: Any, method: Method | None = None) -> dict[str, Any]:
        """Make one call in a project's scope; by default with the SDK's own method for the operation."""
        return openapi.call(
            f"imm:{operation}",
            method or getattr(self.client, _snake(operation) + "_with_options"),
            request,
            limiter=self._limiter_of(project),
            lane=self._lane,
            credentials=self._credentials,
            fence=unfenced if operation.startswith(READING) else self._fence,
            region=self._region,
        )

    def or_none(self, project: str, operation: str, request: Any) -> dict[str, Any] | None:
        """A call whose "not found" is no error; None then."""
        try:
            return self.call(project, operation, request)
        except Invalid as error:
            if error.code.startswith(openapi.NOT_FOUND):
                return None
            raise

    def in_project(self, project: str, operation: str, request: Any, method: Method | None = None) -> dict[str, Any]:
        """A call whose "not found" can only mean the project or the dataset above it: `ParentNotFound`."""
        try:
            return self.call(project, operation, request, method)
        except Invalid as error:
            if not error.code.startswith(openapi.NOT_FOUND):
                raise
            said = error.operation, error.message
            raise ParentNotFound(*said, code=error.code, request_id=error.request_id) from error


def _snake(operation: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")
