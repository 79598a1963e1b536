"""`python -m emulator`: run the local cloud, and talk to one that runs."""

from __future__ import annotations

from emulator.cli import main

main(prog_name="python -m emulator")
