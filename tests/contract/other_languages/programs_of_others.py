"""Build this folder's Go, Node and Java programs into the user's cache, once per change of their sources, and run them.

Skips, saying why, where a language's tools are not on this machine or its packages cannot be fetched.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.built import build, built, go_built

if TYPE_CHECKING:
    from emulator.testing import LocalCloud

HERE = Path(__file__).parent
RUN_SECONDS = 60
COPY_LIBRARIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def go_programs() -> Path:
    """The folder with the built Go programs that call the cloud."""
    return go_built(HERE / "go")


def health_program() -> Path:
    """The Go program that says what kstatus, Flux and Argo CD make of an object."""
    return go_built(HERE / "health") / "health"


def node_programs() -> Path:
    """The folder with the Node programs and their packages."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node and npm on PATH, so the Node SDKs are not tried")

    def fill(folder: Path) -> None:
        shutil.copytree(HERE / "node", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules"))
        build([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)

    return built(HERE / "node", fill)


def java_programs() -> Path:
    """The folder with the built Java program and its libraries, each of which is what `libraries.sha256` says."""
    _need("java", "keytool")

    def fill(folder: Path) -> None:
        _need("javac", "mvn")
        sources, libraries = HERE / "java", folder / "libraries"
        build(["mvn", "-q", "-B", COPY_LIBRARIES, f"-DoutputDirectory={libraries}"], sources)
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in libraries.iterdir()}
        assert _expected(sources / "libraries.sha256") == found
        build(["javac", "-encoding", "UTF-8", "-d", folder / "classes", "-cp", f"{libraries}/*", "Imm.java"], sources)

    return built(HERE / "java", fill)


def java(cloud: LocalCloud, name: str, folder: Path, *, trusting: bool = True) -> list[str | Path]:
    """The command that runs a Java program; over HTTPS it trusts the cloud's authority by a store made in `folder`."""
    built = java_programs()
    command: list[str | Path] = ["java", "-cp", f"{built / 'classes'}:{built / 'libraries'}/*"]
    if cloud.ca_file is not None and trusting:
        store, password = folder / "trusted.p12", "changeit"
        made = ["keytool", "-importcert", "-noprompt", "-alias", "local-cloud", "-file", cloud.ca_file]
        build([*made, "-storetype", "PKCS12", "-keystore", store, "-storepass", password], folder)
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


def _need(*tools: str) -> None:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"no {' and no '.join(missing)} on PATH, so the Java SDK is not tried: it takes a JDK and Maven")


def _expected(lock: Path) -> dict[str, str]:
    """Digests by file name, from lines as sha256sum writes them."""
    pairs = (line.split() for line in lock.read_text().splitlines())
    return {name: digest for digest, name in pairs}
