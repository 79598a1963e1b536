"""Become the process of a container, as its engine would have it: `python -m sandbox.image.enter PLAN`, as root, alone.

It runs in mount and PID namespaces of its own (`unshare` made them): binds what the plan names into a new root, makes
it read-only, gives every right away for good, and turns into the program. It imports nothing but the standard library,
because it still has every right.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

DEVICES = ("null", "random", "urandom", "zero")
SET_PARENT_DEATH_SIGNAL, SET_NO_NEW_PRIVILEGES = 1, 38  # prctl(2)


def enter(plan: dict[str, Any]) -> None:
    """Set the root up, and never return: the process is the program now."""
    root = Path(plan["root"])
    _mount("-t", "tmpfs", "-o", "mode=755", "none", root)
    for place, target in plan["links"].items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(target)
    for source, place in plan["read_only"].items():
        _bind(Path(source), root / place.lstrip("/"))
    for device in DEVICES:
        _bind(Path("/dev") / device, root / "dev" / device, read_only=False)
    _bind(Path(plan["temporary"]), root / "tmp", read_only=False)
    (root / "proc").mkdir(exist_ok=True)
    _mount("-t", "proc", "-o", "ro,nosuid,nodev,noexec", "proc", root / "proc")
    _mount("-o", "remount,ro", root)
    os.chroot(root)
    os.chdir(plan["directory"])
    os.umask(0o022)
    _give_up(plan["uid"], plan["gid"])
    os.execvpe(plan["command"][0], plan["command"], plan["environment"])  # noqa: S606 - no shell: there is none


def _bind(source: Path, place: Path, *, read_only: bool = True) -> None:
    """Show a file or folder of this machine at a place in the new root."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        place.mkdir(exist_ok=True)
    else:
        place.touch()
    _mount("--bind", source, place)
    if read_only:
        _mount("-o", "remount,bind,ro", place)


def _mount(*words: str | Path) -> None:
    subprocess.run(["mount", *map(str, words)], check=True)  # noqa: S603, S607 - the machine's own mount


def _give_up(uid: int, gid: int) -> None:
    """No group, no user, no capability, no way to any; and the end when whoever holds this process ends."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((SET_PARENT_DEATH_SIGNAL, signal.SIGKILL), (SET_NO_NEW_PRIVILEGES, 1)):
        if libc.prctl(option, value, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")


if __name__ == "__main__":
    enter(json.loads(Path(sys.argv[1]).read_text()))
