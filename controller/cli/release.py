"""`imm-operator release`: takes our finalizer off objects that no operator looks after any more."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option(
    "--namespace", "-n", "namespaces", multiple=True, metavar="NAME", help="In this one only; may be repeated."
)
@click.option("--shard", metavar="NAME", help="Only objects of this shard; default is the one without the label.")
@click.option("--all", "living", is_flag=True, help="Also objects that are not being deleted.")
@click.option(
    "--besides",
    multiple=True,
    metavar="NAMESPACE/NAME",
    help="The Lease of an operator that works and serves none of these objects; may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def release(
    namespaces: tuple[str, ...], shard: str | None, besides: tuple[str, ...], output: str, *, living: bool, yes: bool
) -> None:
    """Let go of objects in the place of an operator that is gone.

    Takes the finalizer imm-operator.dev/finalizer off each Dataset and DatasetBinding that is being deleted, and says
    what stays in the cloud: nothing there is touched. The cluster is that of the kubeconfig's current context. While
    an operator works nothing is done: annotate the objects with imm-operator.dev/detach=true instead.
    """
    from controller.cli.letting_go import let_go_of  # noqa: PLC0415 - Kopf takes half a second; others need none

    if not let_go_of(namespaces, shard, besides, output, living=living, yes=yes):
        sys.exit(1)
