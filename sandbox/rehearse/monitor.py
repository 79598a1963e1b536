"""The side of Pulumi's protocol that a program talks to, served in the same process.

`pulumi.runtime.Settings` takes any object with the methods of the ResourceMonitor service in place of an address. Of
these a program without data sources uses the ones below; every other is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped] # Pulumi brings no stubs
from pulumi.runtime.proto import engine_pb2, resource_pb2

from sandbox.rehearse import marks
from sandbox.rehearse.engine import Engine, Wanted
from sandbox.rehearse.kinds import Refused

STACK = "pulumi:pulumi:Stack"
# Options a resource may not have here, with the words of `pulumi.ResourceOptions`.
REFUSED_OPTIONS = {
    "aliases": "aliases",
    "aliasURNs": "aliases",
    "deletedWith": "deleted_with",
    "hooks": "hooks",
    "ignoreChanges": "ignore_changes",
    "importId": "import_",
    "remote": "a remote component",
    "replaceOnChanges": "replace_on_changes",
    "replace_with": "replace_with",
    "replacement_trigger": "replacement_trigger",
    "state_migrations": "state_migrations",
    "transforms": "transforms",
}


class Monitor:
    """Serves one run, one call at a time. After a failure nothing else is begun."""

    def __init__(self, engine: Engine, project: str, stack: str) -> None:
        self._engine = engine
        self._project = project
        self._stack = stack
        self.outputs: dict[str, Any] = {}
        self.failure: Exception | None = None

    def GetDeploymentInfo(self, _request: Any) -> resource_pb2.DeploymentInfo:  # noqa: N802 - the protocol's name
        """Say what is supported; what is left out, the program's side does itself or refuses."""
        features = [resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS, resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS]
        return resource_pb2.DeploymentInfo(supportedFeatures=features)

    def RegisterPackage(self, _request: Any) -> resource_pb2.RegisterPackageResponse:  # noqa: N802 - likewise
        """No plugin is loaded, so any reference does."""
        return resource_pb2.RegisterPackageResponse(ref="rehearsal")

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802 - likewise
        """Make a resource; a component and the stack itself just get their URN."""
        urn = self._urn(request)
        if not request.custom:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if self.failure is not None:
            raise self.failure
        try:
            id_, outputs = self._engine.declare(_wanted(urn, request))
        except Exception as error:
            self.failure = error
            raise
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=_struct(outputs))

    def RegisterResourceOutputs(self, request: Any) -> empty_pb2.Empty:  # noqa: N802 - likewise
        """Take the stack's outputs; a component's are for display only."""
        if f"::{STACK}::" in request.urn:
            self.outputs = _plain(request.outputs)
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, _request: Any) -> empty_pb2.Empty:  # noqa: N802 - likewise
        """Nothing goes on in the background."""
        return empty_pb2.Empty()

    def __getattr__(self, rpc: str) -> Callable[[Any], NoReturn]:
        """Every other call of the protocol."""
        if not rpc[:1].isupper():
            raise AttributeError(rpc)

        def refuse(_request: Any) -> NoReturn:
            self.failure = Refused(f"the program uses {rpc}, which a rehearsal does not do: use the pulumi CLI")
            raise self.failure

        return refuse

    def _urn(self, request: Any) -> str:
        parent = request.parent.split("::")[2] if request.parent else STACK
        qualified = request.type if parent == STACK else f"{parent}${request.type}"
        return f"urn:pulumi:{self._stack}::{self._project}::{qualified}::{request.name}"


class Log:
    """The engine's one service a program uses: its warnings and errors reach the reader."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report

    def Log(self, request: Any) -> empty_pb2.Empty:  # noqa: N802 - the protocol's name
        """Report what is meant for people."""
        if request.severity in (engine_pb2.WARNING, engine_pb2.ERROR):
            self._report(f"  note     {request.message}")
        return empty_pb2.Empty()


def _wanted(urn: str, request: Any) -> Wanted:
    for field, option in REFUSED_OPTIONS.items():
        value = getattr(request, field)
        # A sub-message is never false, and one that is sent empty asks for nothing.
        if value.ByteSize() if hasattr(value, "ByteSize") else value:
            raise Refused(f"{request.name} uses {option}, which a rehearsal does not do: use the pulumi CLI")
    return Wanted(
        urn=urn,
        type=request.type,
        inputs=_plain(request.object),
        provider=request.provider.rsplit("::", 1)[0],
        protect=request.protect,
        retain=request.retainOnDelete,
        delete_first=request.deleteBeforeReplace,
        secret_outputs=frozenset(request.additionalSecretOutputs),
    )


def _plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    inputs: dict[str, Any] = marks.plain(json_format.MessageToDict(struct))
    return inputs


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())
