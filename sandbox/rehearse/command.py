"""`python -m sandbox rehearse`: runs the program as Pulumi's own Python host does, with our engine behind it."""

import asyncio
import fcntl
import json
import logging
import runpy
from contextvars import copy_context
from pathlib import Path
from typing import Any, cast

import click
import yaml
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config
from pulumi.runtime.mocks import MockEngine

from sandbox.programs import ProgramError
from sandbox.rehearse.engine import Engine


@click.command()
@click.argument("verb", type=click.Choice(["up", "destroy", "output"]))
@click.option("--stack", "-s", default="local", show_default=True, help="environments/Pulumi.<stack>.yaml.")
@click.option("--state", "file", type=click.Path(path_type=Path), required=True, help="File that says what was made.")
@click.option("--preview", is_flag=True, help="Say what would happen, and make nothing.")
def rehearse(verb: str, stack: str, file: Path, *, preview: bool) -> None:
    """Run this folder's Pulumi program against the local cloud: make, delete everything, or print the hand-over."""
    project = {"main": ".", "stackConfigDir": ".", "config": {}} | yaml.safe_load(Path("Pulumi.yaml").read_text())
    name, main, file_of = project["name"], project["main"], f"{project['stackConfigDir']}/Pulumi.{stack}.yaml"
    values = {key: it["value"] for key, it in project["config"].items() if "value" in it}
    stacks = [path.stem.removeprefix("Pulumi.") for path in sorted(Path(file_of).parent.glob("Pulumi.?*.yaml"))]
    if stack not in stacks:
        raise ProgramError(f"no {file_of}; there are: {', '.join(stacks) or 'none'}")
    values |= yaml.safe_load(Path(file_of).read_text())["config"]
    if str(values.get(f"{name}:emulator")).lower() != "true":  # the CLI rewrites a stack file with texts
        raise ProgramError(f"stack {stack} is not for the local cloud (emulator: true): use the pulumi CLI")
    config = {key: it if isinstance(it, str) else json.dumps(it) for key, it in values.items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_name(f"{file.name}.lock").open("w") as lock, asyncio.Runner() as host:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a second rehearsal waits until this one ends
        engine = Engine(file, name, stack, config, preview=preview)
        if verb == "output":
            click.echo(json.dumps(engine.state["outputs"].get("handover"), indent=2))
            return
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # of the futures that Pulumi leaves after a failure
        configure(Settings(project=name, stack=stack, monitor=engine, engine=MockEngine(None), dry_run=preview))
        set_all_config(config)
        try:
            if verb == "up":
                done = run_in_stack(cast("Any", lambda: runpy.run_path(main, run_name="__main__")))
                host.run(done, context=copy_context())
            engine.finish()
        except Exception as error:
            raise engine.failure or ProgramError(str(error)) from error
