"""The stack on Pulumi's own mocks, in a context of its own for every run."""

from __future__ import annotations

import asyncio
import contextvars
import json
import warnings
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.mocks import MockMonitor

with warnings.catch_warnings():
    # The vendor's package warns of its own deprecated types while it is imported, one service at a time.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_alicloud as alicloud

    from infra.program import deploy
    from infra.sections import ProjectSettings
    from infra.settings import StackSettings

    LOADED = (alicloud.message.ServiceTopic, alicloud.oss.Bucket, alicloud.ram.Role)

ACCOUNT = "1234567890123456"
LOOP = asyncio.new_event_loop()  # Pulumi takes the thread's loop; a test that ran before may have left none


@dataclass(slots=True)
class Declared(Mocks):
    """Everything a stack declared, in order, and its outputs.

    Attributes:
        protected: URNs of the resources that Pulumi refuses to delete.
        secret_outputs: By the name of a resource, the outputs it has kept secret.
    """

    resources: list[MockResourceArgs] = field(default_factory=list)
    handover: dict[str, Any] = field(default_factory=dict)
    access_key: dict[str, str] | None = None
    access_key_is_secret: bool = False
    image_search: str | None = None
    protected: set[str] = field(default_factory=set)
    secret_outputs: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """A resource is what was asked for; only an AccessKey's secret is made by the cloud."""
        self.resources.append(args)
        made = {"secret": "made-by-ram"} if args.typ.endswith(":AccessKey") else {}
        return f"{args.name}-id", args.inputs | made

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        """The stack asks nothing of the cloud while it is planned."""
        raise AssertionError(f"unexpected invoke {args.token}")

    def of(self, kind: str) -> list[MockResourceArgs]:
        """The resources whose type ends in `kind`."""
        return [resource for resource in self.resources if resource.typ.endswith(f":{kind}")]

    def inputs(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """The inputs of the only resource of a kind, or of that with a name."""
        (resource,) = [resource for resource in self.of(kind) if name in (None, resource.name)]
        return dict(resource.inputs)

    def rights(self, name: str) -> list[tuple[str, str]]:
        """Every (action, resource) that a RAM policy of the stack allows."""
        document = json.loads(self.inputs("Policy", name)["policyDocument"])
        return [
            (action, where)
            for statement in document["Statement"]
            for action in statement["Action"]
            for where in statement["Resource"]
        ]

    def is_protected(self, kind: str, name: str) -> bool:
        """Whether the resource is protected, by itself or through its component."""
        return any(urn.endswith(f":{kind}::{name}") for urn in self.protected)


class Monitor(MockMonitor):
    """Pulumi's mock, which also notes the options that its mocks are not told."""

    def __init__(self, declared: Declared) -> None:
        super().__init__(declared)
        self._declared = declared

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        """Note protection and secret outputs."""
        if request.protect:
            self._declared.protected.add(self.make_urn(request.parent, request.type, request.name))
        if request.additionalSecretOutputs:
            self._declared.secret_outputs[request.type, request.name] = list(request.additionalSecretOutputs)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call] # Pulumi's own is untyped


def declare(settings: StackSettings, emulator: str | None = None, stack: str = "test") -> Declared:
    """Run the stack on mocks, in a context of its own: Pulumi keeps its root resource there."""
    declared = Declared()

    @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi's own is untyped
    def program() -> Coroutine[Any, Any, None]:
        outputs = deploy(settings, stack=stack, emulator=emulator)
        declared.image_search = outputs.image_search_authorization

        async def settle() -> None:
            declared.handover.update(await outputs.handover.future() or {})
            if outputs.operator_access_key is not None:
                declared.access_key = await outputs.operator_access_key.future()
                declared.access_key_is_secret = await outputs.operator_access_key.is_secret()

        return settle()

    def run() -> None:
        asyncio.set_event_loop(LOOP)
        set_mocks(declared, project="imm-operator", stack=stack, preview=False, monitor=Monitor(declared))
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
