"""Programs that tests need and that are made here, once per change of their sources, into the user's cache.

Skips, saying why, where a tool is not on this machine or packages cannot be fetched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.apiserver.go_build import one_builder
from sandbox.apiserver.toolchain import cache_folder, find_go
from sandbox.programs import ProgramError

BUILD_SECONDS = 900
# As sandbox/apiserver/go_build.py has them: what both need of Kubernetes is then compiled once.
SHARED = ("-mod=readonly", "-trimpath", "-buildvcs=false")
GO = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
FETCHED = "node_modules"  # by whoever works on the sources; never part of them
NO_NETWORK = (
    *("dial tcp", "lookup ", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT"),
    *("Temporary failure in name resolution", "Unknown host", "UnknownHostException", "in offline mode"),
)


def go_built(source: Path, *packages: str) -> Path:
    """The folder with the programs of a Go module: its own, or `packages` of the modules that it requires."""
    try:
        go = find_go(cache_folder())
    except (ProgramError, OSError) as error:
        pytest.skip(f"no Go on this machine, so what is written in it is not tried: {error}")

    def fill(folder: Path) -> None:
        build([go, "build", *SHARED, "-ldflags=-s -w", "-o", f"{folder}/", *(packages or ["./..."])], source, **GO)

    return built(source, fill, *packages)


def built(source: Path, fill: Callable[[Path], None], *parts: str) -> Path:
    """The folder that `fill` fills, made anew when a file of `source` has changed; one builder at a time."""
    digest = hashlib.sha256("\0".join(parts).encode())
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        if FETCHED not in file.parts:
            digest.update(file.relative_to(source).as_posix().encode() + file.read_bytes())
    folder = cache_folder() / "tests" / f"{source.name}-{digest.hexdigest()[:16]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with one_builder(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            fresh = Path(tempfile.mkdtemp(dir=folder.parent))
            try:
                fill(fresh)
                fresh.rename(folder)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
    return folder


def build(command: list[str | Path], folder: Path, **environment: str) -> None:
    """Run one step of a build in a folder."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode == 0:
        return
    told = done.stdout + done.stderr
    if any(word in told for word in NO_NETWORK):
        pytest.skip(f"the packages of {folder.name} cannot be fetched without a network: {told[-300:]}")
    pytest.fail(f"{' '.join(map(str, command))} failed:\n{told[-3000:]}", pytrace=False)
