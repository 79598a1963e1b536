"""`python -m sandbox demo`."""

from __future__ import annotations

import json
import shutil
import signal
from contextlib import ExitStack
from pathlib import Path

import click

from sandbox.demo.report import show, show_playground
from sandbox.demo.stage import Stage
from sandbox.demo.story import follow_changes, import_labelled, import_pictures, set_up
from sandbox.endings import end_like_ctrl_c

DIRECTORY = Path(".sandbox") / "demo"


@click.command()
@click.option("--once", is_flag=True, help="Do the main job, print the results and exit.")
@click.option("--context", help="Use this kubeconfig context's cluster instead of the sandbox's own.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DIRECTORY,
    show_default=True,
    help="Where the demo keeps its logs and state; emptied at the start.",
)
def demo(directory: Path, context: str | None, *, once: bool) -> None:
    """The main job from end to end, on this machine."""
    end_like_ctrl_c()
    directory = directory.absolute()
    stage = Stage()
    with ExitStack() as stack:
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        try:
            scene = set_up(directory, context, stage, stack)
            follow_changes(scene, stage)
            import_labelled(scene, stage)
            import_pictures(scene, stage)
            summary = show(scene, stage)
            if not once:
                show_playground(scene, stage)
            stage.say()
            stage.say(json.dumps(summary))
            if not once:
                signal.pause()
        except KeyboardInterrupt:
            stage.say("stopping")
