"""The demo's own processes: emulator and operator, each on a leash, so that none outlives the demo however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.programs import ProgramError, last_lines

POLL = 0.05
ENDING_SECONDS = 60.0  # longer than the holder of a leash waits for what is on it


@dataclass
class Service:
    """A running process and its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def await_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready` holds.

        Raises:
            ProgramError: the process ended or took too long, and is gone now; the message has the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                self.stop()
                raise ProgramError(f"The {self.name} ended at once. The end of {self.log}:\n{self._tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise ProgramError(
                    f"The {self.name} was not ready in {seconds:.0f} s. {self.log} ends:\n{self._tail()}"
                )
            time.sleep(POLL)

    def stop(self) -> None:
        """Let go of the leash and wait for the end."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End the process and its leash-holder at once, as `kill -9` or a dying node would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(ENDING_SECONDS)

    def _tail(self) -> str:
        return last_lines(self.log.read_text(errors="replace"))


def start(name: str, command: list[str], log: Path, environment: Mapping[str, str]) -> Service:
    """Start a Python module of ours on a leash; its output goes to `log`."""
    own = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own modules, no shell
            [sys.executable, "-m", "sandbox.apiserver.leashed", sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            env={**own, **environment},
            start_new_session=True,  # Ctrl-C is for the demo, which ends its services in order
        )
    return Service(name, process, log)


def answers(url: str) -> bool:
    """Whether a GET is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - a loopback address of ours
            return bool(response.status < 300)  # noqa: PLR2004 - HTTP's own line
    except (urllib.error.URLError, OSError):
        return False
