"""The stack on Pulumi's own mocks, in a context of its own for every run."""

from __future__ import annotations

import asyncio
import contextvars
import warnings
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks

with warnings.catch_warnings():
    # The vendor's package warns of its own deprecated types while it is imported, one service at a time.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_alicloud as alicloud

    from infra.config import ProjectSettings, StackSettings
    from infra.program import deploy

    LOADED = (alicloud.message.ServiceTopic, alicloud.oss.Bucket, alicloud.ram.Role)

ACCOUNT = "1234567890123456"
LOOP = asyncio.new_event_loop()  # Pulumi takes the thread's loop; a test that ran before may have left none


@dataclass(slots=True)
class Declared(Mocks):
    """Everything a stack declared, in order, and its hand-over document."""

    resources: list[MockResourceArgs] = field(default_factory=list)
    handover: dict[str, Any] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """A resource is what was asked for."""
        self.resources.append(args)
        return f"{args.name}-id", args.inputs

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        """The stack asks nothing of the cloud while it is planned."""
        raise AssertionError(f"unexpected invoke {args.token}")

    def of(self, kind: str) -> list[MockResourceArgs]:
        """The resources whose type ends in `kind`."""
        return [resource for resource in self.resources if resource.typ.endswith(f":{kind}")]

    def inputs(self, kind: str) -> dict[str, Any]:
        """The inputs of the only resource of a kind."""
        (resource,) = self.of(kind)
        return dict(resource.inputs)


def declare(settings: StackSettings, emulator: str | None = None) -> Declared:
    """Run the stack on mocks, in a context of its own: Pulumi keeps its root resource there."""
    declared = Declared()

    @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi's own is untyped
    def program() -> pulumi.Output[None]:
        return deploy(settings, stack="test", emulator=emulator).apply(declared.handover.update)

    def run() -> None:
        asyncio.set_event_loop(LOOP)
        set_mocks(declared, project="imm-operator", stack="test", preview=False)
        program()

    contextvars.copy_context().run(run)
    return declared


def settings(**changes: Any) -> StackSettings:
    """A small legal stack."""
    given: dict[str, Any] = {
        "region": "cn-hangzhou",
        "account_id": ACCOUNT,
        "media_buckets": ("photos-2025", "films-2025"),
        "work_bucket": "imm-work",
        "projects": (ProjectSettings.model_validate({"name": "media", "datasets": [{"name": "photos"}]}),),
    }
    return StackSettings.model_validate(given | changes)
