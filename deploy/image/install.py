"""The steps by which the operator gets into its image; the Dockerfile and the proof without an engine both run them.

Standard library and pip alone, because it runs where nothing is installed yet. As other installers do, it puts
everything below `DESTDIR`, which is empty in an image. Files are dated and bytecode names the paths in the image, so
that the same input gives the same files whoever builds them.
"""

from __future__ import annotations

import argparse
import compileall
import csv
import json
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
IMAGE_HOME = Path("/app")
DESTDIR = Path(os.environ.get("DESTDIR") or "/")
HOME = DESTDIR / IMAGE_HOME.relative_to("/")
DEPENDENCIES, PROGRAM = HOME / "dependencies", HOME / "program"  # in the image, both on PYTHONPATH
TOOLS, ARTIFACTS = HOME / "build" / "tools", HOME / "build" / "artifacts.json"  # never in the image
DATED = int(os.environ.get("SOURCE_DATE_EPOCH") or 315532800)  # 1980: the earliest date that a wheel can carry
UNUSED_FOLDERS = ("tests", "SelfTest", "*-stubs", "__pycache__")
UNUSED_FILES = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h", "direct_url.json")


def tools() -> None:
    """Install what builds packages, from its own lock."""
    _pip(["--only-binary=:all:", "--requirement", HERE / "build.lock"], TOOLS)


def dependencies() -> None:
    """Install what the operator imports, from its lock, and write down which file of each release it was.

    Raises:
        SystemExit: there is no C compiler, without which OSS checksums are forty times slower.
    """
    report = HOME / "build" / "report.json"
    _pip(["--no-build-isolation", "--requirement", HERE / "requirements.lock", "--report", report], DEPENDENCIES)
    if not list(DEPENDENCIES.glob("crcmod/_crcfunext*.so")):
        sys.exit("crcmod was built without its C extension: install a C compiler and try again")
    installed = json.loads(report.read_text())["install"]
    ARTIFACTS.write_text(json.dumps(dict(map(_artifact, installed)), indent=1, sort_keys=True))
    _finish(DEPENDENCIES)


def program(version: str) -> None:
    """Install the operator's own package, of the given version, and no other room of the source.

    Raises:
        SystemExit: the source is of another version than the image would say.
    """
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    if version != project["version"]:
        sys.exit(f"asked for version {version}, and pyproject.toml says {project['version']}: give --build-arg VERSION")
    room = HOME / "build" / "source"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    for name in ("pyproject.toml", project["readme"], *project["license-files"]):
        shutil.copy(SOURCE / name, room)
    shutil.copytree(SOURCE / "controller", room / "controller", ignore=shutil.ignore_patterns("__pycache__"))
    _pip(["--no-build-isolation", "--no-index", room], PROGRAM, hashed=False)
    _finish(PROGRAM)


def bill() -> None:
    """Write the bill of materials of what the other steps installed, into the image."""
    target = PROGRAM / "sbom.cdx.json"
    _python([HERE / "sbom.py", ARTIFACTS, target, PROGRAM, DEPENDENCIES])
    for path in (target, PROGRAM):
        os.utime(path, (DATED, DATED))


def _pip(words: Iterable[str | Path], target: Path, *, hashed: bool = True) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    own = ["--require-hashes"] if hashed else []
    quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    _python(["-m", "pip", "install", *quiet, "--no-deps", "--no-compile", *own, "--target", target, *words])


def _python(words: Iterable[str | Path]) -> None:
    """Run this Python with the build's tools, and stop with it when it fails: it has said why."""
    own = {"PYTHONPATH": str(TOOLS), "SOURCE_DATE_EPOCH": str(DATED), "CFLAGS": "-O2 -g0"}
    done = subprocess.run([sys.executable, *map(str, words)], env=os.environ | own, check=False)  # noqa: S603 - no shell
    if done.returncode:
        sys.exit(done.returncode)


def _artifact(entry: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Which file of a release pip installed, without the address it came from, which differs from place to place."""
    download = entry["download_info"]
    name = re.sub(r"[-_.]+", "-", entry["metadata"]["name"]).lower()
    return name, {"file": download["url"].rsplit("/", 1)[-1], **download["archive_info"]["hashes"]}


def _finish(folder: Path) -> None:
    """Take away what no import needs, compile, and make everything readable to all and of one date.

    The bytecode is not checked against its source: the image's files never change, and its root cannot be written.
    """
    shutil.rmtree(folder / "bin", ignore_errors=True)  # scripts that name the builder's Python
    for pattern in UNUSED_FOLDERS:
        for found in list(folder.rglob(pattern)):
            if found.is_dir() and not found.is_symlink():
                shutil.rmtree(found)
    for pattern in UNUSED_FILES:
        for found in list(folder.rglob(pattern)):
            found.unlink()
    for record in folder.glob("*.dist-info/RECORD"):
        lines = record.read_text().splitlines(keepends=True)
        record.write_text("".join(line for line in lines if (folder / next(csv.reader([line]))[0]).exists()))
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(
        folder, maxlevels=99, quiet=2, workers=0, stripdir=str(DESTDIR), prependdir="/", invalidation_mode=mode
    )
    for path in [folder, *folder.rglob("*")]:
        runs = path.is_dir() or path.suffix == ".so"
        path.chmod(0o755 if runs else 0o644)
        os.utime(path, (DATED, DATED))


def main() -> None:
    """One step a call, so that each can be a layer of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    for name in ("tools", "dependencies", "bill"):
        steps.add_parser(name)
    own = steps.add_parser("program")
    own.add_argument("--version", required=True)
    given = vars(parser.parse_args())
    of_name: dict[str, Callable[..., None]] = {f.__name__: f for f in (tools, dependencies, program, bill)}
    of_name[given.pop("step")](**given)


if __name__ == "__main__":
    main()
