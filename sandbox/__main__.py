"""The sandbox's command line, `python -m sandbox`: one group, one subcommand per thing that can be started."""

import sys

import click

from sandbox.apiserver.command import cluster
from sandbox.demo.command import demo
from sandbox.image.command import image
from sandbox.programs import ProgramError
from sandbox.rehearse.command import rehearse


@click.group()
def main() -> None:
    """Everything of imm-operator on one machine."""


main.add_command(cluster)
main.add_command(demo)
main.add_command(image)
main.add_command(rehearse)

if __name__ == "__main__":
    try:
        main(prog_name="python -m sandbox")
    except ProgramError as error:  # its message is written for people; a traceback would bury it
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
