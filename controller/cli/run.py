"""`imm-operator run`: the operator process itself."""

from __future__ import annotations

import sys

import click


@click.command()
def run() -> None:
    """Run the operator. Settings come from IMM_OPERATOR_… variables."""
    from controller.__main__ import main  # noqa: PLC0415 - the SDKs take two seconds to import; other commands need none

    sys.exit(main())
