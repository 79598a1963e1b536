"""How the stack reaches the local cloud: the provider's addresses, and the proxy that only its process is given."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pulumi
import pytest
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.mocks import MockMonitor

from infra import cloud
from infra.environment import emulator_url
from tests.infra.mocked_stack import LOOP


class Echo(Mocks):
    """Takes what is declared as made."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """A resource is what was asked for."""
        return args.name, args.inputs

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        """Nothing is asked."""
        raise AssertionError(args.token)


class Listening(MockMonitor):
    """Keeps each request to register a resource."""

    def __init__(self) -> None:
        super().__init__(Echo())
        self.requests: list[Any] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Note the request."""
        self.requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call] # Pulumi's own is untyped


@pytest.mark.parametrize(
    ("emulator", "mapped"), [("http://127.0.0.1:4666", {"EMULATOR_URL": "HTTP_PROXY"}), (None, {})]
)
def test_only_the_local_clouds_provider_is_given_a_proxy(emulator: str | None, mapped: dict[str, str]) -> None:
    """Its OSS client asks `bucket.127.0.0.1`, which nothing resolves; the real cloud's names need no such thing."""
    listening = Listening()

    @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi's own is untyped
    def program() -> None:
        first = pulumi.ComponentResource("test:first:First", "first")
        cloud.provider("cn-hangzhou", "1234567890123456", emulator, after=first)

    def run() -> None:
        set_mocks(Echo(), monitor=listening)
        program()

    asyncio.set_event_loop(LOOP)
    contextvars.copy_context().run(run)
    (request,) = [it for it in listening.requests if it.type == "pulumi:providers:alicloud"]
    assert mapped == dict(request.envVarMappings)
    assert ("endpoints" in request.object) == (emulator is not None)


@pytest.mark.parametrize("url", ["https://127.0.0.1:4667", "127.0.0.1:4666", "http://127.0.0.1:4666/path", "ftp://x"])
def test_an_address_that_no_proxy_can_have_is_refused(url: str) -> None:
    """The proxy speaks HTTP; the message shows what an address looks like."""
    with pytest.raises(pulumi.RunError, match=r"must look like http://127\.0\.0\.1:4666"):
        emulator_url({"EMULATOR_URL": url})
