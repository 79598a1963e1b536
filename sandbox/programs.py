"""Run other programs, so that their failure reads like ours: what ran, how it ended, what it said last."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LAST_LINES = 25


class ProgramError(RuntimeError):
    """Another program failed; the message carries its last words."""


def run(
    command: Sequence[str | Path],
    *,
    text: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> str:
    """Return what `command` printed; `text` is its input.

    Raises:
        ProgramError: it cannot be started, ended with an error, or took longer than `seconds`.
    """
    name = Path(command[0]).name
    shown = " ".join([name, *map(str, command[1:])])[:256]
    try:
        done = subprocess.run(  # noqa: S603 - the one place where we start a program and wait for it; never a shell
            command, input=text, capture_output=True, text=True, cwd=cwd, env=env, timeout=seconds, check=False
        )
    except OSError as error:
        raise ProgramError(f"Cannot start `{shown}`: {error.strerror or error}") from error
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"`{shown}` gave no answer within {seconds:.0f} s and was stopped") from error
    if done.returncode:
        raise ProgramError(f"`{shown}` ended with {done.returncode}:\n{last_lines(done.stderr or done.stdout)}")
    return done.stdout


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """Return the end of a log, indented: the cause of a failure is usually there."""
    return "\n".join(f"  {line}" for line in text.rstrip().splitlines()[-count:]) or "  (it said nothing)"
