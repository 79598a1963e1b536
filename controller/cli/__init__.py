"""`imm-operator`: one group, one module per command."""

import click

from controller.cli.crds import crds
from controller.cli.docs import docs
from controller.cli.manifest import manifest
from controller.cli.owners import owners
from controller.cli.release import release
from controller.cli.render import render
from controller.cli.run import run
from controller.cli.tasks import tasks


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="imm-operator")
def main() -> None:
    """Declarative media indexing on Alibaba Cloud."""


main.add_command(crds)
main.add_command(docs)
main.add_command(manifest)
main.add_command(owners)
main.add_command(release)
main.add_command(render)
main.add_command(run)
main.add_command(tasks)
