"""`python -m sandbox rehearse`: the rehearsal at the command line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from sandbox.rehearse.start import rehearse as run_rehearsal
from sandbox.rehearse.state import read_outputs

_STACK = click.option("--stack", "-s", default="local", show_default=True, help="environments/Pulumi.<stack>.yaml.")
_STATE = click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File that says what was made; created when absent.",
)


@click.group()
def rehearse() -> None:
    """Run the Pulumi program against the local cloud, without the Pulumi CLI.

    The environment is the one `python -m emulator env` prints. This is no Pulumi: for a real account use the CLI.
    """


@rehearse.command()
@_STACK
@_STATE
@click.option("--preview", is_flag=True, help="Print what would happen and call nothing.")
def up(stack: str, state: Path, *, preview: bool) -> None:
    """Create and change what differs, delete what is no longer declared."""
    run_rehearsal(stack, state, os.environ, preview=preview, report=click.echo)


@rehearse.command()
@_STACK
@_STATE
def destroy(stack: str, state: Path) -> None:
    """Delete everything the state file names."""
    run_rehearsal(stack, state, os.environ, destroy=True, report=click.echo)


@rehearse.command()
@_STATE
def output(state: Path) -> None:
    """Print the hand-over document of the last run, as `pulumi stack output handover --json` does."""
    handover = read_outputs(state).get("handover")
    if handover is None:
        raise click.ClickException(f"{state} holds no hand-over: run `python -m sandbox rehearse up` first")
    click.echo(json.dumps(handover, indent=2))
