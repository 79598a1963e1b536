"""A process in the image's file system, as Kubernetes would run it: read-only root, another user, nothing but Python.

The base image is this machine's Python, put where the official image has it, without its packages; plus the shared
libraries. There is no shell in it, and no other program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from sandbox.image.layout import Layout
from sandbox.programs import ProgramError, last_lines, run

SYSTEM_FOLDERS = ("lib", "lib64", "usr/lib", "usr/lib64")  # what programs are linked against
LINKER_CACHE = Path("/etc/ld.so.cache")
SEARCH_PATH = "/usr/local/bin"
COMMAND_SECONDS = 60


def refusal() -> str | None:
    """Why no such process can be started here, or None where it can."""
    if os.geteuid():
        return "only root can change the root directory and the user of a process"
    try:
        run(["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/tmp"])  # noqa: S108 - in a namespace of its own
    except ProgramError as error:
        return f"this machine allows no mount namespaces: {error}"
    return None


class Container:
    """The image's files in a folder, from which processes are started.

    Args:
        layout: The image.
        directory: For the plan of a process and for /tmp, the one place that can be written.
    """

    def __init__(self, layout: Layout, directory: Path) -> None:
        self._layout = layout
        self._plan = directory / "plan.json"
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self.temporary.chmod(0o1777)
        self._empty = directory / "empty"
        self._empty.mkdir()
        self._root = directory / "root"
        self._root.mkdir()

    def start(
        self, command: list[str], environment: Mapping[str, str], files: Mapping[str, Path], log: Path
    ) -> subprocess.Popen[bytes]:
        """Start a command of the image, with more variables, and more files of this machine at places in it."""
        stage = self._layout.stage
        uid, _, gid = stage.user.partition(":")
        plan = {
            "root": str(self._root),
            "links": {name: str((Path("/") / name).readlink()) for name in SYSTEM_FOLDERS if _is_link(name)},
            "read_only": {**self._base(), **self._image(), **{str(source): place for place, source in files.items()}},
            "temporary": str(self.temporary),
            "directory": stage.directory,
            "uid": int(uid),
            "gid": int(gid or uid),
            "command": command,
            "environment": {"PATH": SEARCH_PATH, **stage.environment, **environment},
        }
        self._plan.write_text(json.dumps(plan))
        alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]
        with log.open("wb") as out:
            return subprocess.Popen(  # noqa: S603 - our own module, no shell
                [*alone, sys.executable, "-m", "sandbox.image.enter", str(self._plan)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _base(self) -> dict[str, str]:
        """Python at the official image's places, and the system's libraries at their own."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        library = Path(sysconfig.get_path("stdlib"))
        found = {
            str(Path(sys.executable).resolve()): f"{SEARCH_PATH}/python3",
            str(library): f"/usr/local/lib/{version}",
            str(self._empty): f"/usr/local/lib/{version}/site-packages",
        }
        if sysconfig.get_config_var("Py_ENABLE_SHARED"):
            shared = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("INSTSONAME")
            found[str(shared)] = str(shared)
        folders = [Path("/") / name for name in SYSTEM_FOLDERS if not _is_link(name)]
        return found | {str(place): str(place) for place in (*folders, LINKER_CACHE) if place.exists()}

    def _image(self) -> dict[str, str]:
        """What the image adds to its base."""
        return {str(entry): f"/{entry.name}" for entry in self._layout.root.iterdir()}

    def output(self, command: list[str], log: Path) -> str:
        """What a command of the image prints.

        Raises:
            ProgramError: it failed; the message has its last lines.
        """
        ended = self.start(command, {}, {}, log).wait(COMMAND_SECONDS)
        told = log.read_text(errors="replace")
        if ended:
            raise ProgramError(f"`{' '.join(command)[:99]}` in the image ended with {ended}:\n{last_lines(told)}")
        return told


def _is_link(name: str) -> bool:
    return (Path("/") / name).is_symlink()


def main_process(starter: subprocess.Popen[bytes]) -> int:
    """The program's process id, as this machine sees it: the one child of who started it."""
    children = Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text().split()
    if len(children) != 1:
        raise ProgramError(f"expected one process of the container, found {len(children)}")
    return int(children[0])
