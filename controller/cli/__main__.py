"""`python -m controller.cli`: the same as `imm-operator`, where the console script is not on PATH."""

import sys

if sys.argv[1:2] == ["run"]:
    import controller.runtime.early  # noqa: F401 - the signals first: what follows takes seconds to import

from controller.cli import main

main(prog_name="imm-operator")
