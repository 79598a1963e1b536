"""One rehearsal in this process: `python -m sandbox.rehearse.run up|preview|destroy`, started by `start.rehearse`.

It runs the program as Pulumi's own Python host does (`pulumi-language-python-exec`), with our monitor for the engine.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pulumi import RunError
from pulumi.runtime import Settings, configure, run_in_stack, set_all_config

from sandbox.rehearse.engine import Engine, StepFailed
from sandbox.rehearse.kinds import Refused
from sandbox.rehearse.monitor import Log, Monitor
from sandbox.rehearse.project import Project, ProjectError, load
from sandbox.rehearse.state import StateError, opened

EXPECTED = (ProjectError, Refused, RunError, StateError, StepFailed)


def main(arguments: list[str]) -> int:
    """Run one verb; the exit code, 1 after a failure that was printed as `error: …`."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.rehearse.run")
    parser.add_argument("verb", choices=("up", "preview", "destroy"))
    parser.add_argument("--stack", required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    given = parser.parse_args(arguments)
    # After a failure Pulumi leaves a future for every output that will never be; each would add a traceback.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        _rehearse(given.verb, given.stack, given.state, given.root)
    except EXPECTED as error:
        _print(f"error: {error}")
        return 1
    return 0


def _rehearse(verb: str, stack: str, state_file: Path, root: Path) -> None:
    project = load(root, stack)
    with opened(state_file, project=project.name, stack=stack) as state:
        engine = Engine(state, project.config, _print, preview=verb == "preview")
        if verb == "destroy":
            engine.destroy()
        else:
            engine.finish(_run_program(engine, project, stack))
        would = "would be: " if engine.preview else ""
        _print(
            would + (", ".join(f"{count} {step}" for step, count in sorted(engine.steps.items())) or "nothing to do")
        )


def _run_program(engine: Engine, project: Project, stack: str) -> dict[str, object]:
    monitor = Monitor(engine, project.name, stack)
    settings = Settings(
        project=project.name,
        stack=stack,
        organization="organization",
        monitor=monitor,
        engine=Log(_print),
        dry_run=engine.preview,
    )
    configure(settings)
    set_all_config(project.config, [])
    os.chdir(project.program)
    try:
        asyncio.run(_in_stack(project.program))
    except Exception as error:
        # Pulumi reports a failed resource in its own words; ours name the resource and the way out.
        if monitor.failure is not None:
            raise monitor.failure from error
        raise
    return monitor.outputs


async def _in_stack(program: Path) -> None:
    # Pulumi calls the monitor from the loop's executor: one thread makes one step at a time, in the program's order.
    with ThreadPoolExecutor(1) as one_thread:
        asyncio.get_running_loop().set_default_executor(one_thread)
        await run_in_stack(lambda: _execute(program))


def _execute(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - standard output is this process's interface


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
