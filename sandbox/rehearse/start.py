"""Starts a rehearsal in a process of its own, because Pulumi's runtime is global to its process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.programs import ProgramError
from sandbox.rehearse.state import read_outputs

ROOT = Path(__file__).resolve().parents[2]


class RehearsalFailed(ProgramError):
    """The program or a resource failed; the message is for people. What was made until then is in the state file."""


def rehearse(
    stack: str,
    state_file: Path,
    environment: Mapping[str, str],
    *,
    preview: bool = False,
    destroy: bool = False,
    report: Callable[[str], None],
    root: Path = ROOT,
) -> dict[str, Any]:
    """Bring the local cloud to what the program declares, and return the stack's outputs.

    Args:
        stack: Its configuration is `environments/Pulumi.<stack>.yaml`.
        state_file: What the last run made; created when absent. One run at a time.
        environment: The whole environment of the program: the variables `python -m emulator env` prints, and PATH.
        preview: Report what would happen and call nothing.
        destroy: Delete everything the state file names.
        report: Takes one line of progress at a time.
        root: The folder of Pulumi.yaml.

    Raises:
        RehearsalFailed: with the reason; the state file says how far it went.
    """
    verb = "destroy" if destroy else "preview" if preview else "up"
    command = [sys.executable, "-m", "sandbox.rehearse.run", verb, "--stack", stack]
    command += ["--state", str(state_file.absolute()), "--root", str(root.absolute())]
    # The program imports `infra`, `controller` and, when it is pickled back, its providers by name.
    path = [str(root.absolute()), str(ROOT), environment.get("PYTHONPATH", "")]
    _run(command, {**environment, "PYTHONPATH": ":".join(filter(None, dict.fromkeys(path)))}, report)
    return read_outputs(state_file)


def _run(command: list[str], environment: Mapping[str, str], report: Callable[[str], None]) -> None:
    said: list[str] = []
    failed = False
    with subprocess.Popen(  # noqa: S603 - our own module, no shell
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        for line in child.stdout or ():
            if line.startswith("error: "):  # from here on it is the reason, which the exception carries
                failed, said = True, []
            said = [*said[-39:], line]
            if not failed:
                report(line.rstrip("\n"))
    if child.returncode != 0:
        raise RehearsalFailed("".join(said).strip().removeprefix("error: "))
