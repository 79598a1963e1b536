"""`python -m sandbox cluster ...`: the sandbox's API server for people, without the demo around it."""

import signal
from pathlib import Path

import click

from sandbox.apiserver.build import NO_CONTROLLERS, SeparateBinaries, find_kubectl, find_programs
from sandbox.apiserver.cluster import start_cluster
from sandbox.endings import end_like_ctrl_c

DIRECTORY = Path(".sandbox/cluster")


@click.group()
def cluster() -> None:
    """A real Kubernetes API server on this machine."""


@cluster.command()
def build() -> None:
    """Build the API server, and kubectl where there is none; both are kept for later."""
    programs = find_programs()
    if isinstance(programs, SeparateBinaries):
        click.echo(NO_CONTROLLERS, err=True)
        click.echo(f"API server: {programs.apiserver}")
    else:
        click.echo(f"API server: {programs.server}")
    click.echo(f"kubectl:    {find_kubectl()}")


@cluster.command()
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=DIRECTORY,
    show_default=True,
    help="Where the cluster keeps its data; the next run finds it again.",
)
@click.option("--audit", is_flag=True, help="Write a line per request to audit.log in the directory.")
def run(directory: Path, *, audit: bool) -> None:
    """Run a cluster until Ctrl-C."""
    end_like_ctrl_c()
    try:
        with start_cluster(directory, audit=audit) as running:
            click.echo(f"export KUBECONFIG={running.kubeconfig}")
            click.echo(f"The API server is ready at {running.url}; Ctrl-C stops it, its data stays.", err=True)
            signal.pause()
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
