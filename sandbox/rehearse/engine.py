"""In the place of Pulumi's engine: finds what each declared resource needs, says it and does it, one step at a time."""

import asyncio
import base64
import json
import threading
from pathlib import Path
from typing import Any

import click
import dill
from pulumi import dynamic
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs

from sandbox.programs import ProgramError
from sandbox.rehearse.resources import Values, known

CODE = "__provider"  # the input in which a dynamic resource brings its pickled provider along
OPTIONS = {"aliases", "aliasURNs", "deletedWith", "hooks", "ignoreChanges", "importId", "remote", "replaceOnChanges"}
OPTIONS |= {"replace_with", "replacement_trigger", "retainOnDelete", "state_migrations", "transforms"}


class Engine(MockMonitor):
    """Pulumi's own monitor for tests, only that each resource is made; after a failure nothing else is begun.

    The state is a JSON file without secrets. `live` is how the cloud showed a resource's inputs when it was made.
    """

    def __init__(self, path: Path, project: str, stack: str, config: dict[str, str], *, preview: bool) -> None:
        super().__init__(self)  # type: ignore[arg-type] # all it calls is new_resource
        self.path, self.project, self.config, self.preview = path, project, config, preview
        of = [project, stack]
        self.state: Values = json.loads(path.read_text()) if path.exists() else {"of": of, "made": {}, "outputs": {}}
        if self.state.get("of") != of:
            raise ProgramError(f"{path} is the state of {self.state.get('of')}: name another file")
        self.made: dict[str, Values] = self.state["made"]
        self.declared: list[str] = []
        self.outputs: Values = {}
        self.failure: Exception | None = None
        self.one_at_a_time = threading.Lock()

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self.failure = ProgramError(f"a rehearsal does not do this: {type(request).__name__}; use the pulumi CLI")
        raise self.failure

    ReadResource = ExistsResource = RegisterStackTransform = RegisterStackInvokeTransform = Invoke

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        with self.one_at_a_time, asyncio.Runner():  # or Pulumi gives each thread a loop that nobody closes
            if self.failure:
                raise self.failure
            try:
                self.request = request
                return super().RegisterResource(request)  # type: ignore[no-untyped-call] # Pulumi's mocks have none
            except Exception as error:
                self.failure = ProgramError(f"{request.type} {request.name}: {error}")
                raise self.failure from error

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        if "::pulumi:pulumi:Stack::" in request.urn:  # a component's are for display only
            self.outputs = _hidden(_whole(rpc.deserialize_properties(request.outputs)))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call] # likewise

    def new_resource(self, args: MockResourceArgs) -> tuple[str, Values]:
        """Bring the resource to what is declared; its id and outputs."""
        if not args.custom or args.typ.startswith("pulumi:providers:"):
            return "-", args.inputs
        request, urn = self.request, self.make_urn(self.request.parent, args.typ, args.name)
        inputs = _whole(args.inputs)
        new = {"type": args.typ, "name": args.name, "inputs": inputs, "id": "-", "live": {}, "protect": request.protect}
        problems = [name for name in OPTIONS if getattr(request, name) != getattr(type(request)(), name)]
        problems += ["a second resource of one name"] if urn in self.declared else []
        problems += [f"a secret as {name}" for name in inputs if rpc.is_rpc_secret(inputs[name])]
        provider, was = self._provider(new), self.made.get(urn, {}).get("inputs", {})
        problems += [f"{it.property}: {it.reason}" for it in provider.check(was, inputs).failures]
        if problems:
            raise ProgramError(f"a rehearsal does not do this: {', '.join(problems)}")
        self.declared.append(urn)
        outputs = self._bring(urn, new, provider)
        outputs |= {it: rpc.wrap_rpc_secret(outputs[it]) for it in outputs.keys() & request.additionalSecretOutputs}
        self.made[urn] = new | {"outputs": _hidden(outputs)}
        self._save()
        if not new["live"] and not self.preview:
            self.made[urn]["live"] = _look(provider, self.made[urn]) or {}
            self._save()
        return str(new["id"]), outputs | inputs

    def _bring(self, urn: str, new: Values, provider: dynamic.ResourceProvider) -> Values:
        old = self.made.get(urn)
        live = _look(provider, old) if old else None
        why = "gone from the cloud" if old else "new"
        if old and live is not None:
            was, shall, outputs = old["inputs"], new["inputs"], old["outputs"]
            changed = {key for key in was | shall if was.get(key) != shall.get(key)} - {CODE}
            drifted = {key: value for key, value in live.items() if value != old["live"].get(key)}
            why = ", ".join([*sorted(changed), *(f"{key} was changed by hand" for key in sorted(drifted))])
            new["id"] = old["id"]
            if not why:
                new["live"] = old["live"]
                return dict(outputs)
            if not provider.diff(old["id"], was | outputs | drifted, shall).replaces:
                click.echo(f"  update {new['type']} {new['name']} ({why})")
                updated = dynamic.UpdateResult() if self.preview else provider.update(old["id"], was | outputs, shall)
                return {**outputs, **(updated.outs or {})}
            self._delete([urn], why)
        click.echo(f"  create {new['type']} {new['name']} ({why})")
        made = dynamic.CreateResult("-") if self.preview else provider.create(new["inputs"])
        new["id"] = made.id
        return made.outs or {}

    def finish(self) -> None:  # delete what was not declared
        self._delete([urn for urn in self.made if urn not in self.declared], "no longer declared")
        self.state["outputs"] = self.outputs
        self._save()

    def _delete(self, urns: list[str], why: str) -> None:  # the newest first, but nothing if some of it is protected
        kept = ", ".join(self.made[urn]["name"] for urn in urns if self.made[urn]["protect"])
        if kept:
            raise ProgramError(f"{kept}: protected, so neither deleted nor replaced; set `protect: false`, then `up`")
        for urn in reversed(urns):
            old = self.made[urn]
            click.echo(f"  delete {old['type']} {old['name']} ({why})")
            if not self.preview:
                self._provider(old).delete(old["id"], old["inputs"] | old["outputs"])
            del self.made[urn]
            self._save()

    def _provider(self, resource: Values) -> dynamic.ResourceProvider:
        if CODE not in resource["inputs"]:
            return known(resource["type"])
        code: dynamic.ResourceProvider = dill.loads(base64.b64decode(resource["inputs"][CODE]))  # noqa: S301 - as trusted as the program
        code.configure(dynamic.ConfigureRequest(dynamic.Config(self.config, self.project)))
        return code

    def _save(self) -> None:
        if not self.preview:
            new = self.path.with_name(f"{self.path.name}.new")
            new.write_text(json.dumps(self.state, indent=2) + "\n")
            new.replace(self.path)


def _whole(values: Values) -> Values:  # protobuf has no whole numbers; a preview tells of what is not known yet
    told = json.dumps(values, default=lambda it: f"[{type(it).__name__.lower()}]")
    return dict(json.loads(told, parse_float=lambda it: float(it) if it[-2:] != ".0" else int(it[:-2])))


def _hidden(values: Values) -> Values:
    return {name: rpc.wrap_rpc_secret("[secret]") if rpc.is_rpc_secret(it) else it for name, it in values.items()}


def _look(provider: dynamic.ResourceProvider, resource: Values) -> Values | None:  # its inputs now; None: gone
    found = provider.read(resource["id"], resource["inputs"] | resource["outputs"])
    return {name: it for name, it in (found.outs or {}).items() if name in resource["inputs"]} if found.id else None
