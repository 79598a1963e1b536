"""Build this folder's Go, Node and Java programs into the user's cache, once per change of their sources, and run them.

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
COPY_LIBRARIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
NO_NETWORK = (
    *("dial tcp", "lookup ", "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT"),
    *("Temporary failure in name resolution", "Unknown host", "UnknownHostException", "in offline mode"),
)


def go_programs() -> Path:
    """The folder with the built Go programs that call the cloud."""
    return _go_built("go")


def health_program() -> Path:
    """The Go program that says what kstatus, Flux and Argo CD make of an object."""
    return _go_built("health") / "health"


def node_programs() -> Path:
    """The folder with the Node programs and their packages."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node and npm on PATH, so the Node SDKs are not tried")

    def build(folder: Path) -> None:
        shutil.copytree(HERE / "node", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        _build([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

    return _built("node", build)


def java_programs() -> Path:
    """The folder with the built Java program and its libraries, each of which is what `libraries.sha256` says."""
    _need("java", "keytool")

    def build(folder: Path) -> None:
        _need("javac", "mvn")
        sources, libraries = HERE / "java", folder / "libraries"
        _build(["mvn", "-q", "-B", COPY_LIBRARIES, f"-DoutputDirectory={libraries}"], sources)
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in libraries.iterdir()}
        assert _expected(sources / "libraries.sha256") == found
        _build(["javac", "-encoding", "UTF-8", "-d", folder / "classes", "-cp", f"{libraries}/*", "Imm.java"], sources)

    return _built("java", build)


def java(cloud: LocalCloud, name: str, folder: Path, *, trusting: bool = True) -> list[str | Path]:
    """The command that runs a Java program; over HTTPS it trusts the cloud's authority by a store made in `folder`."""
    built = java_programs()
    command: list[str | Path] = ["java", "-cp", f"{built / 'classes'}:{built / 'libraries'}/*"]
    if cloud.ca_file is not None and trusting:
        store, password = folder / "trusted.p12", "changeit"
        made = ["keytool", "-importcert", "-noprompt", "-alias", "local-cloud", "-file", cloud.ca_file]
        _build([*made, "-storetype", "PKCS12", "-keystore", store, "-storepass", password], folder)
        command += [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={password}"]
    return [*command, name]


def run(program: list[str | Path], cloud: LocalCloud, **settings: str) -> dict[str, Any]:
    """Run a program against the cloud, by settings in its environment; the one line of JSON it prints."""
    done = start(program, cloud, **settings)
    assert 0 == done.returncode, f"{program[-1]} failed:\n{done.stdout}{done.stderr}"
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def start(program: list[str | Path], cloud: LocalCloud, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever that is."""
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
    return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)


def _go_built(name: str) -> Path:
    try:
        go = find_go(cache_folder())
    except (ProgramError, OSError) as error:
        pytest.skip(f"no Go on this machine, so what is written in it is not tried: {error}")

    def build(folder: Path) -> None:
        _build([go, "build", "-mod=readonly", "-o", folder, "./..."], HERE / name)

    return _built(name, build)


def _need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} on PATH, so the Java SDK is not tried: it takes a JDK and Maven")


def _expected(lock: Path) -> dict[str, str]:
    """Digests by file name, from lines as sha256sum writes them."""
    pairs = (line.split() for line in lock.read_text().splitlines())
    return {name: digest for digest, name in pairs}


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
    if any(word in told for word in NO_NETWORK):
        pytest.skip(f"the packages of {folder.name} cannot be fetched without a network: {told[-300:]}")
    pytest.fail(f"{' '.join(map(str, command))} failed:\n{told[-3000:]}", pytrace=False)
