"""The image's files, made by the Dockerfile's steps without an engine, and the operator run from them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from controller.cli import main
from sandbox.demo.stage import Stage
from sandbox.image.container import Container, refusal
from sandbox.image.layout import Layout, lay_out
from sandbox.image.proof import prove
from sandbox.programs import ProgramError
from tests.built import NO_NETWORK

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
ROOT = Path(__file__).resolve().parents[2]
MEGABYTES = 100  # measured: 89
RESIDENT_MIB = 150  # measured: 99
UNLICENSED = {"oss2"}  # its metadata says nothing of a licence


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Made once: every step of the Dockerfile."""
    try:
        return lay_out(tmp_path_factory.mktemp("image"), {"REVISION": "abc"})
    except ProgramError as error:
        if any(word in str(error) for word in NO_NETWORK):
            pytest.skip(f"the image's packages cannot be fetched without a network: {error}")
        raise


@pytest.fixture(scope="module")
def container(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Container:
    """Processes in the image's files."""
    if reason := refusal():
        pytest.skip(reason)
    return Container(layout, tmp_path_factory.mktemp("container"))


def test_the_operator_does_its_work_from_read_only_files_as_another_user(
    layout: Layout, container: Container, tmp_path: Path
) -> None:
    """Two bindings Ready, nothing written, the end on SIGTERM: as process 1 and user 65532, with no shell around."""
    found = prove(layout, tmp_path, Stage())
    asked = {name: found[name] for name in ("user", "group", "groups", "process", "shells")}
    assert {"user": 65532, "group": 65532, "groups": [], "process": 1, "shells": []} == asked
    assert found["writable"] == ["/tmp"]  # noqa: S108 - the container's own
    assert found["strange_packages"] == []  # the base brought nothing that hides a gap in ours
    assert found["bindings_ready"] == 2
    assert found["changed_files"] == []
    assert found["left_in_tmp"] == []
    assert found["exit_code"] == 0
    assert found["resident_mib"]["in_use"] < RESIDENT_MIB
    first = json.loads((tmp_path / "operator.log").read_text().splitlines()[0])
    assert ("0.1.0", "abc") == (first["version"], first["revision"])


def test_the_other_commands_work_in_the_image(layout: Layout, container: Container, tmp_path: Path) -> None:
    """`crds` prints what is checked in: the definitions can be taken out of the image that serves them."""
    crds = container.output([*layout.stage.entrypoint, "crds"], tmp_path / "crds.log")
    assert sorted(re.split("^(?=# Generated)", crds, flags=re.MULTILINE)[1:]) == sorted(
        path.read_text() for path in (ROOT / "crds").glob("*.yaml")
    )
    assert "imm-operator, version" in container.output(
        [*layout.stage.entrypoint, "--version"], tmp_path / "version.log"
    )
    for words in (["docs"], *([name, "--help"] for name in main.commands)):
        assert container.output([*layout.stage.entrypoint, *words], tmp_path / "words.log")


def test_the_image_is_small_and_holds_the_operator_alone(layout: Layout) -> None:
    """No other room of the source, no installer, no tests, and every module compiled for good."""
    assert layout.megabytes < MEGABYTES
    assert {"app"} == {path.name for path in layout.root.iterdir()}
    assert {"program", "dependencies"} == {path.name for path in layout.home.iterdir()}
    top = {path.name for path in (layout.home / "program").iterdir()}
    assert {"controller", "imm_operator-0.1.0.dist-info", "sbom.cdx.json"} == top
    packages = {path.name for path in (layout.home / "dependencies").iterdir()}
    assert not packages & {"pip", "setuptools", "hatchling", "cyclonedx", "pulumi", "PIL", "numpy", "rich", "bin"}
    sources = [path for path in layout.home.rglob("*.py") if "templates" not in path.parts]
    uncompiled = [path for path in sources if not list(path.parent.glob(f"__pycache__/{path.stem}.*.pyc"))]
    assert uncompiled == []
    assert not [path for path in layout.home.rglob("*") if path.stat().st_mode & 0o022]


def test_the_bill_in_the_image_is_what_is_in_the_image(layout: Layout) -> None:
    """Valid, no package more or less, each with licence and the hash that its lock has; nothing stands unconnected."""
    text = (layout.home / "program" / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    installed = set(_installed(layout))
    components = document["components"]
    own = document["metadata"]["component"]
    assert installed == {(c["name"], c["version"]) for c in [own, *components]}
    lock = (ROOT / "deploy/image/requirements.lock").read_text().replace("\\\n", " ")
    unlocked = [c["name"] for c in components if not _is_locked(c, lock)]
    assert unlocked == []
    assert {c["name"] for c in components if not c.get("licenses")} == UNLICENSED
    needed = {ref for entry in document["dependencies"] for ref in entry.get("dependsOn", [])}
    assert {c["bom-ref"] for c in components} == needed
    inner = [r["url"] for c in components for r in c.get("externalReferences", [])]
    assert inner
    assert all((layout.home / "dependencies" / url).is_file() for url in inner)


def test_the_steps_give_the_same_program_again(layout: Layout, tmp_path: Path) -> None:
    """The layer of our own package depends on the sources alone: not on the time, nor on the folder it was made in."""
    builder = layout.root.parent / "builder"
    step = [sys.executable, str(builder / "source/deploy/image/install.py"), "program", "--version", "0.1.0"]
    (tmp_path / "app/build").mkdir(parents=True)
    (tmp_path / "app/build/tools").symlink_to(builder / "app/build/tools")
    subprocess.run(step, env={"DESTDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=True)
    first, again = (_digest(root / "app/program") for root in (layout.root, tmp_path))
    del first["sbom.cdx.json"]
    assert first == again


def _installed(layout: Layout) -> Iterator[tuple[str, str]]:
    for distribution in distributions(path=[str(path) for path in layout.home.iterdir()]):
        yield canonicalize_name(distribution.name), distribution.version


def _is_locked(component: dict[str, Any], lock: str) -> bool:
    (digest,) = [entry["content"] for entry in component["hashes"] if entry["alg"] == "SHA-256"]
    line = re.search(rf"^{re.escape(component['name'])}=={re.escape(component['version'])}\b.*$", lock, re.MULTILINE)
    return line is not None and f"sha256:{digest}" in line[0]


def _digest(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
