"""`python -m controller.cli`: the same as `imm-operator`, where the console script is not on PATH."""

from controller.cli import main

main(prog_name="imm-operator")
