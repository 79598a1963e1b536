"""Make the image's file system in a folder, by doing what the Dockerfile says, step by step, without an engine.

This machine's Python stands in for both base images. `RUN` steps are run as they are written; `deploy/image/install.py`
honours DESTDIR, so that what they install lands in the folder and not on this machine.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.demo.operator import ROOT
from sandbox.image.dockerfile import Copied, Stage, read
from sandbox.programs import ProgramError, run

INSTALLER = "deploy/image/install.py"
IGNORED = {True: ("__pycache__",), False: ()}  # as .dockerignore says of the source folder
STEP_SECONDS = 900


@dataclass(frozen=True)
class Layout:
    """What the final stage put into its files, and how it is run."""

    root: Path
    stage: Stage

    @property
    def home(self) -> Path:
        """What is ours in it."""
        return self.root / "app"

    @property
    def megabytes(self) -> float:
        """Of the files above the base image."""
        return sum(file.stat().st_size for file in self.root.rglob("*") if file.is_file()) / 1e6


def lay_out(
    directory: Path, arguments: Mapping[str, str] | None = None, *, dockerfile: Path = ROOT / "Dockerfile"
) -> Layout:
    """Do every step of the Dockerfile in an empty folder, with the given build arguments.

    Raises:
        ProgramError: a step failed, or is of a kind that is not understood here.
    """
    stages = read(dockerfile, arguments)
    roots = {stage.name: directory / stage.name for stage in stages}
    for stage in stages:
        for step in stage.steps:
            if isinstance(step, Copied):
                _copy(step, stage, roots)
            else:
                _run(step, stage, roots[stage.name])
    final = stages[-1]
    return Layout(roots[final.name], final)


def _copy(step: Copied, stage: Stage, roots: Mapping[str, Path]) -> None:
    origin = ROOT if step.stage is None else roots[step.stage]
    target = roots[stage.name] / stage.directory.lstrip("/") / step.target
    if step.target.startswith("/"):
        target = roots[stage.name] / step.target.lstrip("/")
    for source in step.sources:
        path = origin / source.lstrip("/")
        if path.is_dir():
            shutil.copytree(
                path, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*IGNORED[step.stage is None])
            )
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def _run(step: str, stage: Stage, root: Path) -> None:
    if INSTALLER not in step:
        raise ProgramError(f"The Dockerfile runs something that cannot be confined to a folder: {step}")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    own = {**stage.arguments, **stage.environment, "PATH": path, "DESTDIR": str(root)}
    work = root / stage.directory.lstrip("/")
    run(["sh", "-c", step], cwd=work, env={**os.environ, **own}, seconds=STEP_SECONDS)
