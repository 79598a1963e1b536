"""Build the Go and Node programs of this folder into the user's cache, once per change of their sources, and run them.

Skips, saying why, where a language's tools are not on this machine or its packages cannot be fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.apiserver.toolchain import cache_folder, find_go
from sandbox.programs import ProgramError

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.testing import LocalCloud

HERE = Path(__file__).parent
BUILD_SECONDS = 300
RUN_SECONDS = 60


def go_programs() -> Path:
    """The folder with the built Go programs."""
    try:
        go = find_go(cache_folder())
    except (ProgramError, OSError) as error:
        pytest.skip(f"no Go on this machine, so its SDKs are not tried: {error}")

    def build(folder: Path) -> None:
        _build([go, "build", "-mod=readonly", "-o", folder, "./..."], HERE / "go")

    return _built("go", build)


def node_programs() -> Path:
    """The folder with the Node programs and their packages."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node and npm on PATH, so the Node SDKs are not tried")

    def build(folder: Path) -> None:
        shutil.copytree(HERE / "node", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        _build([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

    return _built("node", build)


def run(program: list[str | Path], cloud: LocalCloud, **settings: str) -> dict[str, Any]:
    """Run a program against the cloud, by settings in its environment; the one line of JSON it prints."""
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "URL": cloud.url,
        "HOST": cloud.host,
        "PROTOCOL": cloud.protocol,
        "REGION": cloud.region,
        "ACCESS_KEY_ID": cloud.access_key_id,
        "ACCESS_KEY_SECRET": cloud.access_key_secret,
        "ACCOUNT_ID": cloud.account_id,
        **settings,
    }
    if cloud.ca_file is not None:
        environment |= {"SSL_CERT_FILE": cloud.ca_file, "NODE_EXTRA_CA_CERTS": cloud.ca_file}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    assert 0 == done.returncode, f"{program[-1]} failed:\n{done.stdout}{done.stderr}"
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _built(language: str, build: Callable[[Path], None]) -> Path:
    """The folder that `build` fills, made anew when a source has changed; two builders at once do no harm."""
    digest = hashlib.sha256()
    for source in sorted(path for path in (HERE / language).rglob("*") if path.is_file()):
        if "node_modules" not in source.parts:
            digest.update(source.relative_to(HERE).as_posix().encode() + source.read_bytes())
    folder = cache_folder() / "contract" / f"{language}-{digest.hexdigest()[:16]}"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            build(fresh)
            fresh.rename(folder)
        except OSError:  # another process was first: its copy is as good as ours
            if not folder.is_dir():
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _build(command: list[str | Path], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    if done.returncode == 0:
        return
    told = done.stdout + done.stderr
    if any(word in told for word in ("dial tcp", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "lookup ")):
        pytest.skip(f"the packages of {folder.name} cannot be fetched without a network: {told[-300:]}")
    pytest.fail(f"{' '.join(map(str, command))} failed:\n{told[-3000:]}", pytrace=False)
